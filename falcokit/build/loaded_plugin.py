# SPDX-License-Identifier: Apache-2.0
"""A built plugin as rules know it: its source, its fields, its async events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from falcokit.rules import SYSCALL, LoadedPlugin, plugin_fields

if TYPE_CHECKING:
    from falcokit.build.about import LibraryAbout

__all__ = ["loaded_plugin"]


def loaded_plugin(about: LibraryAbout) -> LoadedPlugin:
    """Return what a Falco that has loaded the library knows of it."""
    own = about.event_source if "source" in about.capabilities else None
    return LoadedPlugin(
        name=about.plugin,
        version=about.version,
        # Events without a plugin ID are those of Falco's own source.
        event_source=own if about.plugin_id else SYSCALL if own else None,
        extract_sources=tuple(about.extract_event_sources),
        fields=plugin_fields(about.fields),
        async_events=tuple(about.async_events),
    )
