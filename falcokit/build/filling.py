# SPDX-License-Identifier: Apache-2.0
"""Fills the blank of the entry library: a plugin's library from it, without a compiler.

The blank (native/src/entry/) is a finished library that exports the symbols of all capabilities. A
plugin's data, and the payload of a packaged one, are put behind its last segment; the symbols that
the plugin lacks are taken out of the table of exported ones. What no loader reads is left out.

The writable segment comes last in the file: a library that was cut short still loads and reports
it, where otherwise the host would die in the loader. The sections are kept in order, for `strip`,
debuggers, and what else reads them.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from falcokit.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

__all__ = ["DATA_SECTION", "PAYLOAD_SECTION", "fill"]

DATA_SECTION: Final = ".falcokit.plugin"
PAYLOAD_SECTION: Final = ".falcokit"

_MARK: Final = b"\nfalcokit-slot\n\0"
_HEADER: Final = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT: Final = struct.Struct("<IIQQQQQQ")
_SECTION: Final = struct.Struct("<IIQQQQIIQQ")
_SYMBOL: Final = struct.Struct("<IBBHQQ")
_NOTE: Final = struct.Struct("<III")
_SLOT: Final = struct.Struct("<QQQ")
_PT_LOAD, _PT_NOTE = 1, 4
_PROGBITS, _STRTAB, _NOBITS, _DYNSYM = 1, 3, 8, 11
_GNU_HASH, _GNU_VERSIONS = 0x6FFFFFF6, 0x6FFFFFFF
_ALLOCATED, _WRITABLE = 2, 1
_BUILD_ID: Final = 3
_PAGE: Final = 4096


@dataclass(frozen=True, kw_only=True)
class _Segment:
    at: int
    """Of its header."""
    kind: int
    flags: int
    offset: int
    address: int
    size: int
    memory: int


@dataclass(frozen=True, kw_only=True)
class _Section:
    name: str
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int = 0
    info: int = 0
    align: int = 1
    entry: int = 0


def fill(blank: bytes, *, symbols: Collection[str], data: bytes, payload: bytes = b"") -> bytes:
    """Return the library of a plugin.

    Args:
        blank: The entry library of no plugin.
        symbols: What it exports.
        data: Of the plugin.
        payload: Of the single file; empty in the other layouts.

    Raises:
        BuildError: the blank is not what falcokit's own C is compiled to.

    """
    segments = list(_segments(blank))
    last = max((s for s in segments if s.kind == _PT_LOAD), key=lambda s: s.address)
    sections = [s for s in _sections(blank) if s.flags & _ALLOCATED or s.kind == 0]
    if blank.count(_MARK) != 1 or any(s.offset > last.offset + last.size for s in sections):
        raise _foreign("its parts lie otherwise")
    # With the zeros behind the last segment written out, it ends where the file does.
    image = bytearray(blank[: last.offset + last.size] + bytes(last.memory - last.size))
    sections = [_written_out(section, last) for section in sections]
    sections = _export(image, sections, symbols)
    added = [(DATA_SECTION, data, 16)]
    if payload:
        added.append((PAYLOAD_SECTION, payload, _PAGE))
    slot = image.index(_MARK)
    places = []
    for name, content, align in added:
        image += bytes(-len(image) % align)
        address = last.address + len(image) - last.offset
        places.append(address - _address(segments, slot))
        sections.append(
            _Section(name=name, kind=_PROGBITS, flags=_ALLOCATED | _WRITABLE, address=address,
                     offset=len(image), size=len(content), align=align)
        )  # fmt: skip
        image += content
    _SLOT.pack_into(image, slot + len(_MARK), places[0], places[-1], len(payload))
    size = len(image) - last.offset
    struct.pack_into("<QQ", image, last.at + 32, size, size)
    _identify(image, segments)
    image += _table_of(image, sections)
    return bytes(image)


def _foreign(why: str) -> BuildError:
    return BuildError(f"the blank entry library cannot be filled: {why}", command=[], output="")


def _segments(blank: bytes) -> Iterator[_Segment]:
    header = _HEADER.unpack_from(blank)
    for at in range(header[5], header[5] + header[10] * _SEGMENT.size, _SEGMENT.size):
        kind, flags, offset, address, _, size, memory, _ = _SEGMENT.unpack_from(blank, at)
        yield _Segment(
            at=at, kind=kind, flags=flags, offset=offset, address=address, size=size, memory=memory
        )


def _sections(blank: bytes) -> Iterator[_Section]:
    header = _HEADER.unpack_from(blank)
    rows = [
        _SECTION.unpack_from(blank, at)
        for at in range(header[6], header[6] + header[12] * _SECTION.size, _SECTION.size)
    ]
    names = rows[header[13]][4]
    for name, kind, flags, address, offset, size, link, info, align, entry in rows:
        yield _Section(
            name=_text(blank, names + name), kind=kind, flags=flags, address=address,
            offset=offset, size=size, link=link, info=info, align=align, entry=entry,
        )  # fmt: skip


def _text(data: bytes | bytearray, at: int) -> str:
    return data[at : data.index(b"\0", at)].decode()


def _address(segments: list[_Segment], offset: int) -> int:
    for segment in segments:
        if segment.kind == _PT_LOAD and 0 <= offset - segment.offset < segment.size:
            return segment.address + offset - segment.offset
    raise _foreign("its slot is not loaded")


def _written_out(section: _Section, last: _Segment) -> _Section:
    """Return a section of the last segment's zeros as one that is in the file."""
    if section.kind != _NOBITS or section.address < last.address:
        return section
    return replace(section, kind=_PROGBITS, offset=last.offset + section.address - last.address)


