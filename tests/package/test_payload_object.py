# SPDX-License-Identifier: Apache-2.0
"""What opens a payload, compiled once: from which files, and what makes it another one."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from falcokit.build import entry_library as entry
from falcokit.toolchain import compiler as toolchain
from falcokit.toolchain.cache import cache_folder
from falcokit.toolchain.command import run
from falcokit.toolchain.compiler import find_compiler

if TYPE_CHECKING:
    from collections.abc import Iterator

NATIVE = entry.SOURCES.parent


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The C sources, copied to where they can be changed; nothing is compiled."""
    folder = tmp_path / "native"
    folder.mkdir()
    shutil.copytree(NATIVE / "src", folder / "src", ignore=shutil.ignore_patterns("runner"))
    shutil.copy(NATIVE / "plugin_api.h", folder)
    monkeypatch.setattr(entry, "SOURCES", folder / "src")
    monkeypatch.setattr(entry, "PLUGIN_API", folder / "plugin_api.h")
    monkeypatch.setattr(entry, "cached", lambda _name, key, _make: Path(f"/{key}"))
    return folder


def what_is_read(folder: Path) -> Iterator[Path]:
    """Yield the files of falcokit's that the compiler reads for the object."""
    source = str(folder / "src" / "entry/payload_parts.c")
    flags = ["-std=gnu11", "-include", "abi/old_glibc.h", f"-I{folder}/src", f"-I{folder}"]
    told = run([find_compiler().path, *flags, "-MM", source]).replace("\\\n", " ")
    yield from map(Path, told.partition(":")[2].split())


def test_it_is_made_once_and_holds_no_place_of_this_machine() -> None:
    made = entry.payload_object()
    facts = made.stat()
    assert entry.payload_object() == made
    assert made.stat() == facts
    data = made.read_bytes()
    for place in (NATIVE, Path.home(), cache_folder(), ".making-"):
        assert str(place).encode() not in data
    defined = run(["nm", "--defined-only", "--extern-only", str(made)])
    assert {"fk_store_open", "fk_sha256_add"} <= set(defined.split())


def test_every_file_that_is_compiled_makes_it_another(copied: Path) -> None:
    files = list(what_is_read(copied))
    names = {file.relative_to(copied / "src").as_posix() for file in files}
    assert {
        "entry/payload_parts.c",
        "payload/store.c",
        "payload/store.h",
        "memory/sha256.c",
    } < names
    keys = {entry.payload_object()}
    for file in files:
        assert file.is_relative_to(copied)
        file.write_text(f"{file.read_text()}\n")
        keys.add(entry.payload_object())
    assert len(keys) == len(files) + 1


def test_what_belongs_to_the_plugin_does_not(copied: Path) -> None:
    before = entry.payload_object()
    file = copied / "src" / "entry/base.c"
    file.write_text(f"{file.read_text()}\n")
    assert entry.payload_object() == before


def test_flags_and_compiler_make_it_another(
    copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def another(name: str, value: Any) -> Path:
        with monkeypatch.context() as patch:
            patch.setattr(name, value)
            return entry.payload_object()

    compiler = tmp_path / "cc"
    compiler.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && echo newer || exec {find_compiler().path} "$@"\n'
    )
    compiler.chmod(0o755)
    keys = {
        entry.payload_object(),
        another("falcokit.build.entry_library._FLAGS", (*entry._FLAGS, "-O3")),
        another("falcokit.build.entry_library.sysconfig.get_platform", lambda: "another"),
    }
    monkeypatch.setenv("CC", str(compiler))
    keys.add(entry.payload_object())
    compiler.write_text(compiler.read_text().replace("newer", "newest"))
    toolchain._asked.cache_clear()
    keys.add(entry.payload_object())
    assert len(keys) == 5
