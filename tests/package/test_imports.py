# SPDX-License-Identifier: Apache-2.0
"""What the code imports is in the artifact, or it is said before anything is packaged."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import pytest

from falcokit.errors import PackageError
from falcokit.package.dependencies.dependencies import Dependencies
from falcokit.package.dependencies.distributions import Distribution
from falcokit.package.python.author_code import author_files
from falcokit.package.python.code import Code, collect_code
from falcokit.package.python.python_runtime import find_runtime
from falcokit.project.scaffold import generate_project
from falcokit.project.settings import load_project

if TYPE_CHECKING:
    from pathlib import Path

USUAL = """
import json
try:
    import maybe
except ImportError:
    maybe = None

TYPE_CHECKING = False
if TYPE_CHECKING:
    import only_types


def later():
    import sqlite3
    import not_there
    from xmlrpc import client
"""


def collect(tmp_path: Path, code: str, *shipped: str) -> Code:
    root = generate_project("my-plugin", root=tmp_path / "p").root
    (root / "src" / "helper.py").write_text(code)
    folder = tmp_path / "site"
    for name in shipped:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    other = Distribution(name="other", version="1", files=shipped)
    dependencies = Dependencies(distributions=(other,), folder=folder, lock=folder / "lock")
    project = load_project(root)
    return collect_code(project, find_runtime(None), dependencies, author_files(project))


def names(code: Code) -> set[str]:
    return set(zipfile.ZipFile(io.BytesIO(code.archive)).namelist())


def test_what_functions_import_is_shipped_or_told(tmp_path: Path) -> None:
    code = collect(tmp_path, USUAL, "msgspec/__init__.py")
    assert {"sqlite3/__init__.pyc", "xmlrpc/client.pyc"} <= names(code)
    assert "_sqlite3" in code.stdlib.extensions
    assert "mailbox.pyc" not in names(code)
    assert code.missing == ("src/helper.py:15 imports not_there",)


def test_all_that_is_missing_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(PackageError) as told:
        collect(tmp_path, "import one\nfrom two import three\n", "msgspec/__init__.py")
    assert told.value.message == (
        "src/helper.py:1 imports one; src/helper.py:2 imports two: not shipped"
    )


def test_a_folder_with_only_a_shared_object_is_a_package(tmp_path: Path) -> None:
    shipped = ("msgspec/__init__.py", "google/_upb/_message.abi3.so")
    assert {"google/", "google/_upb/"} <= names(collect(tmp_path, "", *shipped))
