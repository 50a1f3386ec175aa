# SPDX-License-Identifier: Apache-2.0
"""Plain data as block YAML that every reader takes for the same data.

Written by hand because falcokit needs YAML nowhere else at run time: what is not certainly plain is
put into quotes. Single ones leave JSON readable; double ones have an escape for everything.
"""

from __future__ import annotations

import re
from typing import Any, Final

__all__ = ["to_yaml"]

#: Starts with a letter or a slash, so it is no number or date; no blanks, so no ": " and no " #".
_PLAIN: Final = re.compile(r"[A-Za-z/][A-Za-z0-9_./-]*(:[A-Za-z0-9_./-]+)*")
#: What one of the two versions of YAML in use reads as something else than text.
_WORDS: Final = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null"})
_SHORT: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def to_yaml(value: Any) -> str:
    """Write dictionaries, lists, text, numbers, booleans and None."""
    return "".join(f"{line}\n" for line in _lines(value))


def _lines(value: Any) -> list[str]:
    if isinstance(value, dict) and value:
        return [line for key, item in value.items() for line in _entry(key, item)]
    if isinstance(value, list) and value:
        return [line for item in value for line in _item(item)]
    return [_scalar(value)]


def _entry(key: Any, item: Any) -> list[str]:
    nested = _lines(item)
    if isinstance(item, dict | list) and item:
        return [f"{_scalar(str(key))}:", *(f"  {line}" for line in nested)]
    return [f"{_scalar(str(key))}: {nested[0]}"]


def _item(item: Any) -> list[str]:
    first, *others = _lines(item)
    return [f"- {first}", *(f"  {line}" for line in others)]


def _scalar(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):  # 1e-07 is text without a dot
        text = repr(value)
        return text if "." in text else text.replace("e", ".0e")
    if isinstance(value, dict | list):
        return "{}" if isinstance(value, dict) else "[]"
    text = str(value)
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return _quoted(text)


def _quoted(text: str) -> str:
    if '"' in text and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return f'"{"".join(_escaped(character) for character in text)}"'


def _escaped(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    return character if character.isprintable() else f"\\U{ord(character):08x}"
