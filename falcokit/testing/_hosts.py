# SPDX-License-Identifier: Apache-2.0
"""Plugins in a host that is a process of its own: falcokit's runner, or sysdig.

Both take the library that `falcokit build` makes. What only a plugin in the test's own process can
do (its instance, its hooks one by one, tables of the test) they cannot: a test that asks for it is
skipped.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn, Self

from falcokit.errors import PluginFailedError
from falcokit.runtime.event.typed_event import event_from_json, make_event
from falcokit.testing._replay import ReplayedEvent, events_of, write_capture
from falcokit.testing._running import LogMessage, host_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from falcokit.runner.run import Runner, RunOptions
    from falcokit.runtime.event.event import Event
    from falcokit.testing._replay import Events

__all__ = ["HostRun", "HostedPlugin", "RunnerPlugin", "SysdigPlugin", "find_sysdig", "run_plugins"]

_SYSDIG_SECONDS: Final = 60.0
_TIME, _TYPE = "evt.rawtime", "evt.type"


class HostRun(NamedTuple):
    """What several plugins did in one host.

    Attributes:
        events: The events of the capture, with the fields of the first plugin.
        logs: What all of them logged.
        metrics: The metrics of each at the end, by its name.

    """

    events: list[ReplayedEvent]
    logs: list[LogMessage]
    metrics: dict[str, dict[str, float]]


class HostedPlugin:
    """A plugin in a process of its own. Made by the fixture `plugin`.

    Attributes:
        host: "runner" or "sysdig".
        name: The plugin's name.
        library: The plugin's library.
        source: The event source whose events it is given.
        plugin_id: The id of that source.

    """

    host = ""

    def __init__(self, library: Path, *, config: Any, source: str, plugin_id: int) -> None:
        self.library = library
        self.name = library.stem.removeprefix("lib")
        self.source = source
        self.plugin_id = plugin_id
        self._config = host_text(config)

    def extract(self, field: str, event: Event) -> Any:
        """Return the value of a field for an event, which is all that the plugin gets."""
        (row,) = self.replay([event], [field])
        return row.fields.get(field)

    def replay(self, events: Events, fields: Iterable[str] | None = None) -> list[ReplayedEvent]:
        """Return each event with the values of fields, as `RunningPlugin.replay`.

        It is a new process each time, and so a new state of the plugin.
        """
        with contextlib.ExitStack() as stack:
            if isinstance(events, (str, os.PathLike)):
                file = Path(events)
            else:
                events = list(events)
                file = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "test.scap"
                write_capture(self._prepared(events), file)
            values = self._values(file, fields)
            given = list(events_of(events, {0: "syscall", self.plugin_id: self.source}))
            return [
                ReplayedEvent(event, {k: v for k, v in row.items() if v is not None})
                for event, row in zip(given, values[-len(given) :] if given else [], strict=True)
            ]

    def _prepared(self, events: list[Event]) -> list[Event]:
        return events

    def _values(self, file: Path, fields: Iterable[str] | None) -> list[Mapping[str, Any]]:
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        self._needs_process(name)

    def _needs_process(self, name: str) -> NoReturn:
        import pytest  # noqa: PLC0415  # who made this has loaded it

        pytest.skip(f"plugin.{name} needs the plugin in the test's own process, not in {self.host}")


class RunnerPlugin(HostedPlugin):
    """A plugin in falcokit's runner."""

    host = "runner"

    def __init__(self, library: Path, *, config: Any, source: str, plugin_id: int) -> None:
        super().__init__(library, config=config, source=source, plugin_id=plugin_id)
        self._stream: _Stream | None = None

    def _values(self, file: Path, fields: Iterable[str] | None) -> list[Mapping[str, Any]]:
        from falcokit.capture.reader import open_capture  # noqa: PLC0415
        from falcokit.runner.extract import ExtractionClient  # noqa: PLC0415

        wanted = None if fields is None else tuple(fields)
        with (
            ExtractionClient(self.library, wanted, self._config) as extraction,
            open_capture(file, lists=True) as capture,
        ):
            extraction.follow(capture)
            names = [column.name for column in extraction.columns]
            found: list[Mapping[str, Any]] = [
                dict(zip(names, values, strict=True)) if values else {}
                for _, values in extraction.extract(capture)
            ]
            if extraction.failure is not None:
                raise PluginFailedError(extraction.failure)
        return found

    def next_event(self, timeout: float = 5.0) -> Event:
        """Return the next async event of a plugin without an event source of its own.

        Raises:
            TimeoutError: none came within `timeout` seconds.
            PluginFailedError: the plugin failed.

        """
        if self.source != "syscall":
            self._needs_process("next_event")  # its events end with the source
        if self._stream is None:
            self._stream = _Stream(self._options(), self.library)
        return self._stream.next_event(timeout)

    def open(self, params: Any = None) -> RunnerSource:
        """Open the plugin's event source, in a runner of its own."""
        options = self._options(open_params=host_text(params))
        return RunnerSource(_Stream(options, self.library))

    @property
    def logs(self) -> list[LogMessage]:
        """What the plugin that `next_event` asks has logged so far."""
        return [] if self._stream is None else self._stream.logs

    def close(self) -> None:
        """End the runner."""
        if self._stream is not None:
            self._stream.close()

    def _options(self, **more: Any) -> RunOptions:
        from falcokit.runner.run import RunOptions  # noqa: PLC0415

        return RunOptions(library=self.library, init_config=self._config, **more)


