# SPDX-License-Identifier: Apache-2.0
"""The fixtures that pytest finds where falcokit is installed, as an author's project uses them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import RealHost

pytestmark = pytest.mark.python

MODULE = '''
import ipaddress
import json
from falcokit import (json_field, path, AsyncEvents, Event, EventParsing, EventSource,
    FieldExtraction, Plugin,
    TableEntry, async_event, export_table, field, import_table, u64)

class Seen(TableEntry):
    count: u64

class Many(Plugin, EventSource, FieldExtraction, EventParsing, AsyncEvents):
    """A source, whose events have fields that parsing counts."""
    name, version, description, contact = "many", "0.1.0", "d", "c"
    plugin_id, event_source = 999, "many"
    extract_event_types = ("pluginevent", "asyncevent")
    parse_event_types = ("pluginevent",)
    seen = export_table("seen", str, Seen)
    config: dict = {}

    def init(self):
        self.log.info("from here")

    def open(self, params: str):
        for number in range(int(params or 2)):
            yield json.dumps({"user": "ann", "n": number})

    @async_event("many_tick", every=0.01)
    def tick(self):
        return b"hello"

    def parse_event(self, event: Event) -> None:
        user = event.json["user"]
        entry = self.seen.get(user)
        self.seen[user] = {"count": (entry.count if entry else 0) + 1}

    @field("many.user")
    def user(self, event: Event) -> str | None:
        "The user"
        return event.name or event.json["user"]

    @field("many.count")
    def count(self, event: Event) -> int | None:
        "How often"
        if event.name:
            return None
        entry = self.seen.get(event.json["user"])
        return entry and entry.count

    @field("many.net")
    def net(self, event: Event) -> ipaddress.IPv4Address | None:
        "Where from"
        found = None if event.name else event.json.get("net")
        return found and ipaddress.IPv4Address(found)

    parts = json_field("many.parts", path("/parts").each(), desc="Parts")

    @field("many.key")
    def key(self, event: Event, key: str) -> str | None:
        "A member"
        return None if event.name else str(event.json.get(key))
'''
OTHER = '''
from falcokit import Event, FieldExtraction, Plugin, TableEntry, field, import_table, u64

class Seen(TableEntry):
    count: u64

class Other(Plugin, FieldExtraction):
    """Fields for the events of another plugin, with its table."""
    name, version, description, contact = "other", "0.1.0", "d", "c"
    extract_event_sources = ("many",)
    seen = import_table("seen", str, Seen)

    @field("other.n")
    def n(self, event: Event) -> int:
        "n"
        return event.json["n"]

    @field("other.count")
    def count(self, event: Event) -> int:
        "n"
        return self.seen[event.json["user"]].count
'''
TESTS = """
import pytest
from falcokit import Event
from falcokit.testing import ReplayedEvent, RunningPlugin
import many
from other import Other

ALL = pytest.mark.falcokit(hosts=["process", "runner", "sysdig"])

def test_the_class_is_the_projects(plugin):
    assert type(plugin.plugin) is many.Many
    assert type(plugin) is RunningPlugin
    assert [message.text for message in plugin.logs] == ["from here"]

@ALL
def test_a_replay(plugin, make_plugin_event, make_async, make_event):
    events = [make_async("many_tick", "x"), make_plugin_event({"user": "ann"}),
        make_event("<openat", name="x"), make_plugin_event({"user": "ann"})]
    rows = plugin.replay(events, ["many.user", "many.count", "many.key[user]"])
    assert [row.event for row in rows] == events
    assert [row.fields for row in rows] == [{"many.user": "many_tick"},
        {"many.user": "ann", "many.count": 1, "many.key[user]": "ann"}, {},
        {"many.user": "ann", "many.count": 2, "many.key[user]": "ann"}]
    assert plugin.extract("many.user", events[1]) == "ann"
    assert plugin.replay(iter(())) == []

