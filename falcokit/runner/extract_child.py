# SPDX-License-Identifier: Apache-2.0
"""The runner for field extraction: events go into its stdin, rows of values come from its stdout.

One poll loop serves both pipes and never waits for one while the other is ready, so that full pipes
cannot block each other.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import subprocess
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import msgspec

from falcokit.errors import ConfigError, FalcokitError, PluginFailedError
from falcokit.runner.program import build_runner
from falcokit.runner.reports import exit_status, plugin_failure
from falcokit.runner.stdin_options import STDIN_OPTIONS, stdin_options

if TYPE_CHECKING:
    from pathlib import Path

    from falcokit.runner.reports import Report

__all__ = ["ExtractionChild"]

_CHUNK: Final = 1 << 18
#: A batch of frames fits into it: then few calls send one.
_PIPE_BYTES: Final = 1 << 20
_LOOK_S: Final = 0.2
#: The runner itself notices a plugin that hangs; this much later the runner itself hangs.
_GRACE_S: Final = 5.0
_CLOSE_S: Final = 2.0
#: Rows beyond this many bytes stay with the runner until earlier ones have been consumed.
_MAX_TAKEN: Final = 1 << 22
_VALUES: Final = b'{"report":"values"'


class _Values(msgspec.Struct):
    rows: list[tuple[Any, ...] | None]


class ExtractionChild:
    """A running extraction: frames are sent, rows come back in the same order."""

    def __init__(
        self, library: Path, *, wanted: str, init_config: str | None, deadline: float
    ) -> None:
        """Prepare the command; `wanted` has the fields in the form of the runner's --extract."""
        self._library = library
        self._arguments = ["--plugin", str(library.absolute()), STDIN_OPTIONS]
        self._arguments += ["--deadline", f"{deadline:.3f}"]
        # Rules can name more fields than a command line has room for.
        hidden = stdin_options({"--init": init_config, "--extract": wanted})
        self._patience: Final = deadline + _GRACE_S
        #: Rows that arrived and were not consumed yet, one for each frame sent.
        self.rows: deque[tuple[Any, ...] | None] = deque()
        self.failure: str | None = None
        self._out = bytearray(hidden)  # before the first frame
        self._partial: list[bytes] = []
        self._stale = 0
        self._taken_bytes = 0
        self._reports: dict[str, Report] = {}
        self._decoder = msgspec.json.Decoder(_Values)
        self._poll = select.poll()
        self._ended = False
        self._garbled = False
        self._error: FalcokitError | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        """Start the runner."""
        process = subprocess.Popen(
            [str(build_runner()), "--parent", str(os.getpid()), *self._arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,  # Ctrl-C reaches it through us
        )
        self._process = process
        os.set_blocking(self._stdin, False)
        with suppress(OSError):  # the system's limit may be lower
            fcntl.fcntl(self._stdin, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self._poll.register(self._stdout, select.POLLIN)

    def started(self) -> tuple[Report, Report]:
        """Wait for the reports of the loaded plugin and of the extraction, and return them."""
        while "extracting" not in self._reports:
            self._step(None)
        return self._reports["loaded"], self._reports["extracting"]

    @property
    def unsent(self) -> int:
        """Bytes of frames for which the pipe had no room yet."""
        return len(self._out)

    def send(self, frame: bytes) -> None:
        """Queue a frame for the next `exchange`."""
        self._out += frame

    def exchange(self, wait_for: int | None) -> None:
        """Send and receive without waiting, or wait for the row of the event `wait_for`.

        Raises:
            PluginFailedError: the plugin failed, and its last row has been consumed.

        """
        if wait_for is None:
            if self._error is None:
                self._serve(0.0)
            return
        while not self.rows:
            self._step(wait_for)

    def forget(self, count: int) -> None:
        """Discard the rows of the last `count` frames."""
        self._stale += count - len(self.rows)
        self.rows.clear()

    def close(self) -> None:
        """Let the plugin end properly, which takes at most two seconds."""
        process = self._process
        if process is None:
            return
        self._close_stdin()
        end = time.monotonic() + _CLOSE_S
        with suppress(FalcokitError):
            while not self._ended and time.monotonic() < end:
                self._serve(_LOOK_S)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=max(end - time.monotonic(), 0.1))
        self.kill()

    def kill(self) -> None:
        """Kill the child and its own children."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._close_stdin()
        if process.stdout is not None:
            process.stdout.close()
        self._ended = True
        self._process = None

    @property
    def _child(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("the extraction does not run: use it in a with statement")
        return self._process

    @property
    def _stdin(self) -> int:
        stream = self._child.stdin
        return -1 if stream is None or stream.closed else stream.fileno()

    @property
    def _stdout(self) -> int:
        stream = self._child.stdout
        if stream is None:
            raise RuntimeError("the runner has no pipe")
        return stream.fileno()

    def _step(self, event: int | None) -> None:
        """Wait until data can be sent or received; raise the error if the child ended."""
        end = time.monotonic() + self._patience
        while self._error is None:
            if self._serve(_LOOK_S):
                return
            if self._ended or self._child.poll() is not None:
                self._error = self._why(event)
            elif time.monotonic() >= end:
                where = "" if event is None else f", at event {event} or later"
                self.kill()
                self._error = PluginFailedError(
                    f"the runner of {self._library.name} did not answer any more{where}"
                )
        raise self._error

    def _why(self, event: int | None) -> FalcokitError:
        """Return the error that ended the child."""
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(timeout=_CLOSE_S)
        report, code = self._reports.get("error"), self._child.returncode
        if report is not None and report.get("phase") == "fields":
            return ConfigError(
                f"{self._library.name}: {report['message']}",
                hint="`falcokit inspect LIB.so` lists its fields",
            )
        if report is not None or not code:
            failed = plugin_failure(report, code, library=self._library.name)
            return failed or PluginFailedError("the runner ended too soon")
        where = "" if event is None else f", at event {event} or later"
        return PluginFailedError(
            f"the process of the plugin {self._library.name} ended too soon: "
            f"{exit_status(code)}{where}",
            hint="a crash in native code (an extension module, ctypes) ends the host in this way",
        )

    def _serve(self, timeout: float) -> bool:
        """Send and receive without waiting; return whether anything was transferred."""
        moved = False
        while not self._ended and not (self.rows and self._taken_bytes >= _MAX_TAKEN):
            if self._out and self._stdin >= 0:
                self._poll.register(self._stdin, select.POLLOUT)
            ready = dict(self._poll.poll(0 if moved else timeout * 1000))
            if self._stdin in ready:
                self._poll.unregister(self._stdin)
                self._write()
            if self._stdout in ready:
                self._take()
            if not ready or self._ended:
                break
            moved = True
        return moved

    def _write(self) -> None:
        try:
            with memoryview(self._out) as view:
                written = os.write(self._stdin, view[:_PIPE_BYTES])
        except BlockingIOError:
            return
        except BrokenPipeError:  # its last reports must still be read
            self._close_stdin()
            return
        del self._out[:written]

    def _close_stdin(self) -> None:
        self._out.clear()
        stream = self._child.stdin
        if stream is not None and not stream.closed:
            with suppress(KeyError):
                self._poll.unregister(stream.fileno())
            stream.close()

    def _take(self) -> None:
        chunk = os.read(self._stdout, _CHUNK)
        if not chunk:
            self._ended = True
            return
        *lines, rest = chunk.split(b"\n")
        if lines:
            lines[0] = b"".join((*self._partial, lines[0]))
            self._partial.clear()
        self._partial.append(rest)
        for line in lines:
            self._take_line(line)

    def _take_line(self, line: bytes) -> None:
        try:
            if line.startswith(_VALUES):
                if not self._garbled:
                    self._taken_bytes = len(line) + (self._taken_bytes if self.rows else 0)
                    self._take_rows(self._decoder.decode(line).rows)
                return
            report: Report = msgspec.json.decode(line)
        except msgspec.DecodeError:
            # A crash within a report: rows can no longer be assigned to events.
            self._garbled = True
            return
        kind = report["report"]
        if kind == "extract_failed":
            self.failure = f"{report['message']} (at event {report['event']})"
        elif kind in {"loaded", "extracting", "error"}:
            self._reports[kind] = report

    def _take_rows(self, rows: list[tuple[Any, ...] | None]) -> None:
        stale = min(self._stale, len(rows))
        self._stale -= stale
        self.rows.extend(rows[stale:] if stale else rows)
