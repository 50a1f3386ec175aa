# SPDX-License-Identifier: Apache-2.0
"""The entry library of a plugin: a blank, compiled once, that is filled for each plugin."""

from __future__ import annotations

import sysconfig
from typing import TYPE_CHECKING, Final

from falcokit.build.filling import fill
from falcokit.build.plugin_data import plugin_data, plugin_symbols
from falcokit.native import PLUGIN_API, SOURCES
from falcokit.toolchain.cache import cached, key_of
from falcokit.toolchain.compiler import compile_and_link, find_compiler
from falcokit.toolchain.prebuilt import prebuilt

if TYPE_CHECKING:
    from pathlib import Path

    from falcokit.build.metadata import PluginMetadata
    from falcokit.build.plugin_data import CarriedPayload

__all__ = ["BLANK", "blank_entry", "entry_library"]

BLANK: Final = "libfalcokit_entry.so"

_FLAGS = (
    *("-std=gnu11", "-D_GNU_SOURCE=1", "-O2", "-fPIC", "-pthread"),
    *("-fvisibility=hidden", "-include", "abi/old_glibc.h"),
)
_LINKED = (
    *("-shared", "-Wl,-z,now", "-Wl,--no-undefined", "-Wl,-Bsymbolic"),
    *("-Wl,--hash-style=gnu", "-Wl,--build-id=sha1"),
    *("-Wl,--no-as-needed", "-l:libdl.so.2", "-l:libpthread.so.0"),
)
#: The rooms that it is made of; of `memory` what the payload is checked with.
_PARTS = ("entry/*", "payload/*", "memory/sha256.*", "abi/*")


def blank_entry() -> Path:
    """Return the entry library of no plugin: carried, or compiled once (a second or two)."""
    if (carried := prebuilt(BLANK)) is not None:
        return carried
    files = [file for part in _PARTS for file in sorted(SOURCES.glob(part))]
    compiler = find_compiler()
    key = key_of(
        [
            *(compiler.path, compiler.version, sysconfig.get_platform(), *_FLAGS, *_LINKED),
            *(file.read_bytes() for file in (*files, PLUGIN_API)),
        ]
    )

    def make(target: Path) -> None:
        sources = [file for file in files if file.suffix == ".c"]
        flags = [*_FLAGS, "-I", str(SOURCES), "-I", str(PLUGIN_API.parent)]
        compile_and_link(compiler.path, flags, sources, target, _LINKED)

    return cached(BLANK, key, make, what="the entry library")


def entry_library(
    meta: PluginMetadata,
    *,
    target: str,
    source_dir: str,
    glue: str,
    libpython: str = "",
    carried: CarriedPayload | None = None,
    payload: bytes = b"",
) -> bytes:
    """Return the library of a plugin; the arguments are those of `plugin_data` and `fill`."""
    data = plugin_data(
        meta, target=target, source_dir=source_dir, glue=glue, libpython=libpython, payload=carried
    )
    blank = blank_entry().read_bytes()
    return fill(blank, symbols=plugin_symbols(meta), data=data, payload=payload)
