# SPDX-License-Identifier: Apache-2.0
"""The rules artifact: flat files, the same bytes each time, and what they say they need."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from falcoctl_rules import extract
from registry import RULES, make_rules

from falcokit.errors import PackageError
from falcokit.package.artifact.rules import Dependency, make_rules_artifact, read_head

TWICE = """
- required_plugin_versions:
  - {name: a, version: 1.0.0, alternatives: [{name: a, version: 2.0.0}]}
"""


def head(text: str) -> Any:
    return read_head(Path("r.yaml"), text.encode())


def test_the_rules_are_flat_files_in_order(tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    folder.mkdir()
    for name in ("b.yaml", "a.yaml", ".#a.yaml", "c.yaml.bak", "README.md"):
        (folder / name).write_text("# nothing\n" if name != "b.yaml" else RULES)
    made = make_rules_artifact(tmp_path, tmp_path, name="ticker", version="0.1.0")
    assert made is not None
    assert made.files == ("a.yaml", "b.yaml")
    assert made.path == tmp_path / "ticker-rules-0.1.0.tar.gz"
    (tmp_path / "etc").mkdir()
    unpacked = extract(made.path, tmp_path / "etc")
    assert [path.name for path in unpacked] == ["a.yaml", "b.yaml"]
    assert {path.stat().st_mode & 0o777 for path in unpacked} == {0o644}
    assert unpacked[1].read_text() == RULES


def test_the_same_rules_make_the_same_bytes(tmp_path: Path) -> None:
    first = make_rules(tmp_path).path.read_bytes()
    os.utime(tmp_path / "rules" / "ticker_rules.yaml", (1, 1))
    (tmp_path / "rules" / "ticker_rules.yaml").chmod(0o600)
    assert make_rules(tmp_path).path.read_bytes() == first


def test_a_project_without_rules_has_no_artifact(tmp_path: Path) -> None:
    assert make_rules_artifact(tmp_path, tmp_path, name="ticker", version="0.1.0") is None


def test_a_link_within_the_project_is_followed(tmp_path: Path) -> None:
    (tmp_path / "shared.yaml").write_text(RULES)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yaml").symlink_to("../shared.yaml")
    made = make_rules_artifact(tmp_path, tmp_path, name="ticker", version="0.1.0")
    assert made is not None
    (tmp_path / "etc").mkdir()
    assert extract(made.path, tmp_path / "etc")[0].read_text() == RULES


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("/etc/passwd", "leads out of the project"),
        ("../../outside.yaml", "leads out of the project"),
        ("a.yaml", "cannot be read"),
        ("nowhere", "cannot be read: No such file"),
        ("../folder", "not a regular file"),
    ],
)
def test_other_links_are_refused(tmp_path: Path, target: str, said: str) -> None:
    root = tmp_path / "project"
    (root / "rules").mkdir(parents=True)
    (root / "folder").mkdir()
    (tmp_path / "outside.yaml").write_text(RULES)
    (root / "rules" / "a.yaml").symlink_to(target)
    with pytest.raises(PackageError, match=said):
        make_rules_artifact(root, tmp_path, name="ticker", version="0.1.0")


def test_a_rules_folder_elsewhere_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    make_rules(tmp_path)
    (root / "rules").symlink_to(tmp_path / "rules")
    with pytest.raises(PackageError, match="leads out of the project"):
        make_rules_artifact(root, tmp_path, name="ticker", version="0.1.0")


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    os.mkfifo(tmp_path / "rules" / "a.yaml")
    with pytest.raises(PackageError, match="not a regular file"):
        make_rules_artifact(tmp_path, tmp_path, name="ticker", version="0.1.0")


def test_the_plugin_is_a_dependency_even_if_the_rules_do_not_say_so(tmp_path: Path) -> None:
    text = "- required_plugin_versions:\n  - name: json\n    version: 0.7.0\n"
    made = make_rules(tmp_path, text=text)
    assert made.dependencies == (
        Dependency(name="json", version="0.7.0"),
        Dependency(name="ticker", version="0.1.0"),
    )
    assert made.engine_version is None


@pytest.mark.parametrize("version", ["0.1.1", "1.0.0"])
def test_rules_for_another_version_of_the_plugin_are_refused(tmp_path: Path, version: str) -> None:
    with pytest.raises(PackageError, match=f"require ticker {version}, and this is 0.1.0"):
        make_rules(tmp_path, text=RULES.replace("version: 0.1.0", f"version: {version}"))


def test_a_prerelease_goes_with_the_rules_of_its_release(tmp_path: Path) -> None:
    text = RULES.replace("version: 0.1.0", "version: 0.2.0")
    made = make_rules(tmp_path, version="0.2.0-rc.1", text=text)
    assert made.dependencies == (Dependency(name="ticker", version="0.2.0-rc.1"),)


def test_several_files_require_the_newest_that_one_of_them_requires(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    for name, engine, json_version in (("a", "0.31.0", "0.7.10"), ("b", "26", "0.7.9")):
        (tmp_path / "rules" / f"{name}.yaml").write_text(
            f"- required_engine_version: {engine}\n"
            f"- required_plugin_versions: [{{name: json, version: {json_version}}}]\n"
        )
    made = make_rules_artifact(tmp_path, tmp_path, name="ticker", version="0.1.0")
    assert made is not None
    assert made.engine_version == "0.31.0"
    assert made.dependencies[0] == Dependency(name="json", version="0.7.10")


def test_alternatives_are_kept_in_their_order() -> None:
    others = "alternatives: [{name: my-json, version: 0.1.0}, {name: a-json, version: 0.2.0}]"
    found = head(
        "- required_plugin_versions:\n"
        "  - {name: json, version: 0.7.0}\n"
        f"  - {{name: json, version: 0.6.0, {others}}}\n"
        f"  - {{name: json, version: 0.5.0, {others}}}\n"
    ).dependencies
    assert [dependency.document() for dependency in found] == [
        {"name": "json", "version": "0.7.0"},
        {
            "name": "json",
            "version": "0.6.0",
            "alternatives": [
                {"name": "my-json", "version": "0.1.0"},
                {"name": "a-json", "version": "0.2.0"},
            ],
        },
    ]


@pytest.mark.parametrize(
    ("text", "engine"),
    [
        ("- required_engine_version: 0.31.0", "0.31.0"),
        ("- required_engine_version: '0.31.0'", "0.31.0"),
        ("- required_engine_version: 26", "0.26.0"),
        ("--- \n- rule: a\n---\n- required_engine_version: 0.9.0\n", "0.9.0"),
        ("- rule: 2001-99-99\n", None),  # no date for YAML's own types to stumble over
        ("", None),
        ("# only a comment", None),
    ],
)
def test_the_engine_version_is_read(text: str, engine: str | None) -> None:
    assert head(text).engine_version == engine


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- rule: a\n  desc: [b: c: d]\n", r"r\.yaml:2: not valid YAML"),
        ("a: b", "not a list"),
        ("- a\n", "item 1 is not a mapping"),
        ("\x00", "not valid YAML"),
        ("[" * 20_000, "not valid YAML"),
        ("- required_engine_version: 0.31", "must be a version such as"),
        ("- required_engine_version: [1]", "must be a version such as"),
        ("- required_plugin_versions: json", "must be a list"),
        ("- required_plugin_versions: [json]", "needs a name and a version"),
        ("- required_plugin_versions: [{name: json}]", "needs a name and a version"),
        ("- required_plugin_versions: [{name: JSON, version: 1.0.0}]", "cannot be a plugin's name"),
        ("- required_plugin_versions: [{name: json, version: 1.0}]", "json must have a version"),
        (
            "- required_plugin_versions: [{name: a, version: 1.0.0, alternatives: b}]",
            "alternatives of a must be a list",
        ),
        (TWICE, "name one plugin twice"),
        (
            "- required_plugin_versions: [{name: a, version: 1.0.0}, {name: a, version: 2.0.0}]",
            "no plugin satisfies both",
        ),
    ],
)
def test_rules_that_falco_would_not_take_are_refused(text: str, said: str) -> None:
    with pytest.raises(PackageError, match=said):
        head(text)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(PackageError, match="not valid YAML"):
        read_head(Path("r.yaml"), b"- rule: \xff\xfe\xff")


def test_aliases_that_grow_to_gigabytes_are_refused_at_once() -> None:
    levels = "".join(f"- &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 30))
    with pytest.raises(PackageError, match="more than 1000000 values"):
        head(f"- &a0 [x]\n{levels}")
    nested = "".join(f"  - &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 30))
    with pytest.raises(PackageError, match="more than 1000000 values"):
        head(f"- required_engine_version:\n  - &a0 [x]\n{nested}")


def test_a_file_that_is_too_large_is_refused() -> None:
    with pytest.raises(PackageError, match="larger than a rules file may be: 8 MiB"):
        read_head(Path("r.yaml"), b"#" * ((8 << 20) + 1))