@ALL
def test_a_replay_of_a_file(replay, tmp_path, make_plugin_event, make_event, golden):
    from falcokit.capture import CaptureWriter
    path = tmp_path / "x.scap"
    with CaptureWriter(path) as capture:
        capture.event(324, {"json": "{}"}, ts_ns=None)  # dumped state, which sysdig does not show
        capture.add(make_event("<openat", name="x", fd=3, tid=7))
        capture.add(make_plugin_event({"user": "bob"}))
        capture.add(make_plugin_event({"user": "bob"}, plugin_id=5, source="else"))
    rows = replay(path)
    assert [row.event.source for row in rows] == ["syscall", "syscall", "many", None]
    assert [row.fields for row in rows] == [{}, {}, {"many.user": "bob", "many.count": 1}, {}]
    golden(rows, "replay", ignore=["number"])

@pytest.mark.falcokit(hosts=["process", "runner"])
def test_live_events(plugin):
    with plugin.open("3") as source:
        assert [event.json["n"] for event in source.events(timeout=20)] == [0, 1, 2]
    with plugin.open("3") as source:
        assert [event.json["n"] for event in source.events(1, timeout=20)] == [0]

@ALL
def test_what_only_this_process_can(plugin, make_plugin_event):
    plugin.parse(make_plugin_event({"user": "ann"}))
    assert plugin.metrics is not None

@pytest.mark.falcokit(Other, tables={"seen": {"ann": {"count": 5}}})
def test_another_class_and_its_tables(plugin, make_plugin_event):
    event = make_plugin_event({"user": "ann", "n": 7})
    assert (event.source, event.plugin_id) == ("many", 999)
    assert plugin.extract("other.n", event) == 7
    assert plugin.extract("other.count", event) == 5

def test_events_go_up(make_event, make_async):
    first, second = make_event("<openat"), make_async("x", source="y", plugin_id=3)
    assert (second.number, second.ts_ns - first.ts_ns) == (first.number + 1, 1_000_000)
    assert make_event("<openat", ts_ns=5).ts_ns == 5
    assert (second.source, second.plugin_id, second.data) == ("y", 3, b"")

def test_several_plugins_in_one_host(run_plugins):
    run = run_plugins(many.Many, Other, source="many", open_params="3", fields_of="other")
    rows = [row for row in run.events if row.event.name is None]
    assert [row.fields for row in rows] == [{"other.n": n, "other.count": n + 1} for n in range(3)]
    assert [row.event.json["n"] for row in rows] == [0, 1, 2]
    assert [message.text for message in run.logs] == ["from here"]
    assert "async_delivered" in run.metrics["many"]
    with pytest.raises(pytest.fail.Exception, match="no loaded plugin has this name"):
        run_plugins(many.Many, fields_of="nobody")
"""
RULES = """
- macro: is_ann
  condition: many.user = ann
- rule: Ann again
  desc: d
  condition: is_ann and many.count > 1
  output: "%many.user came %many.count times (net=%many.net, at=%many.key[at])"
  priority: WARNING
  source: many
- rule: From the net
  desc: d
  condition: many.net in (10.1.2.3, 10.9.9.9) and many.parts intersects (b)
  output: "%many.user %many.parts"
  priority: INFO
  source: many
- rule: An opened file
  desc: d
  condition: evt.type = openat and evt.arg.name startswith /etc/
  output: "%evt.arg.name"
  priority: NOTICE
- rule: Only a real Falco
  desc: d
  condition: evt.type = close and proc.name = sh
  output: "%proc.name"
  priority: DEBUG
"""
RULE_TESTS = r"""
import re
import pytest
from other import Other

ALL = pytest.mark.falcokit(hosts=["process", "runner", "sysdig"])

def visits(make, *users):
    return [make({"user": user, "at": n, "net": "10.1.2.3", "parts": ["a", "b"]})
        for n, user in enumerate(users)]

