# SPDX-License-Identifier: Apache-2.0
"""Values of keys in rules files: texts, lists of texts, numbers and flags, as Falco takes them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from falcokit.rules.document import Scalar, Sequence
from falcokit.rules.problems import RulesLoadError

if TYPE_CHECKING:
    from falcokit.rules.document import Mapping, Node
    from falcokit.rules.problems import Context

__all__ = [
    "flag",
    "keys_of",
    "number",
    "number_or_text",
    "optional_text",
    "text",
    "text_node",
    "texts",
]

_CODE: Final = "LOAD_ERR_YAML_VALIDATE"
_TRUE: Final = frozenset({"y", "yes", "true", "on"})
_FALSE: Final = frozenset({"n", "no", "false", "off"})
# yaml-cpp reads numbers in C's three notations.
_NUMBER: Final = re.compile(r"\+?(0[xX][0-9a-fA-F]+|[0-9]+)\s*", re.ASCII)


def keys_of(item: Mapping, context: Context) -> list[tuple[str, Scalar]]:
    """Return the keys of a mapping with their nodes; raise RulesLoadError if one is no text."""
    found: list[tuple[str, Scalar]] = []
    for key in item.keys:
        if not isinstance(key, Scalar):
            raise RulesLoadError(
                "LOAD_ERR_VALIDATE",
                "a key must be a text",
                context.root,
                place=(key.line, key.column),
            )
        found.append(("null" if key.is_null else key.text, key))
    return found


def _scalar(
    item: Mapping, name: str, context: Context, *, required: bool, may_be_empty: bool = False
) -> Scalar | None:
    node = item.get(name)
    if node is None:
        if required:
            raise RulesLoadError(_CODE, f"{name!r} is missing", context)
        return None
    if isinstance(node, Scalar) and node.is_null:
        if may_be_empty:
            return None
        raise RulesLoadError(
            _CODE, f"{name!r} has no value", context, place=(node.line, node.column)
        )
    at = context.inside(node, "value for", name)
    if not isinstance(node, Scalar):
        raise RulesLoadError(_CODE, f"the value of {name!r} must be a text", at)
    if not node.text:
        if may_be_empty:
            return None
        raise RulesLoadError(_CODE, f"the value of {name!r} is empty", at)
    return node


def text_node(item: Mapping, name: str, context: Context) -> Scalar:
    """Return the node of a key's text, which must be there and not be empty."""
    node = _scalar(item, name, context, required=True)
    if node is None:
        raise AssertionError(name)  # what is missing was an error
    return node


def text(item: Mapping, name: str, context: Context) -> str:
    """Return a key's text, which must be there and not be empty."""
    return text_node(item, name, context).text


def optional_text(
    item: Mapping, name: str, context: Context, *, may_be_empty: bool = False
) -> str | None:
    """Return a key's text, None where there is no such key."""
    node = _scalar(item, name, context, required=False, may_be_empty=may_be_empty)
    return None if node is None else node.text


def flag(item: Mapping, name: str, context: Context, *, default: bool | None = None) -> bool:
    """Return a key that is true or false; it must be there if it has no default."""
    node = _scalar(item, name, context, required=default is None)
    if node is None:
        return bool(default)
    written = node.text
    cases = {written.lower(), written.upper(), written.capitalize()}
    if written in cases and written.lower() in _TRUE | _FALSE:
        return written.lower() in _TRUE
    raise _undecodable(node, name, context, f"{written!r} is neither true nor false")


def number(item: Mapping, name: str, context: Context) -> int | None:
    """Return a key that is a number of 32 bits, None where there is no such key."""
    node = _scalar(item, name, context, required=False)
    if node is None:
        return None
    found = _number(node.text)
    if found is None:
        raise _undecodable(node, name, context, f"{node.text!r} is no whole number")
    return found


def number_or_text(item: Mapping, name: str) -> int | None:
    """Return a key's number, None where it is something else that is not empty."""
    node = item.get(name)
    return _number(node.text) if isinstance(node, Scalar) else None


def _number(written: str) -> int | None:
    if not _NUMBER.fullmatch(written) or len(written) > 40:  # noqa: PLR2004 - longer has no use
        return None
    digits = written.strip().lstrip("+")
    if digits[:2] in {"0x", "0X"}:
        value = int(digits, 16)
    elif digits[0] == "0" and digits.strip("01234567") == "":
        value = int(digits, 8)
    elif digits[0] == "0":
        return None
    else:
        value = int(digits)
    return value if value < 2**32 else None


def texts(item: Mapping, name: str, context: Context, *, required: bool = True) -> list[str]:
    """Return the texts of a key that is a list."""
    node = item.get(name)
    if node is None:
        if required:
            raise RulesLoadError(_CODE, f"{name!r} is missing", context)
        return []
    at = context.inside(node, "value for", name)
    if not isinstance(node, Sequence):
        raise RulesLoadError(_CODE, f"the value of {name!r} must be a list", at)
    for each in node.items:
        # Falco takes a null for no text.
        if not isinstance(each, Scalar) or each.is_null:
            raise RulesLoadError(
                _CODE, f"an item of {name!r} must be a text", at.inside(each, "list item")
            )
    return [each.text for each in node.items if isinstance(each, Scalar)]


def _undecodable(node: Node, name: str, context: Context, message: str) -> RulesLoadError:
    return RulesLoadError(_CODE, f"{name!r}: {message}", context.inside(node, "value for", name))
