# SPDX-License-Identifier: Apache-2.0
"""Imports and calls go one way, from a room to those below it; and no files need each other."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import layers
import pytest

from falcokit.native import PLUGIN_API, SOURCES
from falcokit.runner.program import runner_sources
from falcokit.toolchain.compiler import find_compiler

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

PACKAGE = Path(__file__).parent.parent / "falcokit"
FILES = sorted(PACKAGE.rglob("*.py"))
HEADERS = ("# SPDX-License-Identifier: Apache-2.0", "from __future__ import annotations")


def name_of(file: Path) -> str:
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(file): file for file in FILES}


def run_time_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those that only a type checker reads; inside functions too."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for branch in node.orelse:
                yield branch
                yield from run_time_nodes(branch)
            continue
        yield node
        yield from run_time_nodes(node)


def imports(file: Path, *, at_run_time: bool = False) -> Iterator[str]:
    tree = ast.parse(file.read_text())
    for node in run_time_nodes(tree) if at_run_time else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def ids(file: Path) -> str:
    return str(file.relative_to(PACKAGE))


def assert_no_circle(uses: Mapping[str, Iterable[str]]) -> None:
    try:
        TopologicalSorter(uses).prepare()
    except CycleError as e:
        pytest.fail(f"these need each other: {' <- '.join(e.args[1])}")


# ---- Python --------------------------------------------------------------------------------------

ROOMS = {
    f"falcokit.{room}": level
    for level, line in enumerate(layers.PYTHON.strip().splitlines())
    for room in line.split()
}


def room_of(module: str) -> str | None:
    return next((room for room in ROOMS if within(module, room)), None)


def python_uses() -> dict[str, set[str]]:
    """Each module of falcokit, and the modules of falcokit that it loads."""
    uses = {}
    for module, file in MODULES.items():
        found = {name for name in imports(file, at_run_time=True) if name in MODULES}
        # Of a package and a module in it, the module is what is meant.
        uses[module] = {
            name
            for name in found - {module}
            if not within(module, name)
            and not any(other != name and within(other, name) for other in found)
        }
    return uses


def test_modules_load_what_is_below_them_only() -> None:
    upward = []
    for module, used in python_uses().items():
        room = room_of(module)
        for other in sorted(used):
            below = room_of(other)
            if room is None or below is None:
                assert module in {"falcokit", "falcokit.capture"} or other == "falcokit", (
                    module,
                    other,
                )
            elif room != below and ROOMS[below] >= ROOMS[room]:
                upward.append(f"{module} -> {other}")
    assert upward == []


def test_no_modules_load_each_other() -> None:
    assert_no_circle(python_uses())


def test_every_room_is_in_the_table() -> None:
    packages = {
        name_of(file.parent / "__init__.py") for file in FILES if file.name == "__init__.py"
    }
    outer = {"falcokit", "falcokit.runtime", "falcokit.capture", "falcokit.package"}
    assert {package for package in packages if room_of(package) is None} == outer
    assert {room for room in ROOMS if room not in MODULES} == set()


@pytest.mark.parametrize(
    "file", [f for f in FILES if "runtime" in f.relative_to(PACKAGE).parts], ids=ids
)
def test_the_runtime_knows_only_itself_the_stdlib_and_msgspec(file: Path) -> None:
    for module in imports(file):
        top = module.partition(".")[0]
        # annotationlib came with 3.14.
        allowed = top in {*sys.stdlib_module_names, "annotationlib", "msgspec"}
        # The generated glue module registers itself under a name of its own; cffi's backend is
        # what it needs first, and what a damaged artifact is told by.
        allowed = allowed or top == "_cffi_backend"
        assert allowed or within(module, "falcokit.runtime") or top.startswith("_falcokit"), module


@pytest.mark.parametrize(
    "file", [f for f in FILES if "cli" not in f.relative_to(PACKAGE).parts], ids=ids
)
def test_nothing_below_imports_the_command_line(file: Path) -> None:
    if file.name == "__main__.py":
        return
    for module in imports(file):
        assert not within(module, "falcokit.cli"), module
        assert module.partition(".")[0] not in {"typer", "rich", "click"}, module


def test_importing_the_author_api_loads_no_tool() -> None:
    code = (
        "import sys, falcokit\n"
        "tools = {'typer', 'rich', 'cffi', 'watchdog', 'pytest'}\n"
        "sys.exit(str(sorted(tools & set(sys.modules))) if tools & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("file", FILES, ids=ids)
def test_every_file_opens_as_the_others_do(file: Path) -> None:
    text = file.read_text()
    tree = ast.parse(text)
    assert text.startswith(HEADERS[0] + "\n")
    assert ast.get_docstring(tree), "no module docstring"
    # msgspec evaluates the annotations of a Struct: that costs less where they are not texts.
    structs = "No annotations from __future__" in text
    if any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in tree.body) and not structs:
        assert HEADERS[1] in text
    # A room's own file often has a docstring only.
    assert tree.body[1:] == [] or any(
        isinstance(target, ast.Name) and target.id == "__all__"
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
    ), "no __all__"


# ---- C -------------------------------------------------------------------------------------------


def symbols(file: Path, folder: Path) -> tuple[set[str], set[str]]:
    """What a C file defines for others, and what it takes from them."""
    target = folder / f"{'-'.join(file.relative_to(SOURCES).parts)}.o"
    include = ["-I", SOURCES, "-I", PLUGIN_API.parent, "-I", sysconfig.get_path("include")]
    flags = ["-std=gnu11", "-D_GNU_SOURCE", "-fPIC", "-O0", "-c"]
    subprocess.run([find_compiler().path, *flags, *include, file, "-o", target], check=True)
    said = subprocess.run(["nm", target], capture_output=True, text=True, check=True).stdout
    marks = [line.split()[-2:] for line in said.splitlines()]
    return {name for mark, name in marks if mark in "TDBRC"}, {n for m, n in marks if m == "U"}


def c_uses(files: Iterable[Path], folder: Path) -> dict[str, set[str]]:
    """Each C file, and those whose functions and data it uses."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = dict(zip(files, pool.map(lambda file: symbols(file, folder), files), strict=True))
    names = {file: file.relative_to(SOURCES).as_posix() for file in found}
    owners = {symbol: names[file] for file, (defined, _) in found.items() for symbol in defined}
    return {
        names[file]: {owners[symbol] for symbol in used if symbol in owners} - {names[file]}
        for file, (_, used) in found.items()
    }


