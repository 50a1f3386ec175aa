# SPDX-License-Identifier: Apache-2.0
"""`falcokit build`: from a project to `build/lib<name>.so`, compiling only what changed.

The class is described in a child process, and the entry library filled with what follows from it;
that takes no compiler. The library is written only where it differs: a change of the author's code
alone changes nothing in it, because it finds that code when it is loaded.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from falcokit.build.entry_library import blank_entry, entry_library
from falcokit.build.glue_library import build_glue
from falcokit.build.metadata import Answer, Defaults, Failure, Request
from falcokit.errors import PluginDefinitionError, system_error
from falcokit.runner.reports import exit_status
from falcokit.toolchain.cache import replacing, telling
from falcokit.toolchain.command import run_captured
from falcokit.toolchain.compiler import find_libpython

if TYPE_CHECKING:
    from pathlib import Path

    from falcokit.build.metadata import PluginMetadata
    from falcokit.project.settings import Project

__all__ = ["BuildResult", "build", "describe_project"]

_DESCRIBE_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class BuildResult:
    """A built plugin: its library, whether a compiler ran, the seconds it took, metadata."""

    library: Path
    name: str
    compiled: bool
    seconds: float
    metadata: PluginMetadata


def describe_project(
    project: Project, command: list[str] | None = None, *, seconds: float = _DESCRIBE_SECONDS
) -> PluginMetadata:
    """Return the metadata of the project's class, imported in a child process.

    `command` runs `falcokit.build.describe` in another Python than this one; `seconds` bounds it.

    Raises:
        PluginDefinitionError: it cannot be imported, or is not a plugin; with file and line.

    """
    request = Request(
        target=project.plugin,
        source_dir=str(project.source_dir),
        defaults=Defaults(
            name=project.name,
            version=project.version,
            description=project.description,
            contact=project.contact,
        ),
    )
    # -P and -E: neither the working directory nor PYTHON* variables reach what is built.
    command = command or [sys.executable, "-P", "-E", "-m", "falcokit.build.describe"]
    try:
        done = run_captured(
            command,
            text=json.dumps(msgspec.to_builtins(request)),
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as e:
        raise PluginDefinitionError(
            f"importing {project.plugin} did not end within {seconds:g} s",
            hint="a module must not do its work at import: that belongs into init or start_async",
            file=str(project.source_dir),
        ) from e
    try:
        answer: Answer = msgspec.convert(json.loads(done.stdout), Answer)
    except msgspec.ValidationError as e:
        raise PluginDefinitionError(
            f"describing {project.plugin} gave no metadata: {e}",
            hint="the Python that imported it has another version of falcokit, or of msgspec",
            file=str(project.source_dir),
        ) from e
    except ValueError as e:
        said = done.stderr.strip().rpartition("\n")[2] or exit_status(done.returncode)
        raise PluginDefinitionError(
            f"importing {project.plugin} ended the process: {said}",
            hint="a module must not exit at import",
            file=str(project.source_dir),
        ) from e
    if isinstance(answer, Failure):
        raise PluginDefinitionError(
            answer.message, hint=answer.hint, file=answer.file, line=answer.line
        )
    return answer.metadata


def build(project: Project, *, sanitize: bool = False) -> BuildResult:
    """Build the project's library.

    `sanitize` takes a glue with two sanitizers, for falcokit's own tests.

    Raises:
        PluginDefinitionError: the class is wrong; with file and line.
        BuildError: the compiler failed.
        ToolMissingError: there is no compiler, or no shared libpython.
        FalcokitError: the system refuses: a full disk, a read-only folder.

    """
    try:
        return _build(project, sanitize=sanitize)
    except OSError as e:
        raise system_error(e, "the plugin cannot be built") from e


def _build(project: Project, *, sanitize: bool) -> BuildResult:
    started = time.monotonic()
    meta = describe_project(project)
    compiled: list[str] = []
    with telling(compiled.append):
        glue = build_glue(sanitize=sanitize)
        blank_entry()
    project.build_dir.mkdir(parents=True, exist_ok=True)
    beside = project.build_dir / glue.name
    if not beside.is_file():
        with replacing(beside) as draft:
            shutil.copyfile(glue, draft)
    content = entry_library(
        meta,
        target=project.plugin,
        source_dir=str(project.source_dir),
        glue=glue.name,
        libpython=str(find_libpython().path),
    )
    library = project.build_dir / f"lib{meta.name}.so"
    if not library.is_file() or library.read_bytes() != content:
        with replacing(library) as draft:
            draft.write_bytes(content)
    return BuildResult(
        library=library,
        name=meta.name,
        compiled=bool(compiled),
        seconds=time.monotonic() - started,
        metadata=meta,
    )
