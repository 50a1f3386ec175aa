# SPDX-License-Identifier: Apache-2.0
"""How the state of `falcokit dev` looks on a terminal; pure: state in, renderable out.

Runs on rich's refresh thread, under the state's lock. Text of the
plugin becomes `Text` without markup after its control characters were made visible.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from falcokit.cli.console import printable
from falcokit.cli.lines import clock_time, falco_time, fields_text, reasons

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console, RenderableType

    from falcokit.dev.state import AlertLine, DevState, EventRow, LogLine, ReloadLine
    from falcokit.project.settings import Project

__all__ = ["DevView", "sparkline"]

_BARS: Final = " ▁▂▃▄▅▆▇█"
_SPARK_WIDTH: Final = 20
_PAYLOAD_LIMIT: Final = 400
_MAX_RELOADS: Final = 5
_MAX_PROBLEM_LINES: Final = 6
_MIN_LOG_LINES: Final = 3
_WIDE: Final = 100
_NARROW: Final = 60
"""Below it the sparkline would leave no room for the figures."""
_LOG_HEAD: Final = 18
"""Characters of a log line's time and severity."""
_FIXED_LINES: Final = 5
"""Header, the table's head, two rules, the footer."""
_MAX_ALERTS: Final = 5
_MAX_PROBLEMS: Final = 3
_MAX_EXPLANATION_LINES: Final = 16
_PRIORITIES: Final = {
    **dict.fromkeys(("Emergency", "Alert", "Critical", "Error"), "red"),
    **dict.fromkeys(("Warning", "Notice"), "yellow"),
}
_STYLES: Final = {
    "fatal": "bold red",
    "critical": "bold red",
    "error": "red",
    "warning": "yellow",
    "notice": "cyan",
    "info": "green",
}