# ---- the symbols ---------------------------------------------------------------------------------


def _export(image: bytearray, sections: list[_Section], wanted: Collection[str]) -> list[_Section]:
    """Leave only the wanted ones among the exported symbols; return the sections as they are now.

    Imported symbols come first in the table, and relocations know them by their number. Exported
    ones follow in the order of their hash, and nothing else knows them.
    """
    by_kind = {section.kind: section for section in sections}
    if not by_kind.keys() >= {_DYNSYM, _GNU_HASH, _GNU_VERSIONS}:
        raise _foreign("its symbols are listed otherwise")
    table, hashes, versions = by_kind[_DYNSYM], by_kind[_GNU_HASH], by_kind[_GNU_VERSIONS]
    names = sections[table.link].offset
    buckets, first, words, shift = struct.unpack_from("<IIII", image, hashes.offset)
    count = table.size // _SYMBOL.size
    rows = [_SYMBOL.unpack_from(image, table.offset + i * _SYMBOL.size) for i in range(count)]
    version = struct.unpack_from(f"<{count}H", image, versions.offset)
    exported = {_text(image, names + rows[i][0]): i for i in range(first, count)}
    if missing := set(wanted) - exported.keys():
        raise _foreign(f"it has no {min(missing)}")
    kept = sorted(wanted, key=lambda name: (_hash(name) % buckets, name))
    order = [*range(first), *(exported[name] for name in kept)]
    _forget_names(image, names, rows, order)
    _overwrite(image, table, b"".join(_SYMBOL.pack(*rows[i]) for i in order))
    _overwrite(image, versions, struct.pack(f"<{len(order)}H", *(version[i] for i in order)))
    index = _hash_table(kept, buckets, first, words, shift)
    _overwrite(image, hashes, index)
    sizes = {
        table: len(order) * _SYMBOL.size,
        versions: len(order) * 2,
        hashes: len(index),
    }
    return [replace(s, size=sizes.get(s, s.size)) for s in sections]


def _hash(name: str) -> int:
    value = 5381
    for byte in name.encode():
        value = (value * 33 + byte) & 0xFFFFFFFF
    return value


def _hash_table(names: list[str], buckets: int, first: int, words: int, shift: int) -> bytes:
    """Return the content of .gnu.hash for `names`, which are sorted by bucket."""
    bloom, starts, chain = [0] * words, [0] * buckets, []
    for number, name in enumerate(names):
        value = _hash(name)
        bloom[value // 64 % words] |= 1 << value % 64 | 1 << (value >> shift) % 64
        bucket = value % buckets
        starts[bucket] = starts[bucket] or first + number
        ends = number + 1 == len(names) or _hash(names[number + 1]) % buckets != bucket
        chain.append(value & ~1 | ends)
    return struct.pack(
        f"<IIII{words}Q{buckets}I{len(chain)}I",
        *(buckets, first, words, shift, *bloom, *starts, *chain),
    )


def _overwrite(image: bytearray, section: _Section, content: bytes) -> None:
    end = section.offset + section.size
    image[section.offset : end] = content + bytes(section.size - len(content))


def _forget_names(
    image: bytearray, names: int, rows: list[tuple[int, ...]], kept: Collection[int]
) -> None:
    """Write zeros over the names of symbols that are gone, but for what is the end of another."""
    used = sorted({rows[i][0] for i in kept})
    for number in set(range(len(rows))) - set(kept):
        start = rows[number][0]
        end = start + len(_text(image, names + start))
        end = next((name for name in used if start <= name < end), end)
        image[names + start : names + end] = bytes(end - start)


# ---- what tools read -----------------------------------------------------------------------------


def _identify(image: bytearray, segments: list[_Segment]) -> None:
    """Give the library a build ID of its own, if the blank has one."""
    for segment in segments:
        at, end = segment.offset, segment.offset + segment.size
        while segment.kind == _PT_NOTE and at + _NOTE.size <= end:
            named, described, kind = _NOTE.unpack_from(image, at)
            content = at + _NOTE.size + named + -named % 4
            if kind == _BUILD_ID and image[at + _NOTE.size : content].startswith(b"GNU\0"):
                digest = hashlib.sha256(image).digest()
                image[content : content + described] = digest[:described]
                return
            at = content + described + -described % 4


def _table_of(image: bytearray, sections: list[_Section]) -> bytes:
    """Return the names and headers of the sections, and let the file's header name them."""
    names = bytearray(b"\0")
    rows = []
    start = len(image)
    listed = [*sections, _Section(name=".shstrtab", kind=_STRTAB, flags=0, address=0, offset=start,
                                  size=0)]  # fmt: skip
    for section in listed:
        name = len(names) if section.name else 0
        names += section.name.encode() + b"\0" if section.name else b""
        rows.append(
            [name, section.kind, section.flags, section.address, section.offset, section.size,
             section.link, section.info, section.align, section.entry]
        )  # fmt: skip
    rows[-1][5] = len(names)
    names += bytes(-(start + len(names)) % 8)
    struct.pack_into("<Q", image, 40, start + len(names))
    struct.pack_into("<HH", image, 60, len(rows), len(rows) - 1)
    return bytes(names) + b"".join(_SECTION.pack(*row) for row in rows)
