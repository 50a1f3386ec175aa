# SPDX-License-Identifier: Apache-2.0
"""A plugin in Falco, from its configuration to the reports; Falco answers from records."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from falcokit.errors import ConfigError, ToolMissingError
from falcokit.runner import falco as falco_module
from falcokit.runner.falco import Falco, FalcoOptions, find_falco

if TYPE_CHECKING:
    from falcokit.runner.reports import Report

PROGRAM = Path(__file__).with_name("recorded_falco.py")
RECORDED = Path(__file__).parent.parent / "rules" / "recorded"


@pytest.fixture(autouse=True)
def recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECORDED", str(RECORDED / "expected.json"))


def options(case: str, **given: Any) -> FalcoOptions:
    given = {
        "library": Path("/x/libgoldens.so"),
        "rules": (RECORDED / "cases" / f"{case}.yaml",),
    } | given
    return FalcoOptions(program=PROGRAM, name="goldens", **given)


def reports_of(case: str, **given: Any) -> tuple[list[Report], int | None]:
    with Falco(options(case, **given)) as falco:
        return list(falco.reports()), falco.returncode


def of_kind(reports: list[Report], kind: str) -> list[Report]:
    return [report for report in reports if report["report"] == kind]


def test_alerts_are_reports_with_what_falco_wrote() -> None:
    reports, returncode = reports_of("rule-first")
    alerts = of_kind(reports, "alert")
    expected = json.loads((RECORDED / "expected.json").read_text())["rule-first"]["alerts"]
    assert [alert["output"].partition(" ")[2] for alert in alerts] == [
        f"Informational {alert['message']}" for alert in expected
    ]
    assert {
        key: alerts[0][key] for key in ("number", "rule", "priority", "source", "tags", "time")
    } == {
        "number": 1,
        "rule": "A",
        "priority": "Informational",
        "source": "goldens",
        "tags": [],
        "time": "2023-11-14T22:13:20.000000000Z",
    }
    assert alerts[0]["output_fields"] == expected[0]["output_fields"]
    assert returncode == 0
    assert of_kind(reports, "closed") == [
        {"report": "closed", "reason": "ended", "alerts": len(expected)}
    ]


def test_the_log_is_reports_without_falcos_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG", "a line: 5")
    reports, _ = reports_of("rule-first")
    assert [report["message"] for report in of_kind(reports, "log")] == [
        "Falco version: 0.45.1 (x86_64)",
        "goldens: a line: 5",
    ]


def test_what_is_wrong_with_rules_comes_first_with_its_place() -> None:
    reports, returncode = reports_of("bad-cond-unknown-field")
    assert reports[0]["report"] == "rules"
    (problem,) = reports[0]["errors"]
    assert problem["code"] == "LOAD_ERR_COMPILE_CONDITION"
    assert problem["file"].endswith("bad-cond-unknown-field.yaml")
    assert (problem["line"], problem["column"]) > (1, 0)
    (error,) = of_kind(reports, "error")
    assert "Invalid" in error["message"], "all lines of it"
    assert "filter" in error["message"]
    assert error["phase"] == "falco"
    assert returncode == 1


def test_a_warning_does_not_end_it() -> None:
    reports, returncode = reports_of("bad-source")
    (found,) = of_kind(reports, "rules")
    assert [problem["code"] for problem in found["warnings"]] == ["LOAD_UNKNOWN_SOURCE"]
    assert returncode == 0


def test_rules_for_another_version_of_the_plugin_are_an_error_without_a_place() -> None:
    reports, _ = reports_of("plugin-version-new")
    (error,) = of_kind(reports, "error")
    assert "0.2.0" in error["message"]


def test_a_library_that_falco_refuses_is_an_error() -> None:
    reports, returncode = reports_of("rule-first", library=Path("/x/notes.txt"))
    assert [report["message"] for report in of_kind(reports, "error")] == ["cannot load plugin"]
    assert returncode == 1


def test_it_stops_and_gives_what_was_written_till_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAY", "1")
    with Falco(options("rule-first")) as falco:
        seen: list[Report] = []
        while not of_kind(seen, "alert"):
            seen += falco.read(timeout=10.0)
        assert falco.returncode is None
        falco.stop()
        assert falco.returncode == 0
        assert of_kind(falco.read(), "closed")
        assert falco.ended


def test_one_that_ends_without_a_word_is_an_error(tmp_path: Path) -> None:
    mute = tmp_path / "falco"
    mute.write_text("#!/bin/sh\nexit 3\n")
    mute.chmod(0o755)
    with Falco(FalcoOptions(program=mute, name="x", library=Path("/x/libx.so"))) as falco:
        (error,) = of_kind(list(falco.reports()), "error")
    assert error["message"] == "exit status 3"


def test_one_that_does_not_end_is_killed(tmp_path: Path) -> None:
    deaf = tmp_path / "falco"
    deaf.write_text("#!/bin/sh\ntrap '' TERM\necho ready\nwhile :; do sleep 1; done\n")
    deaf.chmod(0o755)
    given = FalcoOptions(program=deaf, name="x", library=Path("/x/libx.so"))
    with Falco(given) as falco:
        while not of_kind(falco.read(timeout=10.0), "log"):
            pass
        falco.stop(timeout=0.1)
        assert falco.returncode == -signal.SIGKILL


def test_a_falco_that_hangs_over_the_rules_has_a_limit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(falco_module, "_VALIDATE_S", 0.1)
    deaf = tmp_path / "falco"
    deaf.write_text("#!/bin/sh\nexec sleep 60\n")
    deaf.chmod(0o755)
    given = FalcoOptions(program=deaf, name="x", library=Path("/x/libx.so"), rules=(PROGRAM,))
    with pytest.raises(ConfigError, match="did not validate the rules"), Falco(given):
        pass


@pytest.mark.parametrize(
    "answer",
    ["{}", "[]", '{"falco_load_results": [3]}', '{"falco_load_results": [{"errors": [3]}]}'],
)
def test_a_program_that_answers_like_no_falco_gives_no_report_of_rules(
    answer: str, tmp_path: Path
) -> None:
    other = tmp_path / "falco"
    other.write_text(f"#!/bin/sh\necho '{answer}'\n")
    other.chmod(0o755)
    given = FalcoOptions(program=other, name="x", library=Path("/x/libx.so"), rules=(PROGRAM,))
    with Falco(given) as falco:
        assert not of_kind(list(falco.reports()), "rules")


def test_values_reach_the_plugin_unchanged() -> None:
    given = options(
        "rule-first", init_config='{"a": "${HOME}"}', open_params="${HOME} é\n", needs_syscalls=True
    )
    found = given.configuration()
    (plugin,) = found["plugins"]
    assert json.loads(plugin["init_config"]) == {"a": "${HOME}"}
    assert "${" not in plugin["init_config"]
    assert plugin["open_params"] == "$${HOME} é\n"
    assert found["engine"] == {"kind": "modern_ebpf"}
    assert options("rule-first", replay=Path("/a/b.scap")).configuration()["engine"] == {
        "kind": "replay",
        "replay": {"capture_file": "/a/b.scap"},
    }


def test_a_line_without_an_end_is_bounded() -> None:
    lines = falco_module._Log()
    assert not lines.feed(b"x" * (1 << 19))
    assert len(lines.feed(b"x" * (1 << 20))) == 1
    assert not lines.feed(b"tail")
    assert [report["message"] for report in lines.feed(b"")] == ["tail"]


@pytest.mark.parametrize("rules", [(), (PROGRAM,)])
def test_a_program_that_cannot_run_is_one_sentence(rules: tuple[Path, ...], tmp_path: Path) -> None:
    other = tmp_path / "falco"
    other.write_bytes(b"no program")
    other.chmod(0o755)
    given = FalcoOptions(program=other, name="x", library=Path("/x/libx.so"), rules=rules)
    with pytest.raises(ToolMissingError, match=r"cannot run .*Exec format error"), Falco(given):
        pass


def test_without_falco_it_is_one_sentence_and_the_next_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ToolMissingError, match="no falco on the PATH") as caught:
        find_falco(None)
    assert caught.value.hint is not None
    assert "--falco" in caught.value.hint
    with pytest.raises(ToolMissingError, match="no falco on the PATH"):
        find_falco("falco")  # what --falco alone stands for
    with pytest.raises(ToolMissingError, match="/no/such/falco"):
        find_falco("/no/such/falco")
