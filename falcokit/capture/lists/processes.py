# SPDX-License-Identifier: Apache-2.0
"""The threads that existed when a capture began: process lists of all nine versions.

Each version added fields; the ninth gave records a length and, after the common fields, a tail that
has grown over the years.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final

from falcokit.capture.format.list_records import TEXT, TEXTS, decode, make_plan, pack, spans, unpack
from falcokit.record import Record

if TYPE_CHECKING:
    from collections.abc import Generator

    from falcokit.capture.format.layout import BlockType, Layout
    from falcokit.capture.format.list_records import Fields, Plan, Spans

__all__ = ["Process", "decode_processes", "encode_process", "process_spans"]

#: The version that carries the length of each record, and the one written today.
_OWN_LENGTH_SINCE: Final = 9
#: The value that a replay uses for an id that is not in the file.
_NONE: Final = -1
_NO_LOGIN: Final = 2**32 - 1
_TEXT_BYTES: Final = 1024
_TEXTS_BYTES: Final = 4096

# First version, name, kind. Ids are unsigned in the file; "none" is stored as -1.
_FIELDS: Final = (
    (1, "tid", "q"),
    (1, "pid", "q"),
    (1, "parent_tid", "q"),
    (6, "session", "q"),
    (8, "virtual_group", "q"),
    (1, "comm", TEXT),
    (1, "exe", TEXT),
    (7, "exe_path", TEXT),
    (1, "args", TEXTS),
    (1, "cwd", TEXT),
    (1, "fd_limit", "q"),
    (1, "flags", "I"),
    (1, "uid", "I"),
    (1, "gid", "I"),
    (2, "vm_size_kb", "I"),
    (2, "vm_rss_kb", "I"),
    (2, "vm_swap_kb", "I"),
    (2, "major_faults", "Q"),
    (2, "minor_faults", "Q"),
    (3, "env", TEXTS),
    (4, "virtual_tid", "q"),
    (4, "virtual_pid", "q"),
    (4, "cgroups", TEXTS),
    (5, "root", TEXT),
)
_VERSIONS: Final[dict[int, Fields]] = {
    version: tuple((name, kind) for since, name, kind in _FIELDS if since <= version)
    for version in range(1, 10)
}
# Version 9 only; each exists only if the record's length has room for it.
_TAIL: Final[Fields] = (
    ("pid_namespace_start_ns", "Q"),
    ("tty", "I"),
    ("login_uid", "I"),
    ("exe_writable", "?"),
    ("cap_inheritable", "Q"),
    ("cap_permitted", "Q"),
    ("cap_effective", "Q"),
    ("exe_upper_layer", "?"),
    ("exe_inode", "Q"),
    ("exe_inode_ctime", "Q"),
    ("exe_inode_mtime", "Q"),
    ("exe_from_memfd", "?"),
    ("exe_lower_layer", "?"),
    ("group", "q"),
)
#: A tail up to this length lacks its first two fields, which were added later.
_OLD_TAIL_BYTES: Final = 29
_OLD_TAIL_FIRST: Final = 2


class Process(Record):
    """One thread. A field that the list's version lacks has its default here.

    Today's writers leave the fields from `exe_writable` on, `tty` and `pid_namespace_start_ns`
    zero: that means "not written". The writer truncates texts from /proc at 1024 bytes, or 4096
    for all of `args`, `env` or `cgroups`. Bytes that are not UTF-8 are surrogates.
    """

    tid: int
    pid: int
    parent_tid: int = _NONE
    session: int = _NONE
    virtual_group: int = _NONE
    comm: str = ""
    exe: str = ""  # argv[0]
    exe_path: str = ""
    args: tuple[str, ...] = ()  # without argv[0]
    cwd: str = ""
    fd_limit: int = 0
    flags: int = 0  # PPM_CL_*
    uid: int = 0
    gid: int = 0
    vm_size_kb: int = 0
    vm_rss_kb: int = 0
    vm_swap_kb: int = 0
    major_faults: int = 0
    minor_faults: int = 0
    env: tuple[str, ...] = ()
    virtual_tid: int = _NONE
    virtual_pid: int = _NONE
    cgroups: tuple[str, ...] = ()  # "subsystem=path"
    root: str = ""
    pid_namespace_start_ns: int = 0
    tty: int = 0
    login_uid: int = _NO_LOGIN  # 2^32-1 without a login
    exe_writable: bool = False
    cap_inheritable: int = 0
    cap_permitted: int = 0
    cap_effective: int = 0
    exe_upper_layer: bool = False
    exe_inode: int = 0
    exe_inode_ctime: int = 0
    exe_inode_mtime: int = 0
    exe_from_memfd: bool = False
    exe_lower_layer: bool = False
    group: int = _NONE


def process_spans(body: bytes, block: BlockType, layout: Layout) -> Spans:
    """Find the records of a process list."""
    plan = make_plan(_VERSIONS[block.version], layout)
    own_length = 0 if block.version >= _OWN_LENGTH_SINCE else None
    return spans(body, 0, layout, own_length=own_length, choose=lambda _body, _at: plan)


def decode_processes(
    body: bytes, block: BlockType, layout: Layout
) -> Generator[Process, None, bool]:
    """Yield every complete record of a process list; return whether that was the whole list."""

    def build(plan: Plan, start: int, end: int) -> Process:
        values, at = unpack(plan, body, start, layout)
        if at < end:
            _read_tail(values, body, at, end, layout)
        return Process(**values)

    return decode(process_spans(body, block, layout), build)


def encode_process(process: Process, layout: Layout) -> bytes:
    """Return a whole record of the newest version, its length in front."""
    fields = _VERSIONS[_OWN_LENGTH_SINCE] + _TAIL
    values = {name: getattr(process, name) for name, _ in fields}
    plan = make_plan(fields, layout)
    record = pack(plan, values, layout, text_bytes=_TEXT_BYTES, texts_bytes=_TEXTS_BYTES)
    return layout.u32.pack(layout.u32.size + len(record)) + record


def _read_tail(values: dict[str, Any], body: bytes, at: int, end: int, layout: Layout) -> None:
    fields = _TAIL if end - at > _OLD_TAIL_BYTES else _TAIL[_OLD_TAIL_FIRST:]
    order = ">" if layout.order == "big" else "<"
    for name, kind in fields:
        size = struct.calcsize(order + kind)
        # A field that does not fit is skipped; a shorter one after it may fit, and counts.
        if at + size <= end:
            (values[name],) = struct.unpack_from(order + kind, body, at)
            at += size
