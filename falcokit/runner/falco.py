# SPDX-License-Identifier: Apache-2.0
"""Runs a plugin in a real Falco, a child process, and gives its alerts as reports.

    with Falco(FalcoOptions(program=find_falco(None), library=library, name="x")) as falco:
        for report in falco.reports():
            ...

Falco runs on a configuration of its own in a folder that only the user can read, never on the
machine's: the engine `nodriver` (or the kernel's events, where the plugin needs them), this one
plugin, and the rules. Before it starts, Falco validates the rules: their errors and warnings are
reports too. See `Runner`, which has the same methods.
"""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec

from falcokit.errors import ConfigError, ToolMissingError
from falcokit.project.falco_config import unexpanded
from falcokit.runner.reports import exit_status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from falcokit.runner.reports import Report

__all__ = ["Falco", "FalcoOptions", "find_falco"]

#: How long Falco may take to validate the rules: it loads the plugin for that.
_VALIDATE_S: Final = 60.0
#: Falco waits 4 s for a blocked producer before it ends.
_STOP_S: Final = 5.0
_READ_BYTES: Final = 1 << 18
#: What is kept of an alert or log line that has no end.
_MAX_LINE: Final = 1 << 20
_LOG_LINE: Final = re.compile(
    r"(?:\w{3} \w{3} [ \d]\d [\d:]{8} \d{4}|\d{4}-\d\d-\d\dT[\d:]{8}[+-]\d{4}): (.*)", re.DOTALL
)
_LIBS_PREFIX: Final = "[libs]: "
_ERROR_PREFIX: Final = "Error: "
_MAX_ERROR_LINES: Final = 100


@dataclass(frozen=True, kw_only=True)
class FalcoOptions:
    """What Falco runs."""

    program: Path
    library: Path
    name: str
    """The plugin's name, as its library says it."""
    init_config: str | None = None
    open_params: str | None = None
    rules: tuple[Path, ...] = ()
    needs_syscalls: bool = False
    """Whether the plugin's fields or its parsing need the kernel's events, which take root."""
    replay: Path | None = None
    """A capture file whose events Falco reads in place of any other source."""
    rule_matching: str = "first"
    priority: str = "debug"
    duration: float | None = None

    def configuration(self) -> dict[str, Any]:
        """Return the content of falco.yaml."""
        plugin = {"name": self.name, "library_path": _text(self.library)}
        if self.init_config is not None:
            plugin["init_config"] = unexpanded(self.init_config)
        if self.open_params is not None:
            plugin["open_params"] = unexpanded(self.open_params)
        return {
            "engine": self._engine(),
            "plugins": [plugin],
            "load_plugins": [self.name],
            "rules_files": [_text(path) for path in self.rules],
            "rule_matching": self.rule_matching,
            "priority": self.priority,
            "watch_config_files": False,
            "json_output": True,
            "json_include_output_property": True,
            "json_include_tags_property": True,
            "time_format_iso_8601": True,
            "buffered_outputs": False,
            "stdout_output": {"enabled": True},
            "log_stderr": True,
            "log_syslog": False,
            "log_level": "info",
            "libs_logger": {"enabled": True, "severity": "info"},
            "webserver": {"enabled": False},
        }

    def _engine(self) -> dict[str, Any]:
        if self.replay is not None:
            return {"kind": "replay", "replay": {"capture_file": _text(self.replay)}}
        return {"kind": "modern_ebpf" if self.needs_syscalls else "nodriver"}


def _text(path: Path) -> str:
    return unexpanded(str(path.absolute()))


def find_falco(path: str | None) -> Path:
    """Return the program `path`, by default the `falco` of PATH.

    Raises:
        ToolMissingError: there is none that can be run.

    """
    name = path or "falco"
    found = shutil.which(name)
    if found is None:
        raise ToolMissingError(
            f"there is no Falco {name} that can be run"
            if "/" in name
            else f"there is no {name} on the PATH",
            hint="install Falco, or give its program: --falco /path/to/falco",
        )
    return Path(found).absolute()


