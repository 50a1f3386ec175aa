# SPDX-License-Identifier: Apache-2.0
"""Fields of a plugin in this process: asked for by name, with Falco's rules for arguments."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from falcokit.runtime.async_event.capability import AsyncEvents
from falcokit.runtime.event.event import ASYNC_EVENT, PLUGIN_EVENT
from falcokit.runtime.event.event_types import event_codes
from falcokit.runtime.extract.capability import Declared, declared_fields
from falcokit.runtime.extract.field_types import Shape, json_shape, shape_of
from falcokit.testing._values import shown

if TYPE_CHECKING:
    from falcokit.runtime.event.event import Event
    from falcokit.testing._tables import DictTables

__all__ = ["InProcessFields"]

_FIELD: Final = re.compile(r"([^\[\]]+)(?:\[(.*)\])?", re.DOTALL)
_INDEX: Final = re.compile(r"0|[1-9][0-9]*", re.ASCII)
_U64: Final = 2**64


class InProcessFields:
    """The part of a running plugin that answers for its fields."""

    _tables: DictTables

    @property
    def plugin(self) -> Any:
        """The instance of the author's class."""
        raise NotImplementedError

    def extract(self, field: str, event: Event) -> Any:
        """Return the value of a field, such as "x.name" or "x.header[host]", for an event.

        As a host shows it: numbers, text, bool; times in ns, addresses as text, lists of those;
        None where there is no value, also for an event of another type or source.

        Raises:
            LookupError: the plugin has no such field.
            ValueError: the argument is not one that the field takes.
            TypeError: the method returned something else than its annotation says.
            Exception: what the method raises; in Falco there is no value then.

        """
        match = _FIELD.fullmatch(field)
        name, text = match.groups() if match else (field, None)
        attribute, declared = self._declared(name)
        is_method = isinstance(declared, Declared)
        shape = shape_of(getattr(type(self.plugin), attribute)) if is_method else None
        shape = shape or json_shape(declared)
        argument = _argument(name, shape, text)
        if not self._takes(event):
            return None
        if is_method:
            given = () if argument is None else (argument,)
            with self._tables.during(read_only=True):
                value = getattr(self.plugin, attribute)(event, *given)
        elif event.type in {PLUGIN_EVENT, ASYNC_EVENT}:
            value = declared.evaluate(
                event.data, arg=argument, ts_ns=event.ts_ns or 0, number=event.number,
                source=event.source,
            )  # fmt: skip
        else:
            value = None
        return shown(value, shape.ftype, event, is_list=shape.is_list)

    def _declared(self, name: str) -> tuple[str, Any]:
        fields = declared_fields(type(self.plugin))
        for attribute, declared in fields.items():
            if declared.name == name:
                return attribute, declared
        names = ", ".join(declared.name for declared in fields.values())
        raise LookupError(f"there is no field {name!r}; there are {names}")

    def _takes(self, event: Event) -> bool:
        kind = type(self.plugin)
        types = kind.extract_event_types
        if types is None:
            types = (PLUGIN_EVENT, *([ASYNC_EVENT] if issubclass(kind, AsyncEvents) else []))
        codes = event_codes(types)
        sources = kind.extract_event_sources
        own = getattr(kind, "event_source", None)
        known = not sources or event.source is None or event.source in {*sources, own}
        return known and (not codes or event.type in codes)


def _argument(name: str, shape: Shape, text: str | None) -> int | str | None:
    if text is None:
        if shape.required:
            raise ValueError(f"{name} needs an argument: {name}[...]")
        return None
    if not shape.argument:
        raise ValueError(f"{name} takes no argument")
    is_index = bool(_INDEX.fullmatch(text)) and int(text) < _U64
    if shape.argument == "index" and not is_index:
        raise ValueError(f"{name} takes an index, and {text!r} is none")
    return int(text) if is_index and shape.argument != "key" else text
