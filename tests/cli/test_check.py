# SPDX-License-Identifier: Apache-2.0
"""`falcokit check`, and what build and publish say of rules."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from typer.testing import CliRunner

from falcokit.build.build_project import build
from falcokit.cli.app import app
from falcokit.package.artifact.rules import make_rules_artifact
from falcokit.package.registry.layout import PackagedPlugin, write_layout
from falcokit.project.scaffold import generate_project, template_names
from falcokit.project.settings import load_project

if TYPE_CHECKING:
    from falcokit.package.registry.layout import OciLayout

pytestmark = pytest.mark.usefixtures("quick_builds")

ROOT = Path(__file__).parents[2]
RUNNER = CliRunner()
RULE = """\
- rule: Load (ticker)
  desc: d
  condition: {condition}
  output: load %evt.arg.data
  priority: {priority}
  source: {source}
"""


def rules(
    condition: str = "evt.type=ticker_load", priority: str = "INFO", source: str = "syscall"
) -> str:
    return RULE.format(condition=condition, priority=priority, source=source)


def invoke(*arguments: str) -> Any:
    return RUNNER.invoke(app, arguments)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = generate_project("ticker", root=tmp_path / "ticker").root
    monkeypatch.chdir(root)
    return root


@pytest.mark.parametrize("template", template_names())
def test_the_rules_of_a_template_are_right(template: str, tmp_path: Path) -> None:
    root = generate_project("my-plugin", root=tmp_path / "p", template=template).root
    result = invoke("check", "-C", str(root))
    assert (result.exit_code, result.stdout) == (0, ""), result.stdout
    assert "1 file checked: 0 errors, 0 warnings" in result.stderr


def test_what_is_wrong_has_its_place_as_compilers_write_it(project: Path) -> None:
    (project / "rules" / "ticker_rules.yaml").write_text(rules("evt.types=ticker_load"))
    result = invoke("check")
    assert result.exit_code == 9
    (line,) = result.stdout.splitlines()
    assert line.startswith("rules/ticker_rules.yaml:3:14: error: there is no field evt.types")
    assert "evt.type" in line, "the nearest"
    assert line.endswith("[LOAD_ERR_COMPILE_CONDITION]")


def test_warnings_do_not_fail(project: Path) -> None:
    (project / "rules" / "ticker_rules.yaml").write_text(rules(source="syscal"))
    result = invoke("check")
    assert result.exit_code == 0
    assert "warning" in result.stdout
    assert "[LOAD_UNKNOWN_SOURCE]" in result.stdout


def test_json_is_one_object_with_errors_and_warnings(project: Path) -> None:
    (project / "rules" / "ticker_rules.yaml").write_text(rules(priority="NOPE"))
    result = invoke("check", "--json")
    assert result.exit_code == 9
    found = json.loads(result.stdout)
    assert found["warnings"] == []
    (error,) = found["errors"]
    assert error.keys() >= {"code", "message", "file", "line", "column"}
    assert (error["code"], error["line"], error["column"]) == ("LOAD_ERR_YAML_VALIDATE", 5, 13)


def test_files_can_be_given_and_are_read_in_order(project: Path) -> None:
    Path("a.yaml").write_text("- macro: ours\n  condition: evt.type=ticker_load\n")
    Path("b.yaml").write_text(rules("ours"))
    assert invoke("check", "a.yaml", "b.yaml").exit_code == 0
    assert invoke("check", "b.yaml", "a.yaml").exit_code == 9


def test_options_of_falco_that_hide_a_rule_are_taken_into_account(project: Path) -> None:
    Path("a.yaml").write_text(rules() + rules().replace("Load (", "Again ("))
    assert "[CHECK_HIDDEN_RULE]" in invoke("check", "a.yaml").stdout
    assert invoke("check", "a.yaml", "--rule-matching", "all").stdout == ""
    info = invoke("check", "a.yaml", "--rule-matching", "all", "--priority", "info")
    assert (info.exit_code, info.stdout) == (0, "")
    assert "[CHECK_" in invoke("check", "a.yaml", "--priority", "warning").stdout


def test_a_project_without_rules_is_a_sentence(project: Path) -> None:
    (project / "rules" / "ticker_rules.yaml").unlink()
    result = invoke("check")
    assert result.exit_code == 3
    assert "there are no rules" in result.stderr


def test_build_shows_them_as_warnings_and_builds(project: Path) -> None:
    (project / "rules" / "ticker_rules.yaml").write_text(rules("evt.types=ticker_load"))
    result = invoke("build")
    assert result.exit_code == 0
    assert "rules/ticker_rules.yaml:3:14: there is no field evt.types" in result.stderr
    found = json.loads(invoke("build", "--json").stdout)["rules"]
    assert [error["code"] for error in found["errors"]] == ["LOAD_ERR_COMPILE_CONDITION"]
    (project / "rules" / "ticker_rules.yaml").write_text(rules("okta.app=x"))
    assert "(okta.* are fields of the plugin okta, which is not loaded)" in invoke("build").stderr


def layout_of(project: Path) -> OciLayout:
    library = build(load_project(project)).library
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as tar:
        tar.add(library, "libticker.so")
    dist = project / "dist"
    dist.mkdir(exist_ok=True)
    file = dist / "ticker-0.1.0-linux-x86_64.tar.gz"
    file.write_bytes(packed.getvalue())
    plugin = PackagedPlugin(
        name="ticker",
        version="0.1.0",
        required_api_version="3.12.0",
        archives={"x86_64": file},
    )
    return write_layout(
        dist / "oci",
        plugin,
        rules=make_rules_artifact(project, dist, name="ticker", version="0.1.0"),
    )


def test_publish_refuses_rules_that_falco_would_refuse(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []
    monkeypatch.setattr("falcokit.cli.publish.publish_layout", lambda *_, **__: sent)
    (project / "rules" / "ticker_rules.yaml").write_text(rules("evt.types=ticker_load"))
    layout_of(project)
    result = invoke("publish", "ghcr.io/acme/plugin/ticker")
    assert result.exit_code == 9
    assert "rules/ticker_rules.yaml:3:14" in result.stderr
    assert "Falco does not start" in result.stderr
    (project / "rules" / "ticker_rules.yaml").write_text(rules())
    layout_of(project)
    assert invoke("publish", "ghcr.io/acme/plugin/ticker").exit_code == 0


def test_the_hook_of_pre_commit_is_that_of_a_new_project(project: Path) -> None:
    (ours,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    (local,) = yaml.safe_load((project / ".pre-commit-config.yaml").read_text())["repos"]
    (theirs,) = (hook for hook in local["hooks"] if hook["id"] == ours["id"])
    same = {"id", "name", "entry", "pass_filenames", "files"}
    assert {key: ours[key] for key in same} == {key: theirs[key] for key in same}
    assert (ours["language"], theirs["language"]) == ("python", "system")
    assert invoke(*ours["entry"].split()[1:]).exit_code == 0
