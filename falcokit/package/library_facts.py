# SPDX-License-Identifier: Apache-2.0
"""What Falco would see in a plugin library of any language, and what it needs to be loaded.

Called by `falcokit inspect LIB.so` and, with an artifact, for the library inside. The library is
loaded by the runner, a child process, and nothing of it is run but its metadata functions.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from falcokit.errors import FalcokitError, NotAPluginError
from falcokit.native.runner_build import build_runner
from falcokit.package import glibc
from falcokit.package.carried import read_carried
from falcokit.package.elf import exported_symbols, read_elf
from falcokit.package.safe_tarfile import tarfile
from falcokit.reports import plugin_failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from falcokit.package.carried import Carried
    from falcokit.package.elf import ElfFacts

__all__ = ["LibraryFacts", "event_source", "library_facts"]

_ELF: Final = b"\x7fELF"
_SECONDS: Final = 30.0
#: What unpacks to more than this is no plugin: numpy, orjson and cryptography together are 100 MB.
_MAX_UNPACKED: Final = 4 << 30


@dataclass(frozen=True, kw_only=True)
class LibraryFacts:
    """One library, from outside."""

    path: Path
    size: int
    seen: dict[str, Any]
    """The runner's report `loaded`: what the metadata functions answer."""
    exports: tuple[str, ...]
    needed: tuple[str, ...]
    floor: glibc.Floor
    carried: Carried | None
    """What a packaged library has inside."""


def library_facts(file: Path) -> LibraryFacts:
    """Return what there is to know of a library, or of the one in an artifact.

    Raises:
        NotAPluginError: it is none that Falco would load.
        PackageError: the file is damaged.

    """
    with _library(file) as library:
        facts = read_elf(library)
        if facts is None:
            raise NotAPluginError(f"{file.name} is no shared library")
        carried = read_carried(library)
        return LibraryFacts(
            path=file,
            size=library.stat().st_size,
            seen=_metadata(library),
            exports=tuple(sorted(exported_symbols(library))),
            needed=facts.needed,
            floor=_floor(library, facts, carried),
            carried=carried,
        )


@contextlib.contextmanager
def _library(file: Path) -> Iterator[Path]:
    """Give the library itself, unpacked if it is in an artifact."""
    with file.open("rb") as stream:
        is_elf = stream.read(len(_ELF)) == _ELF
    if is_elf:
        yield file.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="falcokit-inspect-") as folder:
        try:
            with tarfile.open(file) as tar:
                if sum(member.size for member in tar) > _MAX_UNPACKED:
                    raise NotAPluginError(f"{file.name} unpacks to more than any plugin has")
                tar.extractall(folder, filter="data")
        except (tarfile.TarError, OSError, EOFError) as e:
            raise FalcokitError(f"{file.name} cannot be unpacked: {e}") from e
        found = sorted(Path(folder).glob("*.so"))
        if not found:
            raise NotAPluginError(f"there is no library in {file.name}")
        yield found[0]


def event_source(library: Path) -> dict[int, str]:
    """Return the plugin's ID and the name of its event source, nothing if it has none."""
    seen = _metadata(library.absolute())
    return {seen["plugin_id"]: seen["event_source"]} if seen["event_source"] else {}


def _metadata(library: Path) -> dict[str, Any]:
    try:
        done = subprocess.run(
            [str(build_runner()), "--plugin", str(library), "--info"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as e:
        raise NotAPluginError(
            f"{library.name} did not answer what it is within {_SECONDS:g} s",
            hint="a library must not work while it is loaded, nor in its metadata functions",
        ) from e
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    error = next((r for r in reports if r["report"] == "error"), None)
    failure = plugin_failure(error, done.returncode, library=library.name)
    if failure is not None:
        raise failure
    return next(report for report in reports if report["report"] == "loaded")


def _floor(library: Path, facts: ElfFacts, carried: Carried | None) -> glibc.Floor:
    """Return the floor of the library, of what it carries, and of its folder in the dir layout."""
    files = {library.name: facts}
    for folder in library.parent.glob("*.rt-*"):
        for file in sorted(folder.iterdir()):
            inner = read_elf(file)
            if inner is not None:
                files[file.name] = inner
    for name, data in carried.files(library) if carried else ():
        inner = read_elf(data)
        if inner is not None:
            files[name] = inner
    return glibc.floor(files)
