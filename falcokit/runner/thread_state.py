# SPDX-License-Identifier: Apache-2.0
"""Threads and their descriptors at the time of each event of a capture.

The rules are libsinsp's, as far as plugins can see them in its table `threads`: the process list at
the head of a capture, then what clone, execve, exit and the calls that open and close descriptors
change. Sockets have their types; the addresses of those that are not in the list stay zero.
"""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Final, TypeAlias

from falcokit.capture.events.event_table import event_table
from falcokit.capture.format.errors import MalformedEventError
from falcokit.runner import thread_descriptors as fds
from falcokit.runner import thread_processes as processes
from falcokit.runner.event_args import EventArgs
from falcokit.runner.thread_table import MAX_TID, ThreadTable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from falcokit.capture.events.event import Event
    from falcokit.runner.thread_changes import ThreadChanges
    from falcokit.runner.thread_table import Thread

    Handler: TypeAlias = Callable[[ThreadTable, Event, EventArgs, Thread | None], None]

__all__ = ["ThreadState"]

_ACTIVE: Final = 1 << 19
_SKIP_RESET: Final = 1 << 8
#: Of events that belong to no thread, whatever they say.
_NO_THREADS: Final = {"plugin", "meta", "unused"}
#: Their threads are not looked up when they are unknown: nothing would be found.
_NO_LOOKUP: Final = {"clone", "clone3", "fork", "vfork", "switch", "procexit"}
_HANDLERS: Final[Mapping[str, Handler]] = {
    **dict.fromkeys(("clone", "clone3", "fork", "vfork"), processes.clone),
    **dict.fromkeys(("execve", "execveat"), processes.execve),
    "procexit": processes.procexit,
    **dict.fromkeys(("open", "openat", "openat2", "creat", "open_by_handle_at"), fds.open_file),
    "close": fds.close,
    "close_range": fds.close_range,
    **dict.fromkeys(("dup", "dup2", "dup3"), fds.dup),
    **dict.fromkeys(("pipe", "pipe2", "socketpair"), fds.pipe),
    "socket": fds.socket,
    **dict.fromkeys(fds.FD_TYPES, fds.plain_fd),
    "memfd_create": fds.memfd,
    **dict.fromkeys(("chdir", "fchdir", "getcwd"), processes.chdir),
    **dict.fromkeys(
        ("setuid", "setgid", "setresuid", "setresgid", "setreuid", "setregid"), processes.set_id
    ),
    "setsid": processes.setsid,
}  # fmt: skip


class ThreadState:
    """Follows a capture, event by event; `table` begins with the lists of each section."""

    def __init__(self, changes: ThreadChanges) -> None:
        self.table = ThreadTable(changes)

    def apply(self, event: Event) -> None:
        """Take the changes of one event; parsers see the table afterwards."""
        table = self.table
        table.late()
        tid = event.tid
        rule = _rule(event.code)
        if rule is None or tid is None or tid > MAX_TID or event.byte_order != sys.byteorder:
            return
        looked_up, handler = rule
        thread = table.threads.get(tid)
        if looked_up:
            thread = thread or table.unknown(tid)
            if thread is not None and not thread.flags & _ACTIVE:
                table.write(thread, flags=thread.flags | _ACTIVE)
        if handler is None:
            return
        try:
            args = EventArgs(event)
        except MalformedEventError:
            return
        handler(table, event, args, thread)


@functools.cache
def _rule(code: int) -> tuple[bool, Handler | None] | None:
    """Return whether an event makes its thread known, and what takes its changes; None: neither."""
    event_type = event_table().get(code)
    if event_type is None or event_type.flags & _SKIP_RESET:
        return None
    name, ends = event_type.name, event_type.name == "procexit"
    if event_type.source in _NO_THREADS and not ends:
        return None
    handler = _HANDLERS.get(name) if event_type.dir == "<" or ends else None
    return name not in _NO_LOOKUP, handler
