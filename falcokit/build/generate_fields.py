# SPDX-License-Identifier: Apache-2.0
"""The part of an entry library's C that tells its fields."""

from __future__ import annotations

import json
from typing import Any, Final

from falcokit.build.literal import c_literal

__all__ = ["field_defines", "field_metadata", "field_table"]

_OFFSETS_MINOR: Final = 11  # of API 3: the host's struct has them from there on


def field_defines(meta: dict[str, Any]) -> dict[str, str]:
    """Return the constants of entry/extract.c."""
    fields = [field["json"] for field in meta["fields"]]
    sources = meta["extract_event_sources"]
    declared = any(field["program"] for field in meta["fields"])
    return {
        **({"FK_HAS_DECLARED_FIELDS": "1"} if declared else {}),
        "FK_META_FIELDS": c_literal(json.dumps(fields, separators=(",", ":"))),
        "FK_META_EXTRACT_TYPES": "".join(f"{code}, " for code in meta["extract_event_types"]),
        "FK_META_EXTRACT_SOURCES": c_literal(json.dumps(sources) if sources else ""),
    }


def field_metadata(meta: dict[str, Any]) -> list[str]:
    """Return what fk_plugin_metadata says of the fields."""
    offsets = int(meta["required_api_version"].split(".")[1]) >= _OFFSETS_MINOR
    return ["\t.fields = fk_metadata_fields,\n", f"\t.has_offsets = {int(offsets)},\n"]


def field_table(meta: dict[str, Any]) -> str:
    """Return the array `fk_metadata_fields`: what the glue has to know of each field."""
    programs: list[str] = []
    rows: list[str] = []
    for number, field in enumerate(meta["fields"]):
        parts = [f".name = {c_literal(field['json']['name'])}"]
        if field["program"] is None:
            parts.append(f".attribute = {c_literal(field['attribute'])}")
        else:
            body = ", ".join(str(byte) for byte in bytes.fromhex(field["program"]))
            programs.append(f"static const uint8_t fk_program_{number}[] = {{{body}}};\n")
            parts.append(f".program = fk_program_{number}")
            parts.append(f".program_size = sizeof fk_program_{number}")
        parts.append(f".argument = {field['argument']}")
        parts.append(f".required = {int(field['required'])}")
        rows.append(f"\t{{{', '.join(parts)}}},\n")
    return "".join(
        [
            *programs,
            "static const fk_field_metadata fk_metadata_fields[] = {\n",
            *rows,
            "\t{0},\n};\n",
        ]
    )
