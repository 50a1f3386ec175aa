# SPDX-License-Identifier: Apache-2.0
"""Tail: the lines of a file that grows, is rotated, truncated and compressed, each of them once."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import zlib
from collections import deque
from typing import Final

from falcokit.runtime.base.errors import PluginError
from falcokit.sources.feed import Feed
from falcokit.sources.lines import MAX_LINE, LineBuffer
from falcokit.sources.rotation import LogFile, Mark, mark_of, rotated_files

__all__ = ["Tail"]

_PAUSE_MIN: Final = (
    0.005  # seconds between two looks, doubled up to the longest while nothing comes
)
_PAUSE_MAX: Final = 0.25
_SAVE_SECONDS: Final = 1.0
_BEHIND_MAX: Final = 100  # rotated files that are made up for at a time
_LEFT: Final = 16
_STATE_MAX: Final = 4096  # bytes of a state file


class Tail(Feed):
    """The lines of a file as bytes, as they are written; one that is not there yet is waited for.

    A file that is renamed away is read to its end before the one that takes its name; one that is
    truncated is read again from its start, after what a copy of it still has (copytruncate). What
    was rotated between two looks, or while nobody looked, is found beside it, gzip too.

    Args:
        path: The file; a symbolic link is followed.
        from_start: Also what it holds already. Without it only what comes from now on.
        follow: Wait for more at the end. False: the end of the file is the end.
        rotated: Look for lines in the files that a rotation has left, by their names: a number or
            a date after the name, with or without ".gz".
        state: A file in which to keep the position from one capture to the next; `from_start` is
            only for when there is none. Lines may come twice after a crash, but none is missing
            but those that Falco had not taken at the end.
        max_line: Bytes of a line; what it has beyond is left out, and counted.
        name: Prefix of the metrics: <name>_lines and so on.

    Raises:
        PluginError: the path is no regular file, or may not be read.

    """

    name = "tail"
    counts = ("lines", "bytes", "rotations", "truncations", "cut", "lost", "errors")

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        from_start: bool = False,
        follow: bool = True,
        rotated: bool = True,
        state: str | os.PathLike[str] | None = None,
        max_line: int = MAX_LINE,
        name: str | None = None,
    ) -> None:
        self.path = os.fspath(path)
        self._follow, self._rotated = follow, rotated
        self._state = os.fspath(state) if state is not None else None
        self._lines = LineBuffer(max_line)
        self._file: LogFile | None = None
        self._behind: deque[tuple[str, int]] = deque()  # files to read before, and from where
        self._lock = threading.Lock()  # the file is closed by another thread than reads it
        self._left: deque[Mark] = deque(maxlen=_LEFT)  # files that were read to their end
        self._mark: Mark | None = None  # after the lines that were passed on
        self._given: Mark | None = None  # after those that were given, but may not be passed on
        self._saved = 0.0
        super().__init__(name)
        try:
            self._begin(from_start=from_start)
        except OSError as e:
            self.close()
            raise PluginError(f"{self.path} cannot be followed: {e.strerror}") from e
        except BaseException:
            self.close()
            raise
        if self.closed.is_set():  # while it was made
            self._release()

    # ---- where to begin --------------------------------------------------------------------------

    def _begin(self, *, from_start: bool) -> None:
        mark = self._load()
        if mark is not None:
            self._mark = mark
            self._resume(mark)
            return
        with contextlib.suppress(FileNotFoundError):
            self._file = LogFile(self.path)
            if not from_start:
                self._file.skip(self._file.size)

    def _resume(self, mark: Mark) -> None:
        with contextlib.suppress(FileNotFoundError):
            file = LogFile(self.path)
            if file.is_of(mark) and file.size >= mark.offset and self._is_same(file, mark):
                file.skip(mark.offset)
                self._file, self._lines.cutting = file, mark.cutting
                return
            file.close()
        copy = self._copy_of(mark)
        if copy is None and mark.offset:
            self.counters.add("lost")
            self.warn("lost", "%s is another file than before, and the old one is gone", self.path)
        if copy is not None:
            self._lines.cutting = mark.cutting
            self._behind.append((copy, mark.offset))
        self._behind.extend(one for one in self._newer_than(mark) if one[0] != copy)

    @staticmethod
    def _is_same(file: LogFile, mark: Mark) -> bool:
        return mark.is_known or file.key == (mark.device, mark.inode)

    def _load(self) -> Mark | None:
        if self._state is None:
            return None
        import json  # noqa: PLC0415  # only with a state file

        try:
            with open(self._state, "rb") as file:
                found = mark_of(json.loads(file.read(_STATE_MAX)))
        except FileNotFoundError:
            return None
        except OSError as e:
            raise PluginError(f"the state file {self._state} cannot be read: {e.strerror}") from e
        except (ValueError, RecursionError):
            found = None
        if found is None:
            self.warn("state", "the state file %s holds no position, and is made anew", self._state)
        return found

    def _save(self) -> None:
        """Keep the position, but not with each line. With the lock."""
        if self._state is None or self._mark is None:
            return
        import json  # noqa: PLC0415  # only with a state file

        self._saved = time.monotonic()
        draft = f"{self._state}.new"
        try:
            # In a folder that others write to, a link may lie in wait there.
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
            with open(os.open(draft, flags, 0o600), "w", encoding="ascii") as file:
                json.dump(self._mark._asdict(), file)
            os.replace(draft, self._state)
        except OSError as e:
            self.counters.add("errors")
            self.warn("save", "the position cannot be kept in %s: %s", self._state, e.strerror)

    # ---- rotated files ---------------------------------------------------------------------------

    def _beside(self) -> list[str]:
        return rotated_files(os.path.realpath(self.path)) if self._rotated else []

    def _opened(self, name: str) -> LogFile | None:
        """Open a rotated file; None: it is gone, or no log."""
        try:
            return LogFile(name, follow_link=False)
        except (OSError, EOFError, zlib.error, PluginError):
            return None

    def _copy_of(self, mark: Mark) -> str | None:
        """Return the rotated file that has the content of another: renamed, copied or packed."""
        for name in reversed(self._beside()):
            file = self._opened(name)
            if file is None:
                continue
            with file:
                same = file.is_of(mark) and (
                    file.key == (mark.device, mark.inode)
                    or (mark.is_known and (name.endswith(".gz") or file.size >= mark.offset))
                )
            if same:
                return name
        return None

    def _newer_than(self, mark: Mark) -> list[tuple[str, int]]:
        """Return the rotated files written after that of the mark, the oldest first.

        One that was read before is there again if somebody still wrote to it, for that part.
        """
        found: list[tuple[str, int]] = []
        for name in self._beside():
            file = self._opened(name)
            if file is None:
                continue
            with file:
                if file.mark().modified_ns < mark.modified_ns or self._is_live(file):
                    continue
                offsets = [
                    known.offset
                    for known in (mark, *self._left)
                    if file.key == known[:2] or (known.is_known and file.is_of(known))
                ]
                if not offsets or (not name.endswith(".gz") and file.size > max(offsets)):
                    found.append((name, max(offsets, default=0)))
        return found[-_BEHIND_MAX:]

    def _is_live(self, file: LogFile) -> bool:
        try:
            there = os.stat(self.path)
        except OSError:
            return False
        return (there.st_dev, there.st_ino) == file.key

    # ---- reading ---------------------------------------------------------------------------------

    def read(self) -> list[bytes]:
        """Wait for lines, and return those that are there."""
        pause = _PAUSE_MIN
        while not self.closed.is_set():
            with self._lock:
                if self.closed.is_set():
                    break
                self._pass_on()
                lines, more = self._take()
            if lines:
                return lines
            if not more:
                if not self._follow:
                    break
                self.closed.wait(pause)
                pause = min(pause * 2, _PAUSE_MAX)
        return []

    def _pass_on(self) -> None:
        """Take what was given as passed on: the next is asked for."""
        if self._given is not None:
            self._mark, self._given = self._given, None
            if time.monotonic() - self._saved >= _SAVE_SECONDS:
                self._save()

    def _take(self) -> tuple[list[bytes], bool]:
        """Return the next lines, and whether to look again at once."""
        file = self._file = self._file or self._next()
        if file is None:
            return [], False
        if file.path == self.path and file.is_rewritten():
            self._truncated(file)
            return [], True
        data = self._read(file)
        if data:
            return self._counted(self._lines.add(data), file), True
        if file.path == self.path and (not self._follow or not self._is_replaced(file)):
            at_end = self._lines.end() if not self._follow else []
            return self._counted(at_end, file), False
        # Once more: something may have been written between the reading and the renaming.
        if file.path == self.path and (data := self._read(file)):
            return self._counted(self._lines.add(data), file), True
        return self._finished(file), True

    def _read(self, file: LogFile) -> bytes:
        try:
            while not self.closed.is_set() and file.skip_some():
                pass
            data = file.read()
        except (OSError, EOFError, zlib.error) as e:
            self.counters.add("errors")
            self.warn("read", "%s cannot be read on: %s", file.path, e)
            return b""
        self.counters.add("bytes", len(data))
        return data

    def _counted(self, lines: list[bytes], file: LogFile) -> list[bytes]:
        self.counters.add("lines", len(lines))
        if self._lines.cut:
            self.counters.add("cut", self._lines.cut)
            self._lines.cut = 0
        if self._state is not None:
            self._given = file.mark(waiting=self._lines.waiting, cutting=self._lines.cutting)
        return lines

    def _finished(self, file: LogFile) -> list[bytes]:
        """Leave a file that gets no more: its last line needs no newline."""
        lines = self._counted(self._lines.end(), file)
        if file.path == self.path:
            self.counters.add("rotations")
            self._behind.extend(self._newer_than(file.mark()))
        self._left.append(file.mark())
        file.close()
        self._file = None
        return lines

    def _truncated(self, file: LogFile) -> None:
        """Begin again, after what a copy has of it that was not read in time."""
        self.counters.add("truncations")
        copy = self._copy_of(file.mark())
        if copy is not None:
            self._behind.append((copy, file.offset))
        else:
            self._lines.end()
        file.close()
        self._file = None

    def _next(self) -> LogFile | None:
        while self._behind:
            name, offset = self._behind.popleft()
            file = self._opened(name)
            if file is not None:
                file.skip(offset)
                return file
        try:
            return LogFile(self.path)
        except FileNotFoundError:
            return None  # between the two steps of a rotation, or not there yet
        except (OSError, PluginError) as e:
            self.counters.add("errors")
            self.warn("open", "%s cannot be opened: %s", self.path, e)
            return None

    def _is_replaced(self, file: LogFile) -> bool:
        try:
            there = os.stat(self.path)
        except OSError:
            return False  # renamed, and nothing has its name yet: it may still be written to
        return (there.st_dev, there.st_ino) != file.key

    def _release(self) -> None:
        with self._lock:
            self._save()
            file, self._file = self._file, None
            if file is not None:
                file.close()
