# SPDX-License-Identifier: Apache-2.0
"""How many records the lists at the head of a section hold.

Processes, file descriptors, interfaces and users come as lists of records; versions that
carry each record's length are walked by it, older ones field by field. Called by the reader
for every such block. The records' fields are not decoded here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from falcokit.capture.layout import BlockKind

if TYPE_CHECKING:
    from falcokit.capture.layout import BlockType, Layout

__all__ = ["count_records"]

_MIN_LEFT: Final = 4  # fewer bytes than this are padding, in every list

# Process record of a version: the widths of its fields, "s" a string with a u16 length.
_IDS, _SESSION, _GROUP = (24,), (8,), (8,)  # tid, pid, ptid; sid; vpgid
_LIMITS: Final = (8, 4, 8)  # fdlimit; flags; uid and gid
_MEMORY: Final = (28,)  # vmsize, vmrss, vmswap, pfmajor, pfminor
_VIRTUAL: Final = (16, "s")  # vtid and vpid; cgroups


def _process_fields(version: int) -> tuple[int | str, ...]:
    fields: tuple[int | str, ...] = _IDS
    fields += _SESSION if version >= 6 else ()  # noqa: PLR2004 - versions of the format
    fields += _GROUP if version >= 8 else ()  # noqa: PLR2004
    fields += ("s", "s")  # comm, exe
    fields += ("s",) if version >= 7 else ()  # noqa: PLR2004 - exepath
    fields += ("s", "s", *_LIMITS)  # args, cwd
    fields += _MEMORY if version >= 2 else ()  # noqa: PLR2004
    fields += ("s",) if version >= 3 else ()  # noqa: PLR2004 - env
    fields += _VIRTUAL if version >= 4 else ()  # noqa: PLR2004
    fields += ("s",) if version >= 5 else ()  # noqa: PLR2004 - root
    return fields


_PROCESS_FIELDS: Final = {version: _process_fields(version) for version in range(1, 9)}

_FD_HEAD: Final = (17,)  # fd, inode, type
_NAMED: Final = ("s",)
_FD_FIELDS: Final[dict[int, tuple[int | str, ...]]] = {
    0: (),
    3: (13,),  # ipv4: two addresses, two ports, protocol
    4: (37,),  # ipv6
    5: (7,),  # ipv4 server
    6: (19,),  # ipv6 server
    8: (16, "s"),  # unix: two pointers, name
    16: (4, "s"),  # file: open flags, name
    **dict.fromkeys((1, 2, 7, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 21), _NAMED),
}
_FD_TYPE_AT: Final = 16

# Interface record by its kind: addresses, netmask, broadcast[, link speed]; then the name.
_INTERFACE_BYTES: Final = {1: 12 + 8, 2: 48 + 8, 3: 12, 4: 48}
_USER: Final = (9, "s", "s", "s")  # kind, uid, gid; name, home, shell
_GROUP_ENTRY: Final = (5, "s")  # kind, gid; name

_OWN_LENGTH_SINCE: Final = {
    BlockKind.PROCESSES: 9,
    BlockKind.FDS: 2,
    BlockKind.INTERFACES: 2,
    BlockKind.USERS: 2,
}


def count_records(block: BlockType, body: bytes, layout: Layout) -> tuple[int, bool]:
    """Return how many whole records a list holds, and whether that was all of it."""
    at = layout.u32.size * 2 if block.kind is BlockKind.FDS else 0  # fd lists: u64 tid first
    own_length = block.version >= _OWN_LENGTH_SINCE[block.kind]
    count = 0
    while len(body) - at >= _MIN_LEFT:
        if own_length:
            (size,) = layout.u32.unpack_from(body, at)
            # Interface records alone do not count the length field itself.
            size += layout.u32.size if block.kind is BlockKind.INTERFACES else 0
            end = at + size if size > layout.u32.size else -1
        else:
            end = _record_end(block, body, at, layout)
        if not at < end <= len(body):
            return count, False
        at = end
        count += 1
    return count, True


def _record_end(block: BlockType, body: bytes, at: int, layout: Layout) -> int:
    """Return where a record without a length of its own ends, -1 when that is unknown."""
    fields: tuple[int | str, ...] | None
    if block.kind is BlockKind.PROCESSES:
        fields = _PROCESS_FIELDS[block.version]
    elif block.kind is BlockKind.FDS:
        if at + _FD_TYPE_AT >= len(body):
            return -1
        fields = _FD_FIELDS.get(body[at + _FD_TYPE_AT])
        fields = None if fields is None else _FD_HEAD + fields
    elif block.kind is BlockKind.INTERFACES:
        (kind,) = layout.u16.unpack_from(body, at)
        (name_length,) = layout.u16.unpack_from(body, at + layout.u16.size)
        rest = _INTERFACE_BYTES.get(kind)
        return -1 if rest is None else at + layout.u32.size + rest + name_length
    else:
        fields = _GROUP_ENTRY if body[at] else _USER
    return -1 if fields is None else _skip_fields(fields, body, at, layout)


def _skip_fields(fields: tuple[int | str, ...], body: bytes, at: int, layout: Layout) -> int:
    for field in fields:
        if isinstance(field, int):
            at += field
        elif at + layout.u16.size > len(body):
            return -1
        else:
            at += layout.u16.size + layout.u16.unpack_from(body, at)[0]
    return at
