# SPDX-License-Identifier: Apache-2.0
"""The Pythons that tests of packages have as parameters: each worker of a run needs the same."""

from __future__ import annotations

import atexit
import fcntl
import json
import os
import tempfile
from pathlib import Path

import pythons

__all__ = ["PYTHONS"]


def _paths() -> list[str]:
    return [str(info["path"]) for info in pythons.own()]


def _shared_paths() -> list[str]:
    """Let one worker ask them all, which takes as long as to collect the tests."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    if run is None:
        return _paths()
    file = Path(tempfile.gettempdir(), f"fk-tests-{run}")
    atexit.register(file.unlink, missing_ok=True)  # no worker ends before all have collected
    with file.open("a+") as known:
        fcntl.flock(known, fcntl.LOCK_EX)
        known.seek(0)
        text = known.read() or json.dumps(_paths())
        known.truncate(0)
        known.write(text)
    found: list[str] = json.loads(text)
    return found


PYTHONS = _shared_paths()