class DevView:
    """Renders the state for a console's size."""

    def __init__(self, state: DevState, project: Project, *, watch: bool, console: Console) -> None:
        self._state = state
        self._console = console
        watched = f"watching {project.source_dir.name}/" if watch else "no --watch"
        self._root = f"{project.root}/"
        self._footer = (
            f"ctrl-c or q stop · r rebuild · c clear the log · e why no alert · {watched}"
        )

    def render(self) -> RenderableType:
        """Draw everything that fits; the log takes the room that is left."""
        with self._state.lock:
            refused = self._refused()
            problem = self._problem()
            reloads = list(self._state.reloads)[-_MAX_RELOADS:]
            alerts = self._alerts()
            used = _FIXED_LINES + len(refused) + len(problem) + len(reloads) + len(alerts)
            room = self._console.size.height - used - _MIN_LOG_LINES
            rows = list(self._state.events.values())
            shown = rows if len(rows) <= room else rows[: max(1, room - 1)]
            hidden = len(rows) - len(shown)
            more = [Text(f"and {hidden} more", style="dim")] if hidden else []
            room += _MIN_LOG_LINES - len(shown) - len(more)
            return Group(
                self._header(),
                self._events(shown),
                *more,
                *refused,
                *problem,
                *alerts,
                Rule("log", align="left", style="dim"),
                *self._logs(max(1, room)),
                Rule("reloads", align="left", style="dim"),
                *map(self._reload, reloads),
                Text(self._footer, style="dim", no_wrap=True, overflow="ellipsis"),
            )

    def _header(self) -> Text:
        state = self._state
        parts = [
            (f" {printable(state.plugin or '…')} {printable(state.version)} ", "bold reverse"),
            (f"  {printable(state.status)}", "red" if state.problem else "green"),
        ]
        if state.source:
            parts.append((f"  source {printable(state.source)}", ""))
        if state.opened_at is not None:
            parts.append((f"  up {_span(state.clock() - state.opened_at)}", ""))
        if state.rss_kb:
            parts.append((f"  rss {state.rss_kb / 1024:.1f} MB", ""))
        parts.append((f"  run {state.run}", ""))
        return Text.assemble(*parts, no_wrap=True, overflow="ellipsis")

    def _events(self, rows: list[EventRow]) -> Table:
        width = self._console.size.width
        bars = 0 if width < _NARROW else _SPARK_WIDTH // 2 if width < _WIDE else _SPARK_WIDTH
        table = Table(box=None, expand=True, header_style="dim", pad_edge=False)
        table.add_column("event", no_wrap=True, overflow="ellipsis", max_width=31)
        for head in ("count", "rate/s"):
            table.add_column(head, justify="right", no_wrap=True)
        if bars:
            table.add_column("", no_wrap=True, min_width=bars)
            table.add_column("bytes/s", justify="right", no_wrap=True)
        table.add_column("age", justify="right", no_wrap=True)
        table.add_column("last payload", no_wrap=True, overflow="ellipsis", ratio=1)
        now = self._state.clock()
        for row in rows:
            table.add_row(*_cells(row, now, bars))
        return table

    def _alerts(self) -> list[RenderableType]:
        """Draw the rules with their counts, and the last alerts or why there are none."""
        state = self._state
        if not state.rules and not state.rules_problems:
            return []
        counts = " · ".join(f"{printable(name)} {count}" for name, count in state.rules.items())
        lines = [(self._short(text), "bold red") for text in state.rules_problems[:_MAX_PROBLEMS]]
        lines.append((counts or "no rules", "" if any(state.rules.values()) else "dim"))
        if state.explanations is None:
            shown = list(state.alerts)[-_MAX_ALERTS:]
            lines += [(_alert_text(alert), _PRIORITIES.get(alert.priority, "")) for alert in shown]
        else:
            for name, text in state.explanations.items():
                cause, *clauses = text.splitlines()
                lines.append((f"{printable(name)} never fired: {printable(cause)}", "yellow"))
                lines += [(f"  {printable(line)}", "") for line in clauses]
            lines = lines[:_MAX_EXPLANATION_LINES]
        return [
            Rule("alerts", align="left", style="dim"),
            *(Text(text, style=style, no_wrap=True, overflow="ellipsis") for text, style in lines),
        ]

    def _refused(self) -> list[Text]:
        state = self._state
        lines = [(what, counts, "yellow") for what, counts in state.refusals()]
        if state.metrics:
            lines.insert(0, ("metrics", state.metrics, "dim"))
        parts = [(f"{what}: {reasons(counts)}", style) for what, counts, style in lines]
        if state.fields:
            parts.insert(0, (f"fields: {fields_text(state.fields)}", ""))
        return [Text(text, style=style, no_wrap=True, overflow="ellipsis") for text, style in parts]

    def _problem(self) -> list[Text]:
        if self._state.problem is None:
            return []
        wrapped = [
            part
            for line in self._state.problem.splitlines()
            for part in textwrap.wrap(self._short(line), self._console.size.width)
        ]
        return [Text(line, style="bold red") for line in wrapped[:_MAX_PROBLEM_LINES]]

    def _short(self, text: str) -> str:
        """Shorten the paths of the project's files to what its author calls them."""
        return printable(text.replace(self._root, ""))

    def _logs(self, room: int) -> Iterable[Text]:
        lines = [text for line in list(self._state.logs)[-room:] for text in self._log(line)]
        yield from lines[-room:]
        for _ in range(room - len(lines)):
            yield Text("")

    def _log(self, line: LogLine) -> Iterable[Text]:
        style = _STYLES.get(line.severity, "dim")
        head = [(f"{clock_time(line.at)} ", "dim"), (f"{line.severity:<8} ", style)]
        for text in line.text.rstrip("\n").split("\n"):
            shown = self._short(text.expandtabs())
            yield Text.assemble(*head, shown, no_wrap=True, overflow="ellipsis")
            head = [(" " * _LOG_HEAD, "")]

    def _reload(self, line: ReloadLine) -> Text:
        changed = printable(", ".join(line.changed) or ("start" if line.run == 1 else "rebuild"))
        parts: list[str | tuple[str, str]] = [
            (f"{clock_time(line.at)} ", "dim"),
            f"{changed}: build {line.build_ms:.0f} ms",
        ]
        if line.compiled:
            parts.append(" (compiled)")
        if line.first_event_ms is not None:
            parts.append((f", first event after {line.first_event_ms:.0f} ms", "green"))
        elif line.run is not None and line.problem is None:
            parts.append((", no event yet", "dim"))
        if line.problem is not None:
            first = line.problem.splitlines()[0] if line.problem else ""
            parts.append((f", {self._short(first)}", "red"))
        return Text.assemble(*parts, no_wrap=True, overflow="ellipsis")


def sparkline(values: Iterable[float], width: int = _SPARK_WIDTH) -> str:
    """Draw the last values as bars, the highest of them full."""
    shown = list(values)[-width:]
    top = max(shown, default=0.0)
    if top <= 0:
        return "".join(_BARS[1] for _ in shown).rjust(width)
    steps = len(_BARS) - 2
    return "".join(_BARS[1 + round(value / top * steps)] for value in shown).rjust(width)


def _alert_text(alert: AlertLine) -> str:
    """Return an alert with its time of day in the local time zone."""
    time_text, _, text = alert.output.partition(" ")
    return f"{falco_time(time_text)} {printable(text)}  (rule {printable(alert.rule)})"


def _cells(row: EventRow, now: float, bars: int) -> Iterable[Text]:
    age = "" if row.last_at is None else _span(now - row.last_at)
    style = "" if row.count else "dim"
    for text in (
        printable(row.name),
        f"{row.count:,}",
        f"{row.rate:,.1f}",
        *((sparkline(row.history, bars), f"{row.byte_rate:,.0f}") if bars else ()),
        age,
    ):
        yield Text(text, style=style)
    payload = printable(row.last_data.removesuffix("\0"), _PAYLOAD_LIMIT)
    producer = f"{row.producer}{' · ' if payload else ''}" if row.producer else ""
    # "ended" is not a failure: a generator may come to its end.
    style_of_producer = "dim" if row.producer == "ended" else "bold red"
    yield Text.assemble((producer, style_of_producer), (payload, style))


def _span(seconds: float) -> str:
    """Return a length of time in as few characters as possible."""
    if seconds < 10:  # noqa: PLR2004  below ten seconds the tenths matter
        return f"{max(0.0, seconds):.1f}s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
