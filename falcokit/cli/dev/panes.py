# SPDX-License-Identifier: Apache-2.0
"""What the nine panes of the screen show, in Falco's words; pure: state in, rows and texts out."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from rich.console import Group
from rich.text import Text

from falcokit.cli.console import printable, printable_lines
from falcokit.cli.dev.event_detail import document, event_text, value_text
from falcokit.cli.dev.figures import (
    bytes_text,
    count_text,
    microseconds,
    payload,
    span,
    sparkline,
)
from falcokit.cli.dev.table import Column
from falcokit.cli.lines import clock_time, event_time, falco_time, fields_text
from falcokit.dev.state import BUCKET_MS, SeenEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import RenderableType

    from falcokit.dev.state import AlertLine, DevState, EventRow, LogLine, ReloadLine
    from falcokit.runner.reports import ProducerRow

__all__ = ["listings"]

SEVERITY_STYLES: Final = {
    "fatal": "bold red",
    "critical": "bold red",
    "error": "red",
    "warning": "yellow",
    "notice": "cyan",
    "info": "green",
}
_PRIORITY_STYLES: Final = {
    **dict.fromkeys(("Emergency", "Alert", "Critical", "Error"), "red"),
    **dict.fromkeys(("Warning", "Notice"), "yellow"),
}
_PRIORITIES: Final = (
    "Emergency", "Alert", "Critical", "Error", "Warning", "Notice", "Informational", "Debug",
)  # fmt: skip
_LOG_HEAD: Final = 2
_TEXT_LIMIT: Final = 400


def listings(short: Callable[[str], str]) -> list[Any]:
    """Return the nine, in the order of their keys; `short` shortens the paths of the project."""
    return [
        AsyncEvents(),
        Events(),
        Producers(),
        Sources(),
        Fields(),
        Metrics(),
        Alerts(short),
        Log(short),
        Reloads(short),
    ]


class _Listing:
    """What most of them have in common: rows that are told from each other by the first column."""

    name = title = empty = ""
    columns: tuple[Column, ...] = ()
    follows = False

    def subtitle(self) -> str:
        return ""

    def heading(self, at: int, width: int) -> str:  # noqa: ARG002 - one needs the width
        return self.columns[at].title

    def words(self, item: Any) -> str:
        widths = [_TEXT_LIMIT] * len(self.columns)
        return " ".join(cell.plain for cell in self.cells(item, widths))

    def cells(self, item: Any, widths: Sequence[int]) -> Sequence[Text]:
        raise NotImplementedError

    def key(self, item: Any) -> Any:
        return item.name

    def detail(self, item: Any) -> tuple[str, RenderableType] | None:  # noqa: ARG002
        return None


# ---- names with rates ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Counted:
    """A row of events as of one moment."""

    name: str
    count: int
    rate: float
    byte_rate: float
    history: tuple[float, ...]
    age: float | None
    stale: bool
    producer: str
    last_data: str

    @classmethod
    def of(cls, row: EventRow, now: float) -> Counted:
        return cls(
            row.name, row.count, row.rate, row.byte_rate, tuple(row.history),
            None if row.last_at is None else now - row.last_at, row.is_stale(now),
            row.producer, row.last_data,
        )  # fmt: skip


_GRAPH: Final = 4


class _Counted(_Listing):
    columns = (
        Column("name", 20, grows=2, most=31),
        Column("count", 7, right=True),
        Column("rate/s", 8, right=True),
        Column("peak/s", 8, right=True, spare=3),
        Column("", 9, grows=2, spare=2, most=120),
        Column("bytes/s", 8, right=True, spare=4),
        Column("age", 5, right=True),
        Column("last payload", 14, grows=4, spare=1),
    )
    kinds: tuple[str, ...] = ()

    def take(self, state: DevState) -> list[Counted]:
        now = state.clock()
        return [Counted.of(row, now) for row in state.events.values() if row.kind in self.kinds]

    def heading(self, at: int, width: int) -> str:
        """Say which time the bars of a row are, since as many are shown as there is room for."""
        if at != _GRAPH:
            return self.columns[at].title if at else self.kinds[0].removeprefix("async ")
        seconds = int(width * BUCKET_MS / 1000)
        return f"last {seconds} s"

    def cells(self, item: Counted, widths: Sequence[int]) -> Sequence[Text]:
        style = "" if item.count else "dim"
        bars = sparkline(item.history, min(widths[_GRAPH], len(item.history) or 1))
        age = "" if item.age is None else span(item.age)
        shown = payload(item.last_data)
        # "ended" is no failure: a generator may come to its end.
        producer = f"{item.producer}{' · ' if shown else ''}" if item.producer else ""
        return (
            Text(printable(item.name), "red" if item.stale else style),
            Text(count_text(item.count), style),
            Text(f"{item.rate:,.1f}", style),
            Text(f"{max(item.history, default=0):,.1f}", "dim"),
            Text(bars.rjust(widths[_GRAPH]), "cyan"),
            Text(f"{item.byte_rate:,.0f}", style),
            Text(age, "bold red" if item.stale else style),
            Text.assemble(
                (producer, "dim" if item.producer == "ended" else "bold red"), (shown, style)
            ),
        )

    def value(self, item: Counted, at: int) -> Any:
        peak = max(item.history, default=0)
        age = float("inf") if item.age is None else item.age
        return (
            item.name, item.count, item.rate, peak, peak, item.byte_rate, age, item.last_data,
        )[at]  # fmt: skip

    def words(self, item: Counted) -> str:
        return f"{printable(item.name)} {item.producer} {payload(item.last_data)}"

    def detail(self, item: Counted) -> tuple[str, RenderableType]:
        peak, seconds = max(item.history, default=0), len(item.history) * BUCKET_MS / 1000
        lines = [
            f"count    {item.count:,}",
            f"rate     {item.rate:,.1f} events/s, {bytes_text(item.byte_rate)}/s",
            f"peak     {peak:,.1f} events/s in the last {span(seconds)}",
        ]
        if item.age is not None:
            lines.append(f"age      {span(item.age)}{', stale' if item.stale else ''}")
        if item.producer:
            lines.append(f"producer {item.producer}")
        return printable(item.name), Group(
            Text("\n".join(lines)), Text("\nlast payload", "bold"), document(item.last_data)
        )


class AsyncEvents(_Counted):
    name, title = "Async", "Async events"
    empty = "the plugin declares no async events"
    kinds = ("async event",)


class Sources(_Counted):
    name, title = "Sources", "Sources"
    empty = "no event source of the plugin's own: Falco's, syscall, is the source"
    kinds = ("source", "system call")

    def __init__(self) -> None:
        self._figures: dict[str, int] = {}

    def take(self, state: DevState) -> list[Counted]:
        self._figures = dict(state.source_figures)
        return super().take(state)

    def subtitle(self) -> str:
        """Return what is in the queue between `open`'s generator and `next_batch`."""
        shown = self._figures
        if not shown:
            return ""
        lost = sum(shown.get(n, 0) for n in ("dropped_oversize", "dropped_queue_full"))
        return f"queue {shown.get('waiting', 0):,} · batches {shown.get('batches', 0):,}" + (
            f" · dropped {lost:,}" if lost else ""
        )


