# SPDX-License-Identifier: Apache-2.0
"""Tables between plugins in the runner: one exports, the other uses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from falcokit.runner.run import Runner, RunOptions
from falcokit.toolchain.command import run

if TYPE_CHECKING:
    from conftest import CompileC, RealHost

_SOURCE = Path(__file__).parent / "hosts" / "table_pair.c"
_STEPS = {
    *("listed 1", "absent 0 failed, and why", "wrong key 0 failed, and why", "fields 2"),
    *("no field 0 failed, and why", "add field 0 failed, and why", "read 7", "write 0"),
    *("nested 80", "nested key 4", "no entry 0 failed, and why", "clear 0 failed, and why"),
    *("finished 0", "iterated 1", "size 1"),
}


@pytest.fixture(scope="session")
def pair(compile_c: CompileC) -> tuple[Path, Path]:
    keeper = compile_c("libkeeper.so", [_SOURCE])
    return keeper, compile_c("libreader.so", [_SOURCE], "-DREADER")


def test_a_table_of_one_plugin_is_used_by_another(pair: tuple[Path, Path]) -> None:
    keeper, reader = pair
    options = RunOptions(library=keeper, beside=(reader,), duration=0.01, cycles=2, reload=2)
    with Runner(options) as runner:
        reports = list(runner.reports())
        assert runner.returncode == 0
    assert not [r for r in reports if r["report"] == "error"]
    said = [r["message"] for r in reports if r["report"] == "log"]
    assert len(said) == 2 * len(_STEPS)  # once for each init; nothing was left unreleased
    assert {text.removeprefix("pair: ") for text in said} == _STEPS


@pytest.mark.host
def test_the_framework_answers_the_same(pair: tuple[Path, Path], real_host: RealHost) -> None:
    command = [str(real_host.plughost), "sinsp", "--plugin", str(real_host.baseline)]
    command += ["--init", '{"async":0}', "--open", "10", "--log"]
    for library in pair:
        command += ["--plugin", str(library)]
    log = json.loads(run(command, timeout=60))["log"]
    said = {line.partition("pair: ")[2] for line in log if "pair: " in line}
    # It does not say why there is no table of a name.
    assert said == _STEPS - {"absent 0 failed, and why"} | {"absent 0 failed"}
