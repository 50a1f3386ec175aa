# SPDX-License-Identifier: Apache-2.0
"""The standard library's selection: it holds together, changes by name, and is documented."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest
from own_pythons import PYTHONS

from falcokit.errors import ConfigError
from falcokit.package.python.python_runtime import PythonRuntime, find_runtime
from falcokit.package.python.stdlib import LEFT_OUT, is_shipped_when_imported, stdlib_selection
from falcokit.project.settings import PackageSettings

pytestmark = pytest.mark.python

DOCS = Path(__file__).parents[2] / "docs" / "package-contents.md"
#: What a plugin that watches a service over the network is written with.
# fmt: off
WANTED = [
    "asyncio", "ssl", "ctypes", "http.client", "json", "logging.handlers", "urllib.request",
    "email.message", "xml.etree.ElementTree", "zoneinfo", "concurrent.futures.thread",
    "multiprocessing.pool", "hashlib", "decimal", "sysconfig", "importlib.metadata", "tomllib",
    "argparse", "smtplib",
]
# fmt: on


@pytest.fixture(scope="module")
def here() -> PythonRuntime:
    return find_runtime(None)


def _builtin(python: str, module: str) -> bool:
    code = f"import sys; sys.exit({module!r} not in sys.builtin_module_names)"
    return subprocess.run([python, "-I", "-c", code], check=False).returncode == 0


def _top_level_imports(source: bytes, version: tuple[int, int]) -> set[str]:
    """The absolute imports that run whenever the module is imported."""
    found: set[str] = set()
    for node in ast.parse(source, feature_version=version).body:
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.add(node.module)
    return found


def test_what_is_shipped_imports_nothing_that_is_left_out(here: PythonRuntime) -> None:
    chosen = stdlib_selection(here, PackageSettings())
    out = set(chosen.left_out)
    major, minor, _ = map(int, here.version.split("."))
    broken = {
        f"{name} imports {imported}"
        for name, path in chosen.pure.items()
        if name.endswith(".py") and not name.startswith("encodings/")  # an unknown encoding, then
        for imported in _top_level_imports(path.read_bytes(), (major, minor))
        if imported in out or imported.partition(".")[0] in out
    }
    assert not broken


@pytest.mark.parametrize("python", PYTHONS)
def test_what_a_plugin_needs_is_there_and_what_it_cannot_use_is_not(python: str) -> None:
    chosen = stdlib_selection(find_runtime(python), PackageSettings())
    for module in WANTED:
        path = module.replace(".", "/")
        assert f"{path}.py" in chosen.pure or f"{path}/__init__.py" in chosen.pure, module
    # Debian builds _asyncio into the libpython of 3.15.
    assert {"_ssl", "_ctypes"} <= chosen.extensions.keys()
    assert "_asyncio" in chosen.extensions or _builtin(python, "_asyncio")
    assert any(name.startswith("_sysconfigdata") for name in chosen.pure)
    tops = {name.partition("/")[0].removesuffix(".py") for name in chosen.pure}
    assert not tops & {"test", "tkinter", "idlelib", "site-packages", "lib-dynload", "__pycache__"}
    assert not tops & {"sitecustomize", "usercustomize"}
    assert not [name for name in chosen.extensions if name.startswith(("_test", "_xx", "xx"))]
    assert not [name for name in chosen.pure if "config-" in name or "/test/" in name]
    assert list(chosen.pure) == sorted(chosen.pure)
    assert all(path.is_file() for path in [*chosen.pure.values(), *chosen.extensions.values()])


def test_include_and_exclude_move_a_module_with_its_c_half(here: PythonRuntime) -> None:
    usual = stdlib_selection(here, PackageSettings())
    settings = PackageSettings(include=("curses", "sqlite3"), exclude=("xml", "zoneinfo", "a/b"))
    chosen = stdlib_selection(here, settings)
    added = chosen.pure.keys() - usual.pure.keys()
    removed = usual.pure.keys() - chosen.pure.keys()
    assert {name.partition("/")[0] for name in added} == {"curses", "sqlite3"}
    assert {name.partition("/")[0] for name in removed} == {"xml", "zoneinfo"}
    assert "_zoneinfo" in usual.extensions.keys() - chosen.extensions.keys()
    assert "sqlite3" not in chosen.left_out
    assert "xml" in chosen.left_out


def test_what_is_imported_is_shipped_if_it_can_work(here: PythonRuntime) -> None:
    usual = set(stdlib_selection(here, PackageSettings()).left_out)
    imported = {"sqlite3.dbapi2", "doctest", "tkinter.ttk", "asyncio.windows_utils"}
    wanted = {name for name in imported if is_shipped_when_imported(name)}
    assert wanted == {"sqlite3.dbapi2", "doctest"}
    chosen = stdlib_selection(here, PackageSettings(exclude=("doctest",)), imported=wanted)
    assert usual - set(chosen.left_out) == {"sqlite3", "_sqlite3"}


def test_a_dotted_name_leaves_the_rest_of_its_package(here: PythonRuntime) -> None:
    chosen = stdlib_selection(here, PackageSettings(exclude=("asyncio.staggered",)))
    assert "asyncio/staggered.py" not in chosen.pure
    assert "asyncio/base_events.py" in chosen.pure


def test_a_name_that_is_no_module_is_refused_and_one_that_must_stay_too(
    here: PythonRuntime,
) -> None:
    for key in ("include", "exclude"):
        with pytest.raises(ConfigError, match=f"{key}.*no module 'sqlite'"):
            stdlib_selection(here, PackageSettings(**{key: ("json", "sqlite")}))
    with pytest.raises(ConfigError, match="without 'encodings' no plugin starts"):
        stdlib_selection(here, PackageSettings(exclude=("encodings",)))
    for of_another_python in ("distutils", "tomllib", "_interpreters", "concurrent.interpreters"):
        stdlib_selection(here, PackageSettings(exclude=(of_another_python,)))


def test_the_documented_list_is_the_real_one() -> None:
    text = DOCS.read_text(encoding="utf-8")
    table = text[text.index("<!-- left-out -->") : text.index("<!-- /left-out -->")]
    documented = set()
    for row in re.findall(r"^\| (`.+?) \|", table, re.MULTILINE):
        documented.update(re.findall(r"`([\w.]+)`", row))
    assert documented == set(LEFT_OUT)
