# SPDX-License-Identifier: Apache-2.0
"""`falco -c falco.yaml`, as the READMEs say, for each template and example.

Their falco.yaml is read as Falco reads it, their rules are held to what a real Falco 0.45.1
accepted and refused, and what is configured runs in a host that shows what the rules would find.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import yaml
from example_rules import EXAMPLES, rules_of
from falco_reading import Loaded, read_configuration
from falco_rules import complaints

import falcokit.capture.events
import falcokit.package.artifact
from falcokit.build.build_project import build
from falcokit.package.artifact.library_facts import library_facts
from falcokit.project.scaffold import template_names
from falcokit.project.settings import load_project

if TYPE_CHECKING:
    from collections.abc import Callable

    from example_rules import Built

PROJECTS = [
    *template_names(),
    *(f"examples/{folder.name}" for folder in EXAMPLES.iterdir() if folder.is_dir()),
]
#: They read system calls.
WITH_DRIVER = {"extract", "parse", "examples/container-metadata"}
#: What one does to see something; the others show it by themselves.
NEEDS_A_HAND = {"examples/file-integrity", "examples/webhook", "webhook", "poll", *WITH_DRIVER}
_TABLE = Path(falcokit.capture.events.__file__).with_name("event_table.json")
_FALCOS = Path(falcokit.package.artifact.__file__).with_name("falco_rule_names.txt")


def system_calls() -> set[str]:
    events: Any = json.loads(_TABLE.read_text())["events"]
    return {event["name"] for event in events}


class Project:
    """A built template or example."""

    def __init__(self, kind: str, built: Built) -> None:
        self.kind, self.root, self.library = kind, built.root, built.library
        self.about = msgspec.to_builtins(library_facts(self.library).about)
        text = (self.root / "falco.yaml").read_text()
        self.configuration = read_configuration(text, {"PWD": str(self.root)})

    @property
    def plugin(self) -> Loaded:
        (plugin,) = self.configuration["plugins"]
        assert isinstance(plugin, Loaded)
        return plugin

    @property
    def rules(self) -> str:
        (file,) = self.configuration["rules_files"]
        return Path(file).read_text()


@pytest.fixture(scope="module", params=PROJECTS)
def project(request: pytest.FixtureRequest, built: Callable[[str], Built]) -> Project:
    return Project(request.param, built(request.param))


def test_its_configuration_is_one_that_falco_starts_with(project: Project) -> None:
    found = project.configuration
    engine = "modern_ebpf" if project.kind in WITH_DRIVER else "nodriver"
    assert found["engine"] == {"kind": engine}, "without one Falco opens a kernel module"
    assert found["log_stderr"] == "true", "without it nothing of the plugin's log is seen"
    assert found["stdout_output"] == {"enabled": "true"}
    assert found["load_plugins"] == [project.plugin.name] == [project.about["plugin"]]
    assert Path(project.plugin.library_path) == project.library, "relative: in Falco's own folder"
    for text in (project.plugin.init_config, project.plugin.open_params):
        assert not text or isinstance(json.loads(text), dict)
    written = yaml.safe_load((project.root / "falco.yaml").read_text())["plugins"][0]
    assert isinstance(written.get("init_config", ""), str), "of a map Falco guesses the types"
    assert bool(project.plugin.open_params) <= bool(project.about["event_source"])


def test_falco_takes_its_rules_without_a_warning(project: Project) -> None:
    assert complaints(project.rules, project.about, system_calls()) == []


def test_its_rules_have_names_that_no_others_have(project: Project) -> None:
    names = list(rules_of(project.root))
    falcos = set(_FALCOS.read_text().splitlines())
    assert len(falcos) > 90
    assert not falcos & set(names)
    assert [name for name in names if not name.endswith(f"({project.about['plugin']})")] == []


@pytest.mark.host
@pytest.mark.parametrize(
    "project", [kind for kind in PROJECTS if kind not in NEEDS_A_HAND], indirect=True
)
def test_what_it_is_configured_for_runs_and_shows_something(
    project: Project, real_host: Any
) -> None:
    """On a machine where nothing happens, too."""
    plugin = project.plugin
    source = ["--open", plugin.open_params] if project.about["event_source"] else ["--nodriver"]
    conditions = [f"({rule['condition']})" for rule in rules_of(project.root).values()]
    command = [real_host.plughost, "sinsp", "--plugin", plugin.library_path, *source]
    command += ["--init", plugin.init_config] if plugin.init_config else []
    command += ["--filter", " or ".join(conditions), "--secs", "1.5", "--events", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr + done.stdout
    (cycle,) = json.loads(done.stdout.splitlines()[-1])["cycles"]
    assert cycle["events"]["count"] > 0


ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_shows_of_falco_yaml_is_what_falco_takes(page: Path) -> None:
    for block in BLOCK.findall(page.read_text()):
        shown = yaml.safe_load(block)
        if isinstance(shown, dict) and "plugins" in shown:
            for plugin in shown["plugins"]:
                assert isinstance(plugin.get("init_config", ""), str)
                Loaded(plugin)


@pytest.mark.host
def test_an_async_event_of_a_plugins_source_is_shown_by_a_field(
    tmp_path: Path, real_host: Any
) -> None:
    """As docs/falco.md has it."""
    page = (ROOT / "docs" / "falco.md").read_text()
    (code,) = re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    (rule,) = (block for block in BLOCK.findall(page) if "- rule:" in block)
    (tmp_path / "pyproject.toml").write_text('[tool.falcokit]\nplugin = "gate:Gate"\n')
    (tmp_path / "gate.py").write_text(code)
    library = build(load_project(tmp_path)).library
    head = "- required_plugin_versions: [{name: gate, version: 0.1.0}]\n"
    assert (
        complaints(head + rule, msgspec.to_builtins(library_facts(library).about), system_calls())
        == []
    )
    (item,) = yaml.safe_load(rule)
    command = [real_host.plughost, "sinsp", "--plugin", library, "--secs", "1", "--events", "1"]
    command += ["--open", "", "--filter", item["condition"], "--fields", "gate.percent"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    (cycle,) = json.loads(done.stdout.splitlines()[-1])["cycles"]
    assert cycle["fields"]["gate.percent"]["samples"] == ["100"], done.stderr


GOLDENS = {
    "plugin": "goldens", "version": "0.1.0", "event_source": "goldens", "async_events": ["tick"],
    "fields": [
        {"name": "g.s", "arg": None},
        {"name": "g.u", "arg": None},
        {"name": "g.key", "arg": {"isRequired": True, "isKey": True}},
    ],
}  # fmt: skip
GOLDEN_RULE = """
- required_plugin_versions:
  - {name: goldens, version: 0.1.0}