# ---- single events ------------------------------------------------------------------------------


class Events(_Listing):
    name, title = "Events", "Events"
    empty = "no event yet"
    follows = True
    columns = (
        Column("number", 7, right=True),
        Column("time", 15, spare=1),
        Column("name", 12, grows=1, most=31),
        Column("size", 7, right=True, spare=2),
        Column("payload and fields", 20, grows=4),
    )

    def __init__(self) -> None:
        self._missing = 0

    def take(self, state: DevState) -> list[SeenEvent]:
        total = sum(row.count for row in state.events.values())
        seen = list(state.seen)
        self._missing = max(0, total - len(seen))
        return seen

    def subtitle(self) -> str:
        return f"{self._missing:,} more were counted only" if self._missing else ""

    def cells(self, item: SeenEvent, widths: Sequence[int]) -> Sequence[Text]:  # noqa: ARG002
        report = item.report
        fields = fields_text(report.get("fields") or {})
        shown = payload(event_text(report))
        return (
            Text(str(item.number), "dim"),
            Text(event_time(report["ts_ns"]), "dim"),
            Text(printable(item.label)),
            Text(str(report.get("size", ""))),
            Text.assemble(shown, "  " if shown and fields else "", (fields[:_TEXT_LIMIT], "cyan")),
        )

    def value(self, item: SeenEvent, at: int) -> Any:
        report = item.report
        return (
            item.number, report["ts_ns"], item.label, report.get("size") or 0, event_text(report),
        )[at]  # fmt: skip

    def key(self, item: SeenEvent) -> Any:
        return item.number


# ---- fields -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FieldItem:
    """A field and its value of the last event."""

    name: str
    kind: str
    value: Any
    present: bool
    desc: str