@pytest.mark.parametrize(
    ("rooms", "files"),
    [
        (layers.GLUE, [f for room in layers.GLUE for f in sorted((SOURCES / room).glob("*.c"))]),
        # What two files define is the runner's.
        (layers.RUNNER, [SOURCES / "testing" / "host.c", *runner_sources()]),
    ],
    ids=["glue", "runner"],
)
def test_c_calls_what_is_below_it_only(
    rooms: tuple[str, ...], files: list[Path], tmp_path: Path
) -> None:
    uses = c_uses(files, tmp_path)
    upward = []
    for file, used in uses.items():
        level = rooms.index(file.rpartition("/")[0])
        upward += [f"{file} -> {o}" for o in used if rooms.index(o.rpartition("/")[0]) > level]
    assert upward == []
    assert_no_circle(uses)


def test_headers_include_what_is_below_them_only() -> None:
    rooms = (*layers.GLUE, *(room for room in layers.RUNNER if room not in layers.GLUE))
    upward = []
    for room in rooms:
        for file in sorted((SOURCES / room).glob("*.[ch]")):
            for line in file.read_text().splitlines():
                if line.startswith('#include "'):
                    included = line.split('"')[1].rpartition("/")[0]
                    if included in rooms and rooms.index(included) > rooms.index(room):
                        upward.append(f"{room}/{file.name}: {line}")
    assert upward == []