@ALL
def test_a_rule(alerts, assert_alert, assert_no_alert, make_plugin_event, make_event):
    events = [*visits(make_plugin_event, "ann", "bob", "ann"), make_event("<openat", name="/etc/x")]
    found = alerts(events, rule_matching="all")
    assert [(alert.number, alert.rule) for alert in found] == [
        (1, "From the net"), (2, "From the net"), (3, "Ann again"), (3, "From the net"),
        (4, "An opened file")]
    alert = assert_alert("Ann again", output="ann came 2 times (net=10.1.2.3, at=2)", count=1)
    assert alert.output_fields["many.count"] == 2
    assert_alert("From the net", re.compile("bob"), fields={"many.user": "bob"})
    assert_alert("An opened file", "/etc/x")
    assert_no_alert("Only a real Falco")
    alerts([make_plugin_event({"user": "eve"})], "other.yaml")
    assert_no_alert()

def said(function, *arguments, **more):
    with pytest.raises(AssertionError) as raised:
        function(*arguments, **more)
    return str(raised.value)

def test_why_not(alerts, assert_alert, assert_no_alert, make_plugin_event, make_event):
    assert said(assert_alert, "x") == "no rules have been run: call alerts(events) first"
    alerts(visits(make_plugin_event, "ann"))
    assert "many.count > 1    (many.count is 1)" in said(assert_alert, "Ann again")
    assert "there is no rule 'Ann agin'; there is 'Ann again'" in said(assert_alert, "Ann agin")
    other = said(assert_alert, "An opened file")
    assert "it is for events of syscall; the events are of many" in other
    assert "event 1: From the net: ann (a,b)" in said(assert_no_alert)
    assert "with:\n  event 1: From the net: ann (a,b)" in said(assert_alert, "From the net", "x")
    alerts(visits(make_plugin_event, "bob", "eve"), priority="warning")
    assert "many.user = 'ann': 0 of 2" in said(assert_alert, "Ann again")
    assert "its priority is too low" in said(assert_alert, "From the net")
    alerts([make_event("<close", tid=7)])
    wanted = "whether 'Only a real Falco' fires only a real Falco can tell"
    assert said(assert_no_alert) == wanted

@pytest.mark.falcokit(Other, tables={"seen": {"ann": {"count": 5}}})
def test_rules_on_the_source_of_another_plugin(alerts, assert_alert, make_plugin_event):
    alerts([make_plugin_event({"user": "ann", "n": 7})], '''
- rule: Seven
  desc: d
  condition: other.n = 7
  output: "%other.count"
  priority: INFO
  source: many
''')
    assert_alert("Seven", "5")

def test_rules_that_falco_refuses(alerts):
    rule = "- rule: r\n  condition: many.usr = x\n  desc: d\n  output: o\n  priority: INFO\n"
    why = said(alerts, [], rule + "  source: many\n")
    assert why.startswith("rules of the test:2:14: error: there is no field many.usr; nearest:")
"""
CAPTURE_TESTS = """
def test_processes_of_a_capture_are_known(alerts, assert_alert):
    found = alerts("FILE", '''
- rule: Cache
  desc: d
  condition: evt.type=open and proc.name=curl and proc.pname=bash and fd.filename=ld.so.cache
  output: "%proc.cmdline"
  priority: INFO
''')
    assert len(found) == 3
    assert_alert("Cache", "curl -6 http://www.google.com")
"""
FAILING = """
import pytest

def test_no_golden_file(golden):
    golden({"a": 1})

def test_a_golden_file_of_another_run(golden):
    golden("one\\ntwo\\n")

