# SPDX-License-Identifier: Apache-2.0
"""Builds and runs, and on every save builds again and restarts: the loop behind `falcokit dev`.

Everything that happens is one stream of reports, produced on the thread that reads it: the main
thread, where a signal can stop a build, or beside a screen one of its own. Other threads only put
messages into the inbox and wake it up: watchdog's thread for saves, the screen's thread for keys.

The order on a save: build first, while the old child keeps running; only a successful build stops
it. The old and the new child never run at the same time, since a plugin may own a port or a file
that exists only once.
"""

from __future__ import annotations

import contextlib
import queue
import select
import socket
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from falcokit.errors import FalcokitError
from falcokit.runner.reports import Report, error_object, event_total, exit_status, plugin_failure

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from types import TracebackType
    from typing import Self

__all__ = ["Build", "Child", "Supervisor"]

DEBOUNCE_SECONDS: Final = 0.05
"""Editors save in several steps (write, rename, chmod) within a few milliseconds."""

STOP_SECONDS: Final = 1.5
"""How long a child may take to close; with a kill after that, less than the promised 2 s."""


class Build(Protocol):
    """The result of a build, as `falcokit.build.build_project.BuildResult`."""

    @property
    def library(self) -> Path: ...  # noqa: D102
    @property
    def compiled(self) -> bool: ...  # noqa: D102


class Child(Protocol):
    """A running plugin, as `falcokit.runner.run.Runner`."""

    @property
    def pid(self) -> int: ...  # noqa: D102
    @property
    def returncode(self) -> int | None: ...  # noqa: D102
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...
    @property
    def ended(self) -> bool: ...  # noqa: D102
    def fileno(self) -> int: ...  # noqa: D102
    def read(self, timeout: float | None = 0.0) -> list[Report]: ...  # noqa: D102
    def stop(self, timeout: float = 2.0) -> None: ...  # noqa: D102


@dataclass(kw_only=True)
class _Run:
    number: int
    child: Child
    library: Path
    saved_at: float
    changed: list[str]
    error: Report | None = None
    has_event: bool = False


@dataclass(frozen=True)
class _Message:
    """A message that woke the loop, and its time.

    Kinds: saved, rules, quit, report (from other threads); child_report, ended (from the child).
    """

    kind: str
    value: Any = None
    at: float = field(default_factory=time.monotonic)


