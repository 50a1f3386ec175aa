# SPDX-License-Identifier: Apache-2.0
"""Which shared objects of a distribution Python imports, and under which names.

A shared object is an extension module if it exports the symbol that Python looks for by its name;
others are libraries that modules are linked to.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from falcokit.package.link.binaries import Binary
from falcokit.package.link.elf import exported_symbols, read_elf

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from falcokit.package.python.python_runtime import PythonRuntime

__all__ = ["EXPORTS", "module_name", "split_shared_objects"]

#: Prefixes of the symbol that Python looks up in a module; 3.15 added the second (PEP 793).
EXPORTS = ("PyInit_", "PyModExport_")


def module_name(name: str, runtime: PythonRuntime) -> str | None:
    """Return the full name of the module in a file, or None if it is for another Python."""
    path = PurePosixPath(name)
    stem, dot, rest = path.name.partition(".")
    ours = dot + rest in runtime.suffixes
    if not ours or not all(part.isidentifier() for part in (*path.parent.parts, stem)):
        return None
    return ".".join((*path.parent.parts, stem))


def split_shared_objects(
    owner: str, files: Iterable[tuple[str, Path]], runtime: PythonRuntime
) -> tuple[list[Binary], list[tuple[Path, str]]]:
    """Return a distribution's extension modules, and its libraries with their owner."""
    modules: list[Binary] = []
    libraries: list[tuple[Path, str]] = []
    for name, path in files:
        if ".so" not in PurePosixPath(name).suffixes:
            continue
        facts = read_elf(path)
        if facts is None:
            continue  # a linker script, or another file with such a name
        module = module_name(name, runtime)
        last = (module or "").rpartition(".")[2]
        if module and {f"{start}{last}" for start in EXPORTS} & exported_symbols(path):
            modules.append(
                Binary(name=f"{module}.so", path=path, owner=owner, module=module, facts=facts)
            )
        else:
            libraries.append((path, owner))
    return modules, libraries
