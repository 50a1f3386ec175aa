# SPDX-License-Identifier: Apache-2.0
"""What a library says of itself in a place that can be read without loading it.

`plugin_data` writes it into every library that falcokit builds, `package.library_facts` reads it,
because calling the metadata functions of a library of unknown origin would run its code. It says
the same as they do; a malicious library can lie in both.
"""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, Any, Final, get_args

import msgspec

from falcokit.build.metadata import Capability

if TYPE_CHECKING:
    from pathlib import Path

    from falcokit.build.metadata import PluginMetadata

__all__ = ["ABOUT_MARK", "LibraryAbout", "about_text", "library_about", "read_about"]

#: It stands before the text; entry/base.c has the version of its form.
ABOUT_MARK: Final = b"\nfalcokit-about-1\n"
_MAX_TEXT: Final = 1 << 24


class LibraryAbout(msgspec.Struct, frozen=True, kw_only=True):
    """What the metadata functions of a library answer, with the keys of the runner's `loaded`.

    The library may be a stranger's, made by another SDK or a newer falcokit: of its schema and its
    fields no more is assumed than that they are JSON.
    """

    plugin: str
    version: str
    description: str
    contact: str
    required_api: str
    required_schema: str | None
    capabilities: list[str]
    event_source: str | None
    plugin_id: int
    async_events: list[str]
    async_event_sources: list[str]
    extract_event_sources: list[str]
    parse_event_sources: list[str]
    init_schema: Any
    fields: list[Any]


def library_about(meta: PluginMetadata) -> LibraryAbout:
    """Return what the library of a plugin with this metadata says."""
    number = meta.source.plugin_id if meta.source else 0
    own = meta.source.event_source if meta.source else ""

    def with_own(sources: tuple[str, ...]) -> list[str]:
        """Add the plugin's own source, as the framework does."""
        return [*sources, *([own] if number and own not in sources else [])]

    return LibraryAbout(
        plugin=meta.name,
        version=meta.version,
        description=meta.description,
        contact=meta.contact,
        required_api=meta.required_api_version,
        required_schema=meta.required_event_schema_version,
        capabilities=[name for name in get_args(Capability) if name in meta.capabilities],
        event_source=own or None,
        plugin_id=number,
        async_events=list(meta.async_event.events),
        async_event_sources=with_own(meta.async_event.event_sources),
        extract_event_sources=with_own(meta.extract.event_sources),
        parse_event_sources=with_own(meta.parse.event_sources),
        init_schema=meta.init_schema,
        fields=[msgspec.to_builtins(field.json) for field in meta.extract.fields],
    )


def about_text(meta: PluginMetadata) -> str:
    """Return `library_about` as JSON."""
    return msgspec.json.encode(library_about(meta)).decode()


def read_about(library: Path) -> LibraryAbout | None:
    """Return what a library says, None if there is no such text in it."""
    with (
        library.open("rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as image,
    ):
        start = image.find(ABOUT_MARK) + len(ABOUT_MARK)
        end = image.find(b"\0", start, start + _MAX_TEXT)
        if start < len(ABOUT_MARK) or end < 0:
            return None
        try:
            return msgspec.json.decode(image[start:end], type=LibraryAbout)
        except (msgspec.DecodeError, RecursionError):
            return None
