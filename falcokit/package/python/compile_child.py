# SPDX-License-Identifier: Apache-2.0
"""The process in which the shipped Python compiles sources from stdin to bytecode on stdout.

It also says what each of them imports.

Started by `bytecode` as a script of that Python, which has no falcokit: the standard library only.
A document is the length of a JSON head (8 bytes), the head, and the blobs that it lists.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import marshal
import sys
import warnings

__all__ = ["main"]

#: A hash of the source that is never compared: zip archives and memory files have no sources.
_UNCHECKED_HASH = b"\1\0\0\0"


def _imports(tree: ast.Module) -> list[list[object]]:
    """Return what is imported by absolute names: name, line, and how.

    "always" when the module is imported, "sometimes" where the module tries or asks first, "later"
    in a function; not what is for type checkers alone.
    """
    found: dict[str, list[object]] = {}
    left: list[tuple[ast.AST, str]] = [(node, "always") for node in reversed(tree.body)]
    while left:
        node, how = left.pop()
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            how = "later" if how == "always" else how
        elif isinstance(node, (ast.Try, ast.TryStar, ast.If, ast.With)):
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
                left += [(child, how) for child in node.orelse]
                continue
            how = "sometimes"
        elif not isinstance(node, ast.stmt):
            continue
        for name in names:
            found.setdefault(name, [name, node.lineno, how])
        left += [(child, how) for child in ast.iter_child_nodes(node)]
    return list(found.values())


def _compile(tree: ast.Module, source: bytes, filename: str, optimize: int) -> bytes:
    code = compile(tree, filename, "exec", dont_inherit=True, optimize=optimize)
    stamp = importlib.util.source_hash(source)
    return importlib.util.MAGIC_NUMBER + _UNCHECKED_HASH + stamp + marshal.dumps(code)


def main() -> None:
    """Compile the sources from stdin, in their order."""
    warnings.simplefilter("ignore")  # warnings are for the dependency's author
    read = sys.stdin.buffer.read
    head = json.loads(read(int.from_bytes(read(8), "little")))
    modules = []
    failed = {}
    imports = {}
    blobs = []
    for name, filename, size in head["sources"]:
        source = read(size)
        try:
            tree = ast.parse(source, filename)
            blob = _compile(tree, source, filename, head["optimize"])
        except SyntaxError as e:
            failed[name] = [f"{type(e).__name__}: {e.msg}", e.lineno]
        except Exception as e:  # noqa: BLE001  # a source may raise anything in the compiler
            failed[name] = [f"{type(e).__name__}: {e}", None]
        else:
            imports[name] = _imports(tree)
            modules.append([name, len(blob)])
            blobs.append(blob)
    found = {"modules": modules, "failed": failed, "imports": imports}
    answer = json.dumps(found).encode()
    out = sys.stdout.buffer
    out.write(len(answer).to_bytes(8, "little") + answer)
    out.writelines(blobs)
    out.flush()


if __name__ == "__main__":
    main()