class Falco:
    """A Falco that runs; started on enter, ended on exit."""

    def __init__(self, options: FalcoOptions) -> None:
        self._options = options
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._poll = select.epoll()
        self._streams: dict[int, _Alerts] = {}
        self._stopping = self._has_told = False
        self._pending: list[Report] = []
        self._events = 0

    def __enter__(self) -> Self:
        """Validate the rules, then start Falco in a session of its own.

        Rules with errors do not end this: Falco is started and says how it treats them.
        """
        options = self._options
        self._folder = tempfile.TemporaryDirectory(prefix="falcokit-falco-")
        try:
            config = Path(self._folder.name, "falco.yaml")
            # JSON is YAML, and has one way to write a text.
            text = json.dumps(options.configuration(), ensure_ascii=False)
            config.write_bytes(text.encode("utf-8", "surrogateescape"))
            command = [str(options.program), "-c", str(config)]
            if options.rules:
                self._pending += _validated(command, options.rules)
            if options.duration is not None:
                command += ["-M", str(max(1, round(options.duration)))]
            try:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    start_new_session=True,
                )
            except OSError as e:
                raise _cannot_run(command[0], e) from e
        except BaseException:
            self._folder.cleanup()
            raise
        for stream, lines in ((self._process.stdout, _Alerts()), (self._process.stderr, _Log())):
            if stream is not None:
                self._streams[stream.fileno()] = lines
                self._poll.register(stream.fileno(), select.EPOLLIN)
        self._pending.append({"report": "open", "plugin": options.name, "source": "Falco"})
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End Falco, and remove its configuration."""
        self.stop()
        for stream in (self._child.stdout, self._child.stderr):
            if stream is not None:
                stream.close()
        self._poll.close()
        if self._folder is not None:
            self._folder.cleanup()

    @property
    def _child(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("Falco has not been started: use it in a with statement")
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
        """Return the file descriptor to wait on; then call `read`."""
        return self._poll.fileno()

    def read(self, timeout: float | None = 0.0) -> list[Report]:
        """Return the available reports, waiting up to `timeout` seconds for the first.

        An empty list means that there is none yet, or no more if `ended` is true.
        """
        if not self._pending:
            self._take(timeout)
        reports, self._pending = self._pending, []
        return reports

    @property
    def ended(self) -> bool:
        """True once the last report was read: the child closed its pipes."""
        return not self._streams and not self._pending

    def reports(self) -> Iterator[Report]:
        """Yield the reports until Falco ends, waiting for each."""
        while not self.ended:
            yield from self.read(timeout=None)
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(timeout=_STOP_S)

    def stop(self, timeout: float = _STOP_S) -> None:
        """End Falco: SIGTERM, and SIGKILL after `timeout` seconds.

        Reports that it writes meanwhile are kept for `read` and `reports`.
        """
        child = self._child
        self._stopping = True
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + timeout
        while self._streams and (left := deadline - time.monotonic()) > 0:
            self._take(left)
        try:
            child.wait(timeout=max(deadline - time.monotonic(), 0.01))
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()

    def _too_soon(self) -> list[Report]:
        """Return an error if Falco has ended by itself with one that it has not told."""
        if self._stopping or self._has_told:
            return []
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(timeout=_STOP_S)
        if self.returncode in {0, None}:
            return []
        text = exit_status(self.returncode)
        return [{"report": "error", "plugin": None, "phase": "falco", "message": text}]

    def _take(self, timeout: float | None) -> None:
        for fd, _ in self._poll.poll(timeout):
            chunk = os.read(fd, _READ_BYTES)
            found = self._streams[fd].feed(chunk)
            self._has_told |= any(report["report"] == "error" for report in found)
            self._events += sum(report["report"] == "alert" for report in found)
            self._pending += found
            if not chunk:
                self._poll.unregister(fd)
                del self._streams[fd]
                if not self._streams:
                    self._pending += self._too_soon()
                    self._pending.append(
                        {"report": "closed", "reason": "ended", "alerts": self._events}
                    )


class _Alerts:
    """Makes a report of each line of Falco's stdout."""

    def __init__(self) -> None:
        self._partial = b""

    def feed(self, chunk: bytes) -> list[Report]:
        """Return the reports of the lines that end in `chunk`; an empty one is the end."""
        *lines, partial = (self._partial + chunk).split(b"\n")
        if len(partial) > _MAX_LINE or (partial and not chunk):
            lines, partial = [*lines, partial], b""
        self._partial = partial
        texts = (line.decode("utf-8", "replace") for line in lines)
        found = [report for text in texts if text.strip() for report in self._line(text)]
        return found if chunk else found + self._end()

    def _line(self, line: str) -> list[Report]:
        return [_alert(line)]

    def _end(self) -> list[Report]:
        return []


