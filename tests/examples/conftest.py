# SPDX-License-Identifier: Apache-2.0
"""Builds an example, and asks real hosts what they make of it; used by this folder's tests."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from example_rules import EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def example(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of the example that the module's name says: test_auth_log.py, examples/auth-log."""
    name = request.path.stem.removeprefix("test_").removesuffix("_host").replace("_", "-")
    ignored = shutil.ignore_patterns("build", "dist", "__pycache__", ".*")
    return Path(shutil.copytree(EXAMPLES / name, tmp_path / name, ignore=ignored))


@pytest.fixture
def library(example: Path) -> Path:
    """Its library."""
    build = [sys.executable, "-m", "falcokit", "build", "-C", str(example)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


@pytest.fixture
def plughost(real_host: Any) -> Callable[..., dict[str, Any]]:
    """Run plughost to its end; what it reports of its one cycle."""

    def run(*arguments: str | Path) -> dict[str, Any]:
        command = [real_host.plughost, "sinsp", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr + done.stdout
        (cycle,) = json.loads(done.stdout.splitlines()[-1])["cycles"]
        return dict(cycle)

    return run
