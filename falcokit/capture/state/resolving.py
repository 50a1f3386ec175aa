# SPDX-License-Identifier: Apache-2.0
"""What the numbers of an event's parameters stand for at the time of the event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn

from falcokit.capture.state.thread_table import joined

if TYPE_CHECKING:
    from collections.abc import Iterable

    from falcokit.capture.events.event import Event
    from falcokit.capture.state.moments import Moment, Users

__all__ = ["MomentResolver", "NotKnownError"]

#: The character of a descriptor's type, where its name is certain too.
_CHARACTERS: Final = {1: "f", 16: "f", 2: "d"}


class NotKnownError(Exception):
    """Only a real Falco can tell."""


class MomentResolver:
    """Answers from the moments of some events; raises NotKnownError where it is not certain."""

    def __init__(self, moments: Iterable[Moment]) -> None:
        self._moments = {id(moment.event): moment for moment in moments}

    def fd_name(self, event: Event, fd: int) -> str | None:
        """Return the name of a file after its type: "<f>/etc/passwd"."""
        moment = self._moments[id(event)]
        info = moment.info
        character = None if info is None else _CHARACTERS.get(int(info.get("type", 0)))
        if fd != moment.fd or info is None or character is None:
            raise NotKnownError
        return f"<{character}>{info.get('name', '')}"

    def fd_type(self, event: Event, fd: int) -> str | None:  # noqa: ARG002 - the protocol's
        """Return the character for the type of a file descriptor."""
        return self._unknown()

    def process_name(self, tid: int) -> str | None:  # noqa: ARG002 - as above
        """Return the command of a thread."""
        return self._unknown()

    def user_name(self, event: Event, uid: int) -> str | None:
        """Return the name of a user."""
        user = self._users(event).users.get(uid)
        return self._unknown() if user is None else user.name

    def group_name(self, event: Event, gid: int) -> str | None:
        """Return the name of a group."""
        group = self._users(event).groups.get(gid)
        return self._unknown() if group is None else group.name

    def absolute_path(self, event: Event, dirfd: int | None, path: str) -> str | None:
        """Join a relative path to the current directory."""
        thread = self._moments[id(event)].thread
        if thread is None or dirfd is not None:
            raise NotKnownError
        return joined(thread.cwd, path)

    def _users(self, event: Event) -> Users:
        thread = self._moments[id(event)].thread
        if thread is None or thread.users is None:
            raise NotKnownError
        return thread.users

    def _unknown(self) -> NoReturn:
        raise NotKnownError