- rule: A
  desc: d
  condition: g.s=alpha
  output: "%evt.num %g.u"
  priority: INFO
  source: goldens
"""


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (("", ""), ""),
        (("g.s=alpha", "evt.asynctype=tick and g.key[a.b]=dot"), ""),
        (("%g.u", "%evt.plugininfo %evt.rawtime.ns %evt.is_async"), ""),
        (("g.s=alpha", "evt.type=pluginevent"), "evt.type"),
        (("g.s=alpha", "evt.arg.data contains alpha"), "evt.arg.data"),
        (("g.s=alpha", "evt.args contains alpha"), "evt.args"),
        (("g.s=alpha", "evt.dir=>"), "evt.dir"),
        (("g.s=alpha", "proc.name=x"), "proc.name"),
        (("g.s=alpha", "g.zz=1"), "g.zz"),
        (("g.s=alpha", "g.s[0]=a"), "takes no argument"),
        (("g.s=alpha", "g.key=a"), "must have an argument"),
        (("%g.u", "%evt.arg.data"), "evt.arg.data"),
        (("%g.u", "%evt.latency"), "evt.latency"),
        (("%g.u", "%g.zz"), "g.zz"),
        (("%g.u", "%g.key"), "must have an argument"),
        (("INFO", "WARN"), "priority WARN"),
        (("  desc: d\n", ""), "has no desc"),
        (("source: goldens", "source: nowhere"), "source nowhere"),
        (("version: 0.1.0", "version: 0.2.0"), "requires"),
        (("source: goldens", "source: goldens\n  colour: red"), "unknown key colour"),
        (("g.s=alpha\n", "evt.type=tick\n"), "evt.type"),
    ],
)
def test_the_check_of_rules_answers_as_falco_has(change: tuple[str, str], wrong: str) -> None:
    """The left side of each was recorded of a real Falco 0.45.1: taken, refused, or warned of."""
    found = complaints(GOLDEN_RULE.replace(*change) if change[0] else GOLDEN_RULE, GOLDENS, set())
    assert bool(found) is bool(wrong), found
    assert not wrong or wrong in " ".join(found)


@pytest.mark.parametrize(
    ("condition", "wrong"),
    [
        ("evt.type = tick", ""),
        ("evt.type in (tick, execve)", ""),
        ("evt.type=nosuchname", "nosuchname"),
        ("evt.type = tick and evt.dir=<", "evt.dir is deprecated"),
        ("evt.type = tick and container.id=host", "container.id"),
    ],
)
def test_the_check_of_rules_on_system_calls_answers_as_falco_has(
    condition: str, wrong: str
) -> None:
    text = GOLDEN_RULE.replace("source: goldens", "source: syscall")
    text = text.replace("g.s=alpha", condition).replace("%g.u", "%evt.type %evt.arg.data")
    assert wrong in " ".join(complaints(text, GOLDENS, {"execve"}))
    assert bool(complaints(text, GOLDENS, {"execve"})) is bool(wrong)
