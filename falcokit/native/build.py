# SPDX-License-Identifier: Apache-2.0
"""`falcokit build`: from a project to `build/lib<name>.so`, compiling only what changed.

Called by the CLI and by `dev`. The class is described in a child process; when the C that follows
from it is the C that is there already, nothing is compiled: a change of the author's code alone
never is, because the library finds that code when it is loaded.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from falcokit.errors import PluginDefinitionError
from falcokit.native.cache import key_of
from falcokit.native.generate import entry_c_source
from falcokit.native.glue import build_glue
from falcokit.native.process import run
from falcokit.native.toolchain import find_compiler
from falcokit.reports import exit_status

if TYPE_CHECKING:
    from falcokit.project import Project

__all__ = ["BuildResult", "build", "describe_project"]

_SOURCES = Path(__file__).parent / "src"
_DESCRIBE_SECONDS = 60.0
_FLAGS = (
    *("-std=gnu11", "-D_GNU_SOURCE", "-O2", "-shared", "-fPIC", "-pthread"),
    *("-fvisibility=hidden", "-Wl,-z,now", "-Wl,--no-undefined"),
)


@dataclass(frozen=True, kw_only=True)
class BuildResult:
    """A built plugin: its library, whether anything was compiled, the seconds it took, metadata."""

    library: Path
    name: str
    compiled: bool
    seconds: float
    metadata: dict[str, Any]


@functools.cache
def _shared_key() -> str:
    """Hash what every entry library is made of: the shared C, the compiler."""
    files = sorted([*_SOURCES.glob("entry_*.c"), _SOURCES / "fk_abi.h",
                    _SOURCES.parent / "plugin_api.h"])  # fmt: skip
    compiler = find_compiler()
    return key_of([compiler.path, compiler.version, *_FLAGS, *(f.read_bytes() for f in files)])


def describe_project(project: Project) -> dict[str, Any]:
    """Return the metadata of the project's class, imported in a child process.

    Raises:
        PluginDefinitionError: it cannot be imported, or is no plugin; with file and line.

    """
    request = {
        "target": project.plugin,
        "source_dir": str(project.source_dir),
        "defaults": {
            "name": project.name,
            "version": project.version,
            "description": project.description,
            "contact": project.contact,
        },
    }
    # -P and -E: neither the working directory nor PYTHON* variables reach what is built.
    command = [sys.executable, "-P", "-E", "-m", "falcokit.native.describe"]
    try:
        done = subprocess.run(
            command,
            input=json.dumps(request),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_DESCRIBE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as e:
        raise PluginDefinitionError(
            f"importing {project.plugin} did not end within {_DESCRIBE_SECONDS:g} s",
            hint="a module must not do its work at import: that belongs into init or start_async",
            file=str(project.source_dir),
        ) from e
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError as e:
        said = done.stderr.strip().rpartition("\n")[2] or exit_status(done.returncode)
        raise PluginDefinitionError(
            f"importing {project.plugin} ended the process: {said}",
            hint="a module must not exit at import",
            file=str(project.source_dir),
        ) from e
    error = answer.get("error")
    if error:
        raise PluginDefinitionError(
            error["message"], hint=error.get("hint"), file=error["file"], line=error["line"]
        )
    return answer


def _compile(text: str, source: Path, library: Path) -> None:
    """Compile beside the target and move it there: a library in use is never written into.

    The source comes last: it tells the next build what the library was made of.
    """
    draft = source.with_name(f".{os.getpid()}.{source.name}")
    fresh = library.with_suffix(f".{os.getpid()}.tmp")
    try:
        draft.write_text(text)
        run(
            [
                find_compiler().path,
                *_FLAGS,
                *("-I", str(_SOURCES), "-I", str(_SOURCES.parent)),
                *(str(draft), "-o", str(fresh), "-ldl"),
            ]
        )
        fresh.replace(library)
        draft.replace(source)
    finally:
        fresh.unlink(missing_ok=True)
        draft.unlink(missing_ok=True)


def build(project: Project, *, sanitize: bool = False) -> BuildResult:
    """Build the project's library.

    `sanitize` takes a glue with AddressSanitizer, for falcokit's own tests.

    Raises:
        PluginDefinitionError: the class is wrong; with file and line.
        BuildError: the compiler failed.
        ToolMissingError: there is no compiler, or no shared libpython.

    """
    started = time.monotonic()
    meta = describe_project(project)
    glue = build_glue(sanitize=sanitize)
    project.build_dir.mkdir(parents=True, exist_ok=True)
    beside = project.build_dir / glue.name
    if not beside.is_file():
        temporary = beside.with_suffix(f".{os.getpid()}.tmp")
        shutil.copyfile(glue, temporary)
        temporary.replace(beside)
    text = entry_c_source(
        meta,
        target=project.plugin,
        source_dir=str(project.source_dir),
        glue=glue.name,
        build=f"falcokit ({_shared_key()})",
    )
    library = project.build_dir / f"lib{meta['name']}.so"
    source = project.build_dir / f"{meta['name']}.c"
    unchanged = library.is_file() and source.is_file() and source.read_text() == text
    if not unchanged:
        _compile(text, source, library)
    return BuildResult(
        library=library,
        name=meta["name"],
        compiled=not unchanged,
        seconds=time.monotonic() - started,
        metadata=meta,
    )
