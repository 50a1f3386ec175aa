# SPDX-License-Identifier: Apache-2.0
"""Checks a finished library and a plugin's identity before they are published.

An error is what Falco, falcoctl or the loader would refuse on another machine; a warning is what
will cause trouble later. Nothing is loaded or run here: `verify` does that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from falcokit.errors import PackageError
from falcokit.package.artifact.names import check_artifact_name, check_version
from falcokit.package.link.binaries import PROVIDED_BY_HOST
from falcokit.package.link.elf import exported_symbols, read_elf

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from falcokit.build.metadata import PluginMetadata, SourceMetadata
    from falcokit.package.link.elf import ElfFacts
    from falcokit.project.settings import Project

__all__ = ["Problem", "check_identity", "check_library", "foreign_libraries"]

_CXX: Final = "libstdc++.so.6"
#: Symbols of the linker; older linkers export them from every library.
_LINKER: Final = frozenset({"_init", "_fini", "_end", "_edata", "__bss_start", "_start"})
_BASE: Final = (
    *("get_required_api_version", "get_name", "get_description", "get_contact", "get_version"),
    *("get_last_error", "init", "destroy"),
)
_CAPABILITIES: Final = {
    "source": ("get_id", "get_event_source", "open", "close", "next_batch"),
    "extract": ("get_fields", "extract_fields"),
    "parse": ("parse_event",),
    "async": ("get_async_events", "set_async_event_handler"),
    "listen": ("capture_open", "capture_close"),
}
_SOURCE: Final = re.compile(r"[a-z]+[a-z0-9_]*")
_RESERVED_SOURCES: Final = frozenset({"syscall", "internal", "plugins"})
_DEVELOPMENT_ID = 999
_LAST_ID = 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One finding: whether it stops the packaging, what is wrong, and what to do."""

    severity: Literal["error", "warning"]
    sentence: str
    hint: str


def check_library(
    path: Path, metadata: PluginMetadata, *, inside: Collection[str]
) -> list[Problem]:
    """Check a finished library; `inside` are the names of the libraries shipped with it.

    Raises:
        PackageError: the file is damaged, or cannot be read.

    """
    facts = read_elf(path)
    if facts is None:
        return [_error(f"{path.name} is not an ELF library", "build it for Linux")]
    return [
        *_check_symbols(path, metadata),
        *_check_needed(path.name, facts, inside),
        *_check_flags(path.name, facts),
    ]


def foreign_libraries(facts: ElfFacts, inside: Collection[str]) -> list[str]:
    """Return the needed libraries that are neither shipped with it nor part of every Linux."""
    return [name for name in facts.needed if name not in {*inside, *PROVIDED_BY_HOST}]


def check_identity(metadata: PluginMetadata, project: Project) -> list[Problem]:
    """Check name, version, ID and event source against the rules of falcoctl and the registry."""
    name, version = metadata.name, metadata.version
    found = []
    for check, value in ((check_artifact_name, name), (check_version, version)):
        try:
            check(value)
        except PackageError as e:
            found.append(_error(e.message, e.hint or ""))
    if "rules" in name:
        found.append(
            _warning(
                f"the name {name!r} contains 'rules': Falco's plugin registry treats its artifacts"
                " as rules files and does not publish them",
                "choose a name without 'rules'",
            )
        )
    if project.name and canonicalize_name(project.name) != canonicalize_name(name):
        found.append(_differs("name", name, project.name))
    if project.version and not _same_version(project.version, version):
        found.append(_differs("version", version, project.version))
    return [*found, *_check_source(metadata.source)]


def _check_source(metadata: SourceMetadata | None) -> list[Problem]:
    if metadata is None:
        return []
    source, number = metadata.event_source, metadata.plugin_id
    found = []
    if number == _DEVELOPMENT_ID:
        found.append(
            _warning(
                f"the plugin ID is {_DEVELOPMENT_ID}, which every plugin under development has:"
                " captures of two such plugins cannot be distinguished",
                "choose one from 1073741824 to 2147483647, or request a public one at"
                " github.com/falcosecurity/plugins",
            )
        )
    elif (number or source) and not 0 < number <= _LAST_ID:
        found.append(
            _error(f"the plugin ID {number} is reserved", f"an ID is one of 1 to {_LAST_ID}")
        )
    if source in _RESERVED_SOURCES:
        found.append(_error(f"the event source {source!r} belongs to Falco", "choose another name"))
    elif source and not _SOURCE.fullmatch(source):
        found.append(
            _warning(
                f"Falco's plugin registry accepts no event source called {source!r}",
                "start with a lowercase letter, then lowercase letters, digits and _: my_source",
            )
        )
    return found


