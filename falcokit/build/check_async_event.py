# SPDX-License-Identifier: Apache-2.0
"""The async events that a class declares: names, sources, producers."""

from __future__ import annotations

import functools
import math
from typing import Any, Final

from falcokit.build.check import overrides, strings, wrong
from falcokit.build.metadata import AsyncEventMetadata
from falcokit.capture.events.event_table import event_table
from falcokit.runtime.async_event.producers import RESTARTS, declared_producers
from falcokit.runtime.event.event import MAX_NAME

__all__ = ["HOOKS", "check_async_event"]

#: A rule's quoted texts have no escape for these that all versions know.
_UNQUOTABLE: Final = frozenset("'\"\\`")
#: Hook -> its arguments after self.
HOOKS: Final = {"start_async": ["handler"], "stop_async": [], "dump_state": ["handler"]}


def check_async_event(plugin: type[Any]) -> AsyncEventMetadata:
    """Return the async events of a class that has the capability.

    Raises:
        PluginDefinitionError: the framework would refuse every event, or nothing emits any.

    """
    producers = declared_producers(plugin)
    for producer in producers:
        at = producer.function.__name__
        plain = not producer.is_async and not producer.yields
        if producer.every is None and plain:
            hint = f'@async_event("{producer.event}", every=1.0), or yield the events'
            wrong(plugin, at, "has a producer without an interval", hint)
        if producer.every is not None and not producer.every > 0:
            wrong(plugin, at, "has a producer with every <= 0", "seconds > 0")
        if producer.restart not in RESTARTS:
            hint = " or ".join(f'"{restart}"' for restart in RESTARTS)
            wrong(plugin, at, f"has a producer with restart={producer.restart!r}", hint)
        if not 0 < producer.max_pause < math.inf:
            what = f"has a producer with max_pause={producer.max_pause!r}"
            wrong(plugin, at, what, "seconds > 0 that the pause before a new start grows to")
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
    at = next((p.function.__name__ for p in producers if p.event == name), "async_events")
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
