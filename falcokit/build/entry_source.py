# SPDX-License-Identifier: Apache-2.0
"""The C of a plugin's entry library: metadata in, text out, nothing else.

The text holds what differs between plugins; what they share is in `src/entry/`, included at its
end. It is stable for the same input, so that an unchanged plugin is not compiled again.
"""

from __future__ import annotations

import json
from typing import Any

from falcokit.build.about import about_text
from falcokit.build.generate_fields import field_defines, field_metadata, field_table
from falcokit.build.literal import c_literal

__all__ = ["entry_c_source"]


def _strings(name: str, values: list[str]) -> str:
    body = "".join(f"\t{c_literal(value)},\n" for value in values)
    return f"static const char *const {name}[] = {{\n{body}\tNULL,\n}};\n"


def _json(value: Any) -> str:
    return c_literal(json.dumps(value, separators=(",", ":"))) if value else '""'


def entry_c_source(
    meta: dict[str, Any],
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
    defines = {
        "FK_GLUE": c_literal(glue),
        "FK_META_NAME": c_literal(meta["name"]),
        "FK_META_VERSION": c_literal(meta["version"]),
        "FK_META_DESCRIPTION": c_literal(meta["description"]),
        "FK_META_CONTACT": c_literal(meta["contact"]),
        "FK_META_REQUIRED_API": c_literal(meta["required_api_version"]),
        "FK_META_REQUIRED_SCHEMA": c_literal(meta["required_event_schema_version"]),
        "FK_META_PARSE_TYPES": ", ".join(map(str, meta["parse_event_types"])),
        "FK_META_PARSE_SOURCES": _json(meta["parse_event_sources"]),
        "FK_META_ABOUT": c_literal(about_text(meta)),
    }
    if meta["init_schema"]:
        defines["FK_META_INIT_SCHEMA"] = _json(meta["init_schema"])
    if "async" in meta["capabilities"]:
        defines["FK_META_ASYNC_EVENTS"] = _json(meta["async_events"])
        defines["FK_META_ASYNC_SOURCES"] = _json(meta["async_event_sources"])
        defines["FK_HAS_ASYNC"] = "1"
    if "source" in meta["capabilities"]:
        defines["FK_HAS_SOURCE"] = "1"
        defines["FK_META_PLUGIN_ID"] = f"{meta['plugin_id']}u"
        defines["FK_META_EVENT_SOURCE"] = c_literal(meta["event_source"])
    extracts = "extract" in meta["capabilities"]
    if extracts:
        defines |= field_defines(meta)
    for flag, key in (
        ("FK_HAS_DUMP_STATE", "has_dump_state"),
        ("FK_HAS_SET_CONFIG", "has_config"),
        ("FK_HAS_METRICS", "has_metrics"),
        ("FK_HAS_LIST_OPEN_PARAMS", "has_list_open_params"),
        ("FK_HAS_EVENT_TO_STRING", "has_event_to_string"),
        ("FK_PARSE_TYPES_AT_INIT", "parse_types_at_init"),
    ):
        if meta.get(key):
            defines[flag] = "1"
    capabilities = [f'#include "entry/{name}.c"\n' for name in meta["capabilities"]]
    return "".join(
        [
            f"// lib{meta['name']}.so, made of {target} by {build}: do not edit.\n",
            '#include "abi/abi.h"\n\n',
            *(f"#define {name} {value}\n" for name, value in defines.items()),
            "\n",
            _strings("fk_metadata_paths", meta["paths"] if own_python else []),
            _strings("fk_metadata_events", meta["async_events"]),
            field_table(meta) if extracts else "",
            "static const fk_metadata fk_plugin_metadata = {\n",
            "\t.name = FK_META_NAME,\n",
            f"\t.target = {c_literal(target)},\n",
            f"\t.source_dir = {c_literal(source_dir)},\n",
            f"\t.executable = {c_literal(meta['executable'] if own_python else '')},\n",
            f"\t.stdlib = {c_literal(meta['stdlib'] if own_python else '')},\n",
            "\t.paths = fk_metadata_paths,\n",
            "\t.event_names = fk_metadata_events,\n",
            *(field_metadata(meta) if extracts else []),
            f"\t.has_metrics = {int(meta['has_metrics'])},\n",
            f"\t.has_async = {int('async' in meta['capabilities'])},\n",
            *_source(meta),
            f"\t.imports_tables = {int(_minor(meta['required_api_version']) >= 5)},\n",  # noqa: PLR2004
            f"\t.has_log = {int(_minor(meta['required_api_version']) >= 4)},\n",  # noqa: PLR2004
            "};\n\n",
            '#include "entry/beside.c"\n' if payload is None else payload,
            '#include "entry/base.c"\n',
            *capabilities,
        ]
    )


def _source(meta: dict[str, Any]) -> list[str]:
    if "source" not in meta["capabilities"]:
        return []
    own = f"\t.plugin_id = {meta['plugin_id']},\n\t.event_source = FK_META_EVENT_SOURCE,\n"
    return ["\t.has_source = 1,\n", own if meta["plugin_id"] else ""]


def _minor(version: str) -> int:
    return int(version.split(".")[1])
