# SPDX-License-Identifier: Apache-2.0
"""The async events that a class declares: names, sources, producers."""

from __future__ import annotations

import functools
from typing import Any, Final

from falcokit.build.check import overrides, strings, wrong
from falcokit.build.check_producers import check_producers
from falcokit.build.metadata import AsyncEventMetadata
from falcokit.capture.events.event_table import event_table
from falcokit.runtime.async_event.capability import AsyncEvents
from falcokit.runtime.async_event.producers import declared_producers
from falcokit.runtime.event.event import MAX_NAME

__all__ = ["HOOKS", "check_async_event"]

#: A rule's quoted texts have no escape for these that all versions know.
_UNQUOTABLE: Final = frozenset("'\"\\`")
#: Hook -> its arguments after self.
HOOKS: Final = {"start_async": ["handler"], "stop_async": [], "dump_state": ["handler"]}


def check_async_event(plugin: type[Any]) -> AsyncEventMetadata | None:
    """Return the async events of a class; None: it does not have the capability.

    Raises:
        PluginDefinitionError: the framework would refuse every event, or nothing emits any.

    """
    producers = declared_producers(plugin)
    if not issubclass(plugin, AsyncEvents):
        for producer in producers:
            what = f"has the producer {producer.attribute} but does not inherit AsyncEvents"
            wrong(plugin, producer.attribute, what, "add AsyncEvents to the bases of the class")
        return None
    check_producers(plugin, producers)
    names = tuple(dict.fromkeys([*strings(plugin, "async_events"), *(p.event for p in producers)]))
    if not names:
        hint = 'async_events = ("my_event",): the framework refuses every name not listed'
        wrong(plugin, "async_events", "declares no async events", hint)
    for name in names:
        _check_name(plugin, name, producers)
    if not producers and not overrides(plugin, "start_async"):
        hint = "write start_async, or decorate a method with @async_event(name, every=...)"
        wrong(plugin, None, "has nothing that emits its async events", hint)
    return AsyncEventMetadata(
        events=names,
        event_sources=strings(plugin, "async_event_sources"),
        has_dump_state=overrides(plugin, "dump_state"),
    )


def _check_name(plugin: type[Any], name: str, producers: list[Any]) -> None:
    at = next((p.attribute for p in producers if p.event == name), "async_events")
    size = len(name.encode(errors="replace"))
    if not 0 < size <= MAX_NAME or "\0" in name:
        what = f"declares the async event {name!r} of {size} bytes"
        wrong(plugin, at, what, f"a name has 1 to {MAX_NAME} bytes and no NUL")
    if not name.isprintable() or _UNQUOTABLE & {*name}:
        what = f"declares the async event {name!r}, which no rule can write"
        wrong(plugin, at, what, "letters, digits, _, - and .; no quotes, backslash or line feed")
    if name in _host_events():
        what = f"declares the async event {name!r}, which is an event of the framework's own"
        hint = f"evt.type = {name} would be both: begin it with the name of the plugin"
        wrong(plugin, at, what, hint)


@functools.cache
def _host_events() -> frozenset[str]:
    """Return the names that evt.type can have without any plugin."""
    table = event_table()
    kinds = {"syscall", "tracepoint", "plugin"}  # others are plugins' too: container
    events = {event.name for event in table.events if event.source in kinds}
    return frozenset({*events, *table.ppm_sc.values(), "asyncevent"})
