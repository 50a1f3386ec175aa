# SPDX-License-Identifier: Apache-2.0
"""The site of docs/ is built without a warning: each page has its place, each link its target."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.once


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    if os.environ.get("CI") != "true":
        pytest.importorskip("mkdocs")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--site-dir", tmp_path],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    commands = (tmp_path / "reference" / "commands" / "index.html").read_text()
    assert "--replay" in commands
    api = (tmp_path / "reference" / "falcokit" / "index.html").read_text()
    assert 'id="falcokit.AsyncEventHandler.emit"' in api, "members come from the docstrings"
