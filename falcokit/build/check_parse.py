# SPDX-License-Identifier: Apache-2.0
"""The events that a class wants parsed, and those the async side needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from falcokit.build.check import overrides, strings, wrong
from falcokit.build.metadata import ParseMetadata
from falcokit.runtime.event.event import ASYNC_EVENT
from falcokit.runtime.event.event_types import event_codes
from falcokit.runtime.parse.capability import EventParsing

if TYPE_CHECKING:
    from falcokit.build.metadata import AsyncEventMetadata

__all__ = ["HOOKS", "check_parse", "event_schema"]

#: Hook -> its arguments after self.
HOOKS: Final = {"parse_event": ["event"]}
#: Codes below this one are in every event schema of version 4, the first that is checked.
_CODES_OF_4_0: Final = 430
_SCHEMA_4_0: Final = "4.0.0"
#: The schema of the shipped event table, which has all codes that falcokit knows.
_SCHEMA_NEWEST: Final = "4.5.1"


def check_parse(plugin: type[Any], async_event: AsyncEventMetadata | None) -> ParseMetadata:
    """Return the codes and sources that the framework is asked for.

    Args:
        plugin: The class; its parse_event is called only if it is an EventParsing.
        async_event: What the plugin emits, which it counts back in; None if it emits none.

    Raises:
        PluginDefinitionError: there is no parse_event, or there are no such events.

    """
    types: tuple[int, ...] = ()
    at_init = False
    wanted = [] if async_event is None else [async_event.event_sources]
    if issubclass(plugin, EventParsing):
        if not overrides(plugin, "parse_event"):
            wrong(plugin, None, "has no parse_event", "def parse_event(self, event): ...")
        at_init = _is_asked_at_init(plugin.parse_event_types)
        types = () if at_init else _codes(plugin)
        wanted.append(strings(plugin, "parse_event_sources"))
    takes_all = any(not sources for sources in wanted)
    named = () if takes_all else {source for sources in wanted for source in sources}
    return ParseMetadata(
        types_at_init=at_init,
        event_types=tuple(sorted({*types, *(() if async_event is None else (ASYNC_EVENT,))})),
        event_sources=tuple(sorted(named)),
    )


def _is_asked_at_init(types: object) -> bool:
    return callable(types) or hasattr(types, "__get__")


def _codes(plugin: type[Any]) -> tuple[int, ...]:
    attribute = "parse_event_types"
    try:
        codes = event_codes(plugin.parse_event_types)
    except (ValueError, TypeError) as e:
        hint = 'names or codes: ("openat", "asyncevent", 322)'
        wrong(plugin, attribute, f"has invalid parse_event_types: {e}", hint)
    if not codes:
        hint = 'name them: ("openat", "asyncevent")'
        wrong(plugin, attribute, "parses events of no type, which Falco takes for all", hint)
    return codes


def event_schema(codes: list[int]) -> str:
    """Return the event schema that has all these codes.

    A host compares it with that of its kernel driver as soon as a plugin asks for any other event
    than 322, and refuses the plugin when its driver's is older or of another major version.
    """
    return _SCHEMA_NEWEST if any(code >= _CODES_OF_4_0 for code in codes) else _SCHEMA_4_0
