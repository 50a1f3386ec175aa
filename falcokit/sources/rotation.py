# SPDX-License-Identifier: Apache-2.0
"""Log files on disk: one that is being read, and those that a rotation has put beside it.

A file is known by its first bytes as well as by its inode: a copy (copytruncate) and a compressed
file have another inode, and a new file may have an old one's. Used by `tail`.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple, Self

from falcokit.runtime.base.errors import PluginError

if TYPE_CHECKING:
    from gzip import GzipFile

__all__ = ["LogFile", "Mark", "mark_of", "rotated_files"]

_HEAD: Final = 256  # first bytes by which a file is known
_CHUNK: Final = 65536
_FILES: Final = 1000  # rotated files that are looked at
#: What a rotation adds: .1, -20261130, .2026-11-30T10:00:00; the name may go on with its suffix.
_ADDED: Final = re.compile(r"[.-]\d[\d.\-_T:]*")


class Mark(NamedTuple):
    """A file as it is recognised later, and how far it was read."""

    device: int
    inode: int
    head_size: int
    head: str
    """Of the first `head_size` bytes: SHA-256, in hexadecimal."""
    offset: int
    modified_ns: int
    cutting: bool = False
    """The offset is in the rest of a line that was too long."""

    @property
    def is_known(self) -> bool:
        """Whether there was anything in it to know it by."""
        return self.head_size > 0


def mark_of(given: Any) -> Mark | None:
    """Return the mark that JSON holds; None: it holds something else."""
    kinds = (int, int, int, str, int, int, bool)
    if not isinstance(given, dict) or given.keys() != set(Mark._fields):
        return None
    values = [given[name] for name in Mark._fields]
    whole = all(type(value) is kind for value, kind in zip(values, kinds, strict=True))
    found = Mark(*values) if whole else None
    return found if found is not None and min(found.offset, found.head_size) >= 0 else None


class LogFile:
    """A regular file, plain or gzip, read from its start or from an offset of its content."""

    def __init__(self, path: str, *, follow_link: bool = True) -> None:
        """Open it.

        Raises:
            OSError: it cannot be opened.
            PluginError: it is no regular file.

        """
        # O_NONBLOCK: a pipe that somebody has put in its place is not waited for.
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
        self._fd = os.open(path, flags if follow_link else flags | os.O_NOFOLLOW)
        self._packed: GzipFile | None = None
        self._raw: IO[bytes] | None = None  # under it
        self.path = path
        self.offset = 0
        self._skip = 0  # bytes of a packed file that are left out
        self._seen = (0, 0)
        try:
            found = os.fstat(self._fd)
            if not stat.S_ISREG(found.st_mode):
                raise PluginError(f"{path} is no regular file")  # noqa: TRY301  # it is closed below
            self.key = (found.st_dev, found.st_ino)
            if path.endswith(".gz"):
                import gzip  # noqa: PLC0415  # rarely

                self._raw = os.fdopen(os.dup(self._fd), "rb")
                self._packed = gzip.GzipFile(fileobj=self._raw)
                self._head = self._packed.read(_HEAD)
                self._packed.seek(0)
            else:
                self._head = self._first(_HEAD)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of it."""
        if self._packed is not None:
            self._packed.close()
        if self._raw is not None:
            self._raw.close()
        os.close(self._fd)

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    @property
    def size(self) -> int:
        """Its size on disk."""
        return os.fstat(self._fd).st_size

    def _first(self, size: int) -> bytes:
        return os.pread(self._fd, size, 0)

    def is_rewritten(self) -> bool:
        """Return whether it was truncated, even if it has grown beyond our offset since then."""
        if self._packed is not None:
            return False
        found = os.fstat(self._fd)
        seen = (found.st_size, found.st_mtime_ns)
        if seen == self._seen:
            return False
        self._seen = seen
        return found.st_size < self.offset or self._first(len(self._head)) != self._head

    def read(self) -> bytes:
        """Return the next bytes; none: there are no more now."""
        if self._packed is not None:
            data = self._packed.read(_CHUNK)
        else:
            data = os.pread(self._fd, _CHUNK, self.offset)
            if data and len(self._head) < _HEAD:
                self._head = self._first(_HEAD)
        self.offset += len(data)
        return data

    def skip(self, offset: int) -> None:
        """Go on at an offset of its content."""
        if self._packed is not None:
            self._skip = offset
        self.offset = offset

    def skip_some(self) -> bool:
        """Unpack a part of what is left out, which may be much; False: nothing is any more."""
        if self._packed is None or not self._skip:
            return False
        data = self._packed.read(min(_CHUNK, self._skip))
        self._skip = self._skip - len(data) if data else 0
        return True

    def mark(self, *, waiting: int = 0, cutting: bool = False) -> Mark:
        """Return its mark, without the last `waiting` bytes that were read."""
        head = hashlib.sha256(self._head).hexdigest()
        modified = os.fstat(self._fd).st_mtime_ns
        return Mark(
            *self.key, len(self._head), head, self.offset - waiting, modified, cutting=cutting
        )

    def is_of(self, mark: Mark) -> bool:
        """Return whether its content begins as that of the file of the mark did."""
        first = self._head[: mark.head_size]
        return len(first) == mark.head_size and hashlib.sha256(first).hexdigest() == mark.head


def rotated_files(path: str) -> list[str]:
    """Return the files that a rotation has made of `path`, the one written last at the end."""
    folder, base = os.path.split(path)
    stem, suffix = os.path.splitext(base)
    found: list[tuple[int, str]] = []
    try:
        with os.scandir(folder or ".") as entries:
            for entry in entries:
                if not _is_rotated(entry.name, base, stem, suffix):
                    continue
                there = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(there.st_mode):
                    found.append((there.st_mtime_ns, entry.path))
    except OSError:
        pass  # what was found until then
    return [name for _, name in sorted(found)[-_FILES:]]


def _is_rotated(name: str, base: str, stem: str, suffix: str) -> bool:
    plain = name.removesuffix(".gz")
    if plain.startswith(base) and _ADDED.fullmatch(plain[len(base) :]):
        return True
    if not suffix or not plain.startswith(stem) or not plain.endswith(suffix):
        return False
    return bool(_ADDED.fullmatch(plain[len(stem) : -len(suffix)]))
