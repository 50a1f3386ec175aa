# SPDX-License-Identifier: Apache-2.0
"""The rules and fields of every template in a real host; test_every_template.py has the rest."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from example_rules import rules_of

from falcokit.project.scaffold import template_names

if TYPE_CHECKING:
    from collections.abc import Callable

    from example_rules import Built

SAMPLE = Path(__file__).parents[1] / "capture" / "samples" / "falco-open-multiple-files.scap"
#: Those with an event source: how it is opened for a moment.
PARAMS = {
    "source": {"interval_s": 0.01, "count": 5},
    "source-extract": {"interval_s": 0.01, "count": 5},
    "full": {"interval_s": 0.01, "count": 5},
    "tail": {"follow": False},  # sample.log
}
#: Those whose events come from others, who are not there: only their rules are compiled.
WAITING = {"webhook": {"port": 0}, "poll": {"url": "http://127.0.0.1:9/"}}


@pytest.mark.host
@pytest.mark.parametrize("template", template_names())
def test_its_rules_are_ones_a_host_takes(
    template: str, built: Callable[[str], Built], real_host: Any
) -> None:
    library = built(template).library
    rules = rules_of(built(template).root)
    assert rules
    for rule in rules.values():
        command = [real_host.plughost, "sinsp", "--plugin", library, "--filter", rule["condition"]]
        if template in PARAMS:
            command += ["--open", json.dumps(PARAMS[template])]
        elif template in WAITING:
            command += ["--open", json.dumps(WAITING[template]), "--secs", "0.2"]
        elif template == "async":
            command += ["--nodriver", "--secs", "0.2"]
        else:
            command += ["--scap", SAMPLE]
        done = subprocess.run(
            command,
            cwd=built(template).root,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        (cycle,) = json.loads(done.stdout.splitlines()[-1])["cycles"]
        if template not in WAITING:
            assert cycle["events"]["count"] + cycle.get("filtered", 0) > 0, rule["rule"]


@pytest.mark.host
def test_fields_of_system_calls_in_a_capture(built: Callable[[str], Built], real_host: Any) -> None:
    library = built("extract").library
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
