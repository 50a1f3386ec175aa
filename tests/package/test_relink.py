# SPDX-License-Identifier: Apache-2.0
"""A library beside extension modules that calls Python is linked to the artifact's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from falcokit.package.link.binaries import Binary
from falcokit.package.link.elf import read_elf, undefined_symbols
from falcokit.package.link.relink import MARK, relink
from falcokit.toolchain.command import run
from falcokit.toolchain.compiler import find_compiler

if TYPE_CHECKING:
    from pathlib import Path

LIBPYTHON = f"libpython3.11-{MARK}.so.1.0"


@pytest.mark.parametrize(
    ("code", "needed"),
    [
        ("extern void *PyExc_ValueError; void *value(void) { return PyExc_ValueError; }", True),
        ("extern double cos(double); double value(void) { return cos(1.0); }", False),
    ],
    ids=["python", "plain"],
)
def test_a_library_that_uses_python_needs_it(code: str, needed: bool, tmp_path: Path) -> None:
    source, library = tmp_path / "inner.c", tmp_path / "libinner.so.3"
    source.write_text(code)
    run([find_compiler().path, "-shared", "-fPIC", "-o", str(library), str(source)])
    facts = read_elf(library)
    assert facts is not None
    assert any(name.startswith("Py") for name in undefined_symbols(library)) is needed
    binary = Binary(name=library.name, path=library, owner="pyarrow", facts=facts)
    linked = relink(binary, libpython=LIBPYTHON, python_names=frozenset(), rpath=False)
    found = read_elf(linked)
    assert found is not None
    assert (LIBPYTHON in found.needed) is needed
