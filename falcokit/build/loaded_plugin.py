# SPDX-License-Identifier: Apache-2.0
"""What rules need to know of a plugin: its source, its fields, its async events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from falcokit.errors import NotAPluginError
from falcokit.rules.catalog import LoadedPlugin, plugin_fields

if TYPE_CHECKING:
    from falcokit.build.about import LibraryAbout

__all__ = ["loaded_plugin"]


def loaded_plugin(about: LibraryAbout) -> LoadedPlugin:
    """Return a plugin as `load_rules` takes it.

    Raises NotAPluginError for fields that Falco would refuse: the library may be a stranger's.
    """
    has_source = "source" in about.capabilities
    try:
        fields = plugin_fields(about.fields)
    except ValueError as e:
        raise NotAPluginError(f"the fields of the plugin {about.plugin} are wrong: {e}") from e
    return LoadedPlugin(
        name=about.plugin,
        version=about.version,
        # A source without an id gives events of Falco's own source.
        event_source=about.event_source if has_source and about.plugin_id else None,
        extract_sources=tuple(about.extract_event_sources),
        fields=fields,
        async_events=tuple(about.async_events),
    )
