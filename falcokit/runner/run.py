# SPDX-License-Identifier: Apache-2.0
"""Runs a plugin library in the runner, a child process, and reads its reports.

A report is one JSON object with the key "report"; the kinds are listed in docs/cli.md. The child
never outlives this process, and a plugin that crashes affects only the child.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec

from falcokit.runner.author_error import with_exception
from falcokit.runner.event_rows import RowDecoder
from falcokit.runner.program import build_runner
from falcokit.runner.stdin_options import STDIN_OPTIONS, hand_over, stdin_options

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType
    from typing import IO

    from falcokit.runner.replay_reports import ReplayReports

__all__ = ["RunOptions", "Runner"]

_READ_BYTES = 1 << 18
#: The variable by which falcokit.runtime.host.debugging learns the port.
DEBUG_PORT: Final = "FALCOKIT_DEBUGPY_PORT"
_ROWS: Final = b'{"report":"rows"'
#: The kinds of reports that may tell of an error of the author's code.
_OF_ERRORS: Final = (b'{"report":"log"', b'{"report":"error"', b'{"report":"extract_failed"')


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """The plugin to run, and limits; every field is an option of the runner."""

    library: Path
    init_config: str | None = None
    open_params: str | None = None
    limit: int | None = None
    duration: float | None = None
    record: Path | None = None
    stats_ms: int | None = None  # None: an event report for every event
    events_per_second: int | None = None  # with stats_ms: event reports for so many, at most
    beside: tuple[Path, ...] = ()  # additional plugins, without an init config
    source: str | None = None  # the plugin whose source is opened; "syscall": an idle one
    set_config: str | None = None
    replay: Path | None = None  # a capture whose events come in place of a source's
    speed: float | None = None  # of a replay: 1.0 is real time; None: at once
    #: A row for every event, with these fields; "" for none; "evt.plugininfo" only as the first.
    rows: str | None = None
    fields: str | None = None  # to extract: "x.a,x.b[3]", "*" for those without an argument
    fields_of: str | None = None  # the plugin whose fields they are; None: the first
    metrics: bool = False
    cycles: int = 1
    reload: int = 1
    debug_port: int | None = None  # of 127.0.0.1, where a development build lets a debugger attach
    stderr: int | None = None  # where the plugin's own output goes; None: our stderr

    def hidden(self) -> bytes:
        """Return the options that may contain secrets, or be of any length: they go over stdin."""
        return stdin_options(
            {
                "--rows": self.rows,
                "--init": self.init_config,
                "--open": self.open_params,
                "--set-config": self.set_config,
            }
        )

    def command(self, runner: Path) -> list[str]:
        """Return the command line for the program `runner`."""
        command = [str(runner), "--parent", str(os.getpid()), "--plugin", str(self.library)]
        if self.hidden():
            command.append(STDIN_OPTIONS)
        for library in self.beside:
            command += ["--plugin", str(library)]
        given = {
            "--source": self.source,
            "--limit": self.limit,
            "--duration": self.duration,
            "--record": self.record,
            "--stats-ms": self.stats_ms,
            "--events-per-second": self.events_per_second,
            "--fields": self.fields,
            "--fields-of": self.fields_of,
            "--cycles": self.cycles,
            "--reload": self.reload,
        }
        for option, value in given.items():
            if value is not None:
                command += [option, str(value)]
        flags = {"--metrics": self.metrics, "--replay": self.replay is not None}
        return [*command, *(flag for flag, wanted in flags.items() if wanted)]


def _environment(debug_port: int | None) -> dict[str, str] | None:
    """Return the child's environment; None: ours."""
    if debug_port is None:
        return None
    return {**os.environ, DEBUG_PORT: str(debug_port)}


