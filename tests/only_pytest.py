# SPDX-License-Identifier: Apache-2.0
"""The tests of a project in a process of their own, as its author runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["run_tests"]


def run_tests(project: Path) -> None:
    """Run them; pytest's plugins of this environment stay out: an author need not have any.

    One of them is hypothesis, which takes longer to load than a template's tests to run.
    """
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(project)],
        cwd=project,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
