# SPDX-License-Identifier: Apache-2.0
"""A wheel in a fresh environment, far from the checkout, can make and build a project."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.python

ROOT = Path(__file__).parent.parent


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    run(*pip, "--no-deps", "--wheel-dir", folder, ROOT, cwd=folder)
    (file,) = folder.glob("falcokit-*.whl")
    return file


def test_the_wheel_holds_what_the_tools_need_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for name in (
        "falcokit/py.typed",
        "falcokit/_templates/async/pyproject.toml.in",
        "falcokit/_templates/.common/.gitignore",
        "falcokit/_templates/.common/.github/workflows/ci.yml.in",
        "falcokit/_templates/extract/events.scap",
        "falcokit/package/deploy/templates/helm.in",
        "falcokit/_templates/async/src/{module}.py.in",
        "falcokit/native/plugin_api.h",
        "falcokit/project/falcokit.schema.json",
        "falcokit/_templates/.common/.github/workflows/release.yml.in",
        "falcokit/_templates/.common/.vscode/launch.json",
    ):
        assert name in names
    assert any(name.startswith("falcokit/native/src/") and name.endswith(".c") for name in names)
    assert not [n for n in names if "__pycache__" in n or n.endswith((".so", ".o"))]
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"falcokit"}


def test_an_installed_wheel_makes_builds_and_runs_a_project(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    venv.create(environment, symlinks=True)
    packages = environment / Path(sysconfig.get_path("purelib")).relative_to(sys.prefix)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    # The dependencies of this environment, without the checkout that is installed in it.
    own = Path(sysconfig.get_path("purelib"))
    for entry in own.iterdir():
        if "falcokit" not in entry.name and not (packages / entry.name).exists():
            (packages / entry.name).symlink_to(entry)
    python = environment / "bin" / "python"
    where = run(python, "-c", "import falcokit; print(falcokit.__file__)", cwd=tmp_path).strip()
    assert Path(where).is_relative_to(environment)

    run(python, "-m", "falcokit", "init", "ticker", cwd=tmp_path)
    project = tmp_path / "ticker"
    assert (project / ".gitignore").is_file()
    run(python, "-m", "falcokit", "build", cwd=project)
    assert "ticker_load" in run(python, "-m", "falcokit", "run", "-n", "1", cwd=project)
