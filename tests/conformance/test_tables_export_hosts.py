# SPDX-License-Identifier: Apache-2.0
"""Exported tables as a C plugin has them, in real hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest
from table_owner import OWNER, compile_table_plugin, with_plughost

if TYPE_CHECKING:
    from pathlib import Path

    from author import Author
    from conftest import CompileC, RealHost, WritePlugin

pytestmark = pytest.mark.host


class Commands(Protocol):
    """Run commands of table_plugin.c beside plugins; its lines, and what the host reported."""

    def __call__(self, *commands: str, beside: list[Author]) -> tuple[list[str], Any]: ...


@pytest.fixture(scope="session")
def table_plugin(compile_c: CompileC) -> Path:
    return compile_table_plugin(compile_c)


@pytest.fixture(params=["plughost", pytest.param("sysdig", marks=pytest.mark.once)])
def commands(
    request: pytest.FixtureRequest, table_plugin: Path, real_host: RealHost, tmp_path: Path
) -> Commands:
    host: Any = request.getfixturevalue(request.param)

    def run(*steps: str, beside: list[Author]) -> tuple[list[str], Any]:
        file = tmp_path / "out"
        config = " ".join([str(file), *steps])
        if request.param == "plughost":
            answer = with_plughost(host, real_host, table_plugin, config, beside)
        else:
            others = [part for author in beside for part in ("-H", author.library)]
            silent = f'{real_host.baseline}:{{"async":0}}'
            source = ["-I", "baseline:10,1,8,0"]
            answer = host.raw("-H", silent, *others, "-H", f"{table_plugin}:{config}", *source)
            assert answer[2] == 0, answer
        return file.read_text().splitlines(), answer

    return run


def expect(lines: list[str], wanted: dict[str, str]) -> None:
    got = dict(line.split(" ", 1) for line in lines)
    assert {step: got.get(step) for step in wanted} == wanted


def refused(text: str) -> str:
    return f"NULL ! table 'hashes': {text}"


def test_every_entry_of_the_vtables_answers(commands: Commands, write_plugin: WritePlugin) -> None:
    """T1, T3, P2 to P5"""
    missing = "table 'hashes' has no entry of that key"
    wanted = {
        "T:hashes:9": "ok",
        "n": "hashes",
        "z": "3",
        "l": "sha256:9:0,seen:8:0,ok:25:0,lowest:2:0,note:9:1,kids:10:0,",
        "f:seen:8": "ok",
        "f:seen:4": refused("field 'seen' is of type u64, not i64"),
        "f:seen:99": refused("field 'seen' is of type u64, not an unknown one"),
        "f:none:8": refused("there is no field 'none'"),
        **{f"f:{f}": "ok" for f in ("sha256:9", "ok:25", "note:9", "kids:10")},
        "g:/a": "ok",
        "r:sha256": "'abc'",
        "r:seen": "1",
        "r:ok": "1",
        "r:note": "'none'",
        "w:seen:41": "rc 0",
        "w:sha256:other": "rc 0",
        "w:sha256:NULL": "rc 1 ! table 'hashes': the value of field 'sha256' is NULL",
        "w:note:x": "rc 1 ! table 'hashes': field 'note' is read-only",
        "w:kids:1": "rc 1 ! table 'hashes': field 'kids' is a table, which is written entry by"
        " entry",
        "r:none": "rc 1 ! table 'hashes': the field or the value is NULL",
        "g:/none": f"NULL ! {missing}",
        "-:/none": f"rc 1 ! {missing}",
    }
    lines, _ = commands(*wanted, "r:seen", ".", beside=[write_plugin(OWNER, "owner")])
    assert lines[-1] == "r:seen 41"
    expect(lines[:-1], wanted)


def test_a_field_is_added_by_another_plugin(commands: Commands, write_plugin: WritePlugin) -> None:
    """T3: never written it reads as zero, and as an empty string"""
    added = {f"a:x{n}:8": "ok" for n in range(40)}
    wanted = {
        "T:hashes:9": "ok",
        "a:text:9": "ok",
        **added,
        "a:seen:8": "ok",
        "a:seen:9": refused("field 'seen' is of type u64, not str"),
        "a:x1:9": refused("field 'x1' is of type u64, not str"),
        "g:/a": "ok",
        "r:text": "''",
        "r:x39": "0",
        "w:x39:39": "rc 0",
        "w:x0:5": "rc 0",
        "w:text:new": "rc 0",
        "r:x1": "0",
    }
    after = ["a:x1:8", "r:x39", "r:x0", "r:text", "k:/a", ".", "g:/b", "r:x39", "."]
    lines, _ = commands(*wanted, *after, beside=[write_plugin(OWNER, "owner")])
    expect(lines[: len(wanted)], wanted)
    assert lines[len(wanted) :] == [
        *("a:x1:8 same", "r:x39 39", "r:x0 5", "r:text 'new'"),
        "k:/a 'new'",  # lent, then overwritten a thousand times
        *("g:/b ok", "r:x39 0"),
    ]


def test_entries_come_and_go_while_they_are_held_and_iterated(
    commands: Commands, write_plugin: WritePlugin
) -> None:
    """T1, T4, T5"""
    steps = [
        *("T:hashes:9", "f:seen:8", "i:0", "i:2", "g:/a", "-:/a", "r:seen", "w:seen:5", "r:seen"),
        *(".", "z", "c", "w:seen:6", "+:/n", "+:/m", "r:seen", ".", "g:/n", "r:seen", "z"),
        *("c", "+:/n", ".", "g:/n", "r:seen", ".", "c", "x", "R:/b", "z", "C", "z", "i:0"),
    ]
    lines, _ = commands(*steps, beside=[write_plugin(OWNER, "owner")])
    in_table = "NULL ! table 'hashes': the entry is in the table already, or there is no memory"
    assert lines == [
        *("T:hashes:9 ok", "f:seen:8 ok", "i:0 3 all", "i:2 2 broken", "g:/a ok", "-:/a rc 0"),
        *("r:seen 1", "w:seen:5 rc 0", "r:seen 5", "z 2", "c ok", "w:seen:6 rc 0", "+:/n ok"),
        *(f"+:/m {in_table}", "r:seen 6", "g:/n ok", "r:seen 6", "z 3"),
        *("c ok", "+:/n ok", "g:/n ok", "r:seen 7", "c ok", "R:/b 3 all", "z 3"),
        *("C rc 0", "z 0", "i:0 0 all"),
    ]


def test_a_nested_table_is_one_too(commands: Commands, write_plugin: WritePlugin) -> None:
    """P4"""
    steps = [
        *("T:hashes:9", "f:kids:10", "g:/a", "s:kids", "n", "z", "l", "f:n:1", "a:more:8", "g:5"),
        *("r:n", "w:n:-128", "r:n", "r:more", "w:more:4", ".", "g:6", "c", "+:6", ".", "i:0"),
        *("-:5", "z", "t", ".", "g:/b", "s:kids", "z", "c", "+:1", "r:more", "."),
    ]
    lines, _ = commands(*steps, beside=[write_plugin(OWNER, "owner")])
    # libsinsp does not ask for the reason of a failure in a nested table
    assert [line.partition(" !")[0] for line in lines] == [
        *("T:hashes:9 ok", "f:kids:10 ok", "g:/a ok", "s:kids rc 0", "n kids", "z 1", "l n:1:0,"),
        *("f:n:1 ok", "a:more:8 ok", "g:5 ok", "r:n 5", "w:n:-128 rc 0", "r:n -128", "r:more 0"),
        *("w:more:4 rc 0", "g:6 NULL", "c ok", "+:6 ok"),
        *("i:0 2 all", "-:5 rc 0", "z 1", "g:/b ok", "s:kids rc 0", "z 0", "c ok", "+:1 ok"),
        "r:more 0",
    ]