class Fields(_Listing):
    name, title = "Fields", "Fields"
    empty = "the plugin has no fields"
    columns = (
        Column("field", 16, grows=1, most=40),
        Column("type", 8, spare=1),
        Column("value", 20, grows=3),
        Column("description", 20, grows=2, spare=2),
    )

    def __init__(self) -> None:
        self._of: int | None = None

    def take(self, state: DevState) -> list[FieldItem]:
        self._of = state.fields_of
        values = state.fields
        items = {}
        for declared in state.declared_fields:
            name = str(declared.get("name"))
            kind = str(declared.get("type") or "") + ("[]" if declared.get("isList") else "")
            desc = str(declared.get("desc") or "")
            items[name] = FieldItem(name, kind, values.get(name), name in values, desc)
        for name in values:  # with an argument, or of a plugin that declares none
            base = name.partition("[")[0]
            known = items.get(base)
            new = FieldItem(name, known.kind if known else "", values[name], True, "")
            items.setdefault(name, new)
        return list(items.values())

    def subtitle(self) -> str:
        return "" if self._of is None else f"of event {self._of}"

    def cells(self, item: FieldItem, widths: Sequence[int]) -> Sequence[Text]:  # noqa: ARG002
        value = value_text(item.value)[:_TEXT_LIMIT] if item.present else "no value"
        return (
            Text(printable(item.name)),
            Text(item.kind, "dim"),
            Text(value, "" if item.present else "dim"),
            Text(printable(item.desc, _TEXT_LIMIT), "dim"),
        )

    def value(self, item: FieldItem, at: int) -> Any:
        return (item.name, item.kind, str(item.value), item.desc)[at]

    def detail(self, item: FieldItem) -> tuple[str, RenderableType]:
        shown = json.dumps(item.value) if item.present else ""
        parts: list[RenderableType] = [Text(f"{item.kind}  {printable(item.desc)}")]
        if self._of is not None:
            parts.append(Text(f"\nof event {self._of}", "bold"))
        parts.append(document(shown) if item.present else Text("no value", "dim"))
        return printable(item.name), Group(*parts)


# ---- alerts and rules ---------------------------------------------------------------------------


@dataclass(frozen=True)
class RuleItem:
    """A rule, and why it is silent."""

    name: str
    alerts: int
    why: str


class Alerts(_Listing):
    """The alerts; or, if `silent` is set, the rules and why those are silent that never fired."""

    name = "Alerts"

    def __init__(self, short: Callable[[str], str]) -> None:
        self.silent = False
        self._short = short
        self._rules: dict[str, int] = {}

    @property
    def title(self) -> str:  # type: ignore[override]
        return "Rules" if self.silent else "Alerts"

    @property
    def follows(self) -> bool:  # type: ignore[override]
        return not self.silent

    @property
    def empty(self) -> str:  # type: ignore[override]
        if not self._rules:
            return "no rules: put some into rules/, or name them with --rules"
        return "no alert yet: e tells why"

    @property
    def columns(self) -> tuple[Column, ...]:  # type: ignore[override]
        if self.silent:
            return (
                Column("rule", 16, grows=1, most=50),
                Column("alerts", 7, right=True),
                Column("why it is silent", 20, grows=2),
            )
        return (
            Column("time", 15, spare=1),
            Column("priority", 9),
            Column("output", 20, grows=3),
            Column("rule", 12, grows=1, spare=2, most=40),
        )

    def take(self, state: DevState) -> list[Any]:
        self._rules = dict(state.rules)
        if not self.silent:
            return list(state.alerts)
        why = state.explanations or {}
        return [RuleItem(name, count, why.get(name, "")) for name, count in state.rules.items()]

    def subtitle(self) -> str:
        if self.silent:
            return "e shows the alerts"
        counts = ", ".join(f"{printable(name)} {count}" for name, count in self._rules.items())
        return counts if len(counts) <= _TEXT_LIMIT // 8 else f"{len(self._rules)} rules"

    def cells(self, item: Any, widths: Sequence[int]) -> Sequence[Text]:  # noqa: ARG002
        if isinstance(item, RuleItem):
            cause = item.why.split("\n", 1)[0]
            return (
                Text(printable(item.name), "" if item.alerts else "yellow"),
                Text(str(item.alerts)),
                Text(printable(cause, _TEXT_LIMIT)),
            )
        priority = str(item.priority)
        return (
            Text(falco_time(item.output.partition(" ")[0]), "dim"),
            Text(printable(priority), _PRIORITY_STYLES.get(priority, "")),
            Text(printable(_output(item), _TEXT_LIMIT)),
            Text(printable(item.rule), "dim"),
        )

    def value(self, item: Any, at: int) -> Any:
        if isinstance(item, RuleItem):
            return (item.name, item.alerts, item.why)[at]
        known = item.priority in _PRIORITIES
        priority = _PRIORITIES.index(item.priority) if known else len(_PRIORITIES)
        return (item.output.partition(" ")[0], priority, _output(item), item.rule)[at]

    def key(self, item: Any) -> Any:
        return item.name if isinstance(item, RuleItem) else id(item)

    def detail(self, item: Any) -> tuple[str, RenderableType]:
        if isinstance(item, RuleItem):
            said = item.why or (f"{item.alerts} alerts" if item.alerts else "not asked yet: e asks")
            return f"rule {printable(item.name)}", Text(self._short(said))
        report = item.report
        parts: list[RenderableType] = [Text(printable_lines(item.output))]
        if report.get("possible"):
            parts.append(Text("possible: a real Falco may not give it", "yellow"))
        if tags := report.get("tags"):
            parts.append(Text(f"tags     {printable(', '.join(map(str, tags)))}"))
        if "number" in report:
            parts.append(Text(f"event    {report['number']}"))
        if fields := report.get("output_fields"):
            parts += [Text("\noutput fields", "bold"), document(json.dumps(fields))]
        return f"{printable(str(item.priority))}  {printable(item.rule)}", Group(*parts)


