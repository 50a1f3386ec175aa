# SPDX-License-Identifier: Apache-2.0
"""Imports and calls go one way, from a room to those below it; and no files need each other."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import layers
import pytest

from falcokit.native import SOURCES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

PACKAGE = Path(__file__).parent.parent / "falcokit"
FILES = sorted(PACKAGE.rglob("*.py"))
HEADERS = ("# SPDX-License-Identifier: Apache-2.0", "from __future__ import annotations")


def name_of(file: Path) -> str:
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(file): file for file in FILES}


@functools.cache
def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text())


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
    tree = tree_of(file)
    for node in run_time_nodes(tree) if at_run_time else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def every_import(files: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    for file in files:
        for module in imports(file):
            yield file, module


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


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


@functools.cache
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


def test_the_runtime_knows_only_itself_the_stdlib_and_msgspec() -> None:
    shipped = {"runtime", "sources"}  # in an artifact
    runtime = [file for file in FILES if file.relative_to(PACKAGE).parts[0] in shipped]
    assert runtime
    for file, module in every_import(runtime):
        top = module.partition(".")[0]
        # annotationlib came with 3.14.
        allowed = top in {*sys.stdlib_module_names, "annotationlib", "msgspec"}
        # The generated glue module registers itself under a name of its own; cffi's backend is
        # what it needs first, and what a damaged artifact is told by.
        allowed = allowed or top == "_cffi_backend"
        allowed = allowed or within(module, "falcokit.runtime") or top.startswith("_falcokit")
        allowed = allowed or (within(module, "falcokit.sources") and "sources" in file.parts)
        assert allowed, (file, module)


def test_nothing_below_imports_the_command_line() -> None:
    above = [PACKAGE / "__main__.py", *(PACKAGE / "cli").rglob("*.py")]
    below = [file for file in FILES if file not in above]
    assert len(below) < len(FILES)
    for file, module in every_import(below):
        assert not within(module, "falcokit.cli"), (file, module)
        assert module.partition(".")[0] not in {"typer", "rich", "click"}, (file, module)


def test_importing_the_author_api_loads_no_tool() -> None:
    code = (
        "import sys, falcokit\n"
        "tools = {'typer', 'rich', 'cffi', 'watchdog', 'pytest'}\n"
        "sys.exit(str(sorted(tools & set(sys.modules))) if tools & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_file_opens_as_the_others_do() -> None:
    assert {str(file): wrong for file in FILES if (wrong := wrong_at_the_start(file))} == {}


def wrong_at_the_start(file: Path) -> str:
    text, tree = file.read_text(), tree_of(file)
    if not text.startswith(HEADERS[0] + "\n"):
        return "no licence"
    if not ast.get_docstring(tree):
        return "no module docstring"
    # msgspec evaluates the annotations of a Struct: that costs less where they are not texts.
    structs = "No annotations from __future__" in text
    defines = any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in tree.body)
    if defines and not structs and HEADERS[1] not in text:
        return "no annotations from __future__"
    named = (
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    )
    # A room's own file often has a docstring only.
    return "" if "__all__" in named or tree.body[1:] == [] else "no __all__"


# ---- C -------------------------------------------------------------------------------------------


def c_uses(objects: Mapping[Path, Path]) -> dict[str, set[str]]:
    """Each C file, and those whose functions and data it uses."""
    names = {str(made): file.relative_to(SOURCES).as_posix() for file, made in objects.items()}
    said = subprocess.run(["nm", "-A", *names], capture_output=True, text=True, check=True).stdout
    found = []
    for line in said.splitlines():
        made, _, rest = line.partition(":")
        mark, symbol = rest.split()[-2:]
        found.append((names[made], mark, symbol))
    owners = {symbol: file for file, mark, symbol in found if mark in "TDBRC"}
    uses: dict[str, set[str]] = {file: set() for file in names.values()}
    for file, mark, symbol in found:
        if mark == "U" and owners.get(symbol, file) != file:
            uses[file].add(owners[symbol])
    assert any(uses.values())
    return uses


@pytest.mark.parametrize(
    ("rooms", "objects"), [(layers.GLUE, "glue_objects"), (layers.RUNNER, "runner_objects")]
)
def test_c_calls_what_is_below_it_only(
    rooms: tuple[str, ...], objects: str, request: pytest.FixtureRequest
) -> None:
    uses = c_uses(request.getfixturevalue(objects))
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
