# SPDX-License-Identifier: Apache-2.0
"""Builds templates and examples, and asks real hosts what they make of them."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from example_rules import EXAMPLES, Built

from falcokit.build.build_project import build
from falcokit.project.scaffold import generate_project
from falcokit.project.settings import load_project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Shared

_MADE = shutil.ignore_patterns("build", "dist", "__pycache__", ".*")


@pytest.fixture(scope="session")
def built(shared: Shared) -> Callable[[str], Built]:
    """Build a template, or `examples/NAME`, once for all tests: they change nothing."""

    def named(kind: str) -> Built:
        def make(folder: Path) -> Built:
            root = folder / kind
            if kind.startswith("examples/"):
                shutil.copytree(EXAMPLES.parent / kind, root, ignore=_MADE)
            else:
                generate_project("my-plugin", root=root, template=kind)
            return Built(root=root, library=build(load_project(root)).library)

        made: Built = shared(f"built-{kind.replace('/', '-')}", make)
        return made

    return named


@pytest.fixture
def example(request: pytest.FixtureRequest, built: Callable[[str], Built]) -> Built:
    """The example that the module's name says: test_auth_log.py, examples/auth-log."""
    name = request.path.stem.removeprefix("test_").removesuffix("_host").replace("_", "-")
    return built(f"examples/{name}")


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