"""


def run(project: Path, *arguments: str, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "xdist",
         "-p", "falcokit.testing.pytest_plugin", "-rs", *arguments],
        cwd=project, capture_output=True, text=True, check=False, timeout=240,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.falcokit]\nplugin = "many:Many"\nsource = "src"\n'
        '[tool.pytest.ini_options]\naddopts = "--strict-markers -W error"\npythonpath = ["src"]\n'
    )
    for folder in ("src", "tests"):
        (tmp_path / folder).mkdir()
    (tmp_path / "src" / "many.py").write_text(MODULE)
    (tmp_path / "src" / "other.py").write_text(OTHER)
    return tmp_path


@pytest.mark.host
def test_the_tests_of_an_author(project: Path, real_host: RealHost) -> None:
    file = project / "tests" / "test_many.py"
    file.write_text(TESTS)
    shown = run(project, "--update-golden", "-n", "2")
    assert "13 passed, 2 skipped" in shown
    assert "plugin.parse needs the plugin in the test's own process, not in runner" in shown
    stored = project / "tests" / "golden" / "test_many" / "replay.json"
    assert '"many.user": "bob"' in stored.read_text()
    one = "test_a_replay_of_a_file[process]"
    run(project, "-k", one)
    stored.write_text(stored.read_text().replace("bob", "eve"))
    shown = run(project, "-k", one, code=1)
    assert "pytest --update-golden rewrites it" in shown
    assert '-      "many.user": "eve"' in shown


@pytest.mark.host
def test_rules_without_a_falco(project: Path, real_host: RealHost) -> None:
    (project / "rules").mkdir()
    (project / "rules" / "many_rules.yaml").write_text(RULES)
    (project / "rules" / ".other.yaml").write_text("- rule: unfinished")
    (project / "other.yaml").write_text(RULES)
    capture = Path(__file__).parents[1] / "capture" / "samples" / "curl_google.scap"
    tests = RULE_TESTS + CAPTURE_TESTS.replace("FILE", str(capture))
    (project / "tests" / "test_rules.py").write_text(tests)
    assert "7 passed" in run(project)


def test_the_command_line_chooses_the_hosts(project: Path) -> None:
    file = project / "tests" / "test_many.py"
    file.write_text(TESTS)
    shown = run(project, "--falcokit-hosts", "runner,process", "-k", "the_class_is")
    assert "1 passed, 1 skipped" in shown


def test_what_goes_wrong_is_said_in_a_sentence(project: Path) -> None:
    (project / "tests" / "test_failing.py").write_text(FAILING)
    shown = run(project, "-k", "golden", code=1)
    assert "test_no_golden_file.json; pytest --update-golden writes it" in shown
    wrong = "'moon' is not a host of falcokit: process, runner, sysdig"
    (project / "tests" / "test_failing.py").write_text("""
import pytest

@pytest.mark.falcokit(hosts=["moon"])
def test_no_such_host(plugin): ...
""")
    assert wrong in run(project, code=2)
    assert wrong in run(project, "--falcokit-hosts", "moon", code=4)


def test_without_a_compiler_the_rest_of_pytest_works(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(project))
    monkeypatch.setenv("XDG_CACHE_HOME", str(project / "cache"))
    (project / "tests" / "test_one.py").write_text("""
def test_makes_events(make_event): assert make_event("<openat").type == 307
def test_needs_the_library(plugin): ...
""")
    shown = run(project, code=1)
    assert "1 passed, 1 error" in shown
    assert "hint: install one: " in shown
    assert "Traceback" not in shown


def test_a_project_without_falcokit_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text("""
import sys, pytest

@pytest.fixture(params=[1, 2])
def plugin(request): return request.param

@pytest.mark.parametrize("plugin, x", [(3, 4)])
def test_own_values(plugin, x): assert (plugin, x) == (3, 4)

def test_own_fixture(plugin): assert plugin in (1, 2)

def test_nothing_is_loaded():
    assert sorted(name for name in sys.modules if name.startswith("falcokit")) == [
        "falcokit", "falcokit.testing", "falcokit.testing.pytest_plugin"]
""")
    assert "4 passed" in run(tmp_path)
    (tmp_path / "test_asks.py").write_text("def test_asks(make_plugin_event): make_plugin_event()")
    shown = run(tmp_path, "test_asks.py", code=1)
    assert "no pyproject.toml in" in shown
