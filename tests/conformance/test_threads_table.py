# SPDX-License-Identifier: Apache-2.0
"""The runner's own table `threads` is the framework's: fields, types, first values, answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from author import plugin
from table_owner import compile_table_plugin

from falcokit.runner.run import Runner, RunOptions

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import CompileC, RealHost, WritePlugin
    from drivers import Plughost

NUMBERS = {4: "i64", 5: "u8", 6: "u16", 7: "u32", 8: "u64", 9: "str", 25: "bool"}
NESTED = ("args:10", "env:10", "cgroups:10", "file_descriptors:10")
ANSWERS = [
    *("?:threads", "T:threads:9", "T:threads:4", "n", "z", *(f"f:{name}" for name in NESTED)),
    *("f:tid:4", "f:comm:9", "f:exe:8", "f:cwd:9", "f:none:9", "a:comm:9", "a:pid:5", "a:x:10"),
    *("a:more:8", "c", "r:more", "w:more:7", "w:comm:sh", "w:cwd:x", "w:args:1", "+:42", "z"),
    *("r:tid", "r:comm", "r:more", "s:file_descriptors", "n", "z", "f:fd:4", "f:name:9"),
    *("a:mark:9", "a:name:9", "c", "r:fd", "w:name:socket", "+:3", "r:fd", "r:name", "r:mark"),
    *(".", "z", "i:0", "-:3", "-:3", "z", "t", "s:args", "n", "a:x:8", "f:value:9", "z", "t"),
    *("s:cgroups", "f:first:9", "f:second:9", "z", "t", ".", "g:43", "g:42", "r:more", "."),
    *("i:0", "c", "x", "-:43", "-:42", "z", "c", "+:44", ".", "C", "z"),
]
#: A list is one of the framework's vectors, whose keys are indexes.
LIST = [
    *("T:threads:4", "f:env:10", "c", "s:env", "f:value:9", "z", "c", "+:2", "z", "r:value"),
    *("w:value:c", "r:value", ".", "g:0", "r:value", "w:value:a", ".", "g:3", "i:0", "c", "+:1"),
    *("w:value:b", ".", "z", "g:2", "c", "+:0", "r:value", ".", "z", "c", "+:3", "w:value:d", "."),
    *("-:1", "z", "g:2", "r:value", ".", "g:3", "-:3", "-:0", "z", "i:0", "C", "z", "g:0"),
]


@pytest.fixture(scope="session")
def table_plugin(compile_c: CompileC) -> Path:
    return compile_table_plugin(compile_c)


def in_runner(table_plugin: Path, steps: list[str], out: Path) -> list[str]:
    config = " ".join([str(out), *steps])
    with Runner(RunOptions(library=table_plugin, init_config=config, duration=0.01)) as runner:
        assert not [r for r in runner.reports() if r["report"] == "error"]
        assert runner.returncode == 0
    return out.read_text().splitlines()


def in_framework(
    plughost: Plughost, real: RealHost, table_plugin: Path, steps: list[str], out: Path
) -> list[str]:
    source = ["--plugin", real.baseline, "--init", '{"async":0}', "--open", 10]
    config = " ".join([str(out), *steps])
    answer = plughost.raw(*source, "--plugin", table_plugin, "--init", config)
    assert not answer.get("error"), answer
    return out.read_text().splitlines()


def fields(line: str) -> list[str]:
    """The fields of an `l` line, in one order: the framework has none."""
    return sorted(line.removeprefix("l ").rstrip(",").split(","))


@pytest.mark.host
@pytest.mark.parametrize("nested", NESTED)
def test_its_fields_and_their_first_values_are_the_framework_s(
    nested: str, plughost: Plughost, real_host: RealHost, table_plugin: Path, tmp_path: Path
) -> None:
    """P6"""
    enter = ["T:threads:4", "c", f"f:{nested}", f"s:{nested[:-3]}", "l"]
    shapes = [
        in_runner(table_plugin, ["T:threads:4", "l", *enter], tmp_path / "a"),
        in_framework(
            plughost, real_host, table_plugin, ["T:threads:4", "l", *enter], tmp_path / "b"
        ),
    ]
    assert fields(shapes[0][1]) == fields(shapes[1][1])
    assert fields(shapes[0][-1]) == fields(shapes[1][-1])
    # A value of a list has no place before it is added.
    inside = nested == "file_descriptors:10"
    shown = fields(shapes[0][-1] if inside else shapes[0][1])
    plain = [name.rpartition(":")[0] for name in shown if int(name.split(":")[1]) in NUMBERS]
    reads = [step for name in plain for step in (f"f:{name}", f"r:{name.split(':')[0]}")]
    steps = [*(enter[:-1] if inside else enter[:2]), *(["c"] if inside else []), *reads]
    assert in_runner(table_plugin, steps, tmp_path / "c") == in_framework(
        plughost, real_host, table_plugin, steps, tmp_path / "d"
    )


@pytest.mark.host
def test_a_list_of_a_thread_is_changed_as_the_framework_s(
    plughost: Plughost, real_host: RealHost, table_plugin: Path, tmp_path: Path
) -> None:
    """P4, P6"""
    ours = in_runner(table_plugin, LIST, tmp_path / "a")
    theirs = in_framework(plughost, real_host, table_plugin, LIST, tmp_path / "b")
    assert [x.partition(" !")[0] for x in ours] == [x.partition(" !")[0] for x in theirs]
    assert "r:value 'd'" in ours


@pytest.mark.host
def test_it_answers_as_the_framework_does(
    plughost: Plughost, real_host: RealHost, table_plugin: Path, tmp_path: Path
) -> None:
    """P4, P6"""
    ours = in_runner(table_plugin, ANSWERS, tmp_path / "a")
    theirs = in_framework(plughost, real_host, table_plugin, ANSWERS, tmp_path / "b")
    assert [x.partition(" !")[0] for x in ours] == [x.partition(" !")[0] for x in theirs]
    refused = [line for line in ours if " !" in line]
    assert len(refused) > 10
    assert not [line for line in refused if line.endswith((" !", "(none)", " ! "))]


def test_a_plugin_that_imports_it_runs(write_plugin: WritePlugin) -> None:
    author = write_plugin(plugin("threads_of_runner"))
    options = RunOptions(library=author.library, source="syscall", duration=0.01, reload=2)
    with Runner(options) as runner:
        reports = list(runner.reports())
        assert runner.returncode == 0
    said = [r["message"] for r in reports if r["report"] == "log" and "said" in r["message"]]
    assert said == ["said 0 [(7, 'sh', 2)]"] * 2  # each load has a table of its own