class _Log(_Alerts):
    """The same for its stderr: the log, and at the end why Falco ends, in one or more lines."""

    def __init__(self) -> None:
        super().__init__()
        self._error: list[str] = []

    def _line(self, line: str) -> list[Report]:
        found = _LOG_LINE.fullmatch(line)
        if found is None and (self._error or line.startswith(_ERROR_PREFIX)):
            self._error = [*self._error, line][:_MAX_ERROR_LINES]
            return []
        text = found[1] if found else line
        return [_logged(text.removeprefix(_LIBS_PREFIX))]

    def _end(self) -> list[Report]:
        if not self._error:
            return []
        text = "\n".join(self._error).removeprefix(_ERROR_PREFIX)
        return [{"report": "error", "plugin": None, "phase": "falco", "message": text}]


def _alert(line: str) -> Report:
    """Return the report of a line of Falco's stdout."""
    try:
        found = msgspec.json.decode(line)
    except msgspec.DecodeError:
        found = None
    if not isinstance(found, dict) or "rule" not in found:
        return _logged(line)
    fields = found.get("output_fields") or {}
    return {
        "report": "alert",
        "number": fields.get("evt.num"),
        "time": found.get("time"),
        "rule": found["rule"],
        "priority": found.get("priority"),
        "source": found.get("source"),
        "tags": found.get("tags") or [],
        "output": found.get("output"),
        "output_fields": fields,
    }


def _logged(text: str) -> Report:
    return {"report": "log", "severity": "info", "plugin": "falco", "message": text}


def _validated(command: list[str], rules: tuple[Path, ...]) -> list[Report]:
    """Return what Falco says of the rules files, as a report; none where it says nothing."""
    files = [part for path in rules for part in ("-V", str(path.absolute()))]
    try:
        done = subprocess.run(
            [*command, *files],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_VALIDATE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ConfigError(
            f"Falco did not validate the rules within {_VALIDATE_S:.0f} s",
            hint="run it yourself: falco -c falco.yaml -V RULES.yaml",
        ) from None
    except OSError as e:
        raise _cannot_run(command[0], e) from e
    found: dict[str, Any] = {"report": "rules", "files": [str(path) for path in rules]}
    try:
        results = json.loads(done.stdout)["falco_load_results"]
        for kind in ("errors", "warnings"):
            found[kind] = [
                _problem(result, each) for result in results for each in result.get(kind) or ()
            ]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return []  # Falco ends with a plain error, which it repeats when it is started
    return [found]


def _cannot_run(program: str, error: OSError) -> ToolMissingError:
    return ToolMissingError(f"cannot run {program}: {error.strerror}")


def _problem(result: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    places = (found.get("context") or {}).get("locations") or [{}]
    position = places[-1].get("position") or {}
    return {
        "code": found.get("code"),
        "message": found.get("message"),
        "file": result.get("name"),
        "line": position["line"] + 1 if "line" in position else None,
        "column": position["column"] + 1 if "column" in position else None,
    }
