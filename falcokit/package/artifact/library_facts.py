# SPDX-License-Identifier: Apache-2.0
"""What Falco would see in a plugin library of any language, and what it needs to be loaded.

The library may come from anyone: it is read, and loaded only on request. Loading runs its
constructors and its metadata functions, in a child process with all rights of the user.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from falcokit.build.about import LibraryAbout, read_about
from falcokit.errors import FalcokitError, NotAPluginError
from falcokit.package.artifact.payload import read_carried
from falcokit.package.link import glibc
from falcokit.package.link.elf import exported_symbols, read_elf
from falcokit.package.safe_tarfile import tarfile
from falcokit.runner.program import build_runner
from falcokit.runner.reports import plugin_failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from falcokit.package.artifact.payload import Carried
    from falcokit.package.link.elf import ElfFacts

__all__ = ["LibraryFacts", "library_facts"]

_ELF: Final = b"\x7fELF"
_SECONDS: Final = 30.0
#: A larger library is not a plugin: numpy, orjson and cryptography together are 100 MB.
_MAX_UNPACKED: Final = 4 << 30
_REQUIRED: Final = (
    *("get_required_api_version", "get_version", "get_last_error", "get_name"),
    *("get_description", "get_contact", "init", "destroy"),
)
_SOURCING: Final = ("open", "close", "next_batch")
#: The framework's own rules: any of the first symbols requires the others.
_CAPABILITIES: Final = {
    "source": (_SOURCING, _SOURCING),
    "extract": (("extract_fields",), ("get_fields",)),
    "parse": (("parse_event",), ()),
    "async": (("set_async_event_handler",), ("get_async_events",)),
    "listen": (("capture_open",), ("capture_close",)),
}


@dataclass(frozen=True, kw_only=True)
class LibraryFacts:
    """One library as seen from outside."""

    path: Path
    size: int
    about: LibraryAbout | None
    """What its metadata functions answer, or what the file says; None if it says nothing."""
    is_loaded: bool
    """Whether the metadata functions have been asked."""
    capabilities: list[str]
    exports: tuple[str, ...]
    needed: tuple[str, ...]
    floor: glibc.Floor
    carried: Carried | None
    """What a packaged library has inside."""


def library_facts(file: Path, *, load: bool = False) -> LibraryFacts:
    """Return what is known about a library, or about the one in an artifact.

    None of its code runs without `load`.

    Raises:
        NotAPluginError: Falco would not load it.
        PackageError: the file is damaged.

    """
    with _library(file) as library:
        facts = read_elf(library)
        if facts is None:
            raise NotAPluginError(f"{file.name} is not a shared library")
        carried = read_carried(library)
        exports = exported_symbols(library)
        capabilities = _capabilities(file.name, exports)
        about = _ask(library) if load else read_about(library)
        if about is not None and load:
            capabilities = about.capabilities
        elif about is not None:
            about = msgspec.structs.replace(about, capabilities=capabilities)
        return LibraryFacts(
            path=file,
            size=library.stat().st_size,
            about=about,
            is_loaded=load,
            capabilities=capabilities,
            exports=tuple(sorted(exports)),
            needed=facts.needed,
            floor=_floor(library, facts, carried),
            carried=carried,
        )


@contextlib.contextmanager
def _library(file: Path) -> Iterator[Path]:
    """Yield the library itself, unpacked if it is in an artifact."""
    with file.open("rb") as stream:
        is_elf = stream.read(len(_ELF)) == _ELF
    if is_elf:
        yield file.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="falcokit-inspect-") as folder:
        try:
            with tarfile.open(file) as tar:
                unpacked = 0
                for member in tar:  # in its order: to go back is to decompress again
                    unpacked += member.size
                    if unpacked > _MAX_UNPACKED:
                        raise NotAPluginError(f"{file.name} unpacks to more than any plugin needs")
                    tar.extract(member, folder, filter="data")
        except (tarfile.TarError, OSError, EOFError) as e:
            raise FalcokitError(f"{file.name} cannot be unpacked: {e}") from e
        found = sorted(Path(folder).glob("*.so"))
        if not found:
            raise NotAPluginError(f"there is no library in {file.name}")
        yield found[0]


def _capabilities(name: str, exports: frozenset[str]) -> list[str]:
    """Return the capabilities of a library with these symbols."""

    def has(symbol: str) -> bool:
        return f"plugin_{symbol}" in exports

    missing = [symbol for symbol in _REQUIRED if not has(symbol)]
    if missing:
        raise NotAPluginError(
            f"{name} is not a plugin: it does not export plugin_{missing[0]}",
            hint="a plugin library exports the plugin_* functions of Falco's plugin API",
        )
    found = []
    for capability, (first, others) in _CAPABILITIES.items():
        there = [symbol for symbol in first if has(symbol)]
        lacks = [symbol for symbol in others if not has(symbol)]
        if there and lacks:
            raise NotAPluginError(
                f"{name} is broken: it exports plugin_{there[0]} without plugin_{lacks[0]}"
            )
        found += [capability] if there else []
    if not found:
        raise NotAPluginError(f"{name}: the plugin implements no capability")
    return found


def _ask(library: Path) -> LibraryAbout:
    """Return what the metadata functions answer, which the runner calls."""
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
            f"{library.name} did not return its metadata within {_SECONDS:g} s",
            hint="a library must return at once when it is loaded and from its metadata functions",
        ) from e
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    error = next((r for r in reports if r["report"] == "error"), None)
    failure = plugin_failure(error, done.returncode, library=library.name)
    if failure is not None:
        raise failure
    loaded = next(report for report in reports if report["report"] == "loaded")
    return msgspec.convert(loaded, LibraryAbout)


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
