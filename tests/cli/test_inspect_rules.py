# SPDX-License-Identifier: Apache-2.0
"""`falcokit inspect --rules`: the alerts that rules give on a capture."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from cli.inspect_runs import CURL, inspect
from words_capture import PLUGIN, write_words

from falcokit.cli import console
from falcokit.cli.inspect import alerts
from falcokit.runner.rules import LiveRules

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import CompileC

RULE = """\
- rule: {name}
  desc: d
  condition: {condition}
  output: "{output}"
  priority: {priority}
  source: {source}
"""


def rule(
    name: str,
    condition: str,
    output: str = "%evt.type",
    priority: str = "WARNING",
    source: str = "syscall",
) -> str:
    return RULE.format(
        name=name, condition=condition, output=output, priority=priority, source=source
    )


@pytest.fixture
def rules(tmp_path: Path) -> Any:
    def write(*texts: str, name: str = "rules.yaml") -> Path:
        file = tmp_path / name
        file.write_text("".join(texts), encoding="utf-8")
        return file

    return write


@pytest.fixture(scope="module")
def words(compile_c: CompileC) -> Path:
    return compile_c("libwords.so", [PLUGIN])


def reports(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_alerts_are_lines_and_the_counts_come_last(rules: Any) -> None:
    file = rules(rule("Accept", "evt.type=execve"), rule("Never", "evt.type=mkdir"))
    done = inspect(CURL, "--rules", file)
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert lines
    assert all(" Warning execve  (rule Accept)" in line for line in lines)
    assert done.stderr.splitlines()[-1] == f"alerts: Accept {len(lines)}, Never 0"


def test_the_enter_events_of_old_captures_give_none(rules: Any) -> None:
    done = inspect(CURL, "--rules", rules(rule("Open", "evt.type=open")), "--jsonl")
    numbers = [each["number"] for each in reports(done.stdout) if each["report"] == "alert"]
    stored = inspect(CURL, "evt.type=open and evt.dir=<", "--jsonl").stdout
    assert numbers == [each["number"] for each in reports(stored)]


def test_a_document_has_alerts_counts_and_warnings(rules: Any) -> None:
    first = rules(rule("Exec", "evt.type=execve"))
    second = rules("- macro: unused\n  condition: evt.type=open\n", name="more.yaml")
    done = inspect(CURL, "--rules", first, "--rules", second, "--json")
    found = json.loads(done.stdout)
    count = len(found["alerts"])
    assert count
    assert found["alerts"][0]["output_fields"]["evt.type"] == "execve"
    assert found["rules"] == {"Exec": {"alerts": count, "possible": 0}}
    assert [each["code"] for each in found["warnings"]] == ["LOAD_UNUSED_MACRO"]
    none = inspect(CURL, "--rules", rules(rule("No", "evt.type=mkdir")), "--json", "--explain")
    assert json.loads(none.stdout)["alerts"] == []
    assert "evt.type = 'mkdir': 0 of" in json.loads(none.stdout)["explanations"]["No"]


def test_a_filter_narrows_the_events_first(rules: Any) -> None:
    file = rules(rule("All", "evt.num>0"))
    done = inspect(CURL, "evt.type=execve", "--rules", file, "--jsonl")
    found = [each for each in reports(done.stdout) if each["report"] == "alert"]
    assert found
    assert {each["output_fields"]["evt.type"] for each in found} == {"execve"}


def test_matching_and_priority_are_those_of_falco(rules: Any) -> None:
    file = rules(
        rule("A", "evt.type=execve"),
        rule("B", "evt.type=execve"),
        rule("C", "evt.num=1", priority="DEBUG"),
    )
    last = [
        inspect(CURL, "--rules", file, *more).stderr.splitlines()[-1]
        for more in ((), ("--rule-matching", "all"), ("--priority", "error"))
    ]
    count = int(last[0].split()[2].rstrip(","))
    assert last[0].startswith(f"alerts: A {count}, B 0, C ")
    assert last[1].startswith(f"alerts: A {count}, B {count}, C ")
    assert last[2] == "alerts: no rule runs"


@pytest.mark.parametrize("form", [(), ("--json",), ("--jsonl",)])
def test_rules_with_errors_end_it_with_their_places(rules: Any, form: tuple[str, ...]) -> None:
    file = rules(rule("Wrong", "evt.typ=open"))
    done = inspect(CURL, "--rules", file, *form)
    assert done.returncode == 9
    if form == ("--jsonl",):
        (error,) = reports(done.stdout)[0]["errors"]
        assert (error["line"], error["code"]) == (3, "LOAD_ERR_COMPILE_CONDITION")
    else:
        assert "rules.yaml:3:14: there is no field evt.typ" in done.stderr
    if form == ("--json",):
        assert json.loads(done.stdout)["error"]["message"].startswith("the rules have 1 error")


def test_processes_and_files_are_known_at_the_time_of_each_event(rules: Any) -> None:
    condition = "evt.type=open and proc.name=curl and proc.pname=bash and fd.filename=ld.so.cache"
    shown = "%proc.cmdline %fd.filename %user.name %proc.tty"
    done = inspect(CURL, "--rules", rules(rule("Opened", condition, shown)), "--jsonl")
    found = [each for each in reports(done.stdout) if each["report"] == "alert"]
    assert [each["output_fields"]["fd.filename"] for each in found] == ["ld.so.cache"] * 3
    assert found[0]["output"].endswith("curl -6 http://www.google.com ld.so.cache <NA> 0")
    assert "unknown_fields" not in found[0]
    assert "possible" not in found[0]


def test_a_plugins_fields_take_part(words: Path, rules: Any, tmp_path: Path) -> None:
    capture = write_words(tmp_path, "one", "two words", "three words here")
    file = rules(
        rule("Long", "words.count > 1", "%words.count of %evt.source", source="words_src"),
        rule("Syscall", "evt.num > 0"),
    )
    done = inspect(capture, "--rules", file, "--plugin", words, "--jsonl")
    found = [each for each in reports(done.stdout) if each["report"] == "alert"]
    assert [(each["number"], each["rule"]) for each in found] == [(2, "Long"), (3, "Long")]
    assert found[0]["output"].endswith("Warning 2 of words_src")
    without = inspect(capture, "--rules", file, "--jsonl")
    codes = [each["code"] for each in reports(without.stdout)[0]["warnings"]]
    assert "LOAD_UNKNOWN_SOURCE" in codes


def test_arguments_of_fields_may_be_long_or_odd(words: Path, rules: Any, tmp_path: Path) -> None:
    file = write_words(tmp_path, "one", "one two three")
    long = " or ".join(f"words.of[{number:020000}] = x" for number in range(10))
    conditions = (f"words.count > 2 or {long}", r"words.count > 2 or words.of[\0] = x")
    found = rules(
        *(rule(f"r{n}", f'"{condition}"', "x", source="words_src")
          for n, condition in enumerate(conditions))
    )  # fmt: skip
    done = inspect(file, "--plugin", words, "--rules", found, "--jsonl", "--rule-matching", "all")
    alerts = [report for report in reports(done.stdout) if report["report"] == "alert"]
    assert [(alert["number"], alert["rule"]) for alert in alerts] == [(2, "r0"), (2, "r1")]


def test_large_captures_go_through_in_batches(
    rules: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    take = LiveRules.take

    def seen(self: LiveRules, report: Any) -> Any:
        sizes.append(len(report["stored"]))
        return take(self, report)

    monkeypatch.setattr(LiveRules, "take", seen)
    monkeypatch.setattr(alerts, "BATCH_EVENTS", 100)
    file = rules(rule("Every", "evt.type=execve"), rule("Other", "evt.num>0"))
    few = inspect(CURL, "--rules", file, "--jsonl").stdout
    assert max(sizes) == 100
    monkeypatch.undo()
    assert few == inspect(CURL, "--rules", file, "--jsonl").stdout


def test_after_ctrl_c_every_alert_that_is_counted_is_shown(
    rules: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    show, shown = console.json_line, 0

    def interrupted(value: Any) -> None:
        nonlocal shown
        show(value)
        shown += value["report"] == "alert"
        if shown == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(console, "json_line", interrupted)
    done = inspect(CURL, "--rules", rules(rule("Every", "evt.num>0")), "--jsonl")
    *found, counts = reports(done.stdout)
    assert counts["report"] == "rule_counts"
    assert sum(report["report"] == "alert" for report in found) > 3
    assert counts["rules"]["Every"]["alerts"] == shown


@pytest.mark.parametrize(
    "more", [("-n", "3"), ("--stats",), ("--processes",), ("--tail", "2"), ("--events",)]
)
def test_what_has_an_output_of_its_own_is_refused(rules: Any, more: tuple[str, ...]) -> None:
    done = inspect(CURL, "--rules", rules(rule("A", "evt.num=1")), *more)
    assert done.returncode == 3
    assert "cannot be combined" in done.stderr


def test_options_of_rules_need_rules() -> None:
    assert "--explain is for --rules" in inspect(CURL, "--explain").stderr
