# SPDX-License-Identifier: Apache-2.0
"""What can be asked for together, what cannot, and how a refusal is reported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from cli.inspect_runs import CURL, inspect

from falcokit.cli.inspect.choice import choose
from falcokit.cli.inspect.options import InspectOptions
from falcokit.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

OPTIONS: dict[str, tuple[str, ...]] = {
    "--events": ("--events",),
    "--limit": ("-n", "3"),
    "--tail": ("--tail", "3"),
    "--follow": ("--follow",),
    "--processes": ("--processes",),
    "--fds": ("--fds",),
    "--users": ("--users",),
    "--stats": ("--stats",),
    "--export": ("--export", "x.csv"),
    "--cut": ("--cut", "x.scap"),
    "--diff": ("--diff", "other.scap"),
    "--buffers": ("--buffers", "hex"),
    "--plugin": ("--plugin", "lib.so"),
    "--jsonl": ("--jsonl",),
    "--json": ("--json",),
    "a filter": ("evt.type=open",),
    "--type": ("--type", "open"),
    "--name": ("--name", "tick"),
    "--source": ("--source", "syscall"),
    "--tid": ("--tid", "1"),
    "--time": ("--time", "1..2"),
}
#: One of each pair would have to ignore the other.
CLASHES = [
    *((one, other) for one in ("--processes", "--fds", "--users") for other in OPTIONS),
    *(("--stats", o) for o in ("--events", "--limit", "--tail", "--follow", "--plugin")),
    *(("--diff", o) for o in ("--events", "--limit", "--tail", "--follow", "--plugin")),
    *(("--export", o) for o in ("--events", "--follow", "--buffers", "--json", "--cut")),
    *(("--cut", o) for o in ("--events", "--follow", "--plugin", "--json", "--jsonl")),
    *(("--tail", o) for o in ("--limit", "--follow")),
    *(("--json", o) for o in ("--jsonl", "--events", "--tail", "--follow", "--plugin")),
    ("--stats", "--jsonl"),
    *(("--buffers", other) for other in ("--stats", "--diff", "--cut", "--json", "--jsonl")),
]
GOOD = [(one, "--json") for one in ("--processes", "--fds", "--users", "--stats", "--diff")]
GOOD += [("--json", "--limit"), ("--jsonl", "--tail"), ("--jsonl", "--follow"), ("--cut", "--tail")]
GOOD += [("--jsonl", "--plugin"), ("--export", "--limit"), ("--follow", "--plugin")]
GOOD += [("--export", "--plugin"), ("--buffers", "--plugin"), ("--buffers", "--follow")]


def given_of(*names: str) -> dict[str, Any]:
    values: dict[str, dict[str, Any]] = {
        "a filter": {"words": ("f.scap", "evt.type=open")},
        "--limit": {"limit": 3},
        "--tail": {"tail": 3},
        "--json": {"as_json": True},
        "--time": {"time": "1..2"},
        **{o: {o[2:]: "x"} for o in ("--export", "--cut", "--diff", "--plugin", "--buffers")},
        **{o: {f"{o[2:]}s": ("x",)} for o in ("--type", "--name", "--source", "--tid")},
    }
    asked: dict[str, Any] = {"words": ("f.scap",)}
    for name in names:
        asked |= values.get(name, {name[2:]: True})
    return asked


@pytest.mark.parametrize(("one", "other"), [pair for pair in CLASHES if pair not in GOOD])
def test_what_cannot_be_combined_is_refused(one: str, other: str) -> None:
    if one == other:
        return
    with pytest.raises(ConfigError, match="cannot be combined") as caught:
        InspectOptions(**given_of(one, other))
    said = str(caught.value)
    assert one in said
    assert other in said


@pytest.mark.parametrize(("one", "other"), GOOD)
def test_what_can_be_combined(one: str, other: str) -> None:
    InspectOptions(**given_of(one, other))


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_by_itself_is_for_a_capture_except_json(name: str) -> None:
    options = InspectOptions(**given_of(name))
    assert options.for_library is (name == "--json")
    lists_events = {"--events", "--limit", "--tail", "--follow", "--plugin", "a filter"}
    lists_events.add("--buffers")
    chooses = {"a filter", "--type", "--name", "--source", "--tid", "--time"}
    assert options.is_listing is (name in lists_events | chooses)
    assert options.has_choice is (name in chooses)


@pytest.mark.parametrize("name", [name for name in OPTIONS if name != "--json"])
def test_several_files_have_summaries_only(name: str) -> None:
    asked = given_of(name)
    asked["words"] = ("f.scap", *asked["words"])
    with pytest.raises(ConfigError, match="several files"):
        InspectOptions(**asked)


def test_a_refusal_has_an_exit_code_of_its_own_and_writes_nothing(tmp_path: Path) -> None:
    done = inspect(CURL, "--cut", tmp_path / "x.scap", "--follow")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == "error: --cut and --follow cannot be combined\n"
    assert list(tmp_path.iterdir()) == []
    done = inspect(CURL, "--init-config", "{}")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == "error: --init-config is for the plugin whose fields are shown\n"


@pytest.mark.parametrize(
    "arguments", [("-n", "0"), ("--tail", "0"), ("--tid", "x"), ("--no-such",), ("--type",)]
)
def test_wrong_usage_has_exit_code_2(arguments: tuple[str, ...]) -> None:
    done = inspect(CURL, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "files", "text"),
    [
        (("a.scap", "evt.type=open"), ("a.scap",), "evt.type=open"),
        (("a.scap", "evt.type exists"), ("a.scap",), "evt.type exists"),
        (("a.scap", "b.scap"), ("a.scap", "b.scap"), None),
        (("evt.type=open",), ("evt.type=open",), None),
        (("a.scap", "-"), ("a.scap", "-"), None),
        (("-", "(evt.type=open)"), ("-",), "(evt.type=open)"),
    ],
)
def test_the_last_word_is_a_filter_if_it_reads_like_one(
    words: tuple[str, ...], files: tuple[str, ...], text: str | None
) -> None:
    try:
        options = InspectOptions(words=words)
    except ConfigError:
        pytest.fail("refused")
    assert (options.files, options.filter) == (files, text)


def test_a_file_that_is_there_is_no_filter(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evt.type=open").touch()
    assert InspectOptions(words=("a.scap", "evt.type=open")).filter is None


@pytest.mark.parametrize(
    ("text", "column", "reason", "more"),
    [
        ("evt.type=open and", 17, "expected a field", ()),
        ("evt.cpu=0 and evt.typ=open", 14, "there is no field evt.typ", ("--tid", "1")),
        ("(evt.type=open", 14, "", ("--time", "..5")),
        ("evt.type=open) or (evt.cpu=1", 13, "", ("--type", "open")),
    ],
)
def test_a_wrong_filter_is_shown_with_the_place(
    text: str, column: int, reason: str, more: tuple[str, ...]
) -> None:
    done = inspect(CURL, *more, text)
    assert (done.returncode, done.stdout) == (3, "")
    first, shown, caret, *rest = done.stderr.splitlines()
    assert first.startswith(f"error: {reason}")
    assert shown == f"  {text}"
    assert caret == " " * (2 + column) + "^"
    assert all(line.startswith("hint: ") for line in rest)


@pytest.mark.parametrize("time", ["5", "..", "", "x..", "1..+", "+x..", "+1.0000000001.."])
def test_a_wrong_time_is_told(time: str) -> None:
    with pytest.raises(ConfigError, match="--time") as caught:
        choose(InspectOptions(words=("x.scap",), time=time), lambda: 1)
    assert caught.value.hint


def test_words_of_the_short_options_are_no_filter_language() -> None:
    odd = 'a") or evt.cpu exists or evt.type in ("\\'
    done = inspect(CURL, "--stats", "--type", odd, "--json")
    assert done.returncode == 0
    assert '"count": 0,' in done.stdout


def test_time_from_the_first_event_of_a_pipe_is_refused() -> None:
    done = inspect("-", "--time", "+1..", stdin=CURL.read_bytes())
    assert (done.returncode, done.stdout) == (3, "")
    assert "pipe" in done.stderr
    done = inspect("-", "--stats", "--time", "2018-08-17T17:35:48.5..", stdin=CURL.read_bytes())
    assert (done.returncode, done.stderr) == (0, "")
