# SPDX-License-Identifier: Apache-2.0
"""Tables between plugins in the runner: one exports, the other uses."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from falcokit.runner import Runner, RunOptions

if TYPE_CHECKING:
    from conftest import CompileC

_SOURCE = Path(__file__).parent / "hosts" / "table_pair.c"
_STEPS = {
    *("listed 1", "absent 0 failed", "wrong key 0 failed", "fields 2", "no field 0 failed"),
    *("add field 0 failed", "read 7", "write 0", "nested 80", "nested key 4"),
    *("no entry 0 failed", "clear 0 failed", "finished 0", "iterated 1", "size 1"),
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
