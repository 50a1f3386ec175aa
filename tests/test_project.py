# SPDX-License-Identifier: Apache-2.0
"""What pyproject.toml may say, and each way it can be wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from falcokit.errors import ConfigError
from falcokit.project.settings import load_project

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.python

MINIMAL = '[tool.falcokit]\nplugin = "ticker:Ticker"\n'


def write(folder: Path, text: str) -> Path:
    file = folder / "pyproject.toml"
    file.write_text(text)
    return file


def test_a_minimal_project_has_its_code_beside_the_file(tmp_path: Path) -> None:
    write(tmp_path, MINIMAL)
    project = load_project(tmp_path)
    assert project.root == tmp_path
    assert project.source_dir == tmp_path
    assert project.plugin == "ticker:Ticker"
    assert project.build_dir == tmp_path / "build"
    assert (project.name, project.version, project.description, project.contact) == (None,) * 4


def test_a_src_folder_is_the_source_by_default(tmp_path: Path) -> None:
    write(tmp_path, MINIMAL)
    (tmp_path / "src").mkdir()
    assert load_project(tmp_path).source_dir == tmp_path / "src"


def test_the_source_can_be_named(tmp_path: Path) -> None:
    write(tmp_path, MINIMAL + 'source = "lib"\n')
    (tmp_path / "src").mkdir()
    (tmp_path / "lib").mkdir()
    assert load_project(tmp_path).source_dir == tmp_path / "lib"


def test_a_project_is_found_from_a_folder_below(tmp_path: Path) -> None:
    write(tmp_path, MINIMAL)
    below = tmp_path / "src" / "deep"
    below.mkdir(parents=True)
    assert load_project(below).root == tmp_path


def test_metadata_comes_from_the_project_table(tmp_path: Path) -> None:
    write(
        tmp_path,
        '[project]\nname = "ticker"\nversion = "1.2.3"\ndescription = "Ticks."\n'
        'authors = [{ name = "A", email = "a@example.com" }]\n' + MINIMAL,
    )
    project = load_project(tmp_path)
    assert project.name == "ticker"
    assert project.version == "1.2.3"
    assert project.description == "Ticks."
    assert project.contact == "a@example.com"


def test_an_author_without_mail_is_a_contact_by_name(tmp_path: Path) -> None:
    write(tmp_path, '[project]\nauthors = [{ name = "Ada" }]\n' + MINIMAL)
    assert load_project(tmp_path).contact == "Ada"


def test_no_pyproject_is_one_sentence_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no pyproject\.toml") as raised:
        load_project(tmp_path)
    assert "falcokit init" in (raised.value.hint or "")


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such folder"):
        load_project(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.falcokit", "not valid TOML"),
        ("", r"no \[tool\.falcokit\] table"),
        ("[tool]\nfalcokit = 3\n", "must be a table"),
        ("[tool.falcokit]\n", "no plugin key"),
        ('[tool.falcokit]\nplugin = "ticker"\n', '"module:Class"'),
        ('[tool.falcokit]\nplugin = "a-b:C"\n', '"module:Class"'),
        ('[tool.falcokit]\nplugin = "a:C:D"\n', '"module:Class"'),
        ("[tool.falcokit]\nplugin = 3\n", '"module:Class"'),
        (MINIMAL + "plugn = 3\n", "unknown key 'plugn'"),
        (MINIMAL + 'source = "nowhere"\n', "not a folder of the project"),
        (MINIMAL + 'source = ".."\n', "outside the project"),
        (MINIMAL + "source = 3\n", "must be a folder's name"),
        ("[project]\nname = 3\n" + MINIMAL, r"project\.name must be a string"),
        ("project = 3\n" + MINIMAL, "project must be a table"),
        ("tool = 3\n", "tool must be a table"),
    ],
)
def test_a_wrong_pyproject_is_told(tmp_path: Path, text: str, message: str) -> None:
    file = write(tmp_path, text)
    with pytest.raises(ConfigError, match=message) as raised:
        load_project(tmp_path)
    assert raised.value.message.startswith(f"{file}: ")
    assert raised.value.exit_code == 3


def test_a_file_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="not valid TOML"):
        load_project(tmp_path)
