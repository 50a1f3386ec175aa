# SPDX-License-Identifier: Apache-2.0
"""Filters of `falcokit inspect` that read the fields of a plugin."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from cli.inspect_runs import CURL, events_of, inspect
from words_capture import PLUGIN, WORDS_ID, write_words

from falcokit.cli.inspect import plugin_filter

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import CompileC

TEXTS = ("one", "two words", "and three words", "two more")


@pytest.fixture(scope="module")
def words(compile_c: CompileC) -> Path:
    return compile_c("libwords.so", [PLUGIN])


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    return write_words(tmp_path, *TEXTS)


def numbers(text: str) -> list[int]:
    return [json.loads(line)["number"] for line in text.splitlines()]


@pytest.mark.parametrize(
    ("condition", "passing"),
    [
        ("words.count > 1", [2, 3, 4]),
        ("words.count = 2 and evt.num < 4", [2]),
        ("not words.count = 2", [1, 3]),
        ("words.nth[0] in (two, one)", [1, 2, 4]),
        ("toupper(words.nth[1]) = WORDS", [2]),
        ("words.all intersects (three)", [3]),
        ("evt.source = words_src and words.count exists", [1, 2, 3, 4]),
        ("words.count > 1 and evt.type = open", []),
    ],
)
def test_a_filter_reads_the_plugins_fields(
    capture: Path, words: Path, condition: str, passing: list[int]
) -> None:
    done = inspect(capture, condition, "--plugin", words, "--jsonl")
    assert (done.returncode, done.stderr) == (0, "")
    assert numbers(done.stdout) == passing


def test_events_of_others_have_none_of_the_fields(words: Path) -> None:
    done = inspect(CURL, "words.count exists or evt.type = execve", "--plugin", words, "--jsonl")
    assert numbers(done.stdout) == [event.number for event in events_of(CURL, "execve")]


def test_the_plugins_source_has_its_name(capture: Path, words: Path) -> None:
    for more in (("--source", "words_src"), ("evt.source = words_src",)):
        done = inspect(capture, *more, "--plugin", words, "--jsonl")
        assert numbers(done.stdout) == [1, 2, 3, 4]
    assert numbers(inspect(capture, "--source", WORDS_ID, "--jsonl").stdout) == [1, 2, 3, 4]


def test_each_output_takes_such_a_filter(capture: Path, words: Path, tmp_path: Path) -> None:
    base = (capture, "words.count = 2", "--plugin", words)
    lines = inspect(*base).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["2", "4"]
    assert "words.count=2" in lines[0]
    assert len(inspect(*base, "--tail", "1").stdout.splitlines()) == 1
    assert len(inspect(*base, "-n", "1").stdout.splitlines()) == 1
    whole, filtered = (json.loads(inspect(*given, "--json").stdout) for given in ((capture,), base))
    assert whole["events"] != filtered["events"]
    assert filtered["plugin_events"]
    assert filtered["events"] == json.loads(inspect(*base, "--stats", "--json").stdout)["events"]
    small = tmp_path / "small.scap"
    assert inspect(*base, "--cut", small).returncode == 0
    assert [event.data for event in events_of(small)] == [b"two words", b"two more"]


def test_a_rule_sees_what_the_filter_leaves(capture: Path, words: Path, tmp_path: Path) -> None:
    rules = tmp_path / "r.yaml"
    rules.write_text(
        "- rule: R\n  desc: d\n  condition: words.count > 0\n  output: '%words.nth[0]'\n"
        "  priority: INFO\n  source: words_src\n"
    )
    done = inspect(capture, "words.count = 2", "--plugin", words, "--rules", rules, "--jsonl")
    alerts = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["number"] for each in alerts if each["report"] == "alert"] == [2, 4]


def test_batches_change_nothing(
    capture: Path, words: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugin_filter, "BATCH_EVENTS", 1)
    done = inspect(capture, "words.count > 1", "--plugin", words, "--jsonl")
    assert numbers(done.stdout) == [2, 3, 4]


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("words.cout > 1", "there is no field words.cout"),
        ("words.nth = x", "words.nth needs an argument"),
        ("words.count = x", "words.count"),
    ],
)
def test_mistakes_are_shown_with_their_place(
    capture: Path, words: Path, condition: str, said: str
) -> None:
    done = inspect(capture, condition, "--plugin", words)
    assert done.returncode == 3
    assert said in done.stderr
    assert "^" in done.stderr


def test_without_the_plugin_there_is_no_such_field(capture: Path) -> None:
    assert "there is no field words.count" in inspect(capture, "words.count > 1").stderr
