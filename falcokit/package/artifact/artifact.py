# SPDX-License-Identifier: Apache-2.0
"""`falcokit package`: the artifact in dist/, checked and verified, with its digest and SBOM.

An artifact gets its final name only after it has passed.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from falcokit import __version__
from falcokit.errors import PackageError
from falcokit.package.artifact.archive import Entry, write_checksum, write_tar_gz, writing
from falcokit.package.artifact.assemble import PACKAGES_FOLDER, Assembly, assemble
from falcokit.package.artifact.checks import Problem, check_identity, check_library
from falcokit.package.artifact.rules import check_rule_names
from falcokit.package.artifact.sbom import sbom
from falcokit.package.artifact.verify import Verification, verify
from falcokit.package.link import glibc
from falcokit.package.link.binaries import SYSTEM_OWNER
from falcokit.package.link.system_packages import packages_of
from falcokit.package.python.python_runtime import PythonRuntime, find_runtime

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterator

    from falcokit.build.metadata import PluginMetadata
    from falcokit.package.link.glibc import Floor
    from falcokit.project.settings import Project

__all__ = ["Artifact", "PackageOptions", "make_artifact"]


@dataclass(frozen=True, kw_only=True)
class PackageOptions:
    """The options of the command line."""

    as_folder: bool = False
    runtime: str | None = None
    max_glibc: str | None = None
    verify: bool = True
    init_config: str | None = None
    open_params: str | None = None


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """A finished artifact, and what is reported about it."""

    path: Path
    sha256: str
    sbom: Path
    metadata: PluginMetadata
    runtime: PythonRuntime
    size: int
    """Size of the archive in bytes."""
    unpacked: int
    """Size of its content in bytes."""
    sizes: Counter[str]
    """Unpacked bytes by owner."""
    distributions: dict[str, str]
    in_folder: tuple[str, ...]
    """Distributions whose files need a real folder where the plugin runs."""
    libraries: tuple[str, ...]
    """Shared libraries copied from this system."""
    floor: Floor
    warnings: tuple[Problem, ...]
    verification: Verification | None
    seconds: float


def make_artifact(
    project: Project, options: PackageOptions, progress: Callable[[str], None]
) -> Artifact:
    """Package the project.

    Raises:
        FalcokitError: it cannot be packaged, or what was packaged does not hold.

    """
    started = time.monotonic()
    maximum = None if options.max_glibc is None else glibc.parse_version(options.max_glibc)
    runtime = find_runtime(options.runtime)
    with (
        _drafts(project.dist_dir) as drafts,
        tempfile.TemporaryDirectory(prefix="falcokit-package-") as folder,
    ):
        assembly = assemble(
            project, runtime, Path(folder), as_folder=options.as_folder, progress=progress
        )
        warnings = _check(assembly, project)
        floor = glibc.floor(assembly.facts)
        if maximum is not None:
            glibc.check_max(floor, maximum)
        meta = assembly.metadata
        name = f"{meta.name}-{meta.version}-linux-{runtime.machine}.tar.gz"
        draft = drafts / name
        entries = _entries(assembly)
        progress("compressing")
        write_tar_gz(draft, entries)
        verification = None
        if options.verify:
            progress("verifying")
            verification = verify(
                draft,
                meta,
                init_config=options.init_config,
                open_params=options.open_params,
                left_out=assembly.left_out,
            )
        digest = write_checksum(draft.with_name(f"{name}.sha256"), draft)
        document = _write_sbom(draft, digest, project, runtime, assembly)
        for file in sorted(drafts.iterdir()):
            file.replace(project.dist_dir / file.name)
        target = project.dist_dir / name
        return Artifact(
            path=target,
            sha256=digest,
            sbom=project.dist_dir / document.name,
            metadata=meta,
            runtime=runtime,
            size=target.stat().st_size,
            unpacked=sum(_size(entry) for entry in entries),
            sizes=assembly.sizes,
            distributions={d.name: d.version for d in assembly.dependencies.distributions},
            in_folder=assembly.in_folder,
            libraries=tuple(
                sorted(b.path.name for b in assembly.binaries if b.owner == SYSTEM_OWNER)
            ),
            floor=floor,
            warnings=(*warnings, *_missing(assembly), *_complaints(verification)),
            verification=verification,
            seconds=time.monotonic() - started,
        )


def _missing(assembly: Assembly) -> list[Problem]:
    return [
        Problem(
            severity="warning",
            sentence=f"{where}, which is not shipped: it fails when that line runs",
            hint="add it to project.dependencies of pyproject.toml",
        )
        for where in assembly.missing
    ]


def _complaints(seen: Verification | None) -> list[Problem]:
    """Return the plugin's logged errors as warnings: it may need something that its host lacks."""
    return [
        Problem(
            severity="warning",
            sentence=f"the plugin logged an error while it was verified: {text}",
            hint="make sure that the files and services it needs exist where Falco runs",
        )
        for text in (seen.complaints if seen else ())
    ]


@contextlib.contextmanager
def _drafts(dist: Path) -> Iterator[Path]:
    """Yield a folder inside `dist` for unfinished files: moving them out of it is a rename."""
    try:
        dist.mkdir(exist_ok=True)
        drafts = tempfile.TemporaryDirectory(dir=dist, prefix=".making-")
    except FileExistsError as e:
        raise PackageError(
            f"{dist} is a file, and artifacts go into a folder of that name", hint="move it away"
        ) from e
    except OSError as e:
        raise PackageError(
            f"the folder {dist} cannot be written to: {e.strerror}",
            hint="package from a project that you may write to",
        ) from e
    with drafts as folder:
        yield Path(folder)


def _check(assembly: Assembly, project: Project) -> list[Problem]:
    """Raise the first error, return the warnings."""
    inside = [item.name for item in assembly.payload.items]
    problems = [
        *check_identity(assembly.metadata, project),
        *check_library(assembly.library, assembly.metadata, inside=inside),
        *check_rule_names(project.root, assembly.metadata.name),
    ]
    for problem in problems:
        if problem.severity == "error":
            raise PackageError(problem.sentence, hint=problem.hint)
    return problems


def _entries(assembly: Assembly) -> list[Entry]:
    entries = [Entry(name=assembly.library.name, data=assembly.library)]
    if assembly.folder is not None:
        names = sorted(assembly.payload.items, key=lambda item: item.name)
        entries += [Entry(name=f"{assembly.folder}/{i.name}", data=i.data) for i in names]
        packages = assembly.library.parent / assembly.folder / PACKAGES_FOLDER
        entries += [
            Entry(name=f"{assembly.folder}/{PACKAGES_FOLDER}/{name}", data=packages / name)
            for name in assembly.packages
        ]
    return entries


def _size(entry: Entry) -> int:
    return len(entry.data) if isinstance(entry.data, bytes) else entry.data.stat().st_size


def _write_sbom(
    target: Path, digest: str, project: Project, runtime: PythonRuntime, assembly: Assembly
) -> Path:
    theirs = [b.path for b in assembly.binaries if b.owner == SYSTEM_OWNER]
    owners = packages_of(frozenset(theirs))
    text = sbom(
        name=assembly.metadata.name,
        version=assembly.metadata.version,
        contact=assembly.metadata.contact,
        license=project.license,
        artifact=target.name,
        sha256=digest,
        python_version=runtime.version,
        falcokit_version=__version__,
        distributions=assembly.dependencies.distributions,
        libraries=[(path.name, owners[path]) for path in theirs],
    )
    document = target.with_name(target.name.removesuffix(".tar.gz") + ".spdx.json")
    with writing(document) as file:
        file.write(text.encode())
    return document
