# SPDX-License-Identifier: Apache-2.0
"""Reports as lines of text: events on stdout, everything else on stderr.

Everything that comes from the plugin is made printable first.
"""

from __future__ import annotations

import base64
import json
import sys
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from falcokit.cli import console
from falcokit.cli.author_error import error_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from falcokit.runner.reports import Report

__all__ = [
    "EventLines",
    "alert_line",
    "clock_time",
    "closed_line",
    "counts_line",
    "event_time",
    "explanation_lines",
    "extract_failed_line",
    "falco_time",
    "fields_text",
    "indented",
    "log_line",
    "opened_line",
    "problem_text",
    "reasons",
    "rules_lines",
]

_CONTINUED: Final = "\n" + " " * 9
_NAME_WIDTH: Final = 20
_NS: Final = 1_000_000_000
_PLUGIN: Final = 322
_ASYNC: Final = 402
_PARAMS_LIMIT: Final = 120
_LONG_PAYLOAD: Final = 80  # characters; fields come before it, where one finds them
_REASONS: Final = {"eof": "eof: the event source has ended"}
_REPLAY_REASONS: Final = {"eof": "eof: the capture has ended"}
_SEVERITY_COLORS: Final = {
    "fatal": "red",
    "critical": "red",
    "error": "red",
    "warning": "yellow",
    "notice": "cyan",
    "debug": "dim",
    "trace": "dim",
}


_PRIORITY_COLORS: Final = {
    **dict.fromkeys(("Emergency", "Alert", "Critical", "Error"), "red"),
    **dict.fromkeys(("Warning", "Notice"), "yellow"),
}


class EventLines:
    """Shows the reports of one run, one line each; names are kept aligned."""

    def __init__(self) -> None:
        self._width = _NAME_WIDTH

    def show(self, report: Report) -> None:
        """Show one report; kinds that a person does not need are skipped."""
        kind = report["report"]
        if kind == "event":
            console.data(self._event(report))
        elif kind == "alert":
            console.data(alert_line(report))
        elif kind == "loaded":
            names = [str(name) for name in report.get("async_events") or ()]
            source = str(report.get("event_source") or "")
            self._width = max([_NAME_WIDTH, *map(len, [*names, source])])
        elif kind in _MESSAGES:
            for line in _MESSAGES[kind](report):
                console.message(line)

    def _event(self, report: Report) -> str:
        name = report.get("name") or (report.get("source") if report["code"] == _PLUGIN else None)
        shown = console.printable(str(name or report["type"]))
        head = f"{report['number']:>6} {event_time(report['ts_ns'])} {shown:<{self._width}}"
        payload, fields = _payload(report), fields_text(report.get("fields") or {})
        shown_last = (fields, payload) if len(payload) > _LONG_PAYLOAD else (payload, fields)
        parts = (f"{head} {report['size']:>6} B", *shown_last)
        return "  ".join(part for part in parts if part)


def reasons(counts: dict[str, Any]) -> str:
    """List why events were refused or dropped."""
    return ", ".join(
        f"{console.printable(str(reason))} {count}" for reason, count in counts.items()
    )


def alert_line(report: Report) -> str:
    """Return an alert: its time of day, its priority and output as Falco writes them, its rule."""
    time_text, _, text = str(report["output"]).partition(" ")
    shown = console.paint(
        console.printable(text), _PRIORITY_COLORS.get(report["priority"], "cyan"), sys.stdout
    )
    possible = ", possible" if report.get("possible") else ""
    at = falco_time(time_text)
    rule = console.printable(str(report["rule"]))
    return f"{'alert':>6} {at} {shown}  (rule {rule}{possible})"


def rules_lines(report: Report) -> Iterable[str]:
    """Return what is wrong with rules, a line each."""
    for kind, color in (("error", "red"), ("warning", "yellow")):
        label = console.paint(f"{kind:<8}", color, sys.stderr)
        for found in report[f"{kind}s"]:
            place = ":".join(str(found[key]) for key in ("file", "line", "column") if found[key])
            yield f"{label} {console.printable(f'{place}: {problem_text(found)}')}"


def problem_text(found: Report) -> str:
    """Return what is wrong with rules, what to do, and the code; without the place."""
    hint = f" ({found['hint']})" if found.get("hint") else ""
    return f"{found['message']}{hint} [{found['code']}]"


def counts_line(report: Report) -> str:
    """Return how often each rule fired."""
    counts = report["rules"]
    shown = ", ".join(
        f"{console.printable(name)} {count['alerts']}"
        + (f" (and {count['possible']} possible)" if count["possible"] else "")
        for name, count in counts.items()
    )
    return f"alerts: {shown or 'no rule runs'}"


