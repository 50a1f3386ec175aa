# SPDX-License-Identifier: Apache-2.0
"""The whole journey of each template, on every supported Python: init, build, run, dev, its own
tests, package (verified), inspect of the recording and of the artifact."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from only_pytest import run_tests
from outside import PACKAGE
from test_templates import PARAMS

from falcokit.project.scaffold import template_names

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.python, pytest.mark.smoke]

_MINOR = "{}.{}".format(*sys.version_info)


def run(*command: str, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, *(command if command[0].startswith("-") else ("-m", *command))],
        cwd=cwd, capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def packaged_with_one_lock(template: str, project: Path, shared: Callable[..., Any]) -> Any:
    """Package; the first of all resolves the dependencies, and the others have its lock."""
    # One is compressed as well as can be: that takes half the time of packaging.
    package = ["-m", "falcokit", "package"] if template == "async" else PACKAGE[1:]
    seen = []

    def first(_: Path) -> dict[str, str]:
        seen.append(run(*package, "--json", cwd=project))
        return {file.name: file.read_text() for file in (project / "locks").iterdir()}

    locks = shared("locks-of-the-templates", first)
    if not seen:
        (project / "locks").mkdir(exist_ok=True)
        for name, text in locks.items():
            (project / "locks" / name).write_text(text)
        seen.append(run(*package, "--json", cwd=project))
    return json.loads(seen[0])


@pytest.mark.parametrize("template", template_names())
def test_from_init_to_the_artifact(
    template: str, tmp_path: Path, shared: Callable[[str, Callable[[Path], Any]], Any]
) -> None:
    run("falcokit", "init", "my-plugin", "--template", template, "--no-input", cwd=tmp_path)
    project = tmp_path / "my-plugin"
    opened = ["--open-params", json.dumps(PARAMS[template])] if template in PARAMS else []
    emits = bool(opened) or template == "async"
    library = Path(run("falcokit", "build", cwd=project).strip())
    assert library.is_file()
    ended = ["--limit", "3"] if emits else ["--duration", "0.2"]
    run("falcokit", "run", *opened, *ended, "--record", "seen.scap", cwd=project)
    run("falcokit", "dev", "--duration", "0.5", cwd=project)
    run_tests(project)
    if emits:
        seen = json.loads(run("falcokit", "inspect", "seen.scap", "--json", cwd=project))
        assert seen["events"]["count"] >= 3
    packaged = packaged_with_one_lock(template, project, shared)
    assert packaged["python"].startswith(f"{_MINOR}.")
    assert packaged["verified"]
    inspected = json.loads(run("falcokit", "inspect", packaged["artifact"], "--json", cwd=project))
    assert "my-plugin" in json.dumps(inspected)
