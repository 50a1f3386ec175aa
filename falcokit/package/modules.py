# SPDX-License-Identifier: Apache-2.0
"""Which shared objects of a distribution Python imports, and under which names.

Called by `assemble`. A shared object is an extension module if it exports the function that Python
calls for its name; others are libraries that modules are linked to.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from falcokit.package.binaries import Binary
from falcokit.package.elf import exported_symbols, read_elf

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from falcokit.package.python_runtime import PythonRuntime

__all__ = ["module_name", "split_shared_objects"]


def module_name(name: str, runtime: PythonRuntime) -> str | None:
    """Return the full name of the module that a file would be, None for another Python's."""
    path = PurePosixPath(name)
    stem, dot, rest = path.name.partition(".")
    cpython = f"cpython-{runtime.tag.removeprefix('cp')}-"
    ours = rest in {"so", "abi3.so"} or (rest.startswith(cpython) and rest.endswith(".so"))
    if not dot or not ours or not all(part.isidentifier() for part in (*path.parent.parts, stem)):
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
            continue  # a linker script, or a file that only has the name
        module = module_name(name, runtime)
        last = (module or "").rpartition(".")[2]
        if module and f"PyInit_{last}" in exported_symbols(path):
            modules.append(
                Binary(name=f"{module}.so", path=path, owner=owner, module=module, facts=facts)
            )
        else:
            libraries.append((path, owner))
    return modules, libraries
