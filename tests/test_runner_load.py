# SPDX-License-Identifier: Apache-2.0
"""The runner as a loader: what it refuses, as the framework does, and texts hard to quote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from falcokit.runner.run import Runner, RunOptions

if TYPE_CHECKING:
    from conftest import CompileC

_HOSTS = Path(__file__).parent / "hosts"
Report = dict[str, Any]


def collect(**options: Any) -> tuple[list[Report], int | None]:
    with Runner(RunOptions(**options)) as runner:
        return list(runner.reports()), runner.returncode


def of_kind(reports: list[Report], kind: str) -> list[Report]:
    return [r for r in reports if r["report"] == kind]


def test_texts_that_are_hard_to_quote_arrive_whole(compile_c: CompileC) -> None:
    library = compile_c("libodd.so", [_HOSTS / "odd_plugin.c"])
    reports, _ = collect(library=library, limit=5, duration=10.0)
    assert reports[0]["description"] == 'tab\there, "quotes", \\ and \x01 and \ufffd'
    assert of_kind(reports, "log")[0] == {
        "report": "log",
        "severity": "notice",
        "component": "part",
        "plugin": "odd",
        "message": 'line\nnext "q" é \ufffd',
    }
    events = of_kind(reports, "event")
    assert {e["name"] for e in events} == {'quote"d é'}
    contents = [e.get("data", e.get("data_base64")) for e in events]
    assert contents == ["", '"\\\b\n 🐍', "ended", "aW4Ac2lkZQ==", "//4="]
    assert [e["size"] for e in events] == [0, 9, 6, 7, 2]


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("-DNO_INIT", "plugin_init is not exported"),
        ("-DNO_CAPABILITY", "no capability"),
        ("-DHALF_SOURCE", "event sourcing is broken"),
        ("-DID_WITHOUT_SOURCE", "event sourcing is broken"),
        ("-DSYSCALL_WITH_ID", 'cannot name its event source "syscall"'),
        ("-DHALF_ASYNC", "async events are broken"),
        ("-DHALF_LISTEN", "capture listening is broken"),
        ('-DAPI="3.13.0"', "requires API version 3.13.0"),
        ('-DAPI="2.0.0"', "requires API version 2.0.0"),
        ('-DAPI="three"', "is not x.y.z"),
        ('-DVERSION="1.0"', "version '1.0' is not x.y.z"),
        ('-DNAMES="tick"', "JSON array of strings"),
        ('-DSCHEMA="{"', "is said to be JSON and is not"),
    ],
)
def test_what_the_frameworks_loader_refuses_is_refused(
    compile_c: CompileC, flag: str, words: str
) -> None:
    name = "libodd_" + "".join(c for c in flag if c.isalnum()) + ".so"
    library = compile_c(name, [_HOSTS / "odd_plugin.c"], flag)
    reports, code = collect(library=library, limit=1)
    assert [r["report"] for r in reports] == ["error", "end"]
    assert reports[0]["phase"] == "load"
    assert words in reports[0]["message"]
    assert code == 1


def test_a_file_that_is_no_library_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.so"
    file.write_text("hello")
    reports, code = collect(library=file)
    assert reports[0]["phase"] == "load"
    assert "x.so" in reports[0]["message"]
    assert code == 1
