# SPDX-License-Identifier: Apache-2.0
"""Signals that arrive while their handlers are taken away."""

from __future__ import annotations

import subprocess
import sys

RACE = """
import signal, sys
from falcokit.cli.interrupt import ignore_signals
if {quiet}:
    ignore_signals()
signal.signal(signal.SIGINT, signal.SIG_IGN)
sys.unraisablehook(type(
    "Found", (), dict(
        exc_type=OSError, exc_value=OSError("Signal 2 ignored due to race condition"),
        exc_traceback=None, err_msg=None, object=None,
    ),
))
class Bad:
    def __del__(self):
        raise OSError("another")
Bad()
"""


def shown(*, quiet: bool) -> str:
    code = RACE.format(quiet=quiet)
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stderr


def test_a_signal_in_the_race_shows_no_traceback_and_other_errors_do() -> None:
    assert "race condition" in shown(quiet=False)
    assert "race condition" not in shown(quiet=True)
    assert "another" in shown(quiet=True)