def _check_symbols(path: Path, metadata: PluginMetadata) -> list[Problem]:
    exported = exported_symbols(path)
    source = metadata.source
    hooks = {
        "get_init_schema": metadata.init_schema,
        "set_config": metadata.has_config,
        "get_metrics": metadata.has_metrics,
        "dump_state": metadata.async_event.has_dump_state,
        "list_open_params": source and source.has_list_open_params,
        "event_to_string": source and source.has_event_to_string,
    }
    wanted = [
        *_BASE,
        *(name for capability in metadata.capabilities for name in _CAPABILITIES[capability]),
        *(name for name, is_there in hooks.items() if is_there),
    ]
    found = [
        _error(f"{path.name} does not export plugin_{name}", "this is a bug in falcokit")
        for name in wanted
        if f"plugin_{name}" not in exported
    ]
    others = sorted(s for s in exported - _LINKER if not s.startswith("plugin_"))
    if others:
        found.append(
            _error(
                f"{path.name} exports {_some(others)}, which may hide functions of the host",
                "only plugin_* is exported: build with -fvisibility=hidden",
            )
        )
    return found


def _check_needed(name: str, facts: ElfFacts, inside: Collection[str]) -> list[Problem]:
    found = []
    foreign = foreign_libraries(facts, inside)
    if foreign:
        found.append(
            _error(
                f"{name} needs {_some(foreign)}, which Falco's images do not have",
                "ship the library with the plugin, or link it statically",
            )
        )
    if _CXX in facts.needed and _CXX not in inside:
        found.append(
            _warning(
                f"{name} needs the host's {_CXX}, and may need a newer one than the host has",
                "link it with -static-libstdc++",
            )
        )
    return found


def _check_flags(name: str, facts: ElfFacts) -> list[Problem]:
    found = []
    if facts.machine not in {"x86_64", "aarch64"}:
        found.append(
            _error(f"{name} is for {facts.machine}", "Falco runs plugins on x86_64 and aarch64")
        )
    fixed = [repr(entry) for entry in facts.rpath if not _is_relative_to_origin(entry)]
    if fixed:
        found.append(
            _error(
                f"{name} looks for libraries in {_some(fixed)}, which is not next to it",
                "its rpath may only begin with $ORIGIN: patchelf --set-rpath '$ORIGIN'",
            )
        )
    if facts.has_textrel:
        found.append(
            _error(f"{name} has text relocations, which SELinux refuses", "compile it with -fPIC")
        )
    if facts.has_exec_stack:
        found.append(
            _error(
                f"{name} requires an executable stack, which newer glibc refuses",
                "patchelf --clear-execstack, or add .note.GNU-stack to its assembly",
            )
        )
    return found


def _is_relative_to_origin(entry: str) -> bool:
    return entry.partition("/")[0] in {"$ORIGIN", "${ORIGIN}"}


def _same_version(one: str, other: str) -> bool:
    """Compare as Python does, where 1.0.0-rc.1 equals 1.0rc1."""
    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return one == other


def _differs(what: str, of_class: str, of_project: str) -> Problem:
    return _warning(
        f"the plugin's {what} is {of_class!r}, and pyproject.toml says {of_project!r}: the artifact"
        " is named after the plugin",
        f"leave {what} out of the class, and it follows pyproject.toml",
    )


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown  # noqa: PLR2004


def _error(sentence: str, hint: str) -> Problem:
    return Problem(severity="error", sentence=sentence, hint=hint)


def _warning(sentence: str, hint: str) -> Problem:
    return Problem(severity="warning", sentence=sentence, hint=hint)
