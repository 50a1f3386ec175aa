# SPDX-License-Identifier: Apache-2.0
"""What is refused and what is warned of before anything is published."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from plugin_metadata import from_json

from falcokit.errors import PackageError
from falcokit.package.artifact.checks import (
    Problem,
    check_identity,
    check_library,
    foreign_libraries,
)
from falcokit.package.link.elf import read_elf
from falcokit.project.settings import Project
from falcokit.toolchain.command import run
from falcokit.toolchain.compiler import find_compiler

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Baseline

    MakeLibrary = Callable[..., Path]

BASE = [
    *("get_required_api_version", "get_name", "get_description", "get_contact", "get_version"),
    *("get_last_error", "init", "destroy"),
]
ASYNC = ["get_async_events", "set_async_event_handler"]
META: dict[str, Any] = {
    "name": "load-watch",
    "version": "0.1.0",
    "capabilities": ["async"],
    "init_schema": None,
    "has_config": False,
    "has_metrics": False,
    "has_dump_state": False,
}
PROJECT = Project(root=Path("/p"), plugin="a:B", source_dir=Path("/p"))


@pytest.fixture(scope="module")
def make_library(tmp_path_factory: pytest.TempPathFactory) -> MakeLibrary:
    folder = tmp_path_factory.mktemp("checks")

    def make(name: str, functions: list[str], *flags: str, more: str = "") -> Path:
        source, library = folder / f"{name}.c", folder / f"lib{name}.so"
        text = "".join(f"int plugin_{f}(void) {{ return 0; }}\n" for f in functions)
        source.write_text(text + more)
        shape = ["-shared", "-fPIC", "-o", str(library), str(source), f"-L{folder}"]
        run([find_compiler().path, *shape, *flags])
        return library

    return make


@pytest.fixture(scope="module")
def good(make_library: MakeLibrary) -> Path:
    return make_library("good", [*BASE, *ASYNC], "-Wl,-rpath,$ORIGIN")


def sentences(problems: list[Problem], severity: str = "error") -> list[str]:
    assert all(p.severity == severity for p in problems), problems
    assert all(p.hint and p.sentence for p in problems)
    return [p.sentence for p in problems]


def test_a_sound_library_has_no_problems(good: Path) -> None:
    assert check_library(good, from_json(**META), inside=()) == []


def test_the_baseline_plugin_in_c_passes_but_for_its_helpers(baseline: Baseline) -> None:
    """A plugin that falcokit did not make, with every symbol its capabilities require."""
    meta = from_json(**{**META, "capabilities": ["source", "async"]})
    found = sentences(check_library(baseline.source, meta, inside=()))
    assert not [s for s in found if "does not export" in s]
    (missing,) = (
        s
        for s in sentences(check_library(baseline.async_only, meta, inside=()))
        if "plugin_next_batch" in s
    )
    assert missing == "libbaseline_async.so does not export plugin_next_batch"


@pytest.mark.parametrize("missing", [*BASE, *ASYNC])
def test_each_required_symbol_is_missed(missing: str, make_library: MakeLibrary) -> None:
    functions = [f for f in [*BASE, *ASYNC] if f != missing]
    library = make_library("incomplete", functions)
    found = sentences(check_library(library, from_json(**META), inside=()))
    assert found == [f"libincomplete.so does not export plugin_{missing}"]


@pytest.mark.parametrize(
    ("change", "symbol"),
    [
        ({"init_schema": {"type": "object"}}, "get_init_schema"),
        ({"has_config": True}, "set_config"),
        ({"has_metrics": True}, "get_metrics"),
        ({"has_dump_state": True}, "dump_state"),
        ({"capabilities": ["async", "parse"]}, "parse_event"),
        ({"capabilities": ["async", "extract"]}, "extract_fields"),
        ({"capabilities": ["async", "source"]}, "next_batch"),
        ({"capabilities": ["async", "listen"]}, "capture_open"),
        ({"has_list_open_params": True}, "list_open_params"),
        ({"has_event_to_string": True}, "event_to_string"),
    ],
)
def test_what_the_metadata_promises_must_be_exported(
    change: dict[str, Any], symbol: str, good: Path
) -> None:
    found = sentences(check_library(good, from_json(**{**META, **change}), inside=()))
    assert f"libgood.so does not export plugin_{symbol}" in found


def test_other_exports_are_refused(make_library: MakeLibrary) -> None:
    more = "void free_it(void) {} int Py_Main; void a(void) {} void b(void) {}"
    library = make_library("loud", [*BASE, *ASYNC], more=more)
    (found,) = sentences(check_library(library, from_json(**META), inside=()))
    assert found.startswith("libloud.so exports Py_Main, a, b and 1 more, which may hide")


def test_a_library_that_nobody_has_is_refused_unless_it_comes_along(
    make_library: MakeLibrary,
) -> None:
    make_library("helper", [], "-Wl,-soname,libhelper-1a2b.so.1")
    flags = ["-Wl,--no-as-needed", "-lhelper", "-lm", "-ldl", "-lpthread", "-lgcc_s"]
    library = make_library("needy", [*BASE, *ASYNC], *flags)
    (found,) = sentences(check_library(library, from_json(**META), inside=()))
    assert "needs libhelper-1a2b.so.1, which Falco's images do not have" in found
    assert check_library(library, from_json(**META), inside={"libhelper-1a2b.so.1"}) == []
    facts = read_elf(library)
    assert facts
    assert foreign_libraries(facts, ()) == ["libhelper-1a2b.so.1"]


@pytest.mark.parametrize("name", ["libc.so", "xlibc.so.6", "libc.so.6.1", "libpython3.11.so.1.0"])
def test_only_the_very_names_of_glibc_are_everywhere(name: str, good: Path) -> None:
    facts = read_elf(good)
    assert facts
    assert foreign_libraries(dataclasses.replace(facts, needed=(name,)), ()) == [name]


@pytest.mark.parametrize(
    "name", ["libc.so.6", "libresolv.so.2", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"]
)
def test_glibc_itself_is_everywhere(name: str, good: Path) -> None:
    facts = read_elf(good)
    assert facts
    assert foreign_libraries(dataclasses.replace(facts, needed=(name,)), ()) == []


def test_the_hosts_cxx_library_is_a_warning(make_library: MakeLibrary) -> None:
    library = make_library("cxx", [*BASE, *ASYNC], "-Wl,--no-as-needed", "-l:libstdc++.so.6")
    (found,) = sentences(check_library(library, from_json(**META), inside=()), "warning")
    assert "needs the host's libstdc++.so.6" in found
    assert check_library(library, from_json(**META), inside={"libstdc++.so.6"}) == []


@pytest.mark.parametrize("path", ["/opt/python/lib", "", ".", "$ORIGINAL", "$LIB"])
def test_a_folder_of_this_machine_in_the_rpath_is_refused(
    path: str, make_library: MakeLibrary
) -> None:
    library = make_library("fixed", [*BASE, *ASYNC], f"-Wl,-rpath,$ORIGIN:{path}:$ORIGIN/x")
    (found,) = sentences(check_library(library, from_json(**META), inside=()))
    assert f"looks for libraries in {path!r}, " in found


def test_an_executable_stack_is_refused(make_library: MakeLibrary) -> None:
    library = make_library("stack", [*BASE, *ASYNC], "-Wl,-z,execstack")
    (found,) = sentences(check_library(library, from_json(**META), inside=()))
    assert "executable stack" in found


def test_another_machine_is_refused(good: Path, tmp_path: Path) -> None:
    data = bytearray(good.read_bytes())
    data[18] = 243
    (tmp_path / "lib.so").write_bytes(data)
    (found,) = sentences(check_library(tmp_path / "lib.so", from_json(**META), inside=()))
    assert found == "lib.so is for EM_RISCV"


def test_a_text_is_no_library_and_a_damaged_one_an_error(good: Path, tmp_path: Path) -> None:
    file = tmp_path / "lib.so"
    file.write_text("#!/bin/sh\n")
    (found,) = sentences(check_library(file, from_json(**META), inside=()))
    assert found == "lib.so is not an ELF library"
    file.write_bytes(good.read_bytes()[:200])
    with pytest.raises(PackageError, match="damaged"):
        check_library(file, from_json(**META), inside=())


def identity(project: Project = PROJECT, **changes: Any) -> list[Problem]:
    return check_identity(from_json(**{**META, **changes}), project)


def test_a_sound_identity_has_no_problems() -> None:
    assert identity() == []
    assert identity(plugin_id=1073741824, event_source="my_source2") == []
    assert identity(plugin_id=None, event_source=None) == []
    assert identity(version="1.0.0-rc.1") == []


@pytest.mark.parametrize("name", ["Load", "1load", "-load", "load.watch", "lo ad", "", "load\n"])
def test_names_that_falcoctl_refuses_are_errors(name: str) -> None:
    (found,) = sentences(identity(name=name))
    assert "falcoctl accepts no artifact called" in found


@pytest.mark.parametrize("version", ["1.0.0+abc", "1.0", "v1.0.0", "01.0.0", "1.0.0-01", ""])
def test_versions_that_falcoctl_refuses_are_errors(version: str) -> None:
    (found,) = sentences(identity(version=version))
    assert "falcoctl accepts no" in found


def test_rules_in_a_name_are_warned_of() -> None:
    (found,) = sentences(identity(name="myrulesplugin"), "warning")
    assert "contains 'rules'" in found


def test_the_development_id_is_warned_of() -> None:
    (found,) = sentences(identity(plugin_id=999), "warning")
    assert "999" in found


@pytest.mark.parametrize("number", [-1, 2**31, 2**32])
def test_reserved_ids_are_errors(number: int) -> None:
    assert sentences(identity(plugin_id=number)) == [f"the plugin ID {number} is reserved"]


@pytest.mark.parametrize("number", [1, 1073741824, 2**31 - 1])
def test_all_other_ids_pass(number: int) -> None:
    assert identity(plugin_id=number) == []


@pytest.mark.parametrize("source", ["syscall", "internal", "plugins"])
def test_the_event_sources_of_falco_are_errors(source: str) -> None:
    assert sentences(identity(event_source=source)) == [
        f"the event source {source!r} belongs to Falco"
    ]


@pytest.mark.parametrize("source", ["My", "my-source", "1a", "a b"])
def test_odd_event_sources_are_warned_of(source: str) -> None:
    (found,) = sentences(identity(event_source=source), "warning")
    assert repr(source) in found


def test_a_project_that_says_something_else_is_warned_of() -> None:
    project = dataclasses.replace(PROJECT, name="other", version="0.2.0")
    name, version = sentences(identity(project), "warning")
    assert "name is 'load-watch', and pyproject.toml says 'other'" in name
    assert "version is '0.1.0', and pyproject.toml says '0.2.0'" in version


@pytest.mark.parametrize(
    ("name", "version"),
    [("load-watch", "0.1.0"), ("Load_Watch", "0.1"), (None, None)],
)
def test_other_spellings_of_the_same_are_no_difference(
    name: str | None, version: str | None
) -> None:
    assert identity(dataclasses.replace(PROJECT, name=name, version=version)) == []


def test_a_version_that_python_cannot_read_is_compared_as_text() -> None:
    project = dataclasses.replace(PROJECT, version="0.1.0-alpha-x")
    assert identity(project, version="0.1.0-alpha-x") == []
    assert len(identity(project)) == 1
