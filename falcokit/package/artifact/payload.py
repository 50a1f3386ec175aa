# SPDX-License-Identifier: Apache-2.0
"""The payload of an artifact: its items, the key that names them, and where they lie.

The C side is src/payload/store.h. The payload begins with a list of its items, as JSON, for tools:
nothing reads that at run time.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from falcokit.build.filling import PAYLOAD_SECTION
from falcokit.build.plugin_data import CarriedItem, CarriedPayload
from falcokit.package.link.relink import MARK

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = [
    "ALIGN",
    "MAGIC",
    "PACKAGES",
    "SECTION",
    "Carried",
    "CarriedFile",
    "Item",
    "Payload",
    "carried_payload",
    "make_payload",
    "read_carried",
]

MAGIC: Final = b"FALCOKIT"
SECTION: Final = PAYLOAD_SECTION
ALIGN: Final = 64
_PAGE: Final = 4096
#: The module of the item with packages that need a folder begins so; their names follow.
PACKAGES: Final = "//"
_KEY_DIGITS: Final = len(MARK)


@dataclass(frozen=True, kw_only=True)
class Item:
    """One file of the payload."""

    name: str
    data: bytes
    module: str | None = None
    needs: tuple[int, ...] = ()
    """Positions, in the payload, of libraries to load before this one."""


@dataclass(frozen=True, kw_only=True)
class Payload:
    """Items with their key written in, and where each begins in the section."""

    key: str
    items: tuple[Item, ...]
    offsets: tuple[int, ...]
    blob: bytes
    """The section of the single file."""


def make_payload(items: Sequence[Item], about: dict[str, Any], *, extra: bytes) -> Payload:
    """Compute the key of the content, write it over the marks, and lay the items out.

    `about` is for tools; `extra` is what else identifies this build (the entry library).
    """
    digest = hashlib.sha256(extra)
    for item in items:
        head = json.dumps([item.name, item.module, item.needs, len(item.data)])
        digest.update(head.encode())
        digest.update(item.data)
    key = digest.hexdigest()[:_KEY_DIGITS]
    named = tuple(_with_key(item, key) for item in items)
    listed = [{"name": i.name, "module": _module(i), "bytes": len(i.data)} for i in named]
    text = json.dumps({**about, "key": key, "items": listed}, sort_keys=True).encode()
    blob = bytearray(MAGIC + struct.pack("<Q", len(text)) + text)
    offsets = []
    for item in named:
        blob += bytes(-len(blob) % ALIGN)
        offsets.append(len(blob))
        blob += item.data
    blob += bytes(-len(blob) % _PAGE)
    return Payload(key=key, items=named, offsets=tuple(offsets), blob=bytes(blob))


def _module(item: Item) -> str | None:
    return None if item.module is None or item.module.startswith(PACKAGES) else item.module


def _with_key(item: Item, key: str) -> Item:
    data = item.data.replace(MARK.encode(), key.encode()) if MARK in item.name or (
        item.module is not None) else item.data  # fmt: skip
    return Item(name=item.name.replace(MARK, key), data=data, module=item.module, needs=item.needs)


def carried_payload(
    payload: Payload, *, glue: int, archive: int, folder: str | None
) -> CarriedPayload:
    """Return what the library has to know of its payload.

    Args:
        payload: The items.
        glue: Position of the glue.
        archive: Position of the zip with all Python code.
        folder: Of the dir layout; None for the single file.

    """
    items = [
        CarriedItem(
            name=item.name,
            module=item.module,
            offset=offset,
            size=len(item.data),
            sha256=hashlib.sha256(item.data).digest(),
            needs=item.needs,
        )
        for item, offset in zip(payload.items, payload.offsets, strict=True)
    ]
    return CarriedPayload(items=items, glue=glue, archive=archive, folder=folder)


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
