# SPDX-License-Identifier: Apache-2.0
"""Compiles sources with the shipped Python, reproducibly.

Used for the standard library, the distributions and the author's modules. What makes the bytes the
same: one process with a fixed hash seed, the sources in sorted order, and file names inside the
artifact, never on this machine.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from falcokit.errors import PackageError
from falcokit.package.python import compile_child
from falcokit.package.python.python_runtime import child_environment
from falcokit.toolchain.cache import cache_folder, key_of, mark_used, replacing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from falcokit.package.python.python_runtime import PythonRuntime

__all__ = ["CompileFailure", "Compiled", "Import", "compile_sources", "read_source"]

_CHILD = Path(compile_child.__file__)
_COMPILE_WITHIN_S = 300
_DIGEST_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class CompileFailure:
    """Why this Python cannot compile a source."""

    message: str
    line: int | None

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}" if self.line else self.message


class Import(NamedTuple):
    """A module that a source imports by an absolute name."""

    name: str
    line: int
    how: str
    """"always", "sometimes" (it tries, or asks first) or "later" (in a function)."""


@dataclass(frozen=True, kw_only=True)
class Compiled:
    """Bytecode files by their names in an archive, in sorted order of the sources' names."""

    modules: dict[str, bytes]
    """ "pkg/mod.pyc" -> the file."""
    failed: dict[str, CompileFailure]
    """ "pkg/mod.py" -> why it was not compiled."""
    imports: dict[str, tuple[Import, ...]]
    """ "pkg/mod.py" -> what it imports, `from a import b` as a and as a.b."""


def compile_sources(
    runtime: PythonRuntime,
    sources: Mapping[str, Path],
    *,
    shown: str,
    optimize: int = 0,
    keep: bool = True,
) -> Compiled:
    """Compile `sources` ("pkg/mod.py" -> file); a traceback names them `shown`/pkg/mod.py.

    The result is kept in the cache folder unless `keep` is false.

    Raises:
        PackageError: a source cannot be read, or the compiling Python failed.

    """
    texts = {name: read_source(sources[name]) for name in sorted(sources)}
    names = [(name, f"{shown}/{name}" if shown else name, len(texts[name])) for name in texts]
    head = json.dumps({"sources": names, "optimize": optimize}).encode()
    request = b"".join([len(head).to_bytes(8, "little"), head, *texts.values()])
    key = key_of([runtime.identity, _CHILD.read_bytes(), request])
    target = cache_folder() / f"bytecode-{key}"
    if keep and (kept := _from_cache(target)) is not None:
        mark_used(target)
        return kept
    answer = _run_child(runtime, request)
    compiled = _parse(answer)
    if compiled is None:
        raise PackageError(f"{runtime.label} gave no bytecode for {shown}")
    if keep:
        _to_cache(target, answer)
    return compiled


def read_source(file: Path) -> bytes:
    """Return the content of a file; raise PackageError if it cannot be read."""
    try:
        return file.read_bytes()
    except OSError as e:
        raise PackageError(f"{file} cannot be read: {e.strerror}") from e


def _run_child(runtime: PythonRuntime, request: bytes) -> bytes:
    # Not -I or -E: they ignore PYTHONHASHSEED, and the bytecode depends on the order of sets.
    command = [str(runtime.python), "-P", "-S", "-s", "-B", str(_CHILD)]
    try:
        done = subprocess.run(
            command,
            input=request,
            env={**child_environment(), "PYTHONHASHSEED": "0"},
            capture_output=True,
            timeout=_COMPILE_WITHIN_S,
            check=False,
        )
    except OSError as e:
        raise PackageError(f"{runtime.label} cannot be run to compile: {e.strerror}") from e
    except subprocess.TimeoutExpired as e:
        raise PackageError(
            f"{runtime.label} did not compile within {_COMPILE_WITHIN_S} s",
            hint="is there a very large source file among the dependencies?",
        ) from e
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise PackageError(
            f"{runtime.label} failed to compile with status {done.returncode}"
            + (f": {said[-1]}" if said else "")
        )
    return done.stdout


def _parse(answer: bytes) -> Compiled | None:
    """Read the child's answer, or return None if it is incomplete."""
    at = 8 + int.from_bytes(answer[:8], "little")
    try:
        head: dict[str, Any] = json.loads(answer[8:at])
        modules = {}
        for name, size in head["modules"]:
            modules[f"{name}c"] = answer[at : at + size]
            at += size
        failed = {
            name: CompileFailure(message=message, line=line)
            for name, (message, line) in head["failed"].items()
        }
        imports = {
            name: tuple(Import(*found) for found in each) for name, each in head["imports"].items()
        }
    except (ValueError, KeyError, TypeError):
        return None
    if at != len(answer):
        return None
    return Compiled(modules=modules, failed=failed, imports=imports)


def _from_cache(target: Path) -> Compiled | None:
    try:
        content = target.read_bytes()
    except OSError:
        return None
    answer = content[_DIGEST_BYTES:]
    if hashlib.sha256(answer).digest() != content[:_DIGEST_BYTES]:
        return None  # cut short or damaged: it is compiled and written again
    return _parse(answer)


def _to_cache(target: Path, answer: bytes) -> None:
    # A full disk slows down the next run, but does not stop this one.
    with contextlib.suppress(OSError), replacing(target) as draft:
        draft.write_bytes(hashlib.sha256(answer).digest() + answer)
