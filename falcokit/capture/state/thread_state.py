# SPDX-License-Identifier: Apache-2.0
"""Threads and their descriptors at the time of each event of a capture.

The rules are libsinsp's, as far as plugins can see them in its table `threads`: the process list at
the head of a capture, then what clone, execve, exit and the calls that open and close descriptors
change. Sockets have their types; the addresses of those that are not in the list stay zero.
"""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from falcokit.capture.events.event_table import event_table
from falcokit.capture.format.errors import MalformedEventError
from falcokit.capture.state import thread_descriptors as fds
from falcokit.capture.state import thread_processes as processes
from falcokit.capture.state.event_args import EventArgs
from falcokit.capture.state.thread_table import MAX_TID, ThreadTable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from falcokit.capture.events.event import Event
    from falcokit.capture.state.changes import Changes
    from falcokit.capture.state.thread_table import Thread

    Handler: TypeAlias = Callable[[ThreadTable, Event, EventArgs, Thread | None], None]

__all__ = ["ThreadState", "belongs_to_thread"]

_ACTIVE: Final = 1 << 19
_SKIP_RESET: Final = 1 << 8
_CREATES, _DESTROYS, _USES = 1 << 0, 1 << 1, 1 << 2
_PAIRS: Final = {"pipe", "pipe2", "socketpair", "dup", "dup2", "dup3"}
#: Of enter events that wait for their exits: how many, and their bytes.
_MAX_TIDS: Final = 1 << 17
_MAX_ENTERED: Final = 1 << 26
#: Of events that belong to no thread, whatever they say.
_NO_THREADS: Final = {"plugin", "meta", "unused"}
#: Their threads are not looked up when they are unknown: nothing would be found.
_NO_LOOKUP: Final = {"clone", "clone3", "fork", "vfork", "switch", "procexit"}
_HANDLERS: Final[Mapping[str, Handler]] = {
    **dict.fromkeys(("clone", "clone3", "fork", "vfork"), processes.clone),
    **dict.fromkeys(("execve", "execveat"), processes.execve),
    "procexit": processes.procexit,
    **dict.fromkeys(fds.OPENED, fds.open_file),
    "close": fds.close,
    "close_range": fds.close_range,
    **dict.fromkeys(("dup", "dup2", "dup3"), fds.dup),
    "fcntl": fds.fcntl,
    **dict.fromkeys(("pipe", "pipe2", "socketpair"), fds.pipe),
    "socket": fds.socket,
    **dict.fromkeys(fds.FD_TYPES, fds.plain_fd),
    "memfd_create": fds.memfd,
    **dict.fromkeys(("chdir", "fchdir", "getcwd"), processes.chdir),
    **dict.fromkeys(
        ("setuid", "setgid", "setresuid", "setresgid", "setreuid", "setregid"), processes.set_id
    ),
    "setsid": processes.setsid,
    "prctl": processes.prctl,
}  # fmt: skip


class ThreadState:
    """Follows a capture, event by event; `table` begins with the lists of each section."""

    def __init__(self, changes: Changes) -> None:
        self.table = ThreadTable(changes)
        self.order: Final = sys.byteorder
        #: Of the last event: the number of its descriptor (-1: none, None: not known) and the path
        #: that it could not open. None: the event is not about a descriptor.
        self.touched: tuple[int | None, str | None] | None = None
        self._entered: dict[int, Event] = {}
        self._entered_bytes = 0

    def apply(self, event: Event) -> None:
        """Take the changes of one event; parsers see the table afterwards."""
        table, self.touched = self.table, None
        table.late()
        tid = event.tid
        rule = _rule(event.code)
        if rule is None or tid is None or tid > MAX_TID or event.byte_order != self.order:
            return
        thread = table.threads.get(tid)
        if rule.looked_up:
            thread = thread or table.unknown(tid)
            if thread is not None and not thread.flags & _ACTIVE:
                table.write(thread, flags=thread.flags | _ACTIVE)
        if rule.enters:
            self._enter(tid, event)
            return
        entered = self._left(tid, event)
        if rule.handler is None and not rule.descriptors:
            return
        try:
            args = EventArgs(event, entered)
        except MalformedEventError:
            return
        if rule.handler is not None:
            rule.handler(table, event, args, thread)
        if rule.descriptors and thread is not None:
            self.touched = self._descriptor(event, args, thread, rule)

    def _descriptor(
        self, event: Event, args: EventArgs, thread: Thread, rule: _Rule
    ) -> tuple[int | None, str | None]:
        """Return the descriptor of an event, and the path that it could not open."""
        if not rule.descriptors & _CREATES:
            if not args.stored("fd") or (rule.handler is fds.fcntl and fds.copies(args)):
                return None, None
            fd = args.number("fd", signed=True)
            return (-1 if fd is None else fd), None
        made = args.number("fd" if args.stored("fd") else "res", signed=True)
        if event.event_type is not None and event.event_type.name in fds.OPENED:
            if made is not None and made < 0:
                return -1, fds.path_of(self.table, args, thread, event.event_type.name)
            return made, None
        if made is not None and made >= 0 and rule.handler is None:
            # What it is now is not followed: nothing is better than what it was.
            owner = self.table.files(thread)
            if owner is not None:
                self.table.drop_fd(owner, made)
        return (made if made is not None and made >= 0 and rule.single else None), None

    def _enter(self, tid: int, event: Event) -> None:
        """Keep an enter event for its exit, unless there are too many."""
        old = self._entered.pop(tid, None)
        self._entered_bytes -= 0 if old is None else old.size
        if self._entered_bytes + event.size <= _MAX_ENTERED and len(self._entered) < _MAX_TIDS:
            self._entered[tid] = event
            self._entered_bytes += event.size

    def _left(self, tid: int, event: Event) -> Event | None:
        """Return the enter event that belongs to an exit."""
        entered = self._entered.pop(tid, None)
        if entered is None:
            return None
        self._entered_bytes -= entered.size
        return entered if entered.code + 1 == event.code else None


class _Rule(NamedTuple):
    """What is done with the events of a code."""

    looked_up: bool
    """It makes its thread known."""
    handler: Handler | None
    enters: bool
    """It is the first half of an event in two."""
    descriptors: int
    """Whether it creates, destroys or uses descriptors."""
    single: bool
    """It creates one descriptor, which is the one that fields are about."""


@functools.cache
def _rule(code: int) -> _Rule | None:
    """Return what is done with the events of a code; None: nothing."""
    event_type = event_table().get(code)
    if event_type is None or event_type.flags & _SKIP_RESET:
        return None
    name, ends = event_type.name, event_type.name == "procexit"
    if event_type.source in _NO_THREADS and not ends:
        return None
    leaves = event_type.dir == "<" or ends
    left = event_table().get(code + 1)
    return _Rule(
        looked_up=name not in _NO_LOOKUP,
        handler=_HANDLERS.get(name) if leaves else None,
        enters=not leaves and left is not None and left.name == name,
        descriptors=event_type.flags & (_CREATES | _DESTROYS | _USES) if leaves else 0,
        single=name not in _PAIRS,
    )


def belongs_to_thread(code: int) -> bool:
    """Return whether a host looks up the thread of such events."""
    event_type = event_table().get(code)
    if event_type is None or event_type.flags & _SKIP_RESET:
        return False
    return event_type.source not in _NO_THREADS or event_type.name == "procexit"
