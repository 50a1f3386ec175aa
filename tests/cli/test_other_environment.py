# SPDX-License-Identifier: Apache-2.0
"""falcokit of pipx, uv tool or the system, and a project with an environment of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from falcokit.cli.environment import missing_requirements
from falcokit.project.environment import is_tool, project_environment
from falcokit.project.scaffold import generate_project

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]


def environment(folder: Path, *, falcokit: bool) -> Path:
    """Make a virtual environment with what this one has, and falcokit or not."""
    venv.create(folder, symlinks=True)
    packages = folder / Path(sysconfig.get_path("purelib")).relative_to(sys.prefix)
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        is_falcokit = "falcokit" in entry.name and entry.suffix != ".pth"
        if not is_falcokit and not entry.name.startswith("_falcokit"):
            (packages / entry.name).symlink_to(entry)
    if falcokit:
        (packages / "falcokit").symlink_to(ROOT / "falcokit")
        info = packages / "falcokit-0.1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: falcokit\nVersion: 0.1.0\n")
    return folder


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The environment that `uv tool install falcokit` makes."""
    made = environment(tmp_path_factory.mktemp("tools") / "falcokit", falcokit=True)
    (made / "uv-receipt.toml").write_text("")
    return made


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = generate_project("my-plugin", root=tmp_path / "p").root
    (root / "src" / "only_here.py").write_text("")
    return root


def run(tool: Path, project: Path, *arguments: str, **more: str) -> Any:
    without = {"VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "PYTHONPATH"}
    return subprocess.run(
        [tool / "bin" / "python", "-P", "-m", "falcokit", *arguments],
        cwd=project, capture_output=True, text=True, check=False, timeout=60,
        env={key: value for key, value in os.environ.items() if key not in without} | more,
    )  # fmt: skip


def needs(project: Path, requirement: str) -> None:
    file = project / "pyproject.toml"
    file.write_text(
        file.read_text().replace("dependencies = []", f"dependencies = ['{requirement}']")
    )


def test_the_projects_environment_is_found_and_used(tool: Path, project: Path) -> None:
    own = environment(project / ".venv", falcokit=True)
    done = run(tool, project, "-v", "doctor", "--json")
    assert f"continuing in {own} (.venv of the project)" in done.stderr
    assert f"{own}, the project's; falcokit was started in {tool}" in done.stdout
    # From a folder below, with the project's folder as an option, and by the variables; with a
    # command that soon ends, since nothing is packaged.
    assert f"continuing in {own} " in run(tool, project / "src", "-v", "publish").stderr
    assert f"continuing in {own} " in run(tool, tool, "-v", "publish", "-C", str(project)).stderr
    (project / ".venv").rename(project / "other")
    for name in ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT"):
        done = run(tool, project, "-v", "publish", **{name: str(project / "other")})
        assert f"continuing in {project}/other (${name})" in done.stderr
        assert (done.returncode, "no OCI layout" in done.stderr) == (7, True)


def test_what_only_the_projects_environment_has_is_imported(tool: Path, project: Path) -> None:
    own = environment(project / ".venv", falcokit=True)
    packages = own / Path(sysconfig.get_path("purelib")).relative_to(sys.prefix)
    (packages / "only_in_the_project.py").write_text("")
    source = project / "src" / "my_plugin.py"
    source.write_text("import only_in_the_project\n" + source.read_text())
    done = run(tool, project, "info")
    assert (done.returncode, done.stdout.partition("\n")[0]) == (0, "my-plugin 0.1.0"), done.stderr
    done = run(own, project, "info")
    assert done.returncode == 0, done.stderr


def test_an_environment_without_falcokit_is_one_sentence(tool: Path, project: Path) -> None:
    own = environment(project / ".venv", falcokit=False)
    done = run(tool, project, "info")
    assert done.returncode == 0, "the project needs nothing that the tool has not"
    needs(project, "no-such-package>=2")
    done = run(tool, project, "info")
    assert done.returncode == 5
    error, hint = done.stderr.splitlines()
    assert error.startswith(f"error: the project's environment {own} has no falcokit, and ")
    assert error.endswith("has not what the project needs: no-such-package")
    assert f"{own}/bin/python -m pip install falcokit" in hint


def test_a_missing_module_names_the_python_that_lacks_it(tool: Path, project: Path) -> None:
    source = project / "src" / "my_plugin.py"
    source.write_text("import no_such_module\n" + source.read_text())
    done = run(tool, project, "info")
    assert done.returncode == 4
    assert f"hint: {tool}/bin/python has no module no_such_module" in done.stderr


def test_a_command_without_a_project_goes_on_where_it_is(tool: Path, project: Path) -> None:
    environment(project / ".venv", falcokit=True)
    assert "continuing" not in run(tool, project, "-v", "init", "other-plugin").stderr


@pytest.mark.parametrize(
    ("prefix", "files", "expected"),
    [
        ("usr", [], True),
        ("pipx/venvs/falcokit", ["pipx_metadata.json"], True),
        ("share/uv/tools/falcokit", ["uv-receipt.toml"], True),
        ("cache/uv/archive-v0/abc", [], True),
        ("work/uv/.venv", [], False),
        ("work/mine/.venv", [], False),
        ("envs/mine", [], False),
    ],
)
def test_what_a_tools_environment_is(
    prefix: str, files: list[str], expected: bool, tmp_path: Path
) -> None:
    folder = tmp_path / prefix
    folder.mkdir(parents=True)
    for name in files:
        (folder / name).touch()
    base = str(folder) if prefix == "usr" else "/usr"
    assert is_tool(str(folder), base) is expected


def test_the_order_of_environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("active", "uvs", ".venv"):
        (tmp_path / name / "bin").mkdir(parents=True)
        (tmp_path / name / "pyvenv.cfg").touch()
        (tmp_path / name / "bin" / "python").symlink_to(sys.executable)
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "active"))
    monkeypatch.setenv("UV_PROJECT_ENVIRONMENT", "uvs")
    found: Callable[[], Any] = lambda: project_environment(tmp_path)  # noqa: E731
    assert found().prefix == tmp_path / "active"
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "gone"))
    assert found().prefix == tmp_path / "uvs"
    monkeypatch.delenv("UV_PROJECT_ENVIRONMENT")
    assert found().prefix == tmp_path / ".venv"
    (tmp_path / ".venv" / "pyvenv.cfg").unlink()
    assert found() is None


def test_requirements_are_compared_with_what_is_there() -> None:
    assert missing_requirements(["pytest", "msgspec>=0.1", "x; python_version < '3'"]) == []
    assert missing_requirements(["no-such-package[extra]>=1"]) == ["no-such-package"]
    (unmet,) = missing_requirements(["pytest<1"])
    assert unmet.startswith("pytest<1 (there is ")
    assert missing_requirements(["not a requirement!"]) == [
        "not a requirement! (not a requirement)"
    ]
