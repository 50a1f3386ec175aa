# SPDX-License-Identifier: Apache-2.0
"""A payload that was changed after the build: init says what, and the host lives on."""

from __future__ import annotations

import json
import shutil
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from elftools.elf.elffile import ELFFile
from placed import place, project
from staging import Stage, folder_of, live

from falcokit.package.artifact.payload import MAGIC, SECTION

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import CompileC

_HOSTS = Path(__file__).parent.parent / "hosts"

PLUGIN = """
    import ctypes, ssl  # each with a library of the system's

    from falcokit import AsyncEvents, Plugin, async_event

    class P(Plugin, AsyncEvents):
        contact = "tests@example.com"

        @async_event("tick", every=0.02)
        def tick(self) -> bytes:
            return b"packaged"
"""
KINDS = {
    "libpython": "libpython",
    "glue": "libfalcokit_glue",
    "archive": "python.zip",
    "extension module": "_cffi_backend.so",
    "extension module of the author's": "_ctypes.so",
    "system library": "libcrypto",
}


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the bytes of an item are."""

    name: str
    file: Path
    offset: int
    size: int


def item(library: Path, beginning: str) -> Place:
    """Find an item as tools do: in the list that begins the payload, or in the folder."""
    content = library.read_bytes()
    with library.open("rb") as opened:
        section = ELFFile(opened).get_section_by_name(SECTION)
    if section is None:
        (file,) = folder_of(library).glob(f"{beginning}*")
        return Place(name=file.name, file=file, offset=0, size=file.stat().st_size)
    start = section["sh_offset"]
    assert content[start : start + 8] == MAGIC
    (length,) = struct.unpack_from("<Q", content, start + 8)
    head: dict[str, Any] = json.loads(content[start + 16 : start + 16 + length])
    at = 16 + length
    for listed in head["items"]:
        at += -at % 64
        if listed["name"].startswith(beginning):
            name, size = listed["name"], listed["bytes"]
            return Place(name=name, file=library, offset=start + at, size=size)
        at += listed["bytes"]
    raise AssertionError(f"{library.name} has no {beginning}")


def flip(place: Place) -> None:
    """Change one byte in the middle of it."""
    with place.file.open("r+b") as file:
        file.seek(place.offset + place.size // 2)
        (byte,) = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte ^ 1]))


@pytest.fixture(scope="module")
def stage(compile_c: CompileC) -> Path:
    return compile_c(
        "stage", [_HOSTS / "stage.c", _HOSTS / "torture_host.c", _HOSTS / "torture_lies.c"]
    )


@pytest.fixture(scope="module", params=["file", "folder"])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tampered")
    author = project(root / "project", PLUGIN, "tampered")
    return place(author, root / "built", as_folder=request.param == "folder")


@pytest.fixture
def installed(built: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Copy the plugin into a folder."""

    def copy(folder: str) -> Path:
        return Path(shutil.copytree(built.parent, tmp_path / folder)) / built.name

    return copy


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_changed_byte_is_named_and_an_untouched_copy_runs_in_the_same_process(
    stage: Path, installed: Callable[[str], Path], kind: str
) -> None:
    changed, untouched = installed("changed"), installed("untouched")
    where = item(changed, kind)
    flip(where)
    with Stage(stage) as host:
        assert host(f"load={changed}").rc == 0
        for _ in range(2):
            answer = host("init")
            assert answer.rc == 1
            assert "the packaged plugin was changed after it was built" in answer.error
            assert where.name in answer.error
            assert str(changed.parent) not in answer.error
            assert host("destroy").rc == 0
        assert host("unload").rc == 0
        live(host, untouched)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_refused_plugin_leaves_no_file_open_and_no_memory(
    stage: Path, installed: Callable[[str], Path], kind: str
) -> None:
    changed = installed("changed")
    flip(item(changed, kind))
    seen = []
    with Stage(stage) as host:
        for _ in range(12):
            assert host(f"load={changed}", "init").rc == 1
            seen.append(host("destroy", "unload"))
        host.settled(2)  # this one, and that which started Python
    assert seen[-1].fds == seen[1].fds
    assert seen[-1].rss_kb - seen[3].rss_kb < 1024


@pytest.mark.parametrize("built", ["folder"], indirect=True)
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (Path.unlink, "No such file or directory; the folder must be next to the library"),
        (lambda file: file.write_bytes(file.read_bytes()[:-1]), "was changed after it was"),
        (
            lambda file: file.write_bytes(file.read_bytes() + b"\0"),
            "was changed after it was built",
        ),
        (lambda file: file.write_bytes(b""), "was changed after it was"),
    ],
    ids=["missing", "shorter", "longer", "empty"],
)
def test_the_files_of_the_folder_are_there_and_whole(
    stage: Path,
    installed: Callable[[str], Path],
    kind: str,
    spoil: Callable[[Path], None],
    words: str,
) -> None:
    library = installed("spoilt")
    where = item(library, kind)
    spoil(where.file)
    with Stage(stage) as host:
        answer = host(f"load={library}", "init")
        assert answer.rc == 1
        assert words in answer.error
        assert where.name in answer.error
        assert host("destroy", "unload").rc == 0
        live(host, installed("untouched"))


@pytest.mark.parametrize("built", ["file"], indirect=True)
@pytest.mark.parametrize("left", [0.99, 0.5, 0.02])
def test_a_library_that_was_cut_short_does_not_take_the_host_along(
    stage: Path, installed: Callable[[str], Path], left: float
) -> None:
    library = installed("cut")
    with library.open("r+b") as file:
        file.truncate(int(library.stat().st_size * left))
    with Stage(stage) as host:
        assert host(f"load={library}").rc == 0
        assert host("metadata").text.startswith("tampered|0.1.0|")
        answer = host("init")
        assert answer.rc == 1
        assert "the packaged plugin was changed after it was built" in answer.error
        assert host("destroy", "unload").rc == 0
        live(host, installed("untouched"))
