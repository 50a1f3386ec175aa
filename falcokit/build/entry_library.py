# SPDX-License-Identifier: Apache-2.0
"""Compiles an entry library: the small C file that differs between plugins.

What opens the payload of an artifact is larger, and the same in all of them: an object that is
kept.
"""

from __future__ import annotations

import functools
import sysconfig
from typing import TYPE_CHECKING

from falcokit.native import PLUGIN_API, SOURCES
from falcokit.toolchain.cache import cached, key_of, replacing
from falcokit.toolchain.command import run
from falcokit.toolchain.compiler import find_compiler

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["compile_entry", "entry_key", "payload_object"]

_FLAGS = (
    *("-std=gnu11", "-D_GNU_SOURCE=1", "-O2", "-fPIC", "-pthread"),
    *("-fvisibility=hidden", "-include", "abi/old_glibc.h"),
)
_LINKED = (
    *("-shared", "-Wl,-z,now", "-Wl,--no-undefined"),
    *("-Wl,--no-as-needed", "-l:libdl.so.2", "-l:libpthread.so.0"),
)
_PARTS = "entry/payload_parts.c"


@functools.cache
def entry_key() -> str:
    """Hash what every entry library is made of: the shared C, the compiler."""
    return _key("entry/*.c")


def _key(*patterns: str) -> str:
    files = sorted(
        file
        for pattern in (*patterns, "payload/*", "memory/sha256.*", "abi/*")
        for file in SOURCES.glob(pattern)
    )
    compiler = find_compiler()
    parts = [*files, PLUGIN_API]
    flags = [*_FLAGS, *_LINKED]
    return key_of([compiler.path, compiler.version, *flags, *(f.read_bytes() for f in parts)])


def payload_object() -> Path:
    """Return what opens a payload, compiled: from the cache, or made now (a second).

    It is to be linked into the entry library of an artifact.
    """

    def make(target: Path) -> None:
        # From its own folder: no path of this machine is in it.
        run(
            [find_compiler().path, *_FLAGS, "-I", ".", "-c", _PARTS, "-o", str(target.absolute())],
            cwd=SOURCES,
        )

    return cached("payload.o", key_of([_key(_PARTS), sysconfig.get_platform()]), make).absolute()


def compile_entry(text: str, source: Path, library: Path, flags: Iterable[str] = ()) -> None:
    """Compile `text` to `library`, and keep it as `source`.

    The source is put in place last: it tells the next build what the library was made of. It is
    compiled in its own folder, and names files there without a path.
    """
    with replacing(source) as draft, replacing(library) as fresh:
        draft.write_text(text)
        run(
            [
                find_compiler().path,
                *(*_FLAGS, *_LINKED),
                *("-I", str(SOURCES), "-I", str(PLUGIN_API.parent)),
                *(str(draft.absolute()), "-o", str(fresh.absolute()), *flags),
            ],
            cwd=source.parent,
        )
