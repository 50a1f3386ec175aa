# SPDX-License-Identifier: Apache-2.0
"""Imports go one way: cli -> tool modules -> runtime -> the standard library and msgspec."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(__file__).parent.parent / "falcokit"
FILES = sorted(PACKAGE.rglob("*.py"))
HEADERS = ("# SPDX-License-Identifier: Apache-2.0", "from __future__ import annotations")


def name_of(file: Path) -> str:
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(file: Path) -> Iterator[str]:
    """Every module a file imports, inside functions and TYPE_CHECKING blocks too."""
    for node in ast.walk(ast.parse(file.read_text())):
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


@pytest.mark.parametrize(
    "file", [f for f in FILES if f.parent.name in {"capture", "native"}], ids=ids
)
def test_capture_and_native_do_not_import_the_supervisor_or_scaffold(file: Path) -> None:
    for module in imports(file):
        for upper in ("supervisor", "scaffold", "watch", "devstate"):
            assert not within(module, f"falcokit.{upper}"), module


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
    if any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in tree.body):
        assert HEADERS[1] in text
    assert any(
        isinstance(target, ast.Name) and target.id == "__all__"
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
    ), "no __all__"
