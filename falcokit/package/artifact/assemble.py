# SPDX-License-Identifier: Apache-2.0
"""Assembles the files of an artifact from a project: one library, or a library and a folder.

The order of the steps is here; each step has its own module.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import falcokit
from falcokit.build.build_project import describe_project
from falcokit.build.entry_library import entry_library
from falcokit.build.plugin_data import CarriedPayload, plugin_data
from falcokit.errors import PackageError, PluginDefinitionError
from falcokit.package.artifact.payload import PACKAGES, Item, carried_payload, make_payload
from falcokit.package.artifact.shared_objects import GLUE, collect_shared_objects, payload_items
from falcokit.package.dependencies.dependencies import install_dependencies
from falcokit.package.link.elf import read_elf
from falcokit.package.python.author_code import author_files, refuse_clashes
from falcokit.package.python.code import author_label, collect_code, packages_zip

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterable, Mapping

    from falcokit.build.metadata import PluginMetadata
    from falcokit.package.artifact.payload import Payload
    from falcokit.package.dependencies.dependencies import Dependencies
    from falcokit.package.link.binaries import Binary
    from falcokit.package.link.elf import ElfFacts
    from falcokit.package.python.code import Code
    from falcokit.package.python.python_runtime import PythonRuntime
    from falcokit.project.settings import Project

__all__ = ["PACKAGES_FOLDER", "Assembly", "assemble"]

_ARCHIVE: Final = "python.zip"
#: Of packages that need a folder, in the dir layout: as falcokit.runtime.host.unpacked reads it.
_MANIFEST: Final = "packages.json"
PACKAGES_FOLDER: Final = "packages"
_NOTHING_CARRIED: Final = CarriedPayload(items=(), glue=0, archive=0, folder=None)
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
    packages: dict[str, bytes]
    """Files of packages that need a folder."""
    in_folder: tuple[str, ...]
    """Whose they are."""
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
    items = payload_items(binaries, runtime, as_folder=as_folder)
    for binary, item in zip(binaries, items, strict=True):
        code.sizes[binary.owner] += len(item.data)
    if code.packages:
        items.append(_packages(code, as_folder=as_folder))
    items.append(Item(name=_ARCHIVE, data=code.archive))
    about = {
        "name": metadata.name,
        "version": metadata.version,
        "python": runtime.version,
        "distributions": {d.name: d.version for d in dependencies.distributions},
    }

    shape = {"target": project.plugin, "source_dir": author_label(project)}
    identity = plugin_data(metadata, **shape, glue=GLUE, payload=_NOTHING_CARRIED)
    payload = make_payload(items, about, extra=identity)
    folder = f"{metadata.name}.rt-{payload.key}" if as_folder else None
    if folder is not None:
        _write(payload, work / folder, code.packages)
    glue = next(number for number, binary in enumerate(binaries) if binary.name == GLUE)
    content = entry_library(
        metadata,
        **shape,
        glue=payload.items[glue].name,
        carried=carried_payload(payload, glue=glue, archive=len(items) - 1, folder=folder),
        payload=b"" if as_folder else payload.blob,
    )
    library = work / f"lib{metadata.name}.so"
    try:
        library.write_bytes(content)
    except OSError as e:
        raise _no_room(work, e.strerror) from e
    return Assembly(
        library=library,
        metadata=metadata,
        payload=payload,
        folder=folder,
        dependencies=dependencies,
        packages=code.packages,
        in_folder=code.in_folder,
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


def _packages(code: Code, *, as_folder: bool) -> Item:
    """Return the packages that need a folder; in the dir layout only what they must be."""
    module = PACKAGES + ", ".join(code.in_folder)
    if not as_folder:
        return Item(name="packages.zip", data=packages_zip(code.packages), module=module)
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in code.packages.items()}
    return Item(name=_MANIFEST, data=json.dumps(digests).encode(), module=module)


def _write(payload: Payload, folder: Path, packages: Mapping[str, bytes]) -> None:
    """Write the files of the dir layout."""
    try:
        folder.mkdir()
        for item in payload.items:
            (folder / item.name).write_bytes(item.data)
        for name, data in packages.items():
            file = folder / PACKAGES_FOLDER / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
    except OSError as e:
        raise _no_room(folder.parent, e.strerror) from e


def _no_room(work: Path, why: str | None) -> PackageError:
    return PackageError(
        f"the artifact cannot be made in {work.parent}: {why}",
        hint="set TMPDIR to a folder with free space",
    )


def _facts(library: Path, binaries: Iterable[Binary], payload: Payload) -> dict[str, ElfFacts]:
    files: list[tuple[str, Path | bytes]] = [(library.name, library)]
    files += [(b.shown, item.data) for b, item in zip(binaries, payload.items, strict=False)]
    return {name: facts for name, data in files if (facts := read_elf(data)) is not None}
