# SPDX-License-Identifier: Apache-2.0
"""For tests that describe dozens of classes: in forks of one process."""

from __future__ import annotations

import describer
import pytest

from falcokit.build import build_project


@pytest.fixture
def forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let builds describe classes by `describer`."""
    monkeypatch.setattr(build_project, "run_captured", describer.run_captured)
