# SPDX-License-Identifier: Apache-2.0
"""Assembles the files of an artifact from a project: one library, or a library and a folder.

The order of the steps is here; each step has its own module.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

import falcokit
from falcokit.build.build_project import describe_project
from falcokit.build.entry_library import compile_entry, payload_object
from falcokit.build.entry_source import entry_c_source
from falcokit.errors import BuildError, PackageError, PluginDefinitionError
from falcokit.package.artifact.payload import Item, make_payload, payload_c
from falcokit.package.artifact.shared_objects import GLUE, collect_shared_objects, payload_items
from falcokit.package.dependencies.dependencies import install_dependencies
from falcokit.package.link.elf import read_elf
from falcokit.package.python.author_code import author_files, refuse_clashes
from falcokit.package.python.code import author_label, collect_code

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterable

    from falcokit.build.metadata import PluginMetadata
    from falcokit.package.artifact.payload import Payload
    from falcokit.package.dependencies.dependencies import Dependencies
    from falcokit.package.link.binaries import Binary
    from falcokit.package.link.elf import ElfFacts
    from falcokit.package.python.python_runtime import PythonRuntime
    from falcokit.project.settings import Project

__all__ = ["Assembly", "assemble"]

_ARCHIVE: Final = "python.zip"
#: describe runs in the shipped Python, with only what is shipped with it.
_DESCRIBE: Final = (
    "import runpy, sys; sys.path[1:1] = sys.argv[1:];"
    " runpy.run_module('falcokit.build.describe', run_name='__main__')"
)


@dataclass(frozen=True, kw_only=True)
class Assembly:
    """The files of an artifact, and what is known about them."""

    library: Path
    metadata: PluginMetadata
    payload: Payload
    folder: str | None
    """Name of the folder of the dir layout, next to the library."""
    dependencies: Dependencies
    missing: tuple[str, ...]
    """Where the author's functions import what is not shipped."""
    left_out: tuple[str, ...]
    """Modules of the standard library that are not shipped."""
    binaries: tuple[Binary, ...]
    facts: dict[str, ElfFacts]
    """Every shared object as it is shipped, by a readable name."""
    sizes: Counter[str]
    """Uncompressed bytes by owner."""


def assemble(
    project: Project,
    runtime: PythonRuntime,
    work: Path,
    *,
    as_folder: bool,
    progress: Callable[[str], None],
) -> Assembly:
    """Build the library in the folder `work`, and the files that go next to it.

    Raises:
        FalcokitError: what any of the steps raises.

    """
    author = author_files(project, tag=runtime.tag)
    dependencies = install_dependencies(project, runtime, progress=progress)
    refuse_clashes(project, author, dependencies.distributions)
    progress("compiling Python code")
    code = collect_code(project, runtime, dependencies, author)
    progress("importing the plugin")
    command = [str(runtime.python), "-I", "-S", "-c", _DESCRIBE, str(dependencies.folder)]
    command.append(str(_alone(work)))
    try:
        metadata = describe_project(project, command)
    except PluginDefinitionError as e:
        if e.hint is None and "ModuleNotFoundError" in e.message:
            e.hint = "only project.dependencies of pyproject.toml is shipped: is it in there?"
        raise
    progress("linking")
    binaries = collect_shared_objects(runtime, code.stdlib.extensions, dependencies, author)
    opener = payload_object()
    items = payload_items(binaries, runtime, as_folder=as_folder)
    for binary, item in zip(binaries, items, strict=True):
        code.sizes[binary.owner] += len(item.data)
    items.append(Item(name=_ARCHIVE, data=code.archive))
    about = {
        "name": metadata.name,
        "version": metadata.version,
        "python": runtime.version,
        "distributions": {d.name: d.version for d in dependencies.distributions},
    }

    def entry(glue: str, payload: str) -> str:
        return entry_c_source(
            metadata,
            target=project.plugin,
            source_dir=author_label(project),
            glue=glue,
            build=f"falcokit {version('falcokit')}",
            payload=payload,
        )

    payload = make_payload(items, about, extra=entry(GLUE, "").encode())
    folder = f"{metadata.name}.rt-{payload.key}" if as_folder else None
    blob = _write(payload, work, folder)
    glue = next(number for number, binary in enumerate(binaries) if binary.name == GLUE)
    text = entry(
        payload.items[glue].name,
        payload_c(payload, glue=glue, archive=len(items) - 1, folder=folder, blob=blob.name),
    )
    library = work / f"lib{metadata.name}.so"
    # Stripped: the symbol table names the temporary file that was compiled.
    flags = [str(opener), "-Wl,--strip-all", "-Wl,--build-id=sha1"]
    try:
        compile_entry(text, work / "plugin.c", library, flags)
    except OSError as e:
        raise _no_room(work, e.strerror) from e
    except BuildError as e:
        full = os.strerror(errno.ENOSPC)
        raise (_no_room(work, full) if full in e.output else e) from e
    return Assembly(
        library=library,
        metadata=metadata,
        payload=payload,
        folder=folder,
        dependencies=dependencies,
        missing=code.missing,
        left_out=code.stdlib.left_out,
        binaries=tuple(binaries),
        facts=_facts(library, binaries, payload),
        sizes=code.sizes,
    )


def _alone(work: Path) -> Path:
    """Return a folder that holds falcokit but not the packages installed next to it."""
    folder = work / "falcokit-alone"
    folder.mkdir()
    (folder / "falcokit").symlink_to(Path(falcokit.__file__).parent)
    return folder


def _write(payload: Payload, work: Path, folder: str | None) -> Path:
    """Write the section, or the files of the folder; return the section's file."""
    blob = work / "payload"
    try:
        if folder is None:
            blob.write_bytes(payload.blob)
        else:
            (work / folder).mkdir()
            for item in payload.items:
                (work / folder / item.name).write_bytes(item.data)
    except OSError as e:
        raise _no_room(work, e.strerror) from e
    return blob


def _no_room(work: Path, why: str | None) -> PackageError:
    return PackageError(
        f"the artifact cannot be made in {work.parent}: {why}",
        hint="set TMPDIR to a folder with free space",
    )


def _facts(library: Path, binaries: Iterable[Binary], payload: Payload) -> dict[str, ElfFacts]:
    files: list[tuple[str, Path | bytes]] = [(library.name, library)]
    files += [(b.shown, item.data) for b, item in zip(binaries, payload.items, strict=False)]
    return {name: facts for name, data in files if (facts := read_elf(data)) is not None}
