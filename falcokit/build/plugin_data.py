# SPDX-License-Identifier: Apache-2.0
"""The data of a plugin as its entry library reads it: what differs between plugins, in one piece.

The C side is `fk_plugin_data` in native/src/entry/entry.h. The bytes are the same for the same
input, so that an unchanged plugin has an unchanged library.
"""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from falcokit.build.about import ABOUT_MARK, about_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from falcokit.build.metadata import PluginMetadata

__all__ = ["MEMBERS", "CarriedItem", "CarriedPayload", "plugin_data", "plugin_symbols"]

#: The members of fk_plugin_data, in its order: 32 bits each.
MEMBERS: Final = (
    *("name", "version", "description", "contact", "required_api", "required_schema"),
    *("init_schema", "async_events", "async_sources", "plugin_id", "event_source", "fields"),
    *("extract_types", "extract_type_count", "extract_sources"),
    *("parse_types", "parse_type_count", "parse_sources", "parse_types_at_init"),
    *("target", "build", "source_dir", "executable", "stdlib", "paths", "path_count"),
    *("event_names", "event_name_count", "field_table", "field_count"),
    *("has_offsets", "has_source", "has_metrics", "has_async", "imports_tables", "has_log"),
    *("glue", "libpython", "items", "item_count", "glue_item", "archive_item", "folder"),
)
#: In place of the hash of all data while that is made.
_BUILD: Final = "<hash of it all>"
_ITEM: Final = struct.Struct("<QQ32sIIII")
_ALIGN: Final = 8

#: Minor versions of API 3, from which on a host's log function takes its owner, plugins can import
#: tables, and the host's struct of extracted fields has offsets.
_LOG_MINOR: Final = 4
_TABLES_MINOR: Final = 5
_OFFSETS_MINOR: Final = 11

