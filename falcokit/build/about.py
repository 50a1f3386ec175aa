# SPDX-License-Identifier: Apache-2.0
"""What a library says of itself where it can be read without loading it.

Written by `generate` into every library of falcokit's, read by `package.library_facts`: to ask the
metadata functions means to run a library, which nobody does with one of unknown origin. It is the
same that they answer; a library that wants to can lie in both.
"""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ABOUT_MARK", "about_text", "read_about"]

#: It stands before the text; entry/base.c has the version of its form.
ABOUT_MARK: Final = b"\nfalcokit-about-1\n"
_MAX_TEXT: Final = 1 << 24
_ORDER: Final = ("source", "extract", "parse", "async", "listen")


class _About(msgspec.Struct, frozen=True, kw_only=True):
    """The runner's report `loaded`, key by key."""

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
    init_schema: dict[str, Any] | None
    fields: list[dict[str, Any]]


def about_text(meta: dict[str, Any]) -> str:
    """Return the runner's report `loaded` of a plugin with this metadata, as JSON."""
    has, number = meta["capabilities"], meta.get("plugin_id") or 0
    own = [meta["event_source"]] if number else []  # the framework always adds it

    def sources(capability: str, key: str) -> list[str]:
        named = list(meta.get(key) or ()) if capability in has else []
        return [*named, *(name for name in own if name not in named)]

    about = _About(
        plugin=meta["name"],
        version=meta["version"],
        description=meta["description"],
        contact=meta["contact"],
        required_api=meta["required_api_version"],
        required_schema=meta["required_event_schema_version"],
        capabilities=[name for name in _ORDER if name in has],
        event_source=meta.get("event_source") or None,
        plugin_id=number,
        async_events=meta["async_events"],
        async_event_sources=sources("async", "async_event_sources"),
        extract_event_sources=sources("extract", "extract_event_sources"),
        parse_event_sources=sources("parse", "parse_event_sources"),
        init_schema=meta["init_schema"],
        fields=[field["json"] for field in meta.get("fields") or ()],
    )
    return msgspec.json.encode(about).decode()


def read_about(library: Path) -> dict[str, Any] | None:
    """Return it, None where a library has nothing of the kind."""
    with (
        library.open("rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as image,
    ):
        start = image.find(ABOUT_MARK) + len(ABOUT_MARK)
        end = image.find(b"\0", start, start + _MAX_TEXT)
        if start < len(ABOUT_MARK) or end < 0:
            return None
        try:
            about = msgspec.json.decode(image[start:end], type=_About)
        except (msgspec.DecodeError, RecursionError):
            return None
    return msgspec.structs.asdict(about)
