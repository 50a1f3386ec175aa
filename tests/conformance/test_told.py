# SPDX-License-Identifier: Apache-2.0
"""What an author is told of an exception: place, text, causes, and the calls that led there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from author import plugin
from drivers import Log, RunnerDrive

from falcokit.runner.author_error import document, read_error
from falcokit.runtime.base.errors import format_error

if TYPE_CHECKING:
    from pathlib import Path

    from author import Author
    from conftest import WritePlugin
    from drivers import Drive, Outcome

TOLD = plugin("told")
LIBRARY = plugin("told_library")
NOBODY_CATCHES = plugin("told_nobody_catches")


def told(author: Author, hook: str) -> str:
    """Return all that is to be said of a failure of TOLD."""
    called = author.at("# fail"), author.at(f'self.fail("{hook}")')
    return "\n  ".join(
        [
            f"{author.at('no such user')}: {hook}: ValueError: no such user",
            f"called at {called[0]} in fail",
            f"called at {called[1]} in {hook if hook[-1] != chr(39) else 'produced'}",
            f"caused by KeyError: 'user', at {author.at('{}[')}",
        ]
    )


@pytest.mark.drivers("runner", "plughost", "sysdig")
@pytest.mark.parametrize("hook", ["init", "start_async"])
def test_the_last_error_has_the_cause_and_the_calls(
    drive: Drive, write_plugin: WritePlugin, hook: str
) -> None:
    """B11, B12"""
    author = write_plugin(TOLD)
    assert told(author, hook) in drive(author, hook).error


@pytest.mark.drivers("in_process", "runner", "plughost")
@pytest.mark.parametrize(
    "hook", ["stop_async", "destroy", "get_metrics", "parse_event", "producer of 'produced'"]
)
def test_so_has_the_log(drive: Drive, write_plugin: WritePlugin, hook: str) -> None:
    """B12"""
    if drive.name == "in_process" and hook in {"stop_async", "destroy", "get_metrics"}:
        return  # raised to the test itself
    author = write_plugin(TOLD)
    # plughost gives a log by lines
    logs = "\n".join(log.text for log in drive(author, hook).logs)
    assert told(author, hook).splitlines()[0] in logs
    assert told(author, hook) in logs


@pytest.mark.parametrize("hook", ["init", "stop_async", "parse_event", "producer of 'produced'"])
def test_the_whole_traceback_is_there_for_every_hook_a_library_took_part_in(
    write_plugin: WritePlugin, hook: str
) -> None:
    """B12"""
    author = write_plugin(LIBRARY)
    out = RunnerDrive()(author, hook)
    where = author.at("# in the library").rpartition(":")[0]
    (trace,) = [log for log in out.logs if "Traceback (most recent call last)" in log.text]
    assert trace.severity == "debug"
    assert f'File "{where}"' in trace.text
    assert "json/decoder.py" in trace.text


@pytest.fixture(scope="module")
def uncaught(write_plugin: WritePlugin) -> tuple[Author, Outcome]:
    author = write_plugin(NOBODY_CATCHES)
    return author, RunnerDrive()(author)


def test_an_exception_that_nobody_catches_has_its_place(uncaught: tuple[Author, Outcome]) -> None:
    """B10, B12"""
    author, out = uncaught
    thread = f"{author.at('# thread')}: thread 'own': ValueError: in a thread"
    assert Log("error", None, thread) in out.logs
    (finalizer,) = out.said("in a finalizer")
    assert finalizer.text.startswith(f"{author.at('# del')}: ")
    assert "Loop.__del__" in finalizer.text


def test_a_warning_reaches_the_log_with_its_line(uncaught: tuple[Author, Outcome]) -> None:
    """B10"""
    author, out = uncaught
    text = f"{author.at('# warn')}: UserWarning: it is deprecated"
    assert Log("warning", None, text) in out.logs


def test_an_exception_that_the_author_logs_is_told_as_all_are(
    uncaught: tuple[Author, Outcome],
) -> None:
    """B10, B12"""
    author, out = uncaught
    short, whole = out.said("it cannot be read") + out.said("json/decoder.py")
    said = "it cannot be read twice: JSONDecodeError: Expecting property name"
    assert short.text.startswith(f"{author.at('# caught')}: {said}")
    assert (short.severity, whole.severity) == ("error", "debug")
    assert "\n" not in short.text


def test_what_is_printed_without_an_end_does_not_pile_up(uncaught: tuple[Author, Outcome]) -> None:
    """B10"""
    printed = [log.text for log in uncaught[1].logs if log.severity == "info"]
    dots = [text for text in printed if text.startswith(".")]
    assert len(dots) == 2
    assert "".join(dots) == "." * 10_000 + "a b"
    assert printed[2:5] == ["c", "", "no end"]
    assert printed[5] == "x" * 65536 + "… (4464 more characters)"


def test_a_log_call_harms_nobody(uncaught: tuple[Author, Outcome]) -> None:
    """B10"""
    (log,) = uncaught[1].said("cannot format")
    assert log.component == r"conform.with\0nul"
    assert uncaught[1].data == [b"1"]


def deep(n: int) -> None:
    if n:
        deep(n - 1)
    raise RuntimeError("deep")


def test_what_is_told_has_a_bound() -> None:
    with pytest.raises(RuntimeError) as raised:
        deep(900)
    text = format_error(raised.value, "hook")
    assert text.count("called at") == 8
    assert text.endswith("called by more of the plugin's own code")
    error = ValueError("x" * 100_000)
    error.__context__ = KeyError("y" * 100_000)
    error.__context__.__context__ = error
    assert len(format_error(error, "hook")) < 17_000


def test_the_parts_of_a_group_are_told_and_notes() -> None:
    error = ExceptionGroup("both", [ValueError("left"), KeyError("right")])
    error.add_note("while it was cold")
    assert format_error(error, "hook").splitlines() == [
        "hook: ExceptionGroup: both (2 sub-exceptions)",
        "  while it was cold",
        "  one of them: ValueError: left",
        "  one of them: KeyError: 'right'",
    ]


def test_groups_in_groups_are_told_with_their_causes_and_a_bound() -> None:
    left = ValueError("left")
    left.__cause__ = OSError("below")
    inner = ExceptionGroup("inner", [left, TypeError("right")])
    outer = ExceptionGroup("outer", [inner, *(KeyError(n) for n in range(8))])
    lines = format_error(outer, "hook").splitlines()
    assert lines[1:6] == [
        "  one of them: ExceptionGroup: inner (2 sub-exceptions)",
        "    one of them: ValueError: left",
        "      caused by OSError: below",
        "    one of them: TypeError: right",
        "  one of them: KeyError: 0",
    ]
    assert lines[-1] == "  and 4 more"
    deep_group: Exception = ValueError("innermost")
    for _ in range(50):
        deep_group = ExceptionGroup("more", [deep_group] * 5)
    assert len(format_error(deep_group, "hook").splitlines()) <= 21


def test_a_module_that_is_missing_says_what_to_do() -> None:
    def told(name: str) -> str:
        return format_error(ModuleNotFoundError(f"No module named {name!r}", name=name), "init")

    assert "has no 'yaml_of_old': add what provides it to the dependencies" in told("yaml_of_old.x")
    assert "of the standard library" in told("_gdbm")
    assert told("falcokit.nothing").endswith("No module named 'falcokit.nothing'")


def test_what_is_told_can_be_read_again(tmp_path: Path) -> None:
    """B12"""
    file = tmp_path / "author.py"
    file.write_text("one()\n    two()\n")
    lines = [
        f"{file}:1: producer of 'x': ExceptionGroup: both (2 sub-exceptions)\nof two lines",
        "  while it was cold",
        f"  called at {file}:2 in produce",
        f"  caused by OSError: no file: or so, at {file}:9",
        "  while handling KeyError",
        f"  one of them: ExceptionGroup: inner, at {file}:2",
        "    caused by ValueError: two",
        f"lines, at {file}:1",
        "  it starts again in 1 s",
    ]
    error = read_error("\n".join(lines))
    assert error is not None
    assert error[:4] == (
        "producer of 'x': ExceptionGroup: both (2 sub-exceptions)\nof two lines",
        "producer of 'x'", "ExceptionGroup", "both (2 sub-exceptions)\nof two lines",
    )  # fmt: skip
    assert error.place == (str(file), 1, None, "one()")
    assert error.calls == ((str(file), 2, "produce", "two()"),)
    assert error.causes == (
        ("caused by", 0, "OSError", "no file: or so", (str(file), 9, None, None)),
        ("while handling", 0, "KeyError", "", None),
        ("one of them", 0, "ExceptionGroup", "inner", (str(file), 2, None, "two()")),
        ("caused by", 1, "ValueError", "two\nlines", (str(file), 1, None, "one()")),
    )
    assert error.notes == ("while it was cold", "it starts again in 1 s")
    assert json.loads(json.dumps(document(error)))["causes"][3]["line"] == 1


def test_what_tells_of_no_place_is_no_error_of_the_author() -> None:
    for text in ("", "init: it failed", "a\nb", "see /etc/x.py", "/x.py:y: z"):
        assert read_error(text) is None
    no_source = read_error("/dev/zero.py:1: init: ValueError")
    assert no_source is not None
    assert no_source.place == ("/dev/zero.py", 1, None, None)
