# SPDX-License-Identifier: Apache-2.0
"""A scaffolded project for the tests that run the real thing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from falcokit.project.scaffold import generate_project

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A fresh project of the template, called load-watch."""
    return generate_project("load-watch", root=tmp_path / "load-watch").root
