# SPDX-License-Identifier: Apache-2.0
"""The C of a plugin's entry library: metadata in, text out, nothing else.

The text holds what differs between plugins; what they share is in `src/entry/`, included at its
end. It is stable for the same input, so that an unchanged plugin is not compiled again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import msgspec

from falcokit.build.about import about_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from falcokit.build.metadata import ExtractMetadata, PluginMetadata

__all__ = ["c_literal", "entry_c_source"]

#: Minor versions of API 3, from which on a host's log function takes its owner, plugins can import
#: tables, and the host's struct of extracted fields has offsets.
_LOG_MINOR: Final = 4
_TABLES_MINOR: Final = 5
_OFFSETS_MINOR: Final = 11


def entry_c_source(
    meta: PluginMetadata,
    *,
    target: str,
    source_dir: str,
    glue: str,
    build: str,
    payload: str | None = None,
) -> str:
    """Return the text of plugin.c.

    Args:
        meta: What `describe` found.
        target: "module:Class".
        source_dir: The folder of the author's code.
        glue: File name of the glue library.
        build: What else the library is made of: falcokit's version, a hash of the shared C.
        payload: The C of a packaged library's payload; without it Python is the author's own.

    """
    own_python = payload is None
    extracts = "extract" in meta.capabilities
    capabilities = [f'#include "entry/{name}.c"\n' for name in meta.capabilities]
    return "".join(
        [
            f"// lib{meta.name}.so, made of {target} by {build}: do not edit.\n",
            '#include "abi/abi.h"\n\n',
            *(f"#define {name} {value}\n" for name, value in _defines(meta, glue).items()),
            "\n",
            _strings("fk_metadata_paths", meta.paths if own_python else ()),
            _strings("fk_metadata_events", meta.async_event.events),
            _field_table(meta.extract) if extracts else "",
            "static const fk_metadata fk_plugin_metadata = {\n",
            "\t.name = FK_META_NAME,\n",
            f"\t.target = {c_literal(target)},\n",
            f"\t.source_dir = {c_literal(source_dir)},\n",
            f"\t.executable = {c_literal(meta.executable if own_python else '')},\n",
            f"\t.stdlib = {c_literal(meta.stdlib if own_python else '')},\n",
            "\t.paths = fk_metadata_paths,\n",
            "\t.event_names = fk_metadata_events,\n",
            "\t.fields = fk_metadata_fields,\n" if extracts else "",
            f"\t.has_offsets = {int(meta.api_minor >= _OFFSETS_MINOR)},\n" if extracts else "",
            f"\t.has_metrics = {int(meta.has_metrics)},\n",
            f"\t.has_async = {int('async' in meta.capabilities)},\n",
            *_source(meta),
            f"\t.imports_tables = {int(meta.api_minor >= _TABLES_MINOR)},\n",
            f"\t.has_log = {int(meta.api_minor >= _LOG_MINOR)},\n",
            "};\n\n",
            '#include "entry/beside.c"\n' if payload is None else payload,
            '#include "entry/base.c"\n',
            *capabilities,
        ]
    )


def _defines(meta: PluginMetadata, glue: str) -> dict[str, str]:
    """Return the constants of `src/entry/`."""
    defines = {
        "FK_GLUE": c_literal(glue),
        "FK_META_NAME": c_literal(meta.name),
        "FK_META_VERSION": c_literal(meta.version),
        "FK_META_DESCRIPTION": c_literal(meta.description),
        "FK_META_CONTACT": c_literal(meta.contact),
        "FK_META_REQUIRED_API": c_literal(meta.required_api_version),
        "FK_META_REQUIRED_SCHEMA": c_literal(meta.required_event_schema_version),
        "FK_META_PARSE_TYPES": ", ".join(map(str, meta.parse.event_types)),
        "FK_META_PARSE_SOURCES": _json(meta.parse.event_sources),
        "FK_META_ABOUT": c_literal(about_text(meta)),
    }
    if meta.init_schema:
        defines["FK_META_INIT_SCHEMA"] = _json(meta.init_schema)
    if "async" in meta.capabilities:
        defines["FK_META_ASYNC_EVENTS"] = _json(meta.async_event.events)
        defines["FK_META_ASYNC_SOURCES"] = _json(meta.async_event.event_sources)
        defines["FK_HAS_ASYNC"] = "1"
    source, extract = meta.source, meta.extract
    if source is not None:
        defines["FK_HAS_SOURCE"] = "1"
        defines["FK_META_PLUGIN_ID"] = f"{source.plugin_id}u"
        defines["FK_META_EVENT_SOURCE"] = c_literal(source.event_source)
    if "extract" in meta.capabilities:
        fields = msgspec.to_builtins([field.json for field in extract.fields])
        sources = extract.event_sources
        if any(field.program for field in extract.fields):
            defines["FK_HAS_DECLARED_FIELDS"] = "1"
        defines["FK_META_FIELDS"] = c_literal(json.dumps(fields, separators=(",", ":")))
        defines["FK_META_EXTRACT_TYPES"] = "".join(f"{code}, " for code in extract.event_types)
        defines["FK_META_EXTRACT_SOURCES"] = c_literal(json.dumps(sources) if sources else "")
    flags = {
        "FK_HAS_DUMP_STATE": meta.async_event.has_dump_state,
        "FK_HAS_SET_CONFIG": meta.has_config,
        "FK_HAS_METRICS": meta.has_metrics,
        "FK_HAS_LIST_OPEN_PARAMS": source is not None and source.has_list_open_params,
        "FK_HAS_EVENT_TO_STRING": source is not None and source.has_event_to_string,
        "FK_PARSE_TYPES_AT_INIT": meta.parse.types_at_init,
    }
    return defines | {name: "1" for name, is_set in flags.items() if is_set}


def _source(meta: PluginMetadata) -> list[str]:
    if meta.source is None:
        return []
    number = meta.source.plugin_id
    own = f"\t.plugin_id = {number},\n\t.event_source = FK_META_EVENT_SOURCE,\n"
    return ["\t.has_source = 1,\n", own if number else ""]


def _field_table(extract: ExtractMetadata) -> str:
    """Return the array `fk_metadata_fields`: what the glue has to know of each field."""
    programs: list[str] = []
    rows: list[str] = []
    for number, field in enumerate(extract.fields):
        parts = [f".name = {c_literal(field.json.name)}"]
        if field.program is None:
            parts.append(f".attribute = {c_literal(field.attribute)}")
        else:
            body = ", ".join(str(byte) for byte in bytes.fromhex(field.program))
            programs.append(f"static const uint8_t fk_program_{number}[] = {{{body}}};\n")
            parts.append(f".program = fk_program_{number}")
            parts.append(f".program_size = sizeof fk_program_{number}")
        parts.append(f".argument = {field.argument}")
        parts.append(f".required = {int(field.required)}")
        rows.append(f"\t{{{', '.join(parts)}}},\n")
    return "".join(
        [
            *programs,
            "static const fk_field_metadata fk_metadata_fields[] = {\n",
            *rows,
            "\t{0},\n};\n",
        ]
    )


def _strings(name: str, values: Iterable[str]) -> str:
    body = "".join(f"\t{c_literal(value)},\n" for value in values)
    return f"static const char *const {name}[] = {{\n{body}\tNULL,\n}};\n"


def _json(value: Any) -> str:
    return c_literal(json.dumps(value, separators=(",", ":"))) if value else '""'


def c_literal(text: str) -> str:
    """Write a text as a C string literal, in ASCII, with long ones on several lines."""
    out: list[str] = []
    for byte in text.encode():
        char = chr(byte)
        if char in '"\\?':  # "?" because of trigraphs
            out.append("\\" + char)
        elif 32 <= byte < 127:  # noqa: PLR2004  # printable ASCII
            out.append(char)
        else:
            out.append(f"\\{byte:03o}")
    lines = ["".join(out[i : i + 80]) for i in range(0, len(out), 80)] or [""]
    return " \\\n\t".join(f'"{line}"' for line in lines)
