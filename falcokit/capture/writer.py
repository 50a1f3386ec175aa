# SPDX-License-Identifier: Apache-2.0
"""Writing capture files that Falco, sysdig and this package read.

    with CaptureWriter("ticks.scap") as capture:
        capture.plugin_event(999, b"payload", ts_ns=time.time_ns())
        capture.event("<openat", {"fd": 3, "name": "/etc/passwd"}, ts_ns=time.time_ns(), tid=42)

For scripts and tests as well as `falcokit inspect --cut`. `encode` makes the bytes, `sink` writes
them to the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Literal

from falcokit.capture.encode import (
    as_stored,
    encode_block,
    encode_event,
    encode_frame,
    encode_machine,
    encode_section,
    typed_params,
)
from falcokit.capture.events.event_table import ASYNC_EVENT, PLUGIN_EVENT
from falcokit.capture.file.sink import open_sink
from falcokit.capture.file.stored_body import StoredBody
from falcokit.capture.format.layout import BIG, LITTLE, BlockKind
from falcokit.capture.lists.descriptors import encode_descriptor
from falcokit.capture.lists.interfaces import encode_interface
from falcokit.capture.lists.processes import encode_process
from falcokit.capture.lists.users import encode_user

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence
    from types import TracebackType
    from typing import BinaryIO, Self

    from falcokit.capture.events.event import Event
    from falcokit.capture.format.layout import Layout
    from falcokit.capture.format.sections import Machine
    from falcokit.capture.lists.descriptors import FileDescriptor
    from falcokit.capture.lists.interfaces import Interface
    from falcokit.capture.lists.lists import Lists
    from falcokit.capture.lists.processes import Process
    from falcokit.capture.lists.users import Group, User
    from falcokit.runtime.event.event import Event as PluginEvent

__all__ = ["CaptureWriter"]

#: The order of the blocks before the events, as the framework writes it; with today's codes.
_RANKS: Final = {
    BlockKind.MACHINE: 0,
    BlockKind.INTERFACES: 1,
    BlockKind.USERS: 2,
    BlockKind.PROCESSES: 3,
    BlockKind.FDS: 4,
}
_CODES: Final = {
    BlockKind.INTERFACES: 0x219,
    BlockKind.USERS: 0x220,
    BlockKind.PROCESSES: 0x215,
    BlockKind.FDS: 0x218,
}


class CaptureWriter:
    """A capture being written: first the initial state, in any order of calls, then events.

    Every method raises ValueError for values that readers would refuse, and then writes nothing;
    OSError comes from the file. Blocks are always written whole, so an interrupted file has
    everything before the interruption.
    """

    def __init__(
        self,
        target: str | os.PathLike[str] | BinaryIO,
        *,
        compress: bool | None = None,
        byte_order: Literal["little", "big"] = "little",
    ) -> None:
        """Write to a path, which is overwritten, or to an open binary file, which stays open.

        `compress` None means gzip for a path that ends in .gz. The framework reads captures of
        its own machine's byte order only; falcokit reads both.
        """
        self._layout: Layout = BIG if byte_order == "big" else LITTLE
        self._sink = open_sink(target, compress=compress)
        self._head: list[tuple[int, bytes]] = []
        self._begun = False
        self._in_events = False
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def section(self, *, comment: str | None = None, application: str | None = None) -> None:
        """Begin a section, with comments that Wireshark shows too.

        Without a call the first section begins automatically. A later one is like an appended file:
        its lists come before its events again.
        """
        self._check_open()
        header = encode_section(self._layout, comment=comment, application=application)
        if self._begun or self._head:
            self._write_head()
        self._sink.write(header)
        self._begun, self._in_events = True, False

    def machine(self, machine: Machine) -> None:
        """Describe the machine of the events; a host name beyond 128 bytes is truncated."""
        self._add_head(BlockKind.MACHINE, encode_machine(machine, self._layout))

    def interfaces(self, interfaces: Iterable[Interface]) -> None:
        """List addresses of network interfaces."""
        self._add_list(
            BlockKind.INTERFACES, (encode_interface(i, self._layout) for i in interfaces)
        )

    def users(self, users: Iterable[User | Group]) -> None:
        """List users and groups."""
        self._add_list(BlockKind.USERS, (encode_user(u, self._layout) for u in users))

    def processes(self, processes: Iterable[Process]) -> None:
        """List threads that exist before the first event."""
        self._add_list(BlockKind.PROCESSES, (encode_process(p, self._layout) for p in processes))

    def descriptors(self, tid: int, descriptors: Iterable[FileDescriptor]) -> None:
        """List the open files of thread `tid`; threads that share files have an empty list."""
        try:
            owner = tid.to_bytes(8, self._layout.order, signed=True)
        except OverflowError as e:
            raise ValueError(f"{tid} is not a thread id") from e
        records = (encode_descriptor(d, self._layout) for d in descriptors)
        self._add_list(BlockKind.FDS, records, before=owner)

    def copy_lists(self, lists: Lists, *, skip: int = 0) -> None:
        """Copy the stored lists of a capture that is being read.

        The first `skip` blocks are skipped: in a later section those of the earlier sections.
        """
        blocks = list(islice(lists.blocks(), skip, None))
        for _, _, layout in blocks:
            self._check_order(layout)
        for block, body, layout in blocks:
            self._add_head(block.kind, encode_block(block.code, body, layout))

    def event(
        self,
        code: int | str,
        params: Sequence[bytes] | Mapping[str, object],
        *,
        ts_ns: int | None,
        tid: int | None = -1,
        cpu: int = 0,
        flags: int = 0,
        comment: str | None = None,
    ) -> None:
        """Write one event, given by code or by name as in `falcokit.make_event`: "<openat".

        Its parameters are raw bytes in the byte order of the file, or values by name as in
        `falcokit.make_event`; those that are not given have the same defaults.

        `ts_ns` is nanoseconds since the epoch, None for dumped state. `tid` -1 and None mean no
        thread. `flags` 1 marks an event that a replay uses for its state and hides. Parameters
        at the end may be omitted, except those of plugin and async events.
        """
        self._check_open()
        if isinstance(code, str) or isinstance(params, Mapping):
            code, params = typed_params(code, params, self._layout, tid=tid)
        block = encode_event(
            code,
            params,
            ts_ns=ts_ns,
            tid=tid,
            cpu=cpu,
            flags=flags,
            comment=comment,
            layout=self._layout,
        )
        self._write_event(block)

    def plugin_event(self, plugin_id: int, data: bytes, *, ts_ns: int | None) -> None:
        """Write an event of the source plugin with that id."""
        self.event(PLUGIN_EVENT, (self._id(plugin_id), data), ts_ns=ts_ns)

    def async_event(
        self,
        name: str,
        data: bytes,
        *,
        ts_ns: int | None,
        plugin_id: int = 0,
        tid: int | None = -1,
    ) -> None:
        """Write an async event; id 0 is for events in the source of system calls."""
        if not name or "\0" in name:
            raise ValueError(f"{name!r} cannot name an async event: it is empty or has a NUL")
        text = name.encode("utf-8", "surrogateescape") + b"\0"
        self.event(ASYNC_EVENT, (self._id(plugin_id), text, data), ts_ns=ts_ns, tid=tid)

    def add(self, event: PluginEvent | Mapping[str, Any], *, ts_ns: int | None = None) -> None:
        """Write an event as plugins and `falcokit.make_event` have it, or an object of JSON.

        Of `falcokit.capture.event_to_json` or `falcokit.event_to_json` it is the same event again.
        `ts_ns` is the time of an event that has none. The file has this machine's byte order.
        """
        code, params, head = as_stored(event, self._layout)
        if head["ts_ns"] is None:
            head["ts_ns"] = ts_ns
        self.event(code, params, **head)

    def copy(self, event: Event) -> None:
        """Write an event of another capture as it is stored there, in any version."""
        self._check_open()
        self._check_order(event._layout)  # noqa: SLF001 - an event and its writer are one package
        code, body = event._block.code, event._body  # noqa: SLF001
        if isinstance(body, StoredBody):
            self._copy_stored(code, body)
        else:
            self._write_event(encode_block(code, body, self._layout))

    def _copy_stored(self, code: int, body: StoredBody) -> None:
        """Write a block too large for memory: only these may be incomplete after a crash."""
        before, behind = encode_frame(code, len(body), self._layout)
        self._write_event(before)
        for piece in body.pieces():
            self._sink.write(piece)
        self._sink.write(behind)

    def flush(self) -> None:
        """Write everything so far to the file, where a follower sees it."""
        self._check_open()
        self._write_head()
        self._sink.flush()

    def close(self) -> None:
        """Finish the file; a second call does nothing."""
        if self._closed:
            return
        try:
            self._write_head()
        finally:
            self._closed = True
            self._sink.close()

    def _add_list(self, kind: BlockKind, records: Iterable[bytes], *, before: bytes = b"") -> None:
        self._check_open()
        body = before + b"".join(records)
        if body:
            self._add_head(kind, encode_block(_CODES[kind], body, self._layout))

    def _add_head(self, kind: BlockKind, block: bytes) -> None:
        self._check_open()
        if self._in_events:
            raise ValueError(f"a {kind} must precede the events; begin a new section for another")
        self._head.append((_RANKS[kind], block))

    def _write_head(self) -> None:
        if not self._begun:
            self._begun = True
            self._sink.write(encode_section(self._layout, comment=None, application=None))
        head, self._head = self._head, []
        for _, block in sorted(head, key=lambda entry: entry[0]):
            self._sink.write(block)

    def _write_event(self, block: bytes) -> None:
        if not self._in_events:
            self._write_head()
            self._in_events = True
        self._sink.write(block)

    def _id(self, plugin_id: int) -> bytes:
        try:
            return plugin_id.to_bytes(4, self._layout.order)
        except OverflowError as e:
            raise ValueError(f"{plugin_id} is not a plugin id") from e

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError("the capture is closed: it cannot be written to")

    def _check_order(self, layout: Layout) -> None:
        if layout is not self._layout:
            text = f"the capture to copy from is {layout.order}-endian, the one being written"
            raise ValueError(
                f"{text} {self._layout.order}-endian; give byte_order={layout.order!r}"
            )