class RunnerSource:
    """An event source in the runner."""

    def __init__(self, stream: _Stream) -> None:
        self._stream = stream

    def __enter__(self) -> Self:
        """Return the source, which is closed on exit."""
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def events(self, limit: int | None = None, timeout: float = 5.0) -> list[Event]:
        """Return the next `limit` events, or those up to the end; fewer after `timeout` seconds.

        Raises:
            PluginFailedError: the plugin failed.

        """
        rows = self._stream.rows(timeout)
        events = (row.event for row in rows if row.event.name is None)  # not the async ones
        return list(events if limit is None else itertools.islice(events, limit))

    def close(self) -> None:
        """Close it."""
        self._stream.close()


class _Stream:
    """The reports of a runner, as they come."""

    def __init__(self, options: RunOptions, library: Path) -> None:
        from falcokit.runner.run import Runner  # noqa: PLC0415

        self.logs: list[LogMessage] = []
        self.metrics: dict[str, dict[str, float]] = {}
        self._library = library
        self._rows: deque[ReplayedEvent] = deque()
        self._runner: Runner = Runner(options)
        self._runner.__enter__()

    def rows(self, timeout: float) -> Iterator[ReplayedEvent]:
        """Yield events until there are no more, or the time is over."""
        deadline = time.monotonic() + timeout
        while True:
            while not self._rows and not self._runner.ended:
                left = deadline - time.monotonic()
                if left <= 0:
                    return
                self._take(left)
            if not self._rows:
                return
            yield self._rows.popleft()

    def _take(self, timeout: float) -> None:
        from falcokit.runner.reports import plugin_failure  # noqa: PLC0415

        error = None
        for report in self._runner.read(timeout):
            kind = report["report"]
            if kind == "event":
                fields = report.get("fields") or {}
                found = {name: value for name, value in fields.items() if value is not None}
                self._rows.append(ReplayedEvent(event_from_json(report), found))
            elif kind == "log":
                text, component = report["message"], report["component"]
                self.logs.append(LogMessage(report["severity"], component, text))
            elif kind == "metrics":
                self.metrics[report["plugin"]] = report["metrics"]
            elif kind == "error":
                error = report
        returncode = 0
        if self._runner.ended:
            with contextlib.suppress(StopIteration):
                next(self._runner.reports())  # waits for the exit status
            returncode = self._runner.returncode or 0
        if failure := plugin_failure(error, returncode, library=self._library.name):
            raise failure

    def next_event(self, timeout: float) -> Event:
        for row in self.rows(timeout):
            return row.event
        said = "; ".join(message.text for message in self.logs[-3:]) or "nothing was logged"
        raise TimeoutError(f"no event within {timeout} s ({said})")

    def close(self) -> None:
        self._runner.__exit__(None, None, None)


