# SPDX-License-Identifier: Apache-2.0
"""Metadata of plugins as `build --json` shows it, its members side by side, and back from that."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from falcokit.build.metadata import (
    AsyncEventMetadata,
    ExtractMetadata,
    ParseMetadata,
    PluginMetadata,
    SourceMetadata,
    to_json,
)

__all__ = ["as_json", "from_json"]

_PARTS = {
    "async_event": AsyncEventMetadata,
    "extract": ExtractMetadata,
    "source": SourceMetadata,
    "parse": ParseMetadata,
}
_OTHERWISE: dict[str, Any] = {
    "name": "p", "version": "0.1.0", "description": "D.", "contact": "c", "init_schema": None,
    "has_config": False, "has_metrics": False, "capabilities": ["async"], "warnings": [],
    "has_nested_tables": False, "imports_tables": False, "required_api_version": "3.4.0",
    "required_event_schema_version": "4.0.0", "file": None, "line": None, "executable": "",
    "stdlib": "", "paths": [],
}  # fmt: skip
_OF_A_SOURCE = {
    "plugin_id": 1, "event_source": "", "has_list_open_params": False, "has_event_to_string": False
}  # fmt: skip


def as_json(metadata: PluginMetadata) -> dict[str, Any]:
    """Return what a program reads that asks for JSON."""
    found: dict[str, Any] = json.loads(json.dumps(to_json(metadata)))
    return found


def from_json(**members: Any) -> PluginMetadata:
    """Return metadata with these members, None not counted, and usual ones besides."""
    given = {**_OTHERWISE, **{key: value for key, value in members.items() if value is not None}}
    if not _OF_A_SOURCE.keys().isdisjoint(given):
        given = {**_OF_A_SOURCE, **given}
    parts: dict[str, Any] = {}
    for part, kind in _PARTS.items():
        names = [field.encode_name for field in msgspec.structs.fields(kind)]
        parts[part] = {name: given.pop(name) for name in names if name in given}
    return msgspec.convert({**given, **parts, "source": parts["source"] or None}, PluginMetadata)