_OF_ALL: Final = (
    *("get_required_api_version", "get_required_event_schema_version", "get_name", "get_version"),
    *("get_description", "get_contact", "get_last_error", "init", "destroy"),
)
_OF_CAPABILITY: Final = {
    "source": (
        *("get_id", "get_event_source", "open", "close", "next_batch", "get_progress"),
    ),
    "extract": (
        *("get_fields", "get_extract_event_types", "get_extract_event_sources"),
        "extract_fields",
    ),
    "parse": ("get_parse_event_types", "get_parse_event_sources", "parse_event"),
    "async": ("get_async_events", "get_async_event_sources", "set_async_event_handler"),
    "listen": ("capture_open", "capture_close"),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class CarriedItem:
    """One file of a payload: where it lies there, and what it is checked against."""

    name: str
    module: str | None
    offset: int
    size: int
    sha256: bytes
    needs: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class CarriedPayload:
    """What a packaged library has to know of its payload."""

    items: Sequence[CarriedItem]
    glue: int
    """Position of the glue."""
    archive: int
    """Position of the zip with all Python code."""
    folder: str | None
    """Of the dir layout; None for the single file."""


class _Piece:
    """Texts, lists and tables behind the members, each from a multiple of eight bytes on."""

    def __init__(self) -> None:
        self.body = bytearray()
        self._texts: dict[bytes, int] = {}
        self._start = 4 * len(MEMBERS) + -4 * len(MEMBERS) % _ALIGN

    def put(self, data: bytes) -> int:
        at = self._start + len(self.body)
        self.body += data + bytes(-len(data) % _ALIGN)
        return at

    def text(self, text: str) -> int:
        data = text.encode() + b"\0"
        if data not in self._texts:
            self._texts[data] = self.put(data)
        return self._texts[data]

    def texts(self, texts: Iterable[str]) -> int:
        places = [self.text(text) for text in texts]
        return self.put(struct.pack(f"<{len(places)}I", *places))

    def numbers(self, code: str, values: Sequence[int]) -> int:
        return self.put(struct.pack(f"<{len(values)}{code}", *values))

    def json(self, value: Any) -> int:
        return self.text(json.dumps(value, separators=(",", ":")) if value else "")


def plugin_data(
    meta: PluginMetadata,
    *,
    target: str,
    source_dir: str,
    glue: str,
    libpython: str = "",
    payload: CarriedPayload | None = None,
) -> bytes:
    """Return the data of a plugin.

    Args:
        meta: What `describe` found.
        target: "module:Class".
        source_dir: The folder of the author's code.
        glue: File name of the glue library.
        libpython: The library of the author's Python; a packaged one carries its own.
        payload: Of a packaged library; without it Python is the author's own.

    """
    piece = _Piece()
    own_python = payload is None
    paths = meta.paths if own_python else ()
    source = meta.source
    piece.put(ABOUT_MARK + about_text(meta).encode() + b"\0")
    values: dict[str, int] = {
        "name": piece.text(meta.name),
        "version": piece.text(meta.version),
        "description": piece.text(meta.description),
        "contact": piece.text(meta.contact),
        "required_api": piece.text(meta.required_api_version),
        "required_schema": piece.text(meta.required_event_schema_version),
        "init_schema": piece.json(meta.init_schema),
        "async_events": piece.json(meta.async_event.events),
        "async_sources": piece.json(meta.async_event.event_sources),
        "plugin_id": source.plugin_id if source else 0,
        "event_source": piece.text(source.event_source if source else ""),
        "parse_types": piece.numbers("H", meta.parse.event_types),
        "parse_type_count": len(meta.parse.event_types),
        "parse_sources": piece.json(meta.parse.event_sources),
        "parse_types_at_init": meta.parse.types_at_init,
        "target": piece.text(target),
        "build": piece.text(_BUILD),
        "source_dir": piece.text(source_dir),
        "executable": piece.text(meta.executable if own_python else ""),
        "stdlib": piece.text(meta.stdlib if own_python else ""),
        "paths": piece.texts(paths),
        "path_count": len(paths),
        "event_names": piece.texts(meta.async_event.events),
        "event_name_count": len(meta.async_event.events),
        "has_offsets": meta.api_minor >= _OFFSETS_MINOR,
        "has_source": source is not None,
        "has_metrics": meta.has_metrics,
        "has_async": "async" in meta.capabilities,
        "imports_tables": meta.api_minor >= _TABLES_MINOR,
        "has_log": meta.api_minor >= _LOG_MINOR,
        "glue": piece.text(glue),
        **_extraction(piece, meta),
    }
    if payload is None:
        values["libpython"] = piece.text(libpython)
    else:
        values |= _payload(piece, payload)
    head = struct.pack(f"<{len(MEMBERS)}I", *(int(values.get(name, 0)) for name in MEMBERS))
    data = head + bytes(-len(head) % _ALIGN) + piece.body
    digest = hashlib.sha256(data).hexdigest()[: len(_BUILD)]
    return data.replace(_BUILD.encode(), digest.encode(), 1)


def _extraction(piece: _Piece, meta: PluginMetadata) -> dict[str, int]:
    if "extract" not in meta.capabilities:
        return {}
    extract = meta.extract
    rows: list[int] = []
    for field in extract.fields:
        program = bytes.fromhex(field.program or "")
        attribute = 0 if field.program else piece.text(field.attribute)
        rows += piece.text(field.json.name), attribute
        rows += piece.put(program) if program else 0, len(program)
        rows += field.argument, field.required
    sources = extract.event_sources
    fields = msgspec.to_builtins([field.json for field in extract.fields])
    return {
        "fields": piece.text(json.dumps(fields, separators=(",", ":"))),
        "extract_types": piece.numbers("H", extract.event_types),
        "extract_type_count": len(extract.event_types),
        "extract_sources": piece.text(json.dumps(sources) if sources else ""),
        "field_table": piece.numbers("I", rows),
        "field_count": len(extract.fields),
    }


def _payload(piece: _Piece, payload: CarriedPayload) -> dict[str, int]:
    rows = [
        _ITEM.pack(
            item.offset,
            item.size,
            item.sha256,
            piece.text(item.name),
            piece.text(item.module) if item.module else 0,
            piece.numbers("h", (*item.needs, -1)),
            0,
        )
        for item in payload.items
    ]
    return {
        "items": piece.put(b"".join(rows)),
        "item_count": len(rows),
        "glue_item": payload.glue,
        "archive_item": payload.archive,
        "folder": piece.text(payload.folder) if payload.folder else 0,
    }


def plugin_symbols(meta: PluginMetadata) -> frozenset[str]:
    """Return the symbols that the plugin's library exports: of its capabilities, and no other."""
    source, fields = meta.source, meta.extract.fields
    declared = "extract" in meta.capabilities and any(field.program for field in fields)
    has_numbers = meta.has_metrics or "async" in meta.capabilities or source is not None
    optional = {
        "get_init_schema": bool(meta.init_schema),
        "set_config": meta.has_config,
        "get_metrics": has_numbers or declared,
        "dump_state": "async" in meta.capabilities and meta.async_event.has_dump_state,
        "list_open_params": source is not None and source.has_list_open_params,
        "event_to_string": source is not None and source.has_event_to_string,
    }
    names = [*_OF_ALL, *(name for name, is_there in optional.items() if is_there)]
    names += [name for capability in meta.capabilities for name in _OF_CAPABILITY[capability]]
    return frozenset(f"plugin_{name}" for name in names)
