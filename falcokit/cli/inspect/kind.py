# SPDX-License-Identifier: Apache-2.0
"""Recognizes a plugin library or an artifact by its first bytes; all else may be a capture."""

from __future__ import annotations

import os
import zlib
from typing import Final

__all__ = ["is_library_or_artifact"]

_ELF: Final = b"\x7fELF"
_GZIP: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 31
_START: Final = 4096
#: What a tar has in the header of its first file.
_TAR: Final = b"ustar"
_TAR_AT: Final = 257


def is_library_or_artifact(file: str) -> bool:
    """Return whether `file` is ELF, or a gzip with a tar inside."""
    try:
        if not os.path.isfile(file):  # noqa: PTH113 - opening a pipe would take its first reader
            return False
        with open(file, "rb") as stream:  # noqa: PTH123 - pathlib takes 5 ms to load
            start = stream.read(_START)
    except (OSError, ValueError):
        return False
    if not start.startswith(_GZIP):
        return start.startswith(_ELF)
    try:
        inflated = zlib.decompressobj(_GZIP_WINDOW).decompress(start, _START)
    except zlib.error:
        return False
    return inflated[_TAR_AT:].startswith(_TAR)