class Runner:
    """A running child; started on enter, ended on exit."""

    def __init__(self, options: RunOptions) -> None:
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self._partial = b""
        self._pending: list[dict[str, Any]] = []
        self._ended = False
        self._rows = RowDecoder()
        self._replay: ReplayReports | None = None

    def __enter__(self) -> Self:
        """Start the child in its own session, so that Ctrl-C reaches it only through `stop`."""
        options, hidden = self._options, self._options.hidden()
        piped = bool(hidden) or options.replay is not None
        self._process = subprocess.Popen(
            self._options.command(build_runner()),
            stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._options.stderr,
            start_new_session=True,
            env=_environment(options.debug_port),
        )
        if self._process.stdin is not None:
            try:
                hand_over(self._process.stdin, hidden, close=options.replay is None)
                if options.replay is not None:
                    self._replay = _replay(options, options.replay, self._process.stdin)
            except BaseException:
                self.__exit__(None, None, None)
                raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the child and close the pipe."""
        self.stop()
        if self._replay is not None:
            self._replay.feed.stop()
        stream = self._child.stdout
        if stream is not None:
            stream.close()

    @property
    def _child(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("the runner has not been started: use it in a with statement")
        return self._process

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._child.pid

    @property
    def returncode(self) -> int | None:
        """The child's exit status, a negative signal number, or None while it runs."""
        return self._child.poll()

    def fileno(self) -> int:
        """Return the file descriptor of the reports, to wait on; then call `read`."""
        stream = self._child.stdout
        if stream is None:
            raise RuntimeError("the runner has no pipe")
        return stream.fileno()

    def read(self, timeout: float | None = 0.0) -> list[dict[str, Any]]:
        """Return the available reports, waiting up to `timeout` seconds for the first.

        An empty list means that there is none yet, or no more if `ended` is true.
        """
        if not self._pending and not self._ended and self._readable(timeout):
            self._take()
        reports, self._pending = self._pending, []
        return reports

    @property
    def ended(self) -> bool:
        """True once the last report was read: the child closed the pipe."""
        return self._ended and not self._pending

    def reports(self) -> Iterator[dict[str, Any]]:
        """Yield the reports until the child ends, waiting for each."""
        while not self.ended:
            yield from self.read(timeout=None)
        # The pipe is closed: only the child's exit status remains.
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(timeout=2.0)

    def stop(self, timeout: float = 2.0) -> None:
        """End the child: SIGTERM closes the capture, then SIGKILL ends it and its children.

        Reports that it writes meanwhile are kept for `read` and `reports`.
        """
        child = self._child
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + timeout
        # A child that waits for room in the pipe cannot end: drain it.
        while not self._ended and (left := deadline - time.monotonic()) > 0:
            if self._readable(left):
                self._take()
        try:
            child.wait(timeout=max(deadline - time.monotonic(), 0.01))
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()

    def _readable(self, timeout: float | None) -> bool:
        poll = select.poll()  # select() refuses descriptors above 1023
        poll.register(self, select.POLLIN)
        return bool(poll.poll(None if timeout is None else timeout * 1000))

    def _take(self) -> None:
        chunk = os.read(self.fileno(), _READ_BYTES)
        if not chunk:
            self._ended = True
            if self._replay is not None:
                self._pending += self._replay.last()
            return
        *lines, self._partial = (self._partial + chunk).split(b"\n")
        reports = map(self._decoded, lines)
        if self._replay is not None:
            for report in reports:
                self._pending += self._replay.take(report)
        else:
            self._pending += reports

    def _decoded(self, line: bytes) -> dict[str, Any]:
        if line.startswith(_ROWS):
            return {"report": "rows", "rows": self._rows.decode(line)}
        report: dict[str, Any] = msgspec.json.decode(line)
        return with_exception(report) if line.startswith(_OF_ERRORS) else report


def _replay(options: RunOptions, file: Path, stream: IO[bytes]) -> ReplayReports:
    from falcokit.runner.replay_reports import ReplayReports  # noqa: PLC0415 - reads captures

    return ReplayReports(file, options.speed, stream, keep=options.rows is not None)
