# SPDX-License-Identifier: Apache-2.0
"""The hosts that a conformance test runs a plugin in, with one form of call and one of result.

in_process   the class in falcokit.testing
runner       the built library in falcokit's own runner
plughost     the built library in libsinsp itself, beside a source that only times out
sysdig       the built library in sysdig, beside the C baseline plugin's event source
"""

from __future__ import annotations

import base64
import json
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from falcokit.capture import open_capture
from falcokit.errors import FalcokitError
from falcokit.runner.run import Runner, RunOptions
from falcokit.testing import start_plugin

if TYPE_CHECKING:
    from pathlib import Path

    from author import Author
    from conftest import RealHost

__all__ = [
    "Drive", "InProcess", "Log", "Outcome", "Plughost", "RunnerDrive", "Seen", "Sysdig",
    "read_reports", "reported",
]  # fmt: skip

_FORMAT = "*%evt.num|%evt.type|%evt.source|%evt.asynctype|%evt.is_async|%evt.rawtime"
_SEVERITIES = ("fatal", "critical", "error", "warning", "notice", "info", "debug", "trace")


class Seen(NamedTuple):
    """One event as the host showed it; `type` is what rules call evt.type."""

    type: str
    data: bytes
    ts_ns: int | None
    tid: int | None
    source: str | None
    number: int


class Log(NamedTuple):
    """One message of the plugin in the host's log."""

    severity: str | None
    component: str | None
    text: str


@dataclass(kw_only=True)
class Outcome:
    """What a run left: events, the error that ended it ("" for none), the log, metrics."""

    events: list[Seen] = field(default_factory=list)
    error: str = ""
    logs: list[Log] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)
    raw: Any = None

    @property
    def data(self) -> list[bytes]:
        return [event.data for event in self.events]

    def said(self, text: str) -> list[Log]:
        """Messages of the log that contain a text."""
        return [log for log in self.logs if text in log.text]


class Drive(Protocol):
    """Run a plugin until `limit` async events came, or for `seconds`."""

    name: str
    source: str

    def __call__(
        self, author: Author, config: Any = None, *, limit: int = 1, seconds: float = 10.0
    ) -> Outcome: ...


def _config(config: Any) -> str | None:
    return config if config is None or isinstance(config, str) else json.dumps(config)


class InProcess:
    name = "in_process"

    def __init__(self, source: str = "syscall", plugin_id: int = 0) -> None:
        self.source = source
        self.plugin_id = plugin_id

    def __call__(
        self, author: Author, config: Any = None, *, limit: int = 1, seconds: float = 10.0
    ) -> Outcome:
        out = Outcome()
        try:
            with start_plugin(
                author.plugin, config, source=self.source, plugin_id=self.plugin_id
            ) as running:
                out.raw = running
                deadline = time.monotonic() + seconds  # the library is compiled by now
                while len(out.events) < limit and (left := deadline - time.monotonic()) > 0:
                    try:
                        e = running.next_event(timeout=left)
                    except TimeoutError:
                        break
                    out.events.append(
                        Seen(e.name or "", e.data, e.ts_ns, e.tid, e.source, e.number)
                    )
                out.metrics = running.metrics()
        except Exception as e:
            out.error = f"{type(e).__name__}: {e}"
        if out.raw is not None:
            out.logs = [Log(*message) for message in out.raw.logs]
        return out


def reported(report: dict[str, Any]) -> Seen:
    if "data_base64" in report:
        data = base64.b64decode(report["data_base64"])
    else:
        data = report.get("data", "").encode()
        data += b"\0" * (report["size"] - len(data))  # one NUL at the end is not shown
    tid = None if report["tid"] == -1 else report["tid"]
    return Seen(report["type"], data, report["ts_ns"], tid, report.get("source"), report["number"])


def read_reports(chosen: RunOptions, out: Outcome) -> None:
    """Run our runner to its end, and put what it reports into `out`."""
    with Runner(chosen) as runner:
        out.raw = list(runner.reports())
        assert runner.returncode in {0, 1}, runner.returncode
    for report in out.raw:
        kind = report["report"]
        if kind == "event":
            out.events.append(reported(report))
        elif kind == "error":
            out.error += report["message"]
        elif kind == "log":
            component = report["component"]
            out.logs.append(Log(report["severity"], component, report["message"]))
        elif kind == "metrics":
            out.metrics = report["metrics"]