def _output(alert: AlertLine) -> str:
    """Return the text of an alert without the time and the priority, which have columns."""
    text = alert.output.partition(" ")[2]
    return text.removeprefix(f"{alert.priority} ")


# ---- log ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LogRow:
    """One line of a message; the first has its time and severity."""

    line: LogLine
    at: int
    text: str


class Log(_Listing):
    name, title, empty, follows = "Log", "Log", "nothing was logged", True
    columns = (
        Column("time", 8, spare=1),
        Column("severity", 8),
        Column("message", 20, grows=1),
    )

    def __init__(self, short: Callable[[str], str]) -> None:
        self._short = short
        self._lines: list[LogLine] = []
        self._rows: list[LogRow] = []

    def take(self, state: DevState) -> list[LogRow]:
        lines = list(state.logs)
        if lines != self._lines:
            self._lines = lines
            self._rows = [
                LogRow(line, at, text)
                for line in lines
                for at, text in enumerate(line.text.rstrip("\n").split("\n"))
            ]
        return self._rows

    def cells(self, item: LogRow, widths: Sequence[int]) -> Sequence[Text]:  # noqa: ARG002
        style = SEVERITY_STYLES.get(item.line.severity, "dim")
        wrong = style in {"red", "bold red"}
        first = item.at == 0
        return (
            Text(clock_time(item.line.at) if first else "", "dim"),
            Text(printable(item.line.severity) if first else "", style),
            Text(printable(self._short(item.text.expandtabs()), _TEXT_LIMIT), "red" * wrong),
        )

    def value(self, item: LogRow, at: int) -> Any:
        return (item.line.at, item.line.severity, item.text)[at]

    def words(self, item: LogRow) -> str:
        return f"{item.line.severity} {printable_lines(self._short(item.line.text))}"

    def key(self, item: LogRow) -> Any:
        return (id(item.line), item.at)

    def detail(self, item: LogRow) -> tuple[str, RenderableType]:
        style = SEVERITY_STYLES.get(item.line.severity, "dim")
        return (
            f"{clock_time(item.line.at)}  {printable(item.line.severity)}",
            Text(printable_lines(self._short(item.line.text)), style if "red" in style else ""),
        )


# ---- producers, metrics, reloads ----------------------------------------------------------------


class Producers(_Listing):
    name, title = "Producers", "Producers"
    empty = "no method of the plugin is decorated with @async_event"
    columns = (
        Column("event", 14, grows=2, most=31),
        Column("state", 8),
        Column("failures", 8, right=True),
        Column("in a row", 8, right=True, spare=2),
        Column("again in", 8, right=True, spare=1),
        Column("producer", 12, grows=1, spare=3),
    )
    _STYLES: Final = {"running": "green", "ended": "", "stopped": "dim"}

    def take(self, state: DevState) -> list[ProducerRow]:
        return list(state.producers)

    def cells(self, item: ProducerRow, widths: Sequence[int]) -> Sequence[Text]:  # noqa: ARG002
        figures = item.figures
        style = "bold red" if item.problem else self._STYLES.get(figures.state, "")
        return (
            Text(printable(item.event), "red" if item.problem else ""),
            Text(figures.state, style),
            Text(str(item.failures), "" if item.failures else "dim"),
            Text(str(figures.failures_in_row), "" if figures.failures_in_row else "dim"),
            Text(span(figures.retry_ms / 1000) if figures.retry_ms else ""),
            Text(printable(item.label), "dim"),
        )

    def value(self, item: ProducerRow, at: int) -> Any:
        figures = item.figures
        return (
            item.event, figures.state, item.failures, figures.failures_in_row, figures.retry_ms,
            item.label,
        )[at]  # fmt: skip

    def key(self, item: ProducerRow) -> Any:
        return item.label