class Supervisor:
    """Keeps one child running, in the order described above."""

    def __init__(
        self,
        *,
        build: Callable[[], Build],
        start: Callable[[Build], Child],
        watch: bool,
        debounce: float = DEBOUNCE_SECONDS,
    ) -> None:
        self.failure: FalcokitError | None = None
        self._build = build
        self._start = start
        self._watch = watch
        self._debounce = debounce
        self._inbox: queue.SimpleQueue[_Message] = queue.SimpleQueue()
        self._child_messages: deque[_Message] = deque()
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._wake_writer.setblocking(False)
        self._run: _Run | None = None
        self._runs = 0

    def saved(self, path: Path | str) -> None:
        """Report a save; any thread may call this."""
        self._put(_Message("saved", str(path)))

    def rules_saved(self, path: Path | str) -> None:
        """Report a save of rules, for which nothing is built; any thread may call this."""
        self._put(_Message("rules", str(path)))

    def rebuild(self) -> None:
        """Build and restart as if something had been saved; any thread may call this."""
        self._put(_Message("saved", ""))

    def add_report(self, report: Report) -> None:
        """Add a report to the stream; any thread may call this."""
        self._put(_Message("report", report))

    def quit(self) -> None:
        """End the stream of reports; any thread may call this."""
        self._put(_Message("quit"))

    def reports(self, duration: float | None = None) -> Generator[Report, None, None]:
        """Run until quit, for `duration` seconds, or, without watch, until the child ends.

        Closing the generator always ends the child. Without watch `failure` is then the error that
        ended the run.
        """
        try:
            yield from self._restart(time.monotonic(), [])
            deadline = None if duration is None else time.monotonic() + duration
            while self._run is not None or self._watch:
                message = self._next(deadline)
                if message is None or message.kind == "quit":
                    yield from self._final_reports(is_over=message is None)
                    break
                yield from self._take(message)
        finally:
            self._stop()
            self._wake_reader.close()
            self._wake_writer.close()

    def _put(self, message: _Message) -> None:
        self._inbox.put(message)
        # If the socket is full the loop wakes anyway; if it is closed there is no loop.
        with contextlib.suppress(OSError):
            self._wake_writer.send(b"x")

    def _next(self, deadline: float | None) -> _Message | None:
        """Wait for the inbox or the child; None at the deadline."""
        while True:
            with contextlib.suppress(queue.Empty):
                return self._inbox.get_nowait()
            timeout = None if deadline is None else deadline - time.monotonic()
            if timeout is not None and timeout <= 0:
                return None
            if self._child_messages:
                return self._child_messages.popleft()
            waited: list[Any] = [self._wake_reader]
            if self._run is not None:
                waited.append(self._run.child)
            ready, _, _ = select.select(waited, [], [], timeout)
            if self._wake_reader in ready:
                self._wake_reader.recv(4096)
            if self._run is not None and self._run.child in ready:
                self._read_child(self._run.child)

    def _read_child(self, child: Child) -> None:
        """Read the reports that the child has sent so far."""
        at = time.monotonic()
        self._child_messages.extend(
            _Message("child_report", report, at) for report in child.read(timeout=0.0)
        )
        if child.ended:
            self._child_messages.append(_Message("ended"))

    def _take(self, message: _Message) -> Iterator[Report]:
        if message.kind in {"saved", "rules"}:
            yield from self._settle(message)
        elif message.kind == "report":
            yield message.value
        elif self._run is None:
            return  # messages of a child that was stopped are discarded, see _stop
        elif message.kind == "child_report":
            yield from self._pass_on(self._run, message.value, message.at)
        else:
            yield self._ended(self._run)

    def _settle(self, first: _Message) -> Iterator[Report]:
        """Wait until an editor has finished all its steps, then restart, or tell of new rules."""
        changed: dict[str, list[str]] = {"saved": [], "rules": []}
        changed[first.kind].append(first.value)
        quiet_at = time.monotonic() + self._debounce
        while (message := self._next(quiet_at)) is not None:
            if message.kind in changed:
                quiet_at = time.monotonic() + self._debounce
                changed[message.kind].append(message.value)
            elif message.kind == "quit":
                self._put(message)
                return
            else:
                yield from self._take(message)
        if changed["saved"]:
            yield from self._restart(first.at, _still_there(changed["saved"]))
        else:
            yield {"report": "rules_changed", "changed": _still_there(changed["rules"])}

    def _restart(self, saved_at: float, changed: list[str]) -> Iterator[Report]:
        yield {"report": "building", "changed": changed}
        begin = time.monotonic()
        try:
            built = self._build()
        except FalcokitError as e:
            self.failure = e
            yield {
                "report": "build",
                "ok": False,
                "ms": _since(begin),
                "running": self._run is not None,
                "error": error_object(e),
            }
            return
        yield {
            "report": "build",
            "ok": True,
            "ms": _since(begin),
            "compiled": built.compiled,
            "library": str(built.library),
        }
        self._stop()
        self.failure = None
        self._runs += 1
        try:
            child = self._start(built).__enter__()
        except FalcokitError as e:
            self.failure = e
            yield {"report": "ended", "run": self._runs, "ok": False, "status": e.message}
            return
        self._run = _Run(
            number=self._runs,
            child=child,
            library=built.library,
            saved_at=saved_at,
            changed=changed,
        )
        yield {"report": "started", "run": self._runs, "pid": child.pid, "changed": changed}

    def _pass_on(self, run: _Run, report: Report, at: float) -> Iterator[Report]:
        if report["report"] == "error":
            run.error = report
        yield report
        first = report["report"] in {"alert", "event"} or (
            report["report"] == "stats" and event_total(report) > 0
        )
        if first and not run.has_event:
            run.has_event = True
            yield {
                "report": "reload",
                "run": run.number,
                "ms": round((at - run.saved_at) * 1000, 1),
                "changed": run.changed,
            }

    def _ended(self, run: _Run) -> Report:
        self._stop()
        returncode = run.child.returncode
        self.failure = plugin_failure(run.error, returncode, library=run.library.name)
        return {
            "report": "ended",
            "run": run.number,
            "ok": self.failure is None,
            "status": exit_status(returncode),
        }

    def _final_reports(self, *, is_over: bool) -> Iterator[Report]:
        """Close the capture properly and forward the reports about that; `is_over`: the time."""
        run = self._run
        if run is None:
            return
        run.child.stop(timeout=STOP_SECONDS)
        for report in run.child.read(timeout=0.0):
            ends = report["report"] in {"closed", "end"}
            if is_over and ends and report.get("reason") == "signal":
                report["reason"] = "duration"  # the signal was ours
            yield from self._pass_on(run, report, time.monotonic())
        if run.error is not None:
            self.failure = plugin_failure(run.error, run.child.returncode, library=run.library.name)

    def _stop(self) -> None:
        run, self._run = self._run, None
        self._child_messages.clear()
        if run is not None:
            run.child.stop(timeout=STOP_SECONDS)
            run.child.__exit__(None, None, None)


def _since(begin: float) -> float:
    return round((time.monotonic() - begin) * 1000, 1)


def _still_there(paths: list[str]) -> list[str]:
    """Leave out an editor's temporary files, unless all are deleted files."""
    names = sorted({path for path in paths if path})
    return [name for name in names if Path(name).exists()] or names
