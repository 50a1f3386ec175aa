# SPDX-License-Identifier: Apache-2.0
"""ProcessLines: the lines that a program writes, which is started again when it ends."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Final

from falcokit.runtime.base.errors import PluginError
from falcokit.sources.backoff import Backoff
from falcokit.sources.feed import Feed
from falcokit.sources.lines import MAX_LINE, LineBuffer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["ProcessLines"]

_PIECE: Final = 65536
_POLL_MS: Final = 100
_STEADY_SECONDS: Final = 60.0  # after which the next failure is the first again
_TERM_SECONDS: Final = 0.5  # from SIGTERM to SIGKILL: the end of a capture waits
_SAID_LINES: Final = 100  # of standard error, logged in a minute


class ProcessLines(Feed):
    """Lines of standard output as bytes; what is on standard error goes to the log.

    The program has no input, and a process group of its own, which ends with the capture: SIGTERM,
    half a second later SIGKILL.

    Args:
        command: The program and its arguments; there is no shell.
        restart: Start it again when it ends, after a pause that doubles with each failure in a row.
            False: its end is the end, and a status other than 0 is an error.
        env: Its whole environment; None: that of Falco.
        cwd: The folder it runs in; None: Falco's.
        max_line: Bytes of a line; what it has beyond is left out.
        first_pause: Seconds of the first pause.
        max_pause: Seconds of the longest.
        name: Prefix of the metrics: <name>_lines and so on.

    Raises:
        PluginError: the program cannot be started at all; with `restart=False`, it has failed.

    """

    name = "process"
    counts = ("lines", "starts", "failures", "cut", "stderr_lines")

    def __init__(
        self,
        command: Sequence[str],
        *,
        restart: bool = True,
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        max_line: int = MAX_LINE,
        first_pause: float = 1.0,
        max_pause: float = 60.0,
        name: str | None = None,
    ) -> None:
        if isinstance(command, str):
            raise PluginError(
                'the command is a list of the program and its arguments: ["ls", "-l"]'
            )
        self._command, self._restart, self._env, self._cwd = list(command), restart, env, cwd
        self._max_line = max_line
        self._backoff = Backoff(first_pause, max_pause)
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._over = False  # what was given last was the rest
        self._said_until, self._said = 0.0, 0
        self._changing = threading.Lock()  # the process is started and ended by different threads
        super().__init__(name)
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self) -> None:
        with self._changing:
            if self.closed.is_set():
                return
            try:
                self._process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env=self._env,
                    cwd=self._cwd,
                    bufsize=0,
                    start_new_session=True,
                )
            except (OSError, ValueError, subprocess.SubprocessError) as e:
                raise PluginError(f"{self._command[0]} cannot be started: {e}") from e
        self._started = time.monotonic()
        self._lines = LineBuffer(self._max_line)
        self._errors = LineBuffer(4096)
        self.counters.add("starts")

    def read(self) -> list[bytes]:
        """Wait for lines, and return those that are there."""
        while not self.closed.is_set():
            process = self._process
            if process is None:
                try:
                    self._start()
                except PluginError as e:  # it was there before: perhaps it is being replaced
                    self._failed(str(e))
                continue
            with self._changing:  # the end does not wait longer than this does
                lines, over = ([], False) if self.closed.is_set() else self._next(process)
            if lines:
                self.counters.add("lines", len(lines))
                self._over = over
                return lines
            if over or self._over:
                self._over = False
                self._ended(process)
        return []

    def _next(self, process: subprocess.Popen[bytes]) -> tuple[list[bytes], bool]:
        """Return what it has written, after a moment at the latest, and whether that was all."""
        streams = {
            stream.fileno(): buffer
            for stream, buffer in ((process.stdout, self._lines), (process.stderr, self._errors))
            if stream is not None and not stream.closed
        }
        poll = select.poll()
        for fd in streams:
            poll.register(fd, select.POLLIN)
        found: dict[LineBuffer, list[bytes]] = {self._lines: [], self._errors: []}
        has_ended = process.poll() is not None  # before the last look at what it has written
        ready = poll.poll(0 if has_ended else _POLL_MS)
        for fd, _ in ready:
            buffer = streams[fd]
            data = os.read(fd, _PIECE)
            found[buffer] += buffer.add(data) if data else buffer.end()
            if not data:
                stream = process.stdout if buffer is self._lines else process.stderr
                if stream is not None:
                    stream.close()
        is_read = all(
            stream is None or stream.closed for stream in (process.stdout, process.stderr)
        )
        # A child of it may hold the pipes: the program's own end is what counts.
        over = is_read or (has_ended and not ready)
        if over:
            found[self._lines] += self._lines.end()
        self._log(found[self._errors])
        if self._lines.cut:
            self.counters.add("cut", self._lines.cut)
            self._lines.cut = 0
        return found[self._lines], over

    def _log(self, lines: list[bytes]) -> None:
        self.counters.add("stderr_lines", len(lines))
        now = time.monotonic()
        if now >= self._said_until:
            self._said_until, self._said = now + 60.0, 0
        for line in lines:
            self._said += 1
            if self._said <= _SAID_LINES:
                self.log.warning("%s: %s", self._command[0], line.decode(errors="replace"))
            elif self._said == _SAID_LINES + 1:
                self.log.warning("%s: more on standard error is not logged", self._command[0])

    def _ended(self, process: subprocess.Popen[bytes]) -> None:
        with self._changing:
            self._end(process)
            self._process = None
        status = process.returncode
        text = f"{self._command[0]} has ended with status {status}"
        if self._restart:
            self._failed(text)
        elif status:
            self.counters.add("failures")
            self.close()
            raise PluginError(text)
        else:
            self.close()

    def _failed(self, text: str) -> None:
        if time.monotonic() - self._started >= _STEADY_SECONDS:
            self._backoff.reset()
        pause = self._backoff.next()
        self.counters.add("failures")
        self.warn("ended", "%s; it is started again in %.1f s", text, pause)
        self.closed.wait(pause)

    def _release(self) -> None:
        with self._changing:
            process = self._process
            if process is not None:
                self._end(process)

    @staticmethod
    def _end(process: subprocess.Popen[bytes]) -> None:
        """End the program and what it has started; called with the lock, and does no harm twice."""
        for number, seconds in ((signal.SIGTERM, _TERM_SECONDS), (signal.SIGKILL, 1.0)):
            with contextlib.suppress(OSError):  # none of the group is left
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
                if number == signal.SIGKILL:
                    break
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
