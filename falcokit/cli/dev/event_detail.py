# SPDX-License-Identifier: Apache-2.0
"""An event whole: its payload as JSON or as a dump, its fields, and what each rule says of it."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Final

from rich.console import Group
from rich.highlighter import JSONHighlighter
from rich.text import Text

from falcokit.cli.console import printable, printable_lines
from falcokit.cli.lines import event_time

if TYPE_CHECKING:
    from rich.console import RenderableType

    from falcokit.dev.state import SeenEvent
    from falcokit.runner.reports import Report

__all__ = ["document", "event_detail", "event_text", "value_text"]

_DETAIL_LIMIT: Final = 64 << 10
_HEX_LINE: Final = 16
_ANSWERS: Final = {"true": "green", "false": "magenta", "unknown": "yellow"}


def event_text(report: Report) -> str:
    """Return the plugin's own text of an event, else its data."""
    if "text" in report or "data" in report:
        return str(report.get("text") or report.get("data") or "")
    return _raw(report).decode("latin-1").encode("unicode_escape").decode("ascii")


def _raw(report: Report) -> bytes:
    return base64.b64decode(report.get("data_base64") or "")


def event_detail(event: SeenEvent, verdicts: Report | None) -> tuple[str, RenderableType]:
    """Return all that is known of one event: payload, fields, and what each rule says of it.

    `verdicts` is a report `event_explanation`; None: it has not come, or there are no rules.
    """
    report = event.report
    tid = report.get("tid")
    head = (
        f"time     {event_time(report['ts_ns'])}  ({report['ts_ns']} ns)\n"
        f"source   {printable(str(report.get('source') or ''))}\n"
        f"thread   {'none' if tid in {None, -1} else tid}\n"
        f"size     {report.get('size', 0)} bytes"
    )
    parts: list[RenderableType] = [Text(head)]
    if report.get("text"):
        parts += [Text("\nevent_to_string", "bold"), Text(printable_lines(str(report["text"])))]
    parts.append(Text("\npayload", "bold"))
    if "data" in report:
        parts.append(document(str(report["data"])))
    else:
        parts.append(Text(_hex(_raw(report)[: _DETAIL_LIMIT // 4])))
    if fields := report.get("fields"):
        width = max(map(len, fields))
        lines = [(f"{printable(name):<{width}}  ", "cyan") for name in fields]
        values = [f"{value_text(value)}\n" for value in fields.values()]
        both = [part for pair in zip(lines, values, strict=True) for part in pair]
        parts += [Text("\nfields", "bold"), Text.assemble(*both)]
    parts += _verdicts(verdicts)
    return f"event {event.number}  {printable(event.label)}", Group(*parts)


def _verdicts(verdicts: Report | None) -> list[RenderableType]:
    if verdicts is None:
        return []
    parts: list[RenderableType] = [Text("\nrules that saw it", "bold")]
    if not verdicts["known"]:
        parts.append(Text("not known: it came before the rules, or too long ago", "dim"))
    elif not verdicts["rules"]:
        parts.append(Text("none: no rule is for its source", "dim"))
    for verdict in verdicts["rules"]:
        answer = str(verdict["answer"])
        says = {"true": "fires", "false": "does not fire", "unknown": "only a real Falco can tell"}
        name = printable(str(verdict["rule"]))
        parts.append(
            Text.assemble((f"{name}: ", ""), (says.get(answer, answer), _ANSWERS.get(answer, "")))
        )
        for line in printable_lines(str(verdict["text"])).split("\n"):
            word = line.split(" ", 1)[0]
            parts.append(Text.assemble(("  ", ""), (line, _ANSWERS.get(word, ""))))
    return parts


def document(data: str) -> Text:
    """Return a payload as JSON on several lines, or as it is."""
    data = data.removesuffix("\0")
    try:
        shown = json.dumps(json.loads(data), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return Text(printable_lines(data[:_DETAIL_LIMIT]) or "(empty)")
    text = Text(printable_lines(shown[:_DETAIL_LIMIT]))
    JSONHighlighter().highlight(text)
    return text


def _hex(data: bytes) -> str:
    """Return bytes as a dump."""
    lines = []
    for at in range(0, len(data), _HEX_LINE):
        part = data[at : at + _HEX_LINE]
        shown = "".join(chr(byte) if " " <= chr(byte) <= "~" else "." for byte in part)
        lines.append(f"{at:06x}  {part.hex(' '):<{3 * _HEX_LINE}} {shown}")
    return "\n".join(lines) or "(empty)"


def value_text(value: Any) -> str:
    """Return the value of a field as JSON, safe for a terminal."""
    return printable(json.dumps(value, ensure_ascii=False))
