# SPDX-License-Identifier: Apache-2.0
"""How `run`, and `dev` without a terminal, show events and what a plugin logged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from falcokit.cli.dev.lines import DevLines
from falcokit.cli.lines import EventLines

if TYPE_CHECKING:
    from collections.abc import Callable

ERROR = "/p/t.py:3: init: ValueError: no\n  called at /p/t.py:9 in init\nerror    other: \x1b[2J\n"


@pytest.mark.parametrize("show", [EventLines().show, DevLines(watch=True).show])
def test_the_lines_of_a_message_are_lines_that_cannot_be_taken_for_others(
    show: Callable[[dict[str, object]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    log = {"report": "log", "severity": "error", "plugin": "own", "message": ERROR}
    show({**log, "component": None})
    show({"report": "extract_failed", "event": 7, "rc": 1, "message": ERROR})
    shown = capsys.readouterr().err.splitlines()
    rest = ["           called at /p/t.py:9 in init", r"         error    other: \x1b[2J"]
    assert shown == [
        "error    own: /p/t.py:3: init: ValueError: no",
        *rest,
        "fields   event 7: /p/t.py:3: init: ValueError: no",
        *rest,
    ]


@pytest.mark.parametrize(("text", "fields_are_last"), [("x" * 80, True), ("x" * 81, False)])
def test_fields_come_before_a_long_text(
    text: str, fields_are_last: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    event = {"report": "event", "number": 1, "ts_ns": 0, "code": 322, "type": 322, "size": 5}
    EventLines().show({**event, "source": "s", "text": text, "fields": {"a.b": 1}})
    shown = capsys.readouterr().out.rstrip("\n")
    assert shown.endswith(f"5 B  {text}  a.b=1" if fields_are_last else f"5 B  a.b=1  {text}")
