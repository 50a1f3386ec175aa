# SPDX-License-Identifier: Apache-2.0
"""Every template comes green: its own tests, build, run, and its rules in a real host."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from example_rules import rules_of
from only_pytest import run_tests

from falcokit.project.scaffold import generate_project, template_names

SAMPLE = Path(__file__).parents[1] / "capture" / "samples" / "falco-open-multiple-files.scap"
#: Those with an event source: how it is opened for a moment.
PARAMS = {
    "source": {"interval_s": 0.01, "count": 5},
    "source-extract": {"interval_s": 0.01, "count": 5},
    "full": {"interval_s": 0.01, "count": 5},
}


def falcokit(project: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "falcokit", *arguments, "-C", str(project)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(params=template_names())
def template(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def project(template: str, tmp_path: Path) -> Path:
    root = tmp_path / "my-plugin"
    return generate_project("my-plugin", root=root, template=template).root


def test_its_own_tests_pass(project: Path) -> None:
    run_tests(project)


def test_it_runs(project: Path, template: str) -> None:
    if template in PARAMS:
        out = falcokit(
            project, "run", "--open-params", json.dumps(PARAMS[template]), "--limit", "3"
        )
        assert len(out.splitlines()) == 3
    elif template == "async":
        assert falcokit(project, "run", "--limit", "1")
    else:  # no events of its own
        falcokit(project, "run", "--duration", "0.2")


@pytest.mark.host
def test_its_rules_are_ones_a_host_takes(project: Path, template: str, real_host: Any) -> None:
    library = falcokit(project, "build").strip()
    rules = rules_of(project)
    assert rules
    for rule in rules.values():
        command = [real_host.plughost, "sinsp", "--plugin", library, "--filter", rule["condition"]]
        if template in PARAMS:
            command += ["--open", json.dumps(PARAMS[template])]
        elif template == "async":
            command += ["--nodriver", "--secs", "0.2"]
        else:
            command += ["--scap", SAMPLE]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr + done.stdout
        (cycle,) = json.loads(done.stdout.splitlines()[-1])["cycles"]
        assert cycle["events"]["count"] + cycle.get("filtered", 0) > 0, rule["rule"]


@pytest.mark.host
def test_fields_of_system_calls_in_a_capture(tmp_path: Path, real_host: Any) -> None:
    project = generate_project("my-plugin", root=tmp_path / "p", template="extract").root
    library = falcokit(project, "build").strip()
    shown = "*%evt.type %my_plugin.extension %my_plugin.secret %my_plugin.part[0]"
    command = [
        real_host.sysdig,
        "-r",
        SAMPLE,
        "-H",
        library,
        "-p",
        shown,
        "my_plugin.secret exists",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[:2] == ["open <NA> false tmp"] * 2, done.stderr
