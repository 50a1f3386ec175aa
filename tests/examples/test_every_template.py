# SPDX-License-Identifier: Apache-2.0
"""The whole journey of each template, on every supported Python: init, build, run, dev, its own
tests, package (verified), inspect of the recording and of the artifact."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from forked import run_forked
from only_pytest import run_tests
from outside import PACKAGE
from test_templates import PARAMS

from falcokit.project.scaffold import generate_project, template_names

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.python, pytest.mark.smoke]

_FALCOKIT = [sys.executable, "-m", "falcokit"]
_MINOR = "{}.{}".format(*sys.version_info)


class Falcokit:
    """The command, in a folder: as a process of its own for one template, as a fork for others."""

    def __init__(self, *, forked: bool) -> None:
        self._forked = forked

    def __call__(self, *arguments: str, cwd: Path) -> str:
        if self._forked:
            done = run_forked("falcokit", arguments, cwd=cwd, env=os.environ)
        else:
            command = PACKAGE[:-1] if arguments[0] == "package" else _FALCOKIT
            done = subprocess.run(
                [*command, *arguments],
                cwd=cwd, capture_output=True, text=True, check=False, timeout=240,
            )  # fmt: skip
        assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done.stdout


def packaged_with_one_lock(falcokit: Falcokit, project: Path, shared: Callable[..., Any]) -> Any:
    """Package; the first of all resolves the dependencies, and the others have its lock."""
    seen = []

    def first(_: Path) -> dict[str, str]:
        seen.append(falcokit("package", "--json", cwd=project))
        return {file.name: file.read_text() for file in (project / "locks").iterdir()}

    locks = shared("locks-of-the-templates", first)
    if not seen:
        (project / "locks").mkdir(exist_ok=True)
        for name, text in locks.items():
            (project / "locks" / name).write_text(text)
        seen.append(falcokit("package", "--json", cwd=project))
    return json.loads(seen[0])


#: They differ from others in what their Python does: one of them is packaged, on one Python.
_OF_TOOLS = ("poll", "tail", "webhook")
_ONCE = [pytest.param("tail", marks=pytest.mark.once)]
_EVERYWHERE = [name for name in template_names() if name not in _OF_TOOLS]


@pytest.mark.once
@pytest.mark.parametrize("template", ["poll", "webhook"])
def test_its_own_tests_pass(template: str, tmp_path: Path) -> None:
    run_tests(generate_project("my-plugin", root=tmp_path / "p", template=template).root)


@pytest.mark.parametrize("template", [*_EVERYWHERE, *_ONCE])
def test_from_init_to_the_artifact(
    template: str, tmp_path: Path, shared: Callable[[str, Callable[[Path], Any]], Any]
) -> None:
    falcokit = Falcokit(forked=template != "async")
    falcokit("init", "my-plugin", "--template", template, "--no-input", cwd=tmp_path)
    project = tmp_path / "my-plugin"
    library = Path(falcokit("build", cwd=project).strip())
    assert library.is_file()
    opened, ended, lines = [], ["--duration", "0.2"], 0  # without events of its own
    if template == "async":
        ended, lines = ["--limit", "1"], 1
    elif template in PARAMS:
        opened, ended, lines = ["--open-params", json.dumps(PARAMS[template])], ["--limit", "3"], 3
    shown = falcokit("run", *opened, *ended, "--record", "seen.scap", cwd=project)
    # On a busy machine the rules find something too.
    events = [line for line in shown.splitlines() if not line.startswith(" alert ")]
    assert len(events) == lines
    falcokit("dev", "--duration", "0.2", cwd=project)
    run_tests(project)
    if lines:
        seen = json.loads(falcokit("inspect", "seen.scap", "--json", cwd=project))
        assert seen["events"]["count"] >= lines
    packaged = packaged_with_one_lock(falcokit, project, shared)
    assert packaged["python"].startswith(f"{_MINOR}.")
    assert packaged["verified"]
    inspected = json.loads(falcokit("inspect", packaged["artifact"], "--json", cwd=project))
    assert "my-plugin" in json.dumps(inspected)