def run_plugins(options: RunOptions, timeout: float) -> HostRun:
    """Run plugins in one runner, until the source ends or a limit of `options` is reached.

    Raises:
        TimeoutError: it did not end within `timeout` seconds.
        PluginFailedError: a plugin failed.

    """
    stream = _Stream(options, options.library)
    try:
        deadline = time.monotonic() + timeout
        rows = list(stream.rows(timeout))
        if time.monotonic() >= deadline:
            raise TimeoutError(f"the plugins did not end within {timeout} s")
        return HostRun(rows, stream.logs, stream.metrics)
    finally:
        stream.close()


# ---- sysdig -------------------------------------------------------------------------------------


def find_sysdig() -> str | None:
    """Return the program: of FALCOKIT_SYSDIG, of PATH, or what falcokit's own tests fetched."""
    if given := os.environ.get("FALCOKIT_SYSDIG"):
        return given
    if found := shutil.which("sysdig"):
        return found
    folder = os.environ.get("FALCOKIT_HOST_DIR") or Path.home() / ".cache" / "falcokit-host"
    program = Path(folder) / "sysdig"
    return str(program) if os.access(program, os.X_OK) else None


class SysdigPlugin(HostedPlugin):
    """A plugin in sysdig, which has Falco's engine: only for fields of events that are replayed."""

    host = "sysdig"

    def __init__(
        self, library: Path, *, config: Any, source: str, plugin_id: int, program: str
    ) -> None:
        super().__init__(library, config=config, source=source, plugin_id=plugin_id)
        self._program = program

    def _prepared(self, events: list[Event]) -> list[Event]:
        # sysdig takes async events at the start for dumped state, and does not show them.
        return [make_event("procinfo", ts_ns=1, tid=1), *events]

    def _values(self, file: Path, fields: Iterable[str] | None) -> list[Mapping[str, Any]]:
        from falcokit.capture.reader import open_capture  # noqa: PLC0415

        names = self._fields() if fields is None else list(fields)
        rows = deque(self._shown(file, names))
        found: list[Mapping[str, Any]] = []
        with open_capture(file) as capture:
            for event in capture:  # of which sysdig hides some, and numbers others anew
                own = rows and (rows[0][_TIME], rows[0][_TYPE]) == (event.ts_ns, event.type)
                found.append({name: rows[0].get(name) for name in names} if own else {})
                if own:
                    rows.popleft()
        if rows:
            self._fail(f"it shows an event that {file} does not have: {rows[0]}")
        return found

    def _fields(self) -> list[str]:
        from falcokit.runner.extract import ExtractionClient  # noqa: PLC0415

        with ExtractionClient(self.library, None, self._config) as extraction:
            return [column.name for column in extraction.columns]

    def _shown(self, file: Path, names: Sequence[str]) -> list[dict[str, Any]]:
        """Return what sysdig shows of each event that it shows."""
        library = str(self.library) + (f":{self._config}" if self._config else "")
        form = "*" + " ".join(f"%{name}" for name in (_TIME, _TYPE, *names))
        command = [self._program, "-r", str(file), "-H", library, "-j", "-p", form]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, errors="surrogateescape",
                timeout=_SYSDIG_SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            self._fail(f"it did not end within {_SYSDIG_SECONDS:g} s")
        if done.returncode:
            self._fail((done.stderr or done.stdout).strip() or f"exit status {done.returncode}")
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    def _fail(self, why: str) -> NoReturn:
        raise PluginFailedError(f"sysdig with {self.library.name}: {why}")
