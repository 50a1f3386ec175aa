# SPDX-License-Identifier: Apache-2.0
"""As much of JSON Schema as summary.schema.json uses; an unknown keyword is an error."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
    "integer": int,
    "number": (int, float),
}
STRUCTURE = {"properties", "required", "items", "additionalProperties"}
ANNOTATIONS = {"$schema", "$defs", "title", "description"} | STRUCTURE


def check(value: Any, schema: dict[str, Any], root: dict[str, Any], at: str = "$") -> None:
    for keyword, wanted in schema.items():
        if keyword not in ANNOTATIONS:
            assert KEYWORDS[keyword](value, wanted, root), f"{at}: {keyword}: {value!r}"
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        assert not set(schema.get("required", ())) - value.keys(), f"{at}: {value.keys()}"
        assert schema.get("additionalProperties") is not False or value.keys() <= properties.keys()
        for name in value.keys() & properties.keys():
            check(value[name], properties[name], root, f"{at}.{name}")
    if isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value):
            check(item, schema["items"], root, f"{at}[{number}]")


def has_one_type(value: Any, wanted: str | list[str], _: Any) -> bool:
    return any(has_type(value, kind) for kind in ([wanted] if isinstance(wanted, str) else wanted))


def has_type(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, TYPES[kind])


def fits(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    try:
        check(value, schema, root)
    except AssertionError:
        return False
    return True


def refers(value: Any, name: str, root: dict[str, Any]) -> bool:
    return fits(value, root["$defs"][name.rpartition("/")[2]], root)


KEYWORDS: dict[str, Callable[[Any, Any, dict[str, Any]], Any]] = {
    "$ref": refers,
    "type": has_one_type,
    "const": lambda value, wanted, _: value == wanted,
    "enum": lambda value, wanted, _: value in wanted,
    "minimum": lambda value, wanted, _: value is None or value >= wanted,
    "pattern": lambda value, wanted, _: re.search(wanted, value),
    "anyOf": lambda value, wanted, root: any(fits(value, option, root) for option in wanted),
}
