# SPDX-License-Identifier: Apache-2.0
"""Rules in `falcokit run`, `dev` and with a real Falco: alerts, counts, why there are none."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from falcokit.capture.writer import CaptureWriter
from falcokit.cli.app import app
from falcokit.project.scaffold import generate_project
from falcokit.runner import replay_feed
from falcokit.runner.run import Runner, RunOptions
from falcokit.runtime.event.event import Event
from falcokit.runtime.event.typed_event import make_event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Shared

pytestmark = pytest.mark.usefixtures("quick_builds")

FALCO = Path(__file__).parent.parent / "falco" / "recorded_falco.py"
RECORDED = Path(__file__).parent.parent / "rules" / "recorded"
RULE = """\
- rule: {name}
  desc: d
  condition: {condition}
  output: percent=%load_watch.percent
  priority: {priority}
  source: load_watch
"""


def rule(condition: str, name: str = "Load", priority: str = "INFO") -> str:
    return RULE.format(condition=condition, name=name, priority=priority)


@pytest.fixture(scope="module")
def built(shared: Shared) -> Path:
    """Two projects with their libraries: a source with fields, and fields for system calls."""

    def make(folder: Path) -> Path:
        for name, template in (("load-watch", "source-extract"), ("files", "extract")):
            root = generate_project(name, root=folder / name, template=template).root
            done = CliRunner().invoke(app, ["build", "-C", str(root)])
            assert done.exit_code == 0, done.output
        return folder

    made: Path = shared("projects-with-rules", make)
    return made


@pytest.fixture
def project(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(built, tmp_path / "p")
    monkeypatch.chdir(tmp_path / "p" / "load-watch")
    return tmp_path / "p" / "load-watch"


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["run", *arguments])


def reports(result: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def of_kind(result: Any, kind: str) -> list[dict[str, Any]]:
    return [report for report in reports(result) if report["report"] == kind]


def test_alerts_are_lines_between_the_events(project: Path) -> None:
    Path("r.yaml").write_text(rule("load_watch.percent exists"))
    result = run("--rules", "r.yaml", "-n", "2")
    assert result.exit_code == 0, result.output
    alerts = [line for line in result.stdout.splitlines() if line.startswith(" alert ")]
    assert len(alerts) == 2
    assert alerts[0].endswith("(rule Load)")
    assert "Informational percent=" in alerts[0]
    assert "alerts: Load 2" in result.stderr


def test_json_has_the_alert_as_falco_writes_it(project: Path) -> None:
    Path("r.yaml").write_text(rule("load_watch.percent exists", priority="WARNING"))
    result = run("--rules", "r.yaml", "-n", "1", "--json")
    (alert,) = of_kind(result, "alert")
    (event,) = of_kind(result, "event")
    percent = event["fields"]["load_watch.percent"]
    assert alert.keys() >= {"number", "time", "rule", "priority", "source", "tags", "output"}
    assert (alert["number"], alert["rule"], alert["source"]) == (1, "Load", "load_watch")
    assert alert["output"].endswith(f": Warning percent={percent}")
    assert alert["output_fields"]["load_watch.percent"] == percent
    (counts,) = of_kind(result, "rule_counts")
    assert counts["rules"] == {"Load": {"alerts": 1, "possible": 0}}


def test_the_projects_own_rules_run_by_themselves(project: Path) -> None:
    (loaded,) = of_kind(run("-n", "1", "--json"), "rules")
    assert loaded["errors"] == loaded["warnings"] == []
    assert len(loaded["rules"]) == 2
    assert loaded["files"][0].endswith("rules/load-watch_rules.yaml")


def test_wrong_rules_end_it_before_it_begins_as_they_end_falco(project: Path) -> None:
    Path("r.yaml").write_text(rule("load_watch.percents exists"))
    result = run("--rules", "r.yaml", "-n", "1")
    assert result.exit_code == 9
    assert result.stdout == ""
    assert "r.yaml:3:14: there is no field load_watch.percents" in result.stderr
    assert run("--rules", "none.yaml", "-n", "1").exit_code == 3
    folder = run("--rules", ".", "-n", "1")
    assert folder.exit_code == 3
    assert "this is a folder" in folder.stderr


def test_matching_and_priority_are_those_of_falco(project: Path) -> None:
    text = rule("load_watch.percent exists", "A") + rule("load_watch.percent>=0", "B", "DEBUG")
    Path("r.yaml").write_text(text)

    def fired(*more: str) -> list[str]:
        result = run("--rules", "r.yaml", "-n", "1", "--json", *more)
        return [alert["rule"] for alert in of_kind(result, "alert")]

    assert fired() == ["A"]
    assert fired("--rule-matching", "all") == ["A", "B"]
    assert fired("--rule-matching", "all", "--priority", "notice") == []


def test_a_silent_rule_is_explained(project: Path) -> None:
    Path("r.yaml").write_text(rule("load_watch.percent exists and load_watch.percent > 1000000"))
    result = run("--rules", "r.yaml", "-n", "3", "--explain")
    cause = "no event passed load_watch.percent > 1000000 (0 of 3)"
    assert f"rule Load never fired: {cause}: load_watch.percent is " in result.stderr
    assert "load_watch.percent exists: 3 of 3" in result.stderr
    assert "load_watch.percent > 1000000: 0 of 3" in result.stderr


def test_a_replay_runs_rules_on_all_stored_events(project: Path) -> None:
    """Also on those that the plugin does not want, and those after its last."""
    text = (
        "- rule: Read\n  desc: d\n  condition: evt.type=read\n  output: fd=%evt.arg.fd\n"
        "  priority: INFO\n"
        "- rule: Key\n  desc: d\n  condition: evt.type=openat and files.extension=key\n"
        "  output: '%evt.arg.name %fd.name %proc.name %proc.pid'\n  priority: INFO\n"
        "- rule: End\n  desc: d\n  condition: evt.type=procexit\n  output: x\n  priority: INFO\n"
    )
    Path("r.yaml").write_text(text)
    result = run("-C", str(project.parent / "files"), "--rules", "r.yaml", "--json")
    assert result.exit_code == 0, result.output
    found = [(alert["number"], alert["rule"]) for alert in of_kind(result, "alert")]
    assert [number for number, _ in found] == sorted(number for number, _ in found)
    assert {name: sum(each == name for _, each in found) for _, name in found} == {
        "Read": 5, "Key": 1, "End": 3,
    }  # fmt: skip
    (key,) = [alert for alert in of_kind(result, "alert") if alert["rule"] == "Key"]
    fields = key["output_fields"]
    assert fields["evt.arg.name"] == fields["fd.name"] == "/etc/ssl/private/server.key"
    assert "unknown_fields" not in key  # the processes of the capture are known
    kinds = [report["report"] for report in reports(result)]
    assert kinds.index("closed") > max(at for at, kind in enumerate(kinds) if kind == "alert")


def test_an_event_of_another_plugin_is_of_no_source(project: Path) -> None:
    with CaptureWriter(Path("both.scap")) as capture:
        for plugin_id in (999, 77):
            event = Event(b'{"load": 1}', plugin_id=plugin_id, source="load_watch")
            capture.add(event, ts_ns=1_700_000_000_000_000_000)
            capture.add(make_event("close"), ts_ns=1_700_000_000_000_000_000)
    syscall = rule("evt.num > 0", "System").replace("source: load_watch", "source: syscall")
    syscall = syscall.replace("percent=%load_watch.percent", "x")
    Path("r.yaml").write_text(rule("evt.num > 0", "Own") + syscall)
    library = "build/libload-watch.so"
    ran = run(library, "--replay", "both.scap", "--rules", "r.yaml", "--json")
    inspected = CliRunner().invoke(
        app, ["inspect", "both.scap", "--plugin", library, "--rules", "r.yaml", "--jsonl"]
    )
    for result in (ran, inspected):
        found = [(alert["number"], alert["rule"]) for alert in of_kind(result, "alert")]
        assert found == [(1, "Own"), (2, "System"), (4, "System")]


def test_what_the_plugin_says_of_its_event_is_plugininfo(project: Path) -> None:
    Path("r.yaml").write_text(
        rule('evt.plugininfo startswith "load " and load_watch.percent exists').replace(
            "percent=%load_watch.percent", "'%evt.plugininfo'"
        )
    )
    result = run("--rules", "r.yaml", "-n", "2", "--json")
    texts = [event["text"] for event in of_kind(result, "event")]
    shown = [alert["output_fields"]["evt.plugininfo"] for alert in of_kind(result, "alert")]
    assert len(texts) == 2
    assert shown == texts


def test_a_template_without_fields_has_alerts(tmp_path: Path) -> None:
    root = generate_project("ticker", root=tmp_path / "t", template="source").root
    assert " alert " in run("-C", str(root), "-n", "1").stdout


def test_few_events_are_kept_whatever_few_the_plugin_wants(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_feed, "_ASK_EVERY", 2)
    monkeypatch.setattr(replay_feed, "_MAX_KEPT", 4)
    kept: list[int] = []
    bound = replay_feed.ReplayFeed._bound_kept

    def counting(feed: Any) -> None:
        kept.append(len(feed._kept))
        bound(feed)

    monkeypatch.setattr(replay_feed.ReplayFeed, "_bound_kept", counting)
    library = built / "files" / "build" / "libfiles.so"
    capture = built / "files" / "events.scap"
    with Runner(RunOptions(library=library, replay=capture, rows="files.extension")) as runner:
        stored = [
            pair for report in runner.reports() if report["report"] == "rows"
            for pair in report["stored"]
        ]  # fmt: skip
    assert [moment.event.number for moment, _ in stored] == list(range(1, 31))
    assert sum(row is not None for _, row in stored) == 6
    assert 0 < max(kept) <= 5


def test_an_async_event_is_matched_in_a_live_run(tmp_path: Path) -> None:
    root = generate_project("ticker", root=tmp_path / "t").root
    (root / "rules" / "ticker_rules.yaml").write_text(
        "- rule: Tick\n  desc: d\n  condition: evt.type=ticker_load and evt.arg.data exists\n"
        "  output: '%evt.asynctype %evt.arg.data'\n  priority: INFO\n"
    )
    result = run("-C", str(root), "-n", "1", "--json")
    (alert,) = of_kind(result, "alert")
    (event,) = of_kind(result, "event")
    assert alert["source"] == "syscall"
    assert alert["output"].endswith(f"Informational ticker_load {event['data']}")


# ---- dev -----------------------------------------------------------------------------------------


@contextlib.contextmanager
def dev(*arguments: str) -> Iterator[Callable[[Callable[[dict[str, Any]], bool]], list[Any]]]:
    """Run it, and give a function that reads reports up to the first that passes a test."""
    command = [sys.executable, "-m", "falcokit", "dev", "--json", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None

        def until(is_last: Callable[[dict[str, Any]], bool]) -> list[Any]:
            found = []
            for line in process.stdout or ():
                found.append(json.loads(line))
                if is_last(found[-1]):
                    return found
            raise AssertionError(f"it ended: {found[-3:]}")

        try:
            yield until
        finally:
            process.send_signal(signal.SIGINT)
            process.stdout.read()
            process.wait(timeout=30)


def is_alert_of(name: str) -> Callable[[dict[str, Any]], bool]:
    return lambda report: bool(report["report"] == "alert" and report["rule"] == name)


@pytest.mark.timeout(90)
def test_saved_rules_take_effect_while_the_plugin_runs_on(project: Path) -> None:
    file = project / "rules" / "load-watch_rules.yaml"
    file.write_text(rule("load_watch.percent exists", "Before"))
    with dev("--watch") as until:
        until(is_alert_of("Before"))
        file.write_text(rule("load_watch.percents exists", "Wrong"))
        seen = until(lambda report: bool(report["report"] == "rules" and report["errors"]))
        seen += until(is_alert_of("Before"))
        file.write_text(rule("load_watch.percent exists", "After"))
        seen += until(is_alert_of("After"))
        assert not [report for report in seen if report["report"] in {"started", "building"}]


# ---- a real Falco, as far as it is recorded ------------------------------------------------------


@pytest.fixture
def falco(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("RECORDED", str(RECORDED / "expected.json"))
    monkeypatch.setenv("LOG", "from the plugin")
    return ["--falco", str(FALCO)]


def test_falcos_alerts_and_log_have_falcokits_form(project: Path, falco: list[str]) -> None:
    case = str(RECORDED / "cases" / "rule-first.yaml")
    result = run(*falco, "--rules", case)
    assert result.exit_code == 0, result.output
    alerts = [line for line in result.stdout.splitlines() if line.startswith(" alert ")]
    assert alerts[0].endswith("Informational 1 1  (rule A)")
    assert "load-watch: from the plugin" in result.stderr
    assert f"Falco ended after {len(alerts)} alerts" in result.stderr
    assert of_kind(run(*falco, "--rules", case, "--json"), "alert")[0]["number"] == 1


def test_what_falco_refuses_is_an_error(project: Path, falco: list[str]) -> None:
    result = run(*falco, "--rules", str(RECORDED / "cases" / "bad-cond-unknown-field.yaml"))
    assert result.exit_code == 10
    assert "bad-cond-unknown-field.yaml:" in result.stderr
    assert "LOAD_ERR_COMPILE_CONDITION" in result.stderr
    assert "error: Falco ended with an error: " in result.stderr


@pytest.mark.parametrize("option", [["--record", "x.scap"], ["-n", "3"], ["--explain"]])
def test_what_only_the_runner_can_do_is_refused(
    project: Path, falco: list[str], option: list[str]
) -> None:
    result = run(*falco, *option)
    assert result.exit_code == 3
    assert "cannot be combined with --falco" in result.stderr


def test_without_a_path_it_is_the_falco_of_path(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    for place in (["--falco", "--json"], ["--json", "--falco"]):
        result = run(*place)
        assert result.exit_code in {5, 6}, result.output
    monkeypatch.undo()


@pytest.mark.timeout(90)
def test_dev_restarts_falco_when_rules_are_saved(
    project: Path, falco: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAY", "1")
    shutil.copy(RECORDED / "cases" / "rule-first.yaml", project / "rule-first.yaml")
    with dev("--watch", *falco, "--rules", "rule-first.yaml") as until:
        until(is_alert_of("A"))
        file = project / "rule-first.yaml"
        file.write_text(file.read_text())
        until(lambda report: report["report"] == "started")
        until(is_alert_of("A"))
