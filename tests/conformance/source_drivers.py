# SPDX-License-Identifier: Apache-2.0
"""The hosts that read a plugin's event source in the conformance tests, as `drivers` has them for
async events: the class in-process, the built library in our runner, in libsinsp and in sysdig."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from drivers import Log, Outcome, Seen, read_reports

from falcokit.capture import open_capture
from falcokit.runner.run import RunOptions
from falcokit.testing import start_plugin

if TYPE_CHECKING:
    from pathlib import Path

    from author import Author
    from drivers import Plughost, Sysdig

__all__ = ["InProcessRead", "PlughostRead", "Read", "ReadOutcome", "RunnerRead", "SysdigRead"]


@dataclass(kw_only=True)
class ReadOutcome(Outcome):
    """What a capture left; `eof`: the source ended it."""

    eof: bool = False


class Read(Protocol):
    """Open a source and read it until `limit` events came, its end, or for `seconds`."""

    name: str

    def __call__(
        self, author: Author, params: str | None = None, *, config: Any = None,
        limit: int = 100_000, seconds: float = 10.0,
    ) -> ReadOutcome: ...  # fmt: skip


class InProcessRead:
    name = "in_process"

    def __call__(
        self, author: Author, params: str | None = None, *, config: Any = None,
        limit: int = 100_000, seconds: float = 10.0,
    ) -> ReadOutcome:  # fmt: skip
        out = ReadOutcome()
        running = None
        try:
            with start_plugin(author.plugin, config) as running, running.open(params) as source:
                deadline = time.monotonic() + seconds  # the library is compiled by now
                while len(out.events) < limit and not out.eof and time.monotonic() < deadline:
                    batch = source.next_batch()
                    out.events += [
                        Seen("pluginevent", e.data, e.ts_ns, e.tid, e.source, e.number)
                        for e in batch.events
                    ]
                    out.eof = batch.result == "eof"
                out.metrics["source_dropped"] = source.dropped
        except Exception as e:
            out.error = f"{type(e).__name__}: {e}"
        out.logs = [Log(*message) for message in running.logs] if running else []
        return out


class RunnerRead:
    name = "runner"

    def __call__(
        self, author: Author, params: str | None = None, *, config: Any = None,
        limit: int = 100_000, seconds: float = 10.0, **options: Any,
    ) -> ReadOutcome:  # fmt: skip
        out = ReadOutcome()
        chosen = RunOptions(
            library=author.library, init_config=_text(config), open_params=params or "",
            limit=limit, duration=seconds, metrics=True, **options,
        )  # fmt: skip
        read_reports(chosen, out)
        out.eof = any(r["report"] == "closed" and r["reason"] == "eof" for r in out.raw)
        return out


class PlughostRead:
    name = "plughost"

    def __init__(self, host: Plughost, folder: Path) -> None:
        self._host = host
        self._folder = folder

    def __call__(
        self, author: Author, params: str | None = None, *, config: Any = None,
        limit: int = 100_000, seconds: float = 10.0, options: tuple[Any, ...] = (),
    ) -> ReadOutcome:  # fmt: skip
        file = self._folder / "plughost.scap"
        given = () if config is None else ("--init", _text(config))
        answer = self._host.raw(
            "--plugin", author.library, *given, "--open", params or "", "--events", limit,
            "--secs", seconds, "--write", file, "--metrics", "--debug", "--watchdog", 20, *options,
        )  # fmt: skip
        out = ReadOutcome(error=answer.get("error", ""), raw=answer)
        for line in answer.get("log", {}):
            component, colon, text = line.partition(": ")
            out.logs.append(Log(None, component if colon else None, text if colon else line))
        for cycle in answer.get("cycles", ())[:1]:
            out.error = out.error or "; ".join(cycle.get("errors", ()))
            out.eof = cycle["end"] == "eof"
            for metrics in cycle.get("metrics", {}).values():
                out.metrics |= {n.partition(".")[2]: v for n, v in metrics.items()}
            out.events = _recorded(file)
        return out


class SysdigRead:
    name = "sysdig"

    def __init__(self, host: Sysdig, folder: Path) -> None:
        self._host = host
        self._folder = folder

    def __call__(
        self, author: Author, params: str | None = None, *, config: Any = None,
        limit: int = 100_000, seconds: float = 10.0,
    ) -> ReadOutcome:  # fmt: skip
        """Read to the end or the limit: sysdig's own -M goes by the times of events."""
        file = self._folder / "sysdig.scap"
        library = str(author.library) + ("" if config is None else f":{_text(config)}")
        chosen = author.name + (f":{params}" if params else "")
        _, said, _ = self._host.raw("-H", library, "-I", chosen, "-n", limit, "-w", file)
        out = ReadOutcome(error=said.strip(), raw=said)
        out.events = _recorded(file) if file.exists() and file.stat().st_size else []
        out.eof = not out.error and len(out.events) < limit
        return out


def _recorded(file: Path) -> list[Seen]:
    with open_capture(file) as capture:
        return [
            Seen("pluginevent", e.params[1], e.ts_ns, e.tid, None, e.number)
            for e in capture
            if e.code == 322
        ]


def _text(config: Any) -> str | None:
    return config if config is None or isinstance(config, str) else json.dumps(config)
