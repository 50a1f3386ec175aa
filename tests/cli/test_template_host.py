# SPDX-License-Identifier: Apache-2.0
"""The template's plugin, its rule's condition and its falco.yaml in real libsinsp hosts."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.host


@pytest.fixture
def library(project: Path) -> Path:
    build = [sys.executable, "-m", "falcokit", "build", "-C", str(project)]
    done = subprocess.run(build, capture_output=True, text=True, check=True)
    return Path(done.stdout.strip())


def test_the_rule_s_condition_finds_the_alert_and_its_output_shows_the_data(
    project: Path, library: Path, real_host: Any
) -> None:
    rules = (project / "rules" / "load-watch_rules.yaml").read_text()
    condition = re.search(r"^  condition: (.*)$", rules, re.MULTILINE)
    assert condition is not None
    fields = re.findall(r"%([a-z.]+)", rules)
    assert fields == ["evt.type", "evt.arg.data"]
    command = [
        *(real_host.plughost, "sinsp", "--plugin", library, "--init", '{"threshold": 0.0}'),
        *("--nodriver", "--secs", "2", "--filter", condition[1], "--fields", ",".join(fields)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    (cycle,) = json.loads(done.stdout.splitlines()[-1])["cycles"]
    assert cycle["by_source"]["syscall"]["count"] == 1
    assert cycle["fields"]["evt.type"]["samples"] == ["load_watch_alert"]
    assert '"load":' in cycle["fields"]["evt.arg.data"]["samples"][0]


def test_falco_yaml_is_read_by_a_real_host(project: Path, library: Path, real_host: Any) -> None:
    # sysdig takes Falco's file, but puts no variables in place.
    text = (project / "falco.yaml").read_text().replace("${PWD}", str(project))
    (project / "sysdig.yaml").write_text(text)
    done = subprocess.run(
        [
            real_host.sysdig,
            "--plugin-config-file",
            project / "sysdig.yaml",
            "--plugin-info",
            "load-watch",
        ],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Name: load-watch" in done.stdout
    assert "Threshold" in done.stdout
