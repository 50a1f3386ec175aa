# SPDX-License-Identifier: Apache-2.0
"""What parameters mean in the state that a replay keeps: fd names, users, paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from falcokit.capture.events.event import Event

    Show: TypeAlias = Callable[[bytes, "Scene | None"], tuple[str, str]]

__all__ = ["Resolver", "Scene"]


class Resolver(Protocol):
    """Answers from the state at the time of an event; None if it is unknown."""

    def fd_name(self, event: Event, fd: int) -> str | None:
        """Return the name of a file descriptor after its type: "<f>/etc/passwd"."""

    def fd_type(self, event: Event, fd: int) -> str | None:
        """Return the character for the type of a file descriptor."""

    def process_name(self, tid: int) -> str | None:
        """Return the command of a thread."""

    def user_name(self, event: Event, uid: int) -> str | None:
        """Return the name of a user."""

    def group_name(self, event: Event, gid: int) -> str | None:
        """Return the name of a group."""

    def absolute_path(self, event: Event, dirfd: int | None, path: str) -> str | None:
        """Join a relative path to the directory of `dirfd`, None being the current one."""


class Scene(NamedTuple):
    """An event and the state in which it happened."""

    event: Event
    resolver: Resolver
