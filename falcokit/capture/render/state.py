# SPDX-License-Identifier: Apache-2.0
"""Meanings of parameters that depend on the event's process: fd names, users, paths.

They need the state that a replay keeps, which is behind a `Resolver`; each of its answers may be
None.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from falcokit.capture.events.decoding import PolledFd, decoder
from falcokit.capture.events.event_table import event_table
from falcokit.capture.format.text import invalid_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from falcokit.capture.events.event import Event
    from falcokit.capture.events.event_table import Param
    from falcokit.runtime.event.socket_values import ByteOrder

    Show: TypeAlias = Callable[[bytes, "Scene | None"], tuple[str, str]]

__all__ = [
    "AT_FDCWD",
    "Resolver",
    "Scene",
    "error_name",
    "show_fd",
    "show_fds",
    "show_id",
    "show_pid",
]

#: In place of an fd: the current directory.
AT_FDCWD: Final = -100
_NO_ID: Final = 2**32 - 1
_SIGN: Final = 2**31
_UNKNOWN_TYPE: Final = "?"


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


def error_name(number: int) -> str:
    """Return the error name of a negative number; empty for all others."""
    return event_table().errno.get(-number, "") if number < 0 else ""


def show_fd(param: Param, order: ByteOrder) -> Show:
    """Show a file descriptor: errors and AT_FDCWD have their own names."""
    decode = decoder(param, order)

    def show(raw: bytes, scene: Scene | None) -> tuple[str, str]:
        fd = decode(raw)
        if not isinstance(fd, int):
            return invalid_text(raw), ""
        if fd >= 0:
            name = scene.resolver.fd_name(scene.event, fd) if scene else None
            return str(fd), name or ""
        return str(fd), "AT_FDCWD" if fd == AT_FDCWD else error_name(fd)

    return show


def show_pid(param: Param, order: ByteOrder) -> Show:
    """Show a thread or process id, with its command."""
    decode = decoder(param, order)

    def show(raw: bytes, scene: Scene | None) -> tuple[str, str]:
        pid = decode(raw)
        if not isinstance(pid, int):
            return invalid_text(raw), ""
        return str(pid), (scene.resolver.process_name(pid) if scene else None) or ""

    return show


def show_id(param: Param, order: ByteOrder) -> Show:
    """Show a user or group id, with its name."""
    decode = decoder(param, order)
    user = param.type == "PT_UID"

    def show(raw: bytes, scene: Scene | None) -> tuple[str, str]:
        number = decode(raw)
        if not isinstance(number, int):
            return invalid_text(raw), ""
        if number == _NO_ID:
            return "-1", "<NONE>"
        text = str(number - 2 * _SIGN if number >= _SIGN else number)
        if scene is None:
            return text, ""
        resolver = scene.resolver
        ask = resolver.user_name if user else resolver.group_name
        return text, ask(scene.event, number) or "<NA>"

    return show


def show_fds(param: Param, order: ByteOrder) -> Show:
    """Show polled file descriptors, each with its type and, in hexadecimal, its flags."""
    decode = decoder(param, order)

    def show(raw: bytes, scene: Scene | None) -> tuple[str, str]:
        fds = decode(raw)
        if not isinstance(fds, tuple):
            return invalid_text(raw), ""
        return " ".join(_polled(item, scene) for item in fds if isinstance(item, PolledFd)), ""

    return show


def _polled(item: PolledFd, scene: Scene | None) -> str:
    kind = scene.resolver.fd_type(scene.event, item.fd) if scene else None
    # Both numbers are shown unsigned, the flags extended to 32 bits before.
    return f"{item.fd % 2**64}:{kind or _UNKNOWN_TYPE}{item.flags % 2**32:x}"
