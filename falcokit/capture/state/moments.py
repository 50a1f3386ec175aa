# SPDX-License-Identifier: Apache-2.0
"""What was known at the time of an event: its thread with the ancestors, its descriptor.

A `Moment` stays as it is when the state goes on, so that many events can be looked at together.
Moments share what has not changed between them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from falcokit.capture.format.errors import MalformedEventError
from falcokit.capture.format.layout import BlockKind
from falcokit.capture.lists.descriptors import decode_descriptors
from falcokit.capture.lists.processes import decode_processes
from falcokit.capture.lists.users import Group, User, decode_users
from falcokit.capture.state.changes import NoChanges
from falcokit.capture.state.event_args import EventArgs
from falcokit.capture.state.thread_state import ThreadState, belongs_to_thread

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from falcokit.capture.events.event import Event
    from falcokit.capture.lists.descriptors import FileDescriptor
    from falcokit.capture.lists.processes import Process
    from falcokit.capture.reader import Capture
    from falcokit.capture.state.changes import Changes, Value
    from falcokit.capture.state.thread_table import Thread

__all__ = ["MAX_ANCESTORS", "CaptureState", "Moment", "ThreadView", "Users", "moments_of"]

#: Where the chain of parents ends: captures are hostile input, and it may be a ring.
MAX_ANCESTORS: Final = 64
#: Users and groups that are added and deleted while the capture goes on.
_USER_CODES: Final = frozenset({354, 356, 358, 360})
_USER_ADDED: Final = 354
_ADDED: Final = frozenset({_USER_ADDED, 358})
_MAX_USERS: Final = 1 << 17


class Users:
    """The users and groups of a section's lists."""

    def __init__(self) -> None:
        self.users: dict[int, User] = {}
        self.groups: dict[int, Group] = {}


class ThreadView:
    """One thread at some time; `parent` is the process that it comes from, None for none.

    `main` is the main thread of its process, None if there is none. `unsure` has the names of
    values that a real host may know otherwise.
    """

    __slots__ = ("args", "cmdline", "cwd", "main", "parent", "unsure", "users", "values")

    def __init__(self, thread: Thread, users: Users | None) -> None:
        self.values: Mapping[str, Any] = thread.values
        self.args: tuple[str, ...] = thread.args
        self.cmdline = thread.cmdline
        self.cwd: str = "./"
        self.unsure: frozenset[str] = frozenset(thread.unsure)
        self.users = users
        self.main: ThreadView | None = None
        self.parent: ThreadView | None = None


class Moment:
    """The state at the time of one event, after what the event itself changed.

    Attributes:
        event: The event.
        thread: Its thread, None if it has none.
        lost: It may have one all the same, of which nothing is known here.
        has_fd: Whether the event is about a descriptor.
        fd: The number of the descriptor, -1 for none; None if it is not known.
        info: What is known of the descriptor, None for nothing.
        path: The path of a file that could not be opened.

    """

    __slots__ = ("event", "fd", "has_fd", "info", "lost", "path", "thread")

    def __init__(self, event: Event) -> None:
        self.event = event
        self.thread: ThreadView | None = None
        self.lost = False
        self.has_fd = False
        self.fd: int | None = None
        self.info: Mapping[str, Value] | None = None
        self.path: str | None = None


class CaptureState:
    """Follows a capture that was opened with its lists; each section starts anew."""

    def __init__(self, capture: Capture, changes: Changes | None = None) -> None:
        self._capture = capture
        self._threads = ThreadState(NoChanges() if changes is None else changes)
        self._users: Users | None = Users()
        self._sections = self._taken = 0
        self._views: dict[int, ThreadView] = {}
        self._version = -1

    @property
    def refused(self) -> int:
        """How much was left out because there was too much."""
        return self._threads.table.refused

    def apply(self, event: Event) -> None:
        """Take the changes of one event."""
        if self._capture.section_count != self._sections:
            self._begin()
        if event.code in _USER_CODES:
            self._take_user(event)
        self._threads.apply(event)

    def moment(self, event: Event) -> Moment:
        """Return the state at the time of the event that was applied last."""
        found = Moment(event)
        if not belongs_to_thread(event.code):
            # Hosts of last year look up the thread that such an event names, newer ones do not.
            found.lost = event.tid is not None
            return found
        table, tid = self._threads.table, event.tid
        thread = None if tid is None else table.threads.get(tid)
        if thread is None:
            found.lost = tid is not None and (
                bool(table.refused) or event.byte_order != self._threads.order
            )
            return found
        if self._version != table.version:
            self._version = table.version
            self._views.clear()
        found.thread = self._view(thread)
        if self._threads.touched is not None:
            found.has_fd = True
            found.fd, found.path = self._threads.touched
            found.info = table.fd(thread, found.fd)
        return found

    def _view(self, thread: Thread, depth: int = 0) -> ThreadView:
        view = self._views.get(thread.tid)
        if view is not None:
            return view
        view = self._views[thread.tid] = ThreadView(thread, self._users)
        table = self._threads.table
        main = thread if thread.main else table.threads.get(thread.pid)
        if main is None or thread.invalid:
            return view
        if main is not thread:
            view.main = self._view(main, depth)
            view.parent, view.cwd = view.main.parent, view.main.cwd
            return view
        view.main, view.cwd = view, str(thread.values.get("cwd", ""))
        parent = table.threads.get(int(thread.values.get("ptid", 0)))
        if depth >= MAX_ANCESTORS:
            view.unsure |= {"ptid"}
        elif parent is not None:
            view.parent = self._view(parent, depth + 1).main
        return view

    def _take_user(self, event: Event) -> None:
        """Take a user or group that the section begins with; those of later events are not known.

        Containers have users of their own, and which process is in which is not known here.
        """
        users, self._version = self._users, -1
        self._users = None
        if users is None or event.code not in _ADDED or not event.leading:
            return
        try:
            args = EventArgs(event)
        except MalformedEventError:
            return
        count = len(users.users) + len(users.groups)
        if (args.has("container_id") and args.text("container_id")) or count >= _MAX_USERS:
            return
        uid, gid, name = args.number("uid"), args.number("gid"), args.text("name")
        if event.code == _USER_ADDED and uid is not None:
            users.users[uid] = User(
                uid=uid, gid=gid or 0, name=name, home=args.text("home"), shell=args.text("shell")
            )
        elif event.code != _USER_ADDED and gid is not None:
            users.groups[gid] = Group(gid=gid, name=name)
        else:
            return
        self._users = users

    def _begin(self) -> None:
        """Take the lists of the section that has begun: those after the earlier sections'."""
        self._sections = self._capture.section_count
        lists = self._capture.lists
        processes: list[Process] = []
        descriptors: list[FileDescriptor] = []
        users = self._users = Users()
        for block, body, layout in () if lists is None else lists.blocks(self._taken):
            self._taken += 1
            if block.kind is BlockKind.PROCESSES:
                processes += decode_processes(body, block, layout)
            elif block.kind is BlockKind.FDS:
                descriptors += decode_descriptors(body, block, layout)
            elif block.kind is BlockKind.USERS:
                for entry in decode_users(body, block, layout):
                    if isinstance(entry, User):
                        users.users[entry.uid] = entry
                    else:
                        users.groups[entry.gid] = entry
        self._version = -1
        self._threads.table.begin(processes, descriptors)


def moments_of(capture: Capture) -> Iterator[Moment]:
    """Continue the pass over a capture that was opened with its lists, with what is then known."""
    state = CaptureState(capture)
    for event in capture:
        state.apply(event)
        yield state.moment(event)
