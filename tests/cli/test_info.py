# SPDX-License-Identifier: Apache-2.0
"""`falcokit info`: what it shows, and the section that it keeps in a README."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from falcokit.cli.app import app
from falcokit.cli.info import BEGIN, END, config_rows, with_section
from falcokit.errors import ConfigError
from falcokit.project.scaffold import generate_project, template_names

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = {
    "properties": {
        "urls": {"type": "array", "items": {"type": "string"}, "description": "Where."},
        "mode": {"enum": ["a", "b"], "default": "a", "title": "Mode"},
        "limit": {
            "anyOf": [{"type": "integer"}, {"type": "null"}], "minimum": 1, "default": None
        },
        "tls": {
            "type": "object",
            "properties": {"ca|path": {"type": "string", "description": "A <pem>\nfile."}},
        },
        "hosts": {"type": "array", "items": {"properties": {"name": {"type": "string"}}}},
    },
    "required": ["urls"],
}  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return generate_project("my-plugin", root=tmp_path / "p", template="full").root


def info(project: Path, *options: str) -> Any:
    return CliRunner().invoke(app, ["info", "-C", str(project), *options])


def test_it_shows_what_falco_sees(project: Path) -> None:
    shown = info(project).stdout
    for part in (
        "my-plugin 0.1.0\n",
        "Event source  my_plugin (plugin ID 999)\n",
        "Async events  my_plugin_load, my_plugin_alert (my_plugin)\n",
        "Plugin API    3.",
        "  my_plugin.peak     uint64  key, optional  The highest percent so far",
        "  threshold  integer, >= 0  100      Percent that counts as high.\n",
    ):
        assert part in shown
    found = json.loads(info(project, "--json").stdout)
    assert found["plugin_id"] == 999
    assert next(field["name"] for field in found["fields"]) == "my_plugin.host"


def test_a_library_and_its_project_are_the_same(project: Path) -> None:
    built = CliRunner().invoke(app, ["build", "-C", str(project)])
    assert built.exit_code == 0, built.output
    library = built.stdout.strip()
    shown = CliRunner().invoke(app, ["info", library, "--json"])
    assert json.loads(shown.stdout) == json.loads(info(project, "--json").stdout)
    done = CliRunner().invoke(app, ["info", "/no/such.so"])
    assert (done.exit_code, "no such file" in done.stderr) == (3, True)


@pytest.mark.parametrize("template", template_names())
def test_the_readme_of_a_new_project_is_up_to_date(template: str, tmp_path: Path) -> None:
    root = generate_project("my-plugin", root=tmp_path / "p", template=template).root
    done = info(root, "--markdown", "--check")
    assert done.exit_code == 0, done.output


def test_a_changed_plugin_is_noticed_and_brought_up_to_date(project: Path) -> None:
    source, readme = project / "src" / "my_plugin.py", project / "README.md"
    before = readme.read_text()
    source.write_text(source.read_text().replace("Name of the host", "The host's | name"))
    done = info(project, "--markdown", "--check")
    assert (done.exit_code, readme.read_text()) == (1, before)
    assert "is not up to date with the plugin" in done.stderr
    assert "run falcokit info --markdown" in done.stderr
    assert json.loads(info(project, "--markdown", "--json").stdout)["changed"] is True
    after = readme.read_text()
    assert "| `my_plugin.host` | string | | The host's \\| name |" in after
    assert after.partition(BEGIN)[0] == before.partition(BEGIN)[0]
    assert after.partition(END)[2] == before.partition(END)[2]
    again = info(project, "--markdown", "--json")
    assert json.loads(again.stdout)["changed"] is False
    assert readme.read_text() == after


def test_markdown_can_go_to_another_file_or_to_stdout(project: Path) -> None:
    (project / "docs.md").write_text(f"# Docs\r\n{BEGIN}\r\n{END}\r\nend\r\n", newline="")
    assert info(project, "--markdown", "docs.md").exit_code == 0
    written = (project / "docs.md").read_bytes().decode()
    assert written.count("\n") == written.count("\r\n")
    shown = info(project, "--markdown", "-").stdout
    assert shown.replace("\n", "\r\n") in written


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no marks"),
        (f"```\n{BEGIN}\n{END}\n```\n", "has no marks"),
        (f"{BEGIN}\n", "once each"),
        (f"{END}\n{BEGIN}\n", "once each"),
        (f"{BEGIN}\n{END}\n{BEGIN}\n{END}\n", "once each"),
    ],
)
def test_a_file_without_its_marks_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as raised:
        with_section(text, "new", "x.md")
    assert BEGIN in (raised.value.hint or "")


def test_marks_in_a_code_block_are_no_marks() -> None:
    shown = f"~~~\n{BEGIN}\n~~~\n{BEGIN}\nold\n{END}\n"
    assert with_section(shown, "new", "x.md") == shown.replace("old", "new")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--check"], "give --markdown, too"),
        (["--markdown", "-", "--check"], "give --markdown, too"),
        (["--markdown", "no.md"], "no.md: No such file"),
    ],
)
def test_what_cannot_be_is_told(options: list[str], message: str, project: Path) -> None:
    done = info(project, *options)
    assert (done.exit_code, message in done.stderr) == (3, True), done.output


def test_a_schema_becomes_rows() -> None:
    rows = config_rows(SCHEMA)
    assert rows == [
        ("urls", "list of string", "required", "Where."),
        ("mode", '"a" or "b"', '"a"', "Mode"),
        ("limit", "integer or null, >= 1", "null", ""),
        ("tls", "object", "", ""),
        ("tls.ca|path", "string", "", "A <pem>\nfile."),
        ("hosts", "list of any", "", ""),
        ("hosts[].name", "string", "", ""),
    ]
    assert config_rows(json.dumps(SCHEMA)) == rows
    for strange in (None, 3, "{", [], {"properties": 3}, {"properties": {"a": 1}}):
        assert config_rows(strange) == []
