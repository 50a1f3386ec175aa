# SPDX-License-Identifier: Apache-2.0
"""The events that a class wants parsed, and those the async side needs. Called by `metadata`."""

from __future__ import annotations

from typing import Any, Final

from falcokit.native.declaration import overrides, strings, wrong
from falcokit.runtime.event import ASYNC_EVENT, PLUGIN_EVENT

__all__ = ["HOOKS", "parse_metadata"]

#: Hook -> its arguments after self.
HOOKS: Final = {"parse_event": ["event"]}


def parse_metadata(
    plugin: type[Any], async_sources: list[str] | None, *, parses: bool
) -> dict[str, Any]:
    """Return the codes and sources for the author (`parse_types`) and for the framework.

    Args:
        plugin: The class.
        async_sources: Where the plugin emits async events, which it counts back in; None if it
            emits none.
        parses: Whether the author's parse_event is called at all.

    Raises:
        PluginDefinitionError: there is no parse_event, or types that nobody parses.

    """
    is_async = async_sources is not None
    types: list[int] = []
    wanted = [async_sources] if async_sources is not None else []
    if parses:
        if not overrides(plugin, "parse_event"):
            wrong(plugin, None, "has no parse_event", "def parse_event(self, event): ...")
        types = sorted(set(plugin.parse_event_types))
        if not types or not set(types) <= {ASYNC_EVENT, PLUGIN_EVENT}:
            hint = "402 for async events, 322 for plugin events"
            wrong(plugin, "parse_event_types", f"parses events of the types {types}", hint)
        wanted.append(strings(plugin, "parse_event_sources"))
    everything = any(not sources for sources in wanted)
    return {
        "parse_types": types,
        "parse_event_types": sorted({*types, *([ASYNC_EVENT] if is_async else [])}),
        "parse_event_sources": []
        if everything
        else sorted({source for sources in wanted for source in sources}),
    }
