# SPDX-License-Identifier: Apache-2.0
"""A scaffolded project for the tests that run the real thing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from falcokit.cli import console
from falcokit.project.scaffold import generate_project
from falcokit.toolchain import command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _as_a_new_process() -> Iterator[None]:
    """Leave nothing behind of what -q, -v and --color said: a process runs one command."""
    yield
    console.set_level(0)
    console.set_color("auto")
    command.observer = None


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A fresh project of the template, called load-watch."""
    return generate_project("load-watch", root=tmp_path / "load-watch").root
