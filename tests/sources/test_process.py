# SPDX-License-Identifier: Apache-2.0
"""Programs that write lines, end, fail, will not end, and leave others behind."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import pytest
from taking import reading, take, until

from falcokit import PluginError
from falcokit.sources import ProcessLines

if TYPE_CHECKING:
    from pathlib import Path

FAST: Any = {"first_pause": 0.01, "max_pause": 0.02}


def shell(text: str, *rest: str) -> list[str]:
    return ["/bin/sh", "-c", text, "sh", *rest]


def test_its_lines_are_given_and_it_is_started_again() -> None:
    with ProcessLines(shell("echo one; printf two"), **FAST) as process:
        assert take(process, 4) == [b"one", b"two"] * 2
        assert process.counters["starts"] >= 2


def test_its_end_may_be_the_end() -> None:
    with ProcessLines(shell("echo one"), restart=False) as process:
        assert list(process) == [b"one"]
    with ProcessLines(shell("echo one; exit 3"), restart=False) as process:
        lines = iter(process)
        assert next(lines) == b"one"
        with pytest.raises(PluginError, match="/bin/sh has ended with status 3"):
            next(lines)


def test_what_cannot_be_started_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="no-such-program cannot be started"):
        ProcessLines(["no-such-program"])
    with pytest.raises(PluginError, match="a list of the program and its arguments"):
        ProcessLines("ls -l")  # type: ignore[arg-type]
    with pytest.raises(PluginError, match="cannot be started"):
        ProcessLines(["ls"], cwd=tmp_path / "none")


def test_a_program_that_is_gone_for_a_while_comes_back(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.symlink_to("/bin/echo")
    process = ProcessLines([str(program), "x"], **FAST)
    with reading(process) as lines:
        until(lambda: lines)
        program.unlink()
        failures = process.counters["failures"]
        until(lambda: process.counters["failures"] > failures + 2)
        count = len(lines)
        program.symlink_to("/bin/echo")
        until(lambda: len(lines) > count)


def test_standard_error_goes_to_the_log_but_not_without_measure(
    caplog: pytest.LogCaptureFixture,
) -> None:
    command = [sys.executable, "-c", "import sys\nfor n in range(500): print(n, file=sys.stderr)"]
    with ProcessLines(command, restart=False) as process:
        assert list(process) == []
    said = [record.getMessage() for record in caplog.records]
    assert said[0] == f"{sys.executable}: 0"
    assert said[-1] == f"{sys.executable}: more on standard error is not logged"
    assert len(said) == 101


def test_a_line_without_end_is_cut() -> None:
    code = (
        "import os\nfor n in range(50): os.write(1, b'x' * 10000)\nos.write(1, b'\\n\\xff\\0\\n')"
    )
    with ProcessLines([sys.executable, "-c", code], restart=False, max_line=1000) as process:
        assert list(process) == [b"x" * 1000, b"\xff\0"]
        assert process.counters["cut"] == 1


def gone(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:  # noqa: PTH123
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.parametrize("deaf", [False, True])
def test_it_ends_with_the_capture_and_so_do_its_children(deaf: bool) -> None:
    text = "trap '' TERM; " if deaf else ""
    process = ProcessLines(shell(text + "sleep 100 & echo $! $$; wait; wait; sleep 100"))
    with reading(process) as lines:
        until(lambda: lines)
    child, parent = map(int, lines[0].split())
    until(lambda: gone(child) and gone(parent))
    assert gone(child)


def test_a_child_that_holds_the_pipes_does_not_hold_the_source() -> None:
    with ProcessLines(shell("sleep 100 & echo one"), restart=False) as process:
        assert list(process) == [b"one"]


def test_it_has_no_input_and_a_group_of_its_own() -> None:
    with ProcessLines(shell("cat; ps -o pgid= -p $$; echo $A"), restart=False, env={"A": "b"}) as p:
        group, value = list(p)
    assert int(group) != os.getpgrp()
    assert value == b"b"
