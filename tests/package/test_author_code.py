# SPDX-License-Identifier: Apache-2.0
"""The author's files: what is taken, what only lies beside it, and links that lead astray."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from falcokit.errors import ConfigError
from falcokit.package.dependencies.distributions import Distribution
from falcokit.package.python import author_code
from falcokit.package.python.author_code import author_files, refuse_clashes
from falcokit.project.settings import Project
from falcokit.runtime.host.author_modules import plugin_modules

pytestmark = pytest.mark.python

TEMPLATES = Path(__file__).parents[2] / "templates"


def _project(root: Path, source: str = "src", files: dict[str, bytes] | None = None) -> Project:
    for name, content in (files or {}).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    folder = root / source
    folder.mkdir(exist_ok=True)
    return Project(root=root, plugin="ticker:Ticker", source_dir=folder.resolve())


BESIDE = [
    ".venv/lib/x.py",
    "build/lib.py",
    "dist/old.py",
    "docs/__init__.py",
    "locks/__init__.py",
    "env/pyvenv.cfg",
    "env/__init__.py",
    "tests/__init__.py",
    "conftest.py",
    "setup.py",
    "test_ticker.py",
    ".hidden.py",
    "not-a-module.py",
    "README.md",
    "acme.egg-info/PKG-INFO",
    "acme/__pycache__/feed.cpython-313.pyc",
    "acme/.secret",
    "acme/tests/test_feed.py",
    "acme/feed.pyi",
]


@pytest.mark.parametrize("source", ["src", "."])
def test_modules_and_data_are_taken_and_what_lies_beside_them_is_not(
    source: str, tmp_path: Path
) -> None:
    taken = ["acme/__init__.py", "acme/feed.py", "acme/sub/deep.py", "ticker.py"]
    data = ["acme/data-v1/more.json", "acme/words.txt"]
    prefix = "" if source == "." else f"{source}/"
    files = dict.fromkeys([f"{prefix}{name}" for name in (*taken, *data, *BESIDE)], b"")
    found = author_files(_project(tmp_path, source, files))
    assert list(found.modules) == taken
    assert list(found.data) == data
    assert found.extensions == {}
    assert found.modules["ticker.py"] == tmp_path / source / "ticker.py"


def test_a_package_without_init_is_one_in_a_source_folder_of_its_own_only(tmp_path: Path) -> None:
    files = {"src/space/a.py": b"", "loose/b.py": b"", "src/data/words.txt": b""}
    assert list(author_files(_project(tmp_path, "src", files)).modules) == ["space/a.py"]
    assert list(author_files(_project(tmp_path, ".")).modules) == []


@pytest.mark.parametrize("template", sorted(p.name for p in TEMPLATES.iterdir() if p.is_dir()))
def test_the_templates_give_what_the_development_layout_imports(template: str) -> None:
    folder = TEMPLATES / template / "src"
    if not folder.is_dir():
        pytest.skip("no source folder in this template")
    project = Project(root=TEMPLATES / template, plugin="a:B", source_dir=folder)
    tops = {n.partition("/")[0].removesuffix(".py") for n in author_files(project).modules}
    assert tops == plugin_modules(str(folder))


def test_extension_modules_are_told_from_other_libraries_and_other_pythons(tmp_path: Path) -> None:
    files = {
        "src/acme/__init__.py": b"",
        "src/acme/_fast.cpython-313-x86_64-linux-gnu.so": b"\x7fELF PyInit__fast",
        "src/acme/_fast.cpython-312-x86_64-linux-gnu.so": b"\x7fELF PyInit__fast",
        "src/acme/_stable.abi3.so": b"\x7fELF PyInit__stable",
        "src/acme/libother.so": b"\x7fELF nothing",
        "src/_top.so": b"\x7fELF PyInit__top",
        "src/libticker.so": b"\x7fELF plugin_init",
    }
    found = author_files(_project(tmp_path, "src", files), tag="cp313")
    assert list(found.extensions) == ["_top", "acme._fast", "acme._stable"]
    assert "313" in found.extensions["acme._fast"].name
    assert list(found.data) == ["acme/libother.so"]


def test_a_link_that_stays_in_the_project_is_followed(tmp_path: Path) -> None:
    project = _project(tmp_path, "src", {"shared/words.txt": b"words", "src/acme/__init__.py": b""})
    (tmp_path / "src/acme/words.txt").symlink_to("../../shared/words.txt")
    (tmp_path / "src/acme/shared").symlink_to("../../shared")
    (tmp_path / "src/ticker.py").symlink_to(tmp_path / "src/acme/__init__.py")
    found = author_files(project)
    assert list(found.data) == ["acme/shared/words.txt", "acme/words.txt"]
    assert found.data["acme/shared/words.txt"].read_bytes() == b"words"
    assert "ticker.py" in found.modules


LINKS = {
    "leaves by a relative path": ("acme/words.txt", "../../../secret", "leaves the project"),
    "leaves by an absolute path": ("acme/words.txt", "/etc/passwd", "leaves the project"),
    "a module that leaves": ("ticker.py", "../../secret", "leaves the project"),
    "a folder that leaves": ("acme/etc", "/etc", "leaves the project"),
    "dangles": ("acme/words.txt", "gone", "leads nowhere"),
    "loops": ("acme/words.txt", "words.txt", "leads nowhere"),
    "a folder in itself": ("acme/again", ".", "a folder that contains it"),
    "a folder in its parent": ("acme/up", "..", "a folder that contains it"),
}


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
def test_a_link_that_leads_astray_is_named(link: tuple[str, str, str], tmp_path: Path) -> None:
    name, target, message = link
    (tmp_path / "secret").write_text("secret")
    project = _project(tmp_path / "project", "src", {"src/acme/__init__.py": b""})
    (project.source_dir / name).symlink_to(target)
    with pytest.raises(ConfigError, match=message) as caught:
        author_files(project)
    assert caught.value.message.startswith(f"src/{name} ")
    assert caught.value.hint


def test_links_beside_the_plugin_are_nobodys_concern(tmp_path: Path) -> None:
    project = _project(tmp_path, ".", {"ticker.py": b""})
    for name, target in {
        "LICENSE": "gone",
        "venv": "/opt",
        "data": "/etc",
        "Makefile": "/x",
    }.items():
        (tmp_path / name).symlink_to(target)
    assert list(author_files(project).modules) == ["ticker.py"]


def test_what_is_no_file_is_refused_and_never_opened(tmp_path: Path) -> None:
    for name in ("ticker.py", "acme/feed.py", "acme/words"):
        project = _project(tmp_path / name, "src", {"src/acme/__init__.py": b""})
        os.mkfifo(project.source_dir / name)
        with pytest.raises(ConfigError, match="is not a regular file"):
            author_files(project)
    project = _project(tmp_path, "src", {"src/acme/__init__.py": b""})
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(str(tmp_path / "src/acme/s"))
        with pytest.raises(ConfigError, match="is not a regular file"):
            author_files(project)


def test_what_cannot_be_read_or_named_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = _project(tmp_path, "src", {"src/acme/__init__.py": b"", "src/acme/locked.txt": b""})
    with monkeypatch.context() as patch:  # root may read everything
        patch.setattr(author_code.os, "access", lambda path, _: path.name != "locked.txt")
        with pytest.raises(ConfigError, match=r"src/acme/locked\.txt cannot be read: Permission"):
            author_files(project)
    (tmp_path / "src/acme" / os.fsdecode(b"\xff.txt")).write_bytes(b"")
    with pytest.raises(ConfigError, match="not UTF-8") as caught:
        author_files(project)
    caught.value.message.encode()


def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    orjson = Distribution(
        name="orjson",
        version="1",
        license=None,
        sha256=None,
        files=("orjson/__init__.py", "_native.abi3.so", "orjson-1.dist-info/METADATA"),
    )
    taken = {
        "json.py": "the standard library",
        "orjson.py": "the dependency orjson",
        "_native/__init__.py": "the dependency orjson",
        "falcokit.py": "falcokit",
    }
    for name, owner in taken.items():
        project = _project(tmp_path / name, "src", {f"src/{name}": b""})
        with pytest.raises(
            ConfigError, match=f"has the same name as a module of {owner}"
        ) as caught:
            refuse_clashes(project, author_files(project), [orjson])
        assert caught.value.message.startswith(f"src/{name}: ")
    project = _project(tmp_path, "src", {"src/ticker.py": b"", "src/acme/json.py": b""})
    refuse_clashes(project, author_files(project), [orjson])
