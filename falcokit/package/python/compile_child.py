# SPDX-License-Identifier: Apache-2.0
"""The process in which the shipped Python compiles sources from stdin to bytecode on stdout.

Started by `bytecode` as a script of that Python, which has no falcokit: the standard library only.
A document is the length of a JSON head (8 bytes), the head, and the blobs that it lists.
"""

from __future__ import annotations

import importlib.util
import json
import marshal
import sys
import warnings

__all__ = ["main"]

#: A hash of the source that is never compared: zip archives and memory files have no sources.
_UNCHECKED_HASH = b"\1\0\0\0"


def _compile(source: bytes, filename: str, optimize: int) -> bytes:
    code = compile(source, filename, "exec", dont_inherit=True, optimize=optimize)
    stamp = importlib.util.source_hash(source)
    return importlib.util.MAGIC_NUMBER + _UNCHECKED_HASH + stamp + marshal.dumps(code)


def main() -> None:
    """Compile the sources from stdin, in their order."""
    warnings.simplefilter("ignore")  # warnings are for the dependency's author
    read = sys.stdin.buffer.read
    head = json.loads(read(int.from_bytes(read(8), "little")))
    modules = []
    failed = {}
    blobs = []
    for name, filename, size in head["sources"]:
        source = read(size)
        try:
            blob = _compile(source, filename, head["optimize"])
        except SyntaxError as e:
            failed[name] = [f"{type(e).__name__}: {e.msg}", e.lineno]
        except Exception as e:  # noqa: BLE001  # a source may raise anything in the compiler
            failed[name] = [f"{type(e).__name__}: {e}", None]
        else:
            modules.append([name, len(blob)])
            blobs.append(blob)
    answer = json.dumps({"modules": modules, "failed": failed}).encode()
    out = sys.stdout.buffer
    out.write(len(answer).to_bytes(8, "little") + answer)
    out.writelines(blobs)
    out.flush()


if __name__ == "__main__":
    main()
