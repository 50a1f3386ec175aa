# SPDX-License-Identifier: Apache-2.0
"""Reads back what a packaged library carries: the list at the head of its payload, and the files.

The library may come from anyone, so every offset and size in it is checked against the file.
"""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, Final

import msgspec

from falcokit.package.artifact.payload import ALIGN, MAGIC

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Carried", "CarriedFile", "read_carried"]

_PAGE: Final = 4096
_MAX_LIST: Final = 1 << 20
_LENGTH_BYTES: Final = 8


class CarriedFile(msgspec.Struct, frozen=True):
    """A file of the payload; `module` is the name that it is imported by, if any."""

    name: str
    bytes: int
    module: str | None = None


class Carried(msgspec.Struct, frozen=True):
    """The list of a payload."""

    key: str
    name: str
    version: str
    python: str
    distributions: dict[str, str]
    items: tuple[CarriedFile, ...]
    start: int = 0
    """Offset of the first item in the library."""

    def files(self, library: Path) -> Iterator[tuple[str, bytes]]:
        """Yield name and content of each item."""
        with library.open("rb") as stream:
            at = self.start
            for item in self.items:
                stream.seek(at)
                yield item.name, stream.read(max(item.bytes, 0))
                at += max(item.bytes, 0)
                at += -at % ALIGN


def read_carried(library: Path) -> Carried | None:
    """Return the list, or None if falcokit did not package the library."""
    with (
        library.open("rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as image,
    ):
        at = image.find(MAGIC)
        while at >= 0 and at % _PAGE:  # the section is aligned to a page
            at = image.find(MAGIC, at + 1)
        if at < 0:
            return None
        text = at + len(MAGIC) + _LENGTH_BYTES
        length = int.from_bytes(image[at + len(MAGIC) : text], "little")
        if length > _MAX_LIST:
            return None
        try:
            listed = msgspec.json.decode(image[text : text + length], type=Carried)
        except (msgspec.DecodeError, msgspec.ValidationError):
            return None
    end = text + length
    return msgspec.structs.replace(listed, start=end + -(end - at) % ALIGN)
