# SPDX-License-Identifier: Apache-2.0
"""The kernel's inotify by ctypes: which names in which folders have changed. Used by `watch`."""

from __future__ import annotations

import ctypes
import os
import select
import struct
from typing import Final, NamedTuple

__all__ = ["OVERFLOW", "Inotify", "Notice"]

_HEAD: Final = struct.Struct("iIII")  # descriptor, mask, cookie, length of the name
_BUFFER: Final = 65536
_MODIFY, _ATTRIB, _CLOSE_WRITE = 0x2, 0x4, 0x8
_MOVED_FROM, _MOVED_TO, _CREATE, _DELETE, _MOVE_SELF = 0x40, 0x80, 0x100, 0x200, 0x800
_OVERFLOW, _IGNORED, _ONLYDIR, _DONT_FOLLOW, _ISDIR = (
    0x4000,
    0x8000,
    0x1000000,
    0x2000000,
    0x40000000,
)
_WANTED: Final = (
    *(_MODIFY, _ATTRIB, _CLOSE_WRITE, _MOVED_FROM, _MOVED_TO),
    *(_CREATE, _DELETE, _MOVE_SELF, _ONLYDIR),
)
_MASK: Final = sum(_WANTED)
_CLOEXEC: Final = os.O_CLOEXEC | os.O_NONBLOCK
#: The folder of a notice that stands for those that the kernel has dropped.
OVERFLOW: Final = ""


class Notice(NamedTuple):
    """A name in a folder, and what has happened to it."""

    folder: str
    name: str
    change: str
    """created, changed or removed."""
    is_folder: bool


class Inotify:
    """Watches folders, each without those below it.

    Raises:
        OSError: the kernel gives no more of them to this user, or has none.

    """

    def __init__(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._add = libc.inotify_add_watch
        self._add.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_uint32)
        self._remove = libc.inotify_rm_watch
        self._fd: int = _checked(libc.inotify_init1(_CLOEXEC))
        self._folders: dict[int, str] = {}

    def close(self) -> None:
        """Let go of it."""
        os.close(self._fd)

    def watch(self, folder: str, *, follow_link: bool) -> None:
        """Watch a folder.

        Raises:
            OSError: it is not there, may not be read, or there are too many watches.

        """
        mask = _MASK if follow_link else _MASK | _DONT_FOLLOW
        self._folders[_checked(self._add(self._fd, os.fsencode(folder), mask))] = folder

    def forget(self, folder: str) -> None:
        """Watch a folder, and those below it, no longer."""
        below = folder.rstrip("/") + "/"
        for number, path in list(self._folders.items()):
            if path == folder or path.startswith(below):
                del self._folders[number]
                self._remove(self._fd, number)

    def wait(self, seconds: float) -> None:
        """Wait until there are notices."""
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        poll.poll(seconds * 1000)

    def read(self) -> list[Notice]:
        """Return the notices that are there."""
        try:
            data = os.read(self._fd, _BUFFER)
        except BlockingIOError:
            return []
        found: list[Notice] = []
        at = 0
        while at < len(data):
            number, mask, _, size = _HEAD.unpack_from(data, at)
            raw = data[at + _HEAD.size : at + _HEAD.size + size]
            at += _HEAD.size + size
            if mask & _OVERFLOW:
                found.append(Notice(OVERFLOW, "", "changed", is_folder=False))
            elif mask & _IGNORED:
                folder = self._folders.pop(number, None)
                if folder is not None:  # else it was forgotten
                    found.append(Notice(folder, "", "removed", is_folder=True))
            elif number in self._folders:
                name = os.fsdecode(raw.rstrip(b"\0"))
                is_folder = bool(mask & _ISDIR)
                change, folder = _change(mask), self._folders[number]
                is_folder = is_folder or bool(mask & _MOVE_SELF)
                found.append(Notice(folder, name, change, is_folder))
        return found


def _change(mask: int) -> str:
    if mask & (_CREATE | _MOVED_TO):
        return "created"
    return "removed" if mask & (_DELETE | _MOVED_FROM | _MOVE_SELF) else "changed"


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
