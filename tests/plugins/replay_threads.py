# SPDX-License-Identifier: Apache-2.0
"""Shows the table of threads as it is at each event of a system call."""

from __future__ import annotations

from typing import Annotated

from falcokit import (
    Capture,
    CaptureListening,
    Event,
    EventParsing,
    FieldExtraction,
    Plugin,
    Table,
    TableEntry,
    added,
    field,
    i64,
    import_table,
    u8,
    u32,
    u64,
)


class Text(TableEntry):
    value: str


class Pair(TableEntry):
    first: str
    second: str


class Fd(TableEntry):
    fd: i64
    type: u8
    open_flags: u32
    name: str
    name_raw: str
    flags: u32
    dev: u32
    ino: u64


class Thread(TableEntry):
    tid: i64
    pid: i64
    ptid: i64
    sid: i64
    vtid: i64
    vpid: i64
    vpgid: i64
    pgid: i64
    comm: str
    exe: str
    exe_path: str
    cwd: str
    root: str
    exe_writable: bool
    exe_upper_layer: bool
    flags: u32
    fd_limit: i64
    uid: u32
    gid: u32
    loginuid: u32
    tty: u32
    exe_ino: u64
    pidns_init_start_ts: u64
    args: Annotated[Table[u64, Text], "args"]
    env: Annotated[Table[u64, Text], "env"]
    cgroups: Annotated[Table[u64, Pair], "cgroups"]
    fds: Annotated[Table[i64, Fd], "file_descriptors"]
    seen: u64 = added()


_PLAIN = (
    "pid", "ptid", "sid", "vtid", "vpid", "vpgid", "pgid", "comm", "exe", "exe_path", "cwd", "root",
    "exe_writable", "exe_upper_layer", "flags", "fd_limit", "uid", "gid", "loginuid", "tty",
    "exe_ino", "pidns_init_start_ts",
)  # fmt: skip
_FD = ("fd", "type", "open_flags", "name", "name_raw", "flags", "dev", "ino")


class P(Plugin, EventParsing, FieldExtraction, CaptureListening):
    parse_event_sources = ("syscall",)
    parse_event_types = ("openat", "clone", "execve", "asyncevent", "procexit", "close")
    extract_event_sources = ("syscall",)
    extract_event_types = ()
    threads = import_table("threads", i64, Thread)

    def init(self) -> None:
        self.parsed: list[str] = []
        self.opened = 0

    def parse_event(self, event: Event) -> None:
        self.parsed.append(f"{event.number}:{event.type}:{event.name or ''}:{self.opened}")
        thread = self.threads.get(event.tid) if event.tid is not None else None
        if thread is not None:
            thread.seen += 1

    def capture_open(self, capture: Capture) -> None:
        self.opened += 1

    def capture_close(self, capture: Capture) -> None:
        self.log.info("parsed %s", " ".join(self.parsed))

    @field("t.thread", desc="The thread of the event")
    def thread(self, event: Event) -> str | None:
        thread = self.threads.get(event.tid) if event.tid is not None else None
        if thread is None:
            return None
        return " ".join(f"{name}={getattr(thread, name)}" for name in (*_PLAIN, "seen"))

    @field("t.lists", desc="The lists of that thread")
    def lists(self, event: Event) -> str | None:
        thread = self.threads.get(event.tid) if event.tid is not None else None
        if thread is None:
            return None
        args = [entry.value for entry in thread.args]
        env = [entry.value for entry in thread.env]
        return f"{args} {env} {[(entry.first, entry.second) for entry in thread.cgroups]}"

    @field("t.fds", desc="The descriptors of that thread")
    def fds(self, event: Event) -> str | None:
        thread = self.threads.get(event.tid) if event.tid is not None else None
        if thread is None:
            return None
        rows = sorted([getattr(fd, name) for name in _FD] for fd in thread.fds)
        return " ".join(",".join(map(str, row)) for row in rows)

    @field("t.all", desc="All threads")
    def all(self, event: Event) -> str:
        return " ".join(sorted(f"{t.tid}/{t.pid}/{t.ptid}/{t.comm}" for t in self.threads))
