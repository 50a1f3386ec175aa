# SPDX-License-Identifier: Apache-2.0
"""Signals that arrive while their handlers are taken away."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from falcokit.cli import interrupt

if TYPE_CHECKING:
    import pytest


def test_a_signal_in_the_race_shows_no_traceback_and_other_errors_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(sys, "__unraisablehook__", shown.append)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    monkeypatch.setattr(interrupt, "_SIGNALS", ())
    interrupt.ignore_signals()
    race = OSError("Signal 2 ignored due to race condition")
    for error in (race, OSError("another"), ValueError("ignored due to race condition")):
        found: Any = SimpleNamespace(exc_value=error)
        sys.unraisablehook(found)
    assert [str(found.exc_value) for found in shown] == ["another", "ignored due to race condition"]
