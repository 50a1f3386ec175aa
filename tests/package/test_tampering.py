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
from staging import Stage, folder_of, live

from falcokit.package.artifact.artifact import PackageOptions
from falcokit.package.artifact.payload import MAGIC, SECTION

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import CompileC, PackagePlugin

_HOSTS = Path(__file__).parent.parent / "hosts"

PLUGIN = """
    import ctypes, ssl  # each with a library of the system's

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


@pytest.fixture(params=["file", "folder"])
def untouched(request: pytest.FixtureRequest, package_plugin: PackagePlugin) -> Path:
    """A packaged plugin, of each layout."""
    options = PackageOptions(as_folder=request.param == "folder", verify=False)
    return package_plugin(PLUGIN, "tampered", options=options).library


@pytest.fixture
def changed(untouched: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return Path(shutil.copytree(untouched.parent, tmp_path / "changed")) / untouched.name


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_changed_byte_is_named_and_an_untouched_copy_runs_in_the_same_process(
    stage: Path, changed: Path, untouched: Path, kind: str
) -> None:
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
    stage: Path, changed: Path, kind: str
) -> None:
    flip(item(changed, kind))
    seen = []
    with Stage(stage) as host:
        for _ in range(12):
            assert host(f"load={changed}", "init").rc == 1
            seen.append(host("destroy", "unload"))
        host.settled(2)  # this one, and that which started Python
    assert seen[-1].fds == seen[1].fds
    assert seen[-1].rss_kb - seen[3].rss_kb < 1024


SPOILED: dict[str, tuple[Callable[[bytes], bytes | None], str]] = {
    "missing": (
        lambda _: None,
        "No such file or directory; the folder must be next to the library",
    ),
    "shorter": (lambda data: data[:-1], "was changed after it was built"),
    "longer": (lambda data: data + b"\0", "was changed after it was built"),
    "empty": (lambda _: b"", "was changed after it was built"),
}


@pytest.mark.parametrize("untouched", ["folder"], indirect=True)
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_the_files_of_the_folder_are_there_and_whole(
    stage: Path, changed: Path, untouched: Path, kind: str
) -> None:
    where = item(changed, kind)
    whole = where.file.read_bytes()
    with Stage(stage) as host:
        for how, (spoil, words) in SPOILED.items():
            where.file.unlink()
            spoiled = spoil(whole)
            if spoiled is not None:
                where.file.write_bytes(spoiled)
            answer = host(f"load={changed}", "init")
            assert answer.rc == 1, how
            assert words in answer.error, how
            assert where.name in answer.error, how
            assert host("destroy", "unload").rc == 0
            where.file.write_bytes(whole)
        live(host, changed)
        live(host, untouched)


@pytest.mark.parametrize("untouched", ["file"], indirect=True)
@pytest.mark.parametrize("left", [0.99, 0.5, 0.02])
def test_a_library_that_was_cut_short_does_not_take_the_host_along(
    stage: Path, changed: Path, untouched: Path, left: float
) -> None:
    with changed.open("r+b") as file:
        file.truncate(int(changed.stat().st_size * left))
    with Stage(stage) as host:
        assert host(f"load={changed}").rc == 0
        assert host("metadata").text.startswith("tampered|0.1.0|")
        answer = host("init")
        assert answer.rc == 1
        assert "the packaged plugin was changed after it was built" in answer.error
        assert host("destroy", "unload").rc == 0
        live(host, untouched)
