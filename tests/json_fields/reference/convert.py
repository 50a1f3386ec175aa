# SPDX-License-Identifier: Apache-2.0
"""The operators that lead to another value or change its type: json/values.c, json/convert.c.

None is no value.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from json_fields.reference.numbers import UINT_MAX, read_ip, read_rfc3339, read_uint
from json_fields.reference.scanner import (
    Value,
    decode_text,
    key_text,
)

from falcokit.runtime.base.errors import PluginError

if TYPE_CHECKING:
    from json_fields.reference.run import Run

    from falcokit.runtime.json.nodes import Node

__all__ = [
    "DEFAULT",
    "map_arg_index",
    "map_arg_key",
    "map_arg_pointer",
    "map_bool",
    "map_ip",
    "map_json",
    "map_path",
    "map_time",
    "map_uint",
    "to_text",
    "to_uint",
]

_NONE, _JSON, _EMPTY, _FAIL = range(4)
DEFAULT = _JSON << 2 | _JSON << 4
_INDEX = re.compile(rb"0|[1-9][0-9]{0,18}")


def _by_policy(policies: int, shift: int, empty: Any) -> Any:
    policy = policies >> shift & 3
    if policy == _FAIL:
        raise PluginError("a value has the wrong type")
    return empty if policy == _EMPTY else None


def _is_null(value: Any) -> bool:
    return isinstance(value, Value) and value.type == "null"


# ---- into the document -------------------------------------------------------------------------


def _step(run: Run, of: Value, key: bytes) -> Value | None:
    if of.type == "object":
        pos = run.members.find(of, key)
        return None if pos is None else _met(run, pos)
    if of.type == "array" and _INDEX.fullmatch(key):
        return _element(run, of, int(key))
    return None


def _met(run: Run, pos: int) -> Value:
    """Return what is met on a path, be it well formed or not."""
    return run.at(pos) or Value(pos, "broken", -1, root=False)


def _element(run: Run, of: Value, index: int) -> Value | None:
    for i, (_, pos) in enumerate(run.members.walk(of)):
        if i == index:
            return _met(run, pos)
    return None


def _arrived(value: Value | None) -> Value | None:
    return None if value is None or value.type == "broken" else value


def _walk(run: Run, value: Any, keys: tuple[bytes, ...]) -> Value | None:
    at = value if isinstance(value, Value) else None
    for key in keys:
        at = _step(run, at, key) if at is not None else None
    return _arrived(at)


def map_path(run: Run, node: Node, value: Any) -> Any:
    """Run the operator."""
    return _walk(run, value, node.texts) if node.texts else value


def map_arg_pointer(run: Run, _: Node, value: Any) -> Any:
    """Run the operator."""
    if not isinstance(value, Value) or run.key is None:
        return None
    pointer = run.key.removeprefix("/") if run.key else None
    keys = [] if pointer is None else pointer.split("/")
    plain = [re.sub("~([01])", lambda m: "~/"[int(m[1])], key) for key in keys]
    return _walk(run, value, tuple(key.encode("utf-8", "surrogateescape") for key in plain))


def map_arg_key(run: Run, _: Node, value: Any) -> Any:
    """Run the operator."""
    if run.key is None or not isinstance(value, Value) or value.type != "object":
        return None
    return _arrived(_step(run, value, run.key.encode("utf-8", "surrogateescape")))


def map_arg_index(run: Run, _: Node, value: Any) -> Any:
    """Run the operator."""
    if run.index is None or not isinstance(value, Value) or value.type != "array":
        return None
    return _arrived(_element(run, value, run.index))


# ---- converting --------------------------------------------------------------------------------


def to_text(run: Run, value: Any, policies: int) -> str | None:
    """Return a value's text: of null, scalars and containers by their policies."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return run.charge(str(value))
    if not isinstance(value, Value):
        return value if isinstance(value, str) else None
    if value.end >= 0:
        run.spend((value.end - value.pos) // 16)
    if value.type == "string":
        text = key_text(run.text[value.pos + 1 : value.end - 1])
        return None if text is None else run.charge(text)
    shift = {"null": 0, "array": 4, "object": 4}.get(value.type, 2)
    if policies >> shift & 3 != _JSON:
        found: str | None = _by_policy(policies, shift, "")
        return found
    text = run.serialize(value, pretty=False) if value.end < 0 else None
    if value.end >= 0:
        text = decode_text(run.text[value.pos : value.end])
    return None if text is None else run.charge(text)


def map_json(run: Run, node: Node, value: Any) -> Any:
    """Run the operator."""
    if not isinstance(value, Value):
        return value
    text = run.serialize(value, pretty=bool(node.flags))
    return None if text is None else run.charge(text)


def _readable(run: Run, value: Any) -> str | None:
    """Return the text that numbers and times can be read from."""
    if isinstance(value, str):
        run.spend(len(value) // 4)
        return value
    if isinstance(value, Value) and value.type in ("string", "number"):
        return to_text(run, value, DEFAULT)
    return None


def to_uint(run: Run, value: Any, scale: int, policies: int) -> int | None:
    """Return a value times ten to the `scale` as a whole number."""
    if _is_null(value):
        found: int | None = _by_policy(policies, 0, 0)
        return found
    number: int | None
    if isinstance(value, int) and not isinstance(value, bool):
        number = value * 10**scale if value * 10**scale <= UINT_MAX else None
    elif isinstance(value, Value) and value.type == "number":
        run.spend((value.end - value.pos) // 4)
        number = read_uint(run.text[value.pos : value.end].decode(), scale)
    else:
        text = _readable(run, value)
        number = None if text is None else read_uint(text, scale)
    if number is None:
        number = _by_policy(policies, 2, 0)
    return number


def map_uint(run: Run, node: Node, value: Any) -> Any:
    """Run the operator."""
    return to_uint(run, value, 0, node.flags)


def map_time(run: Run, node: Node, value: Any) -> Any:
    """Run the operator."""
    if node.a >= 0:
        return to_uint(run, value, node.a, node.flags)
    if _is_null(value):
        return _by_policy(node.flags, 0, 0)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = _readable(run, value)
    ns = None if text is None else read_rfc3339(text)
    return _by_policy(node.flags, 2, 0) if ns is None else ns


def map_bool(run: Run, node: Node, value: Any) -> Any:
    """Run the operator."""
    if _is_null(value):
        return _by_policy(node.flags, 0, empty=False)
    if isinstance(value, bool) or (isinstance(value, Value) and value.type == "bool"):
        return run.is_true(value)
    text = _readable(run, value)
    if text in ("true", "false"):
        return text == "true"
    return _by_policy(node.flags, 2, empty=False)


def map_ip(run: Run, node: Node, value: Any) -> Any:
    """Run the operator."""
    null = _is_null(value)
    text = None if null else _readable(run, value)
    found = None if text is None else read_ip(text, net=bool(node.flags & 16))
    return _by_policy(node.flags, 0 if null else 2, None) if found is None else found