def explanation_lines(report: Report) -> Iterable[str]:
    """Return why rules did not fire: a line with the cause, and the clauses below it."""
    for name, text in report["rules"].items():
        cause, *clauses = text.splitlines()
        yield f"rule {console.printable(name)} never fired: {console.printable(cause)}"
        yield from (f"  {console.printable(line)}" for line in clauses)


def log_line(report: Report) -> str:
    """Return a log report as a line, with its severity first."""
    severity = str(report["severity"])
    label = console.paint(f"{severity:<8}", _SEVERITY_COLORS.get(severity, "green"), sys.stderr)
    who = console.printable(str(report.get("plugin") or "plugin"))
    return f"{label} {who}: {_error(report)}"


def opened_line(report: Report) -> str:
    """Return what a capture takes its events from."""
    if "replay" in report:
        return f"replaying {console.printable(str(report['replay']))}"
    return f"running, source {console.printable(str(report.get('source')))}"


def closed_line(report: Report) -> str:
    """Return how a capture ended."""
    if "alerts" in report:
        return f"Falco ended after {report['alerts']} alert{'' if report['alerts'] == 1 else 's'}"
    count, reason = report["events"], report["reason"]
    why = _REASONS.get(reason, reason)
    if "stored" in report:
        why = _REPLAY_REASONS.get(reason, reason)
        return f"closed after {count} of {report['stored']} stored events ({why})"
    return f"closed after {count} event{'' if count == 1 else 's'} ({why})"


def extract_failed_line(report: Report) -> str:
    """Return why a field has no value; the runner reports only the first failure of a run."""
    label = console.paint("fields  ", "red", sys.stderr)
    return f"{label} event {report['event']}: {_error(report)}"


def _error(report: Report) -> str:
    """Return the message of a report; an error of the author's code with its source lines."""
    if "exception" not in report:
        return indented(str(report["message"]))
    return error_text(str(report["message"])).replace("\n", _CONTINUED)


def indented(text: str) -> str:
    """Indent all lines but the first, so that they cannot be taken for lines of their own."""
    return console.printable_lines(text.rstrip("\n")).replace("\n", _CONTINUED)


def clock_time(seconds: float) -> str:
    """Return a time of day in the local time zone."""
    return time.strftime("%H:%M:%S", time.localtime(seconds))


def fields_text(fields: dict[str, Any]) -> str:
    """Return fields as `name=value`, with quotes around text that contains spaces."""
    return " ".join(
        f"{console.printable(name)}={_value_text(value)}" for name, value in fields.items()
    )


def _value_text(value: Any) -> str:
    if isinstance(value, list):
        return f"({','.join(_value_text(one) for one in value)})"
    if not isinstance(value, str):
        return json.dumps(value)
    text = console.printable(value)
    return text if text and not set(text) & set(' "(),=') else json.dumps(text, ensure_ascii=False)


def _payload(report: Report) -> str:
    """Return the plugin's own text of the event, else its data as text, else its bytes escaped."""
    if "text" in report:
        text = str(report["text"])
        if report["code"] in {_PLUGIN, _ASYNC}:
            return console.printable(text)
        return console.printable(text, _PARAMS_LIMIT)
    data = report.get("data")
    if data is None:
        raw = base64.b64decode(report.get("data_base64") or "")
        return raw.decode("latin-1").encode("unicode_escape").decode("ascii")
    return console.printable(str(data).removesuffix("\0"))


def falco_time(text: str) -> str:
    """Return the time of day, in the local time zone, of the time that begins an output."""
    try:
        at = datetime.fromisoformat(text.rstrip(":"))
    except ValueError:
        return f"{'-':<15}"
    return at.astimezone().strftime("%H:%M:%S.%f")


def event_time(ts_ns: int) -> str:
    """Return the time of day of an event in the local time zone, with microseconds."""
    seconds, fraction = divmod(int(ts_ns), _NS)
    if not 0 <= seconds < 1 << 40:
        return f"{'-':<15}"
    return f"{clock_time(seconds)}.{fraction // 1000:06d}"


def _refusals(report: Report) -> Iterable[str]:
    """Return how many events did not arrive, in a report of statistics."""
    for what, key in (("refused", "rejected"), ("dropped", "dropped")):
        if report.get(key):
            yield f"{what}: {reasons(report[key])}"


#: The lines on stderr for the kinds of reports that have some.
_MESSAGES: Final[dict[str, Callable[[Report], Iterable[str]]]] = {
    "open": lambda report: [opened_line(report)],
    "log": lambda report: [log_line(report)],
    "extract_failed": lambda report: [extract_failed_line(report)],
    "stats": _refusals,
    "rules": rules_lines,
    "rule_counts": lambda report: [counts_line(report)],
    "explanations": explanation_lines,
    "closed": lambda report: [closed_line(report)],
}
