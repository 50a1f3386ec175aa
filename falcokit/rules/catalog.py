# SPDX-License-Identifier: Apache-2.0
"""The fields and event types that rules of each source may use: Falco's own and those of plugins.

Falco's own come from falco_fields.json, which tools/falco_fields.py writes; a plugin's from its
metadata, or from what `plugin_get_fields` returns.
"""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from falcokit.capture.events.event_table import event_table
from falcokit.filter.condition import compile_field
from falcokit.filter.errors import FilterError
from falcokit.filter.fields import ArgumentKind, FieldCatalog, FieldSpec, plugin_fields
from falcokit.filter.grammar import parse_field
from falcokit.filter.types import FieldType
from falcokit.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from falcokit.capture.events.event_table import Param

__all__ = ["SYSCALL", "EventSourceFields", "LoadedPlugin", "event_sources", "plugin_fields"]

#: Falco's own event source, that of rules without `source`.
SYSCALL: Final = "syscall"

_DATA: Final = Path(__file__).with_name("falco_fields.json")
#: Of thread.cgroup: the controllers that Linux has.
_CGROUPS: Final = (
    "blkio", "cpu", "cpuacct", "cpuset", "devices", "freezer", "hugetlb", "io", "memory", "misc",
    "name", "net_cls", "net_prio", "perf_event", "pids", "rdma",
)  # fmt: skip
#: Types of parameters that conditions know under another name.
_TYPES: Final = {
    "DYN": "DYNAMIC", "FD32": "INT32", "PID32": "INT32", "CHARBUFARRAY": "BYTEBUF",
    "CHARBUF_PAIR_ARRAY": "BYTEBUF",
}  # fmt: skip
_PRINTS: Final = {"PF_HEX": "hexadecimal", "PF_OCT": "octal"}


class LoadedPlugin(Record):
    """What rules need to know of a plugin that is loaded beside them.

    Without an `event_source` it gives no events of its own; `extract_sources` are the sources whose
    events its fields are read from, all if there are none.
    """

    name: str
    version: str
    event_source: str | None = None
    extract_sources: tuple[str, ...] = ()
    fields: tuple[FieldSpec, ...] = ()
    async_events: tuple[str, ...] = ()

    def extracts_from(self, source: str) -> bool:
        """Whether its fields can be read from events of a source."""
        return not self.extract_sources or source in self.extract_sources


class EventSourceFields:
    """The fields of one event source; `prints` has how some numbers are printed."""

    def __init__(
        self, name: str, fields: Iterable[FieldSpec], prints: dict[str, str], hidden: frozenset[str]
    ) -> None:
        self.name = name
        self.catalog = FieldCatalog(fields)
        self.prints = prints
        #: Fields that only a condition may have, no output.
        self.filter_only = hidden

    def field_fault(self, written: str) -> str | None:
        """Return why a text is no field of this source, in transformers or not; None if it is."""
        try:
            field, end = parse_field(written)
            if end < len(written):
                return f"{written!r} is no field"
            compile_field(field, self.catalog, written)
        except FilterError as e:
            return e.reason
        return None


def event_sources(plugins: Sequence[LoadedPlugin]) -> dict[str, EventSourceFields]:
    """Return the fields of each source that a Falco with these plugins has."""
    own = _falcos_own()
    names = [SYSCALL, *(plugin.event_source for plugin in plugins if plugin.event_source)]
    sources: dict[str, EventSourceFields] = {}
    for name in dict.fromkeys(names):
        fields = list(own.generic)
        if name == SYSCALL:
            fields += own.syscall
        for plugin in plugins:
            if plugin.extracts_from(name):
                fields += plugin.fields
        sources[name] = EventSourceFields(name, fields, own.prints, own.filter_only)
    return sources


class _FalcosOwn(Record):
    generic: tuple[FieldSpec, ...]
    syscall: tuple[FieldSpec, ...]
    prints: dict[str, str]
    filter_only: frozenset[str]


@functools.cache
def _falcos_own() -> _FalcosOwn:
    data = json.loads(_DATA.read_text())
    rows = [*data["generic"], *data["syscall"]]
    prints = {row["name"]: row["print"] for row in rows if "print" in row}
    filter_only = frozenset(row["name"] for row in rows if row.get("filter_only"))
    syscall: list[FieldSpec] = []
    for row in data["syscall"]:
        if row.get("dotted"):
            syscall += _dotted(row, prints)
        if "bracket" in row or not (row.get("dotted") and row.get("required")):
            syscall.append(_own(row))
    return _FalcosOwn(
        generic=tuple(map(_own, data["generic"])),
        syscall=tuple(syscall),
        prints=prints,
        filter_only=filter_only,
    )


def _own(row: dict[str, Any], name: str | None = None, kind: str | None = None) -> FieldSpec:
    bracket = row.get("bracket", "none") if name is None else "none"
    return FieldSpec(
        name=name or row["name"],
        type=FieldType(kind or row["type"]),
        is_list=row.get("is_list", False),
        argument=ArgumentKind(bracket),
        required=bracket != "none" and row.get("required", False),
        right=row.get("right", True),
        transformable=row.get("transformable", True),
    )


def _dotted(row: dict[str, Any], prints: dict[str, str]) -> Iterator[FieldSpec]:
    """Yield the fields that are one of Falco's with an argument behind a dot, for each argument."""
    name = row["name"]
    if name in {"evt.arg", "evt.rawarg"}:
        for param in _params().values():
            full = f"{name}.{param.name}"
            kind = None
            if name == "evt.rawarg":
                kind = param.type.removeprefix("PT_")
                kind = _TYPES.get(kind, kind)
                if param.fmt in _PRINTS:
                    prints[full] = _PRINTS[param.fmt]
            yield _own(row, full, kind).replace(raw=name == "evt.rawarg")
        return
    for argument in _ARGUMENTS[name]():
        yield _own(row, f"{name}.{argument}")


@functools.cache
def _params() -> dict[str, Param]:
    """Return the parameters of all event types by their names: the first of each name."""
    params: dict[str, Param] = {}
    for event_type in event_table().events:
        for param in event_type.params:
            params.setdefault(param.name, param)
    return params


def _event_names() -> list[str]:
    names = dict.fromkeys(event.name for event in event_table().events)
    return [name for name in names if re.fullmatch(r"\w+", name)]


_ARGUMENTS: Final[dict[str, Callable[[], Iterable[str]]]] = {
    "thread.cgroup": lambda: _CGROUPS,
    "evt.type.is": _event_names,
    "evt.abspath": lambda: ("src", "dst"),
}
