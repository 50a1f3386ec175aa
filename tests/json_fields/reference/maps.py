# SPDX-License-Identifier: Apache-2.0
"""All operators that make one value, or none, of one value: json/strings.c and json/tests.c.

None is no value.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from json_fields.reference import convert
from json_fields.reference.match import TEXT_MAX, search
from json_fields.reference.scanner import Value, decode_text

from falcokit.runtime.base.errors import PluginError
from falcokit.runtime.json.nodes import TYPES, Op
from falcokit.runtime.json.regex import Pattern

if TYPE_CHECKING:
    from collections.abc import Callable

    from json_fields.reference.run import Run

    from falcokit.runtime.json.nodes import Node

__all__ = ["MAPS", "which"]

# ---- text --------------------------------------------------------------------------------------


def _on_text(change: Callable[[Run, Node, str], Any]) -> Callable[[Run, Node, Any], Any]:
    def mapping(run: Run, node: Node, value: Any) -> Any:
        text = convert.to_text(run, value, convert.DEFAULT)
        run.spend(len(text or "") // 4)
        return None if text is None else change(run, node, text)

    return mapping


def _part(run: Run, node: Node, text: str) -> str | None:
    parts = text.split(node.texts[0].decode())
    wanted = node.a + len(parts) if node.a < 0 else node.a
    if not 0 <= wanted < len(parts) or node.b not in (0, len(parts)):
        return None
    return run.charge(parts[wanted])


def _strip(run: Run, node: Node, text: str) -> str | None:
    by = node.texts[0].decode()
    if not (text.endswith(by) if node.flags & 1 else text.startswith(by)):
        return None if node.flags & 2 else text
    return run.charge(text.removesuffix(by) if node.flags & 1 else text.removeprefix(by))


def _case(run: Run, node: Node, text: str) -> str:
    raw = text.encode()  # only ASCII letters change in bytes
    return run.charge((raw.upper() if node.flags & 1 else raw.lower()).decode())


def _slice(run: Run, node: Node, text: str) -> str:
    return run.charge(text[node.a : node.b])


def _pattern(run: Run, node: Node, text: str) -> Any:
    if len(text.encode()) > TEXT_MAX:
        raise PluginError("a text is too long for a pattern")
    found = search(Pattern.decode(node.texts[0]), text, run.spend)
    if node.op == Op.MATCHES:
        return found is not None
    return None if found is None or found[0] < 0 else run.charge(text[found[0] : found[1]])


def _percent_decode(text: bytes) -> bytes:
    plain = text.replace(b"+", b" ")
    return re.sub(b"%([0-9a-fA-F]{2})", lambda m: bytes([int(m[1], 16)]), plain)


def _url_query(run: Run, node: Node, text: str) -> str | None:
    if not node.texts and run.key is None:
        return None
    name = node.texts[0] if node.texts else (run.key or "").encode("utf-8", "surrogateescape")
    query = text.encode().partition(b"?")[2].partition(b"#")[0]
    for parameter in query.split(b"&"):
        key, _, value = parameter.partition(b"=")
        if parameter and _percent_decode(key) == name:
            return run.charge(decode_text(_percent_decode(value)))
    return None


# ---- comparing ---------------------------------------------------------------------------------


def which(run: Run, node: Node, value: Any) -> int:
    """Return which of the node's constants a value equals, in type and value; -1 for none."""
    kind = value.type if isinstance(value, Value) else None
    wanted = None
    if kind == "string" or isinstance(value, str):
        text = convert.to_text(run, value, convert.DEFAULT)
        wanted = None if text is None else b"s" + text.encode()
    elif kind == "bool" or isinstance(value, bool):
        wanted = b"b1" if run.is_true(value) else b"b0"
    elif kind == "number" or isinstance(value, int):
        number = convert.to_uint(run, value, 0, 0)
        wanted = None if number is None else b"n%d" % number
    elif kind == "null":
        wanted = b"z"
    return node.texts.index(wanted) if wanted in node.texts else -1


def _equals(run: Run, node: Node, value: Any) -> bool:
    return which(run, node, value) >= 0


def _test(_: Run, node: Node, text: str) -> bool:
    part = node.texts[0].decode()
    return (text.startswith(part), text.endswith(part), part in text)[node.flags]


def _compare(run: Run, node: Node, value: Any) -> bool | None:
    number, bound = convert.to_uint(run, value, 0, 0), node.a % 2**64
    if number is None:
        return None
    return number > bound if node.flags & 2 else number < bound


def _is_type(_: Run, node: Node, value: Any) -> bool:
    if isinstance(value, Value):
        return bool(TYPES[value.type] & node.flags)
    names = {bool: "bool", int: "number", str: "string"}
    return bool(TYPES.get(names.get(type(value), ""), 0) & node.flags)


def _match_arg(run: Run, node: Node, value: Any) -> Any:
    if run.key is None:
        return None
    text = convert.to_text(run, value, convert.DEFAULT)
    if text is None:
        return None
    if not node.flags & 1:
        return value if text == run.key else None
    return value if _glob(run, text, run.key) else None


def _glob(run: Run, text: str, pattern: str) -> bool:
    """Tell whether a pattern is all of a text: * is any number of characters, ? is one."""
    at = p = retry = 0
    star = -1
    while at < len(text):
        run.spend(1)
        if pattern[p : p + 1] == "*":
            star, retry = p, at
            p += 1
        elif pattern[p : p + 1] in ("?", text[at]):
            p += 1
            at += 1
        elif star >= 0:
            retry += 1
            p, at = star + 1, retry
        else:
            return False
    return not pattern[p:].strip("*")


MAPS: dict[Op, Callable[[Run, Any, Any], Any]] = {
    Op.PATH: convert.map_path,
    Op.ARG_POINTER: convert.map_arg_pointer,
    Op.ARG_KEY: convert.map_arg_key,
    Op.ARG_INDEX: convert.map_arg_index,
    Op.TEXT: lambda run, node, value: convert.to_text(run, value, node.flags),
    Op.JSON: convert.map_json,
    Op.UINT: convert.map_uint,
    Op.BOOL: convert.map_bool,
    Op.TIME: convert.map_time,
    Op.IP: convert.map_ip,
    Op.EQUALS: _equals,
    Op.TEST: _on_text(_test),
    Op.COMPARE: _compare,
    Op.IS_TYPE: _is_type,
    Op.MATCH_ARG: _match_arg,
    Op.URL_QUERY: _on_text(_url_query),
    Op.REGEX: _on_text(_pattern),
    Op.MATCHES: _on_text(_pattern),
    Op.PART: _on_text(_part),
    Op.STRIP: _on_text(_strip),
    Op.CASE: _on_text(_case),
    Op.SLICE: _on_text(_slice),
}
