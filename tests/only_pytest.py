# SPDX-License-Identifier: Apache-2.0
"""The tests of a project in a process of their own, as its author runs them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from forked import run_forked

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["run_tests"]

_OPTIONS = ["-q", "-p", "no:cacheprovider", "-p", "falcokit.testing.pytest_plugin"]


def run_tests(project: Path) -> None:
    """Run them; pytest's plugins of this environment stay out: an author need not have any.

    One of them is hypothesis, which takes longer to load than a template's tests to run.
    """
    done = run_forked(
        "pytest",
        [*_OPTIONS, str(project)],
        cwd=project,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