class RunnerDrive:
    name = "runner"
    source = "syscall"

    def __call__(
        self, author: Author, config: Any = None, *, limit: int = 1, seconds: float = 10.0,
        **options: Any,
    ) -> Outcome:  # fmt: skip
        out = Outcome()
        chosen = RunOptions(
            library=author.library, init_config=_config(config), limit=limit,
            duration=seconds, metrics=True, **options,
        )  # fmt: skip
        read_reports(chosen, out)
        return out


class Plughost:
    name = "plughost"
    source = "syscall"

    def __init__(self, host: RealHost, folder: Path) -> None:
        self._host = host
        self._folder = folder

    def raw(self, *arguments: Any, mode: str = "sinsp") -> dict[str, Any]:
        """Run plughost, and return its JSON; `stderr` and `status` are added."""
        done = subprocess.run(
            [self._host.plughost, mode, *map(str, arguments)],
            capture_output=True, text=True, errors="replace", timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode in {0, 1}, (done.returncode, done.stdout, done.stderr)
        answer: dict[str, Any] = json.loads(done.stdout)
        return {**answer, "stderr": done.stderr, "status": done.returncode}

    def __call__(
        self, author: Author, config: Any = None, *, limit: int = 1, seconds: float = 10.0,
        source: tuple[Any, ...] = ("--pump", 200), options: tuple[Any, ...] = (),
    ) -> Outcome:  # fmt: skip
        file = self._folder / "plughost.scap"
        given = () if config is None else ("--init", _config(config))
        answer = self.raw(
            "--plugin", author.library, *given, *source, "--events", limit, "--secs", seconds,
            "--write", file, "--print", limit, "--format", _FORMAT, "--metrics", "--debug",
            "--watchdog", 20, *options,
        )  # fmt: skip
        out = Outcome(error=answer.get("error", ""), raw=answer)
        out.logs = [_host_log(line) for line in answer.get("log", {})]
        if "cycles" not in answer:
            return out
        cycle = answer["cycles"][0]
        out.metrics = {
            name.partition(".")[2]: value
            for metrics in cycle.get("metrics", {}).values()
            for name, value in metrics.items()
        }
        shown = [line.split("|") for line in answer["stderr"].splitlines() if line.count("|") == 5]
        with open_capture(file) as capture:
            stored = [e for e in capture if e.code == 402]
        # nodriver's own events are of a kind that counts as async too
        shown = [s for s in shown if s[4] == "true" and s[1] != "scapevent"]
        stored = stored[len(stored) - len(shown) :]
        for number, kind, src, name, _, rawtime in shown:
            assert name == kind
            event = stored.pop(0)
            assert str(event.ts_ns) == rawtime
            out.events.append(Seen(kind, event.params[2], event.ts_ns, event.tid, src, int(number)))
        return out


def _host_log(line: str) -> Log:
    """Split `component: text`; the host does not show the severity of what a callback gets."""
    component, colon, text = line.partition(": ")
    return Log(None, component, text) if colon else Log(None, None, line)


class Sysdig:
    name = "sysdig"
    source = "baseline_src"

    def __init__(self, host: RealHost) -> None:
        self._host = host

    def raw(self, *arguments: Any) -> tuple[str, str, int]:
        done = subprocess.run(
            [self._host.sysdig, *map(str, arguments)],
            capture_output=True, text=True, errors="replace", timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode >= 0, (done.returncode, done.stderr)
        return done.stdout, done.stderr, done.returncode

    def beside(self, author: Author, config: Any = None, *, seconds: float = 10.0) -> list[str]:
        """Return the arguments that load the plugin beside the baseline's source."""
        library = str(author.library) + ("" if config is None else f":{_config(config)}")
        silent = f'{self._host.baseline}:{{"async":0}}'
        return ["-H", silent, "-H", library, "-I", f"baseline:1,1,8,{int(seconds * 1000)}"]

    def __call__(
        self, author: Author, config: Any = None, *, limit: int = 1, seconds: float = 10.0,
        where: str = "evt.is_async=true",
    ) -> Outcome:  # fmt: skip
        shown, said, status = self.raw(
            *self.beside(author, config, seconds=seconds),
            "-n", limit, "-p", f"{_FORMAT}|%thread.tid|%evt.arg.data", where,
        )  # fmt: skip
        out = Outcome(error=said if status else "", raw=said)
        for line in shown.splitlines():
            number, kind, source, name, _, rawtime, tid, data = line.split("|", 7)
            assert name == kind
            assert tid == "-1"
            out.events.append(Seen(kind, data.encode(), int(rawtime), None, source, int(number)))
        return out


def build_error(author: Author) -> FalcokitError:
    """Build a project that must not build, and return what it says."""
    try:
        built = author.library
    except FalcokitError as e:
        return e
    raise AssertionError(f"{built} was built")
