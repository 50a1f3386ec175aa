# SPDX-License-Identifier: Apache-2.0
"""All shared objects of an artifact, collected, relinked, and put into the order of the payload.

These are libpython, the glue, extension modules of the standard library, the dependencies and the
author, and the libraries that these need.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from falcokit.build.glue_library import build_glue
from falcokit.errors import PackageError
from falcokit.package.artifact.payload import Item
from falcokit.package.link.binaries import Binary, close_over_needs, system_folders
from falcokit.package.link.elf import exported_symbols, read_elf
from falcokit.package.link.relink import MARK, marked, relink
from falcokit.package.python.author_code import EXPORTS
from falcokit.toolchain.compiler import PythonLibrary

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from falcokit.package.dependencies.dependencies import Dependencies
    from falcokit.package.python.author_code import AuthorFiles
    from falcokit.package.python.python_runtime import PythonRuntime

__all__ = [
    "GLUE",
    "collect_shared_objects",
    "payload_items",
]

GLUE: Final = f"libfalcokit_glue-{MARK}.so"


def collect_shared_objects(
    runtime: PythonRuntime,
    extensions: Mapping[str, Path],
    dependencies: Dependencies,
    author: AuthorFiles,
) -> list[Binary]:
    """Return everything that is linked, libraries before what needs them.

    Raises:
        PackageError: something is missing, damaged, or cannot be moved to another place.

    """
    library = PythonLibrary(path=runtime.libpython, include=runtime.include)
    modules = [_binary("Python", path, module=name) for name, path in extensions.items()]
    modules += [
        _binary("the plugin", path, module=name) for name, path in author.extensions.items()
    ]
    bundled: list[tuple[Path, str]] = []
    for distribution in dependencies.distributions:
        files = [(name, dependencies.folder / name) for name in distribution.files]
        found, others = _split(distribution.name, files, runtime)
        modules += found
        bundled += others
    binaries = [
        _binary("Python", runtime.libpython, name=_libpython(runtime)),
        _binary("falcokit", build_glue(library), name=GLUE),
        *modules,
    ]
    libraries = close_over_needs(
        binaries,
        libraries=bundled,
        python_names=_python_names(runtime),
        folders=[runtime.libpython.parent, *system_folders(runtime.machine)],
        machine=runtime.machine,
    )
    return [*libraries, *binaries]


def payload_items(
    binaries: Sequence[Binary], runtime: PythonRuntime, *, as_folder: bool
) -> list[Item]:
    """Return the items of the payload for `binaries`, in the same order."""
    at = {id(binary): number for number, binary in enumerate(binaries)}
    python = next(n for n, b in enumerate(binaries) if b.name == _libpython(runtime))
    items = []
    for binary in binaries:
        file = relink(
            binary,
            libpython=_libpython(runtime),
            python_names=_python_names(runtime),
            rpath=as_folder,
        )
        needs = {at[id(need)] for need in binary.needs}
        if binary.name == GLUE:
            needs.add(python)
        plain = binary.module is not None or MARK in binary.name
        items.append(
            Item(
                name=binary.name if plain else marked(binary.name),
                data=file.read_bytes(),
                module=binary.module,
                needs=tuple(sorted(needs)),
            )
        )
    return items


def _binary(
    owner: str, path: Path, *, name: str | None = None, module: str | None = None
) -> Binary:
    facts = read_elf(path)
    if facts is None:
        raise PackageError(
            f"{path.name} of {owner} is not a shared object", hint="build it again, or leave it out"
        )
    return Binary(name=name or f"{module}.so", path=path, owner=owner, module=module, facts=facts)


def _module_name(name: str, runtime: PythonRuntime) -> str | None:
    """Return the full name of the module in a file, or None if it is for another Python."""
    path = PurePosixPath(name)
    stem, dot, rest = path.name.partition(".")
    ours = dot + rest in runtime.suffixes
    if not ours or not all(part.isidentifier() for part in (*path.parent.parts, stem)):
        return None
    return ".".join((*path.parent.parts, stem))


def _split(
    owner: str, files: Iterable[tuple[str, Path]], runtime: PythonRuntime
) -> tuple[list[Binary], list[tuple[Path, str]]]:
    """Return a distribution's extension modules, and its libraries with their owner.

    A shared object is an extension module if it exports the symbol that Python looks for by its
    name; others are libraries that modules are linked to.
    """
    modules: list[Binary] = []
    libraries: list[tuple[Path, str]] = []
    for name, path in files:
        if ".so" not in PurePosixPath(name).suffixes:
            continue
        facts = read_elf(path)
        if facts is None:
            continue  # a linker script, or another file with such a name
        module = _module_name(name, runtime)
        last = (module or "").rpartition(".")[2]
        if module and {f"{start}{last}" for start in EXPORTS} & exported_symbols(path):
            modules.append(
                Binary(name=f"{module}.so", path=path, owner=owner, module=module, facts=facts)
            )
        else:
            libraries.append((path, owner))
    return modules, libraries


def _short(runtime: PythonRuntime) -> str:
    return ".".join(runtime.version.split(".")[:2])


def _libpython(runtime: PythonRuntime) -> str:
    return f"libpython{_short(runtime)}-{MARK}.so.1.0"


def _python_names(runtime: PythonRuntime) -> frozenset[str]:
    """Return every name under which a file may be linked to a libpython of this version."""
    own = f"libpython{_short(runtime)}.so"
    return frozenset({runtime.libpython.name, own, f"{own}.1", f"{own}.1.0", "libpython3.so"})