@dataclass(frozen=True)
class MetricItem:
    """A metric: of the author, or of falcokit."""

    name: str
    value: int | float
    own: bool


class Metrics(_Listing):
    """The author's metrics first; those that every plugin of falcokit has stand behind them."""

    name, title, empty = "Metrics", "Metrics", "no metrics yet"
    columns = (
        Column("metric", 20, grows=1, most=50),
        Column("value", 12, right=True),
        Column("of", 8, spare=1),
    )

    def take(self, state: DevState) -> list[MetricItem]:
        own = [MetricItem(name, value, own=True) for name, value in state.metrics.items()]
        others = {
            **{f"async_{name}": value for name, value in state.delivery.items()},
            **{f"source_{name}": value for name, value in state.source_figures.items()},
        }
        return own + [MetricItem(name, value, own=False) for name, value in others.items()]

    def cells(self, item: MetricItem, widths: Sequence[int]) -> Sequence[Text]:  # noqa: ARG002
        style = "" if item.own else "dim"
        shown = f"{item.value:,}" if isinstance(item.value, int) else f"{item.value:,.6g}"
        if item.name.endswith("_us") and not item.own:
            shown = microseconds(int(item.value))
        return (
            Text(printable(item.name), style),
            Text(shown, style),
            Text("plugin" if item.own else "falcokit", "dim"),
        )

    def value(self, item: MetricItem, at: int) -> Any:
        return (item.name, item.value, item.own)[at]


class Reloads(_Listing):
    name, title, empty, follows = "Reloads", "Reloads", "not built yet", True
    columns = (
        Column("time", 8, spare=1),
        Column("saved", 14, grows=1, most=40),
        Column("build", 8, right=True),
        Column("first event", 11, right=True),
        Column("outcome", 12, grows=3),
    )

    def __init__(self, short: Callable[[str], str]) -> None:
        self._short = short

    def take(self, state: DevState) -> list[ReloadLine]:
        return [replace(line) for line in state.reloads]

    def cells(self, item: ReloadLine, widths: Sequence[int]) -> Sequence[Text]:  # noqa: ARG002
        outcome: tuple[str, str]
        if item.problem is not None:
            outcome = (self._short(item.problem.split("\n", 1)[0]), "red")
        elif item.first_event_ms is None and item.run is not None:
            outcome = (f"run {item.run}: no event yet", "dim")
        else:
            outcome = ("" if item.run is None else f"run {item.run}", "green")
        compiled = " (compiled)" if item.compiled else ""
        first = "" if item.first_event_ms is None else _milliseconds(item.first_event_ms)
        return (
            Text(clock_time(item.at), "dim"),
            Text(printable(_saved(item), _TEXT_LIMIT)),
            Text(_milliseconds(item.build_ms)),
            Text(first, "green"),
            Text(printable(outcome[0] + compiled, _TEXT_LIMIT), outcome[1]),
        )

    def value(self, item: ReloadLine, at: int) -> Any:
        return (
            item.at, _saved(item), item.build_ms, item.first_event_ms or 0.0, item.problem or "",
        )[at]  # fmt: skip

    def key(self, item: ReloadLine) -> Any:
        return item.at

    def detail(self, item: ReloadLine) -> tuple[str, RenderableType]:
        title = f"{clock_time(item.at)}  {printable(_saved(item))}"
        if item.problem is not None:
            return title, Text(printable_lines(self._short(item.problem)), "red")
        lines = [
            f"build        {_milliseconds(item.build_ms)}" + ", compiled" * item.compiled,
            f"run          {'none' if item.run is None else item.run}",
        ]
        if item.first_event_ms is not None:
            lines.append(f"first event  {_milliseconds(item.first_event_ms)} after the save")
        return title, Text("\n".join(lines))


def _saved(item: ReloadLine) -> str:
    return ", ".join(item.changed) or ("start" if item.run == 1 else "rebuild")


def _milliseconds(value: float) -> str:
    return f"{value:.0f} ms" if value < 10_000 else f"{value / 1000:.1f} s"  # noqa: PLR2004
