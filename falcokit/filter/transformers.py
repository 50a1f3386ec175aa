# SPDX-License-Identifier: Apache-2.0
"""What the transformers make of values, and of their types.

A transformer returns None where Falco's fails: the field then counts as one that the event lacks.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from falcokit.filter.types import FieldType, ValueFaultError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["ValueType", "apply_to_one", "apply_to_several", "type_of_one", "type_of_several"]

#: A type, and whether the value is a list of it.
ValueType = tuple[FieldType, bool]

_TEXTS: Final = {FieldType.CHARBUF, FieldType.FSPATH, FieldType.FSRELPATH}
_TAKES: Final = {
    "tolower": _TEXTS,
    "toupper": _TEXTS,
    "basename": _TEXTS,
    "b64": {FieldType.CHARBUF, FieldType.BYTEBUF},
    "len": {*_TEXTS, FieldType.BYTEBUF},
}
_SEVERAL: Final = ("join", "concat", "getopt")


def type_of_one(name: str, operand: ValueType, written: str) -> ValueType:
    """Return the type of a transformer's result; raise ValueFaultError if it takes no such value.

    `written` is the operand, for the message.
    """
    if name in _SEVERAL:
        raise ValueFaultError(f"{name}() takes two arguments or more, and here has one: {written}")
    field_type, is_list = operand
    if name == "len" and is_list:
        return FieldType.UINT64, False
    if field_type not in _TAKES[name]:
        what = f"{field_type}, a list" if is_list else str(field_type)
        raise ValueFaultError(f"{name}() does not take {written}, whose type is {what}")
    return (FieldType.UINT64, False) if name == "len" else operand


def type_of_several(name: str, operands: Sequence[ValueType], argument: str | None) -> ValueType:
    """Return the type of `join`, `concat` and `getopt`; or raise ValueFaultError."""
    lists = [is_list for _, is_list in operands]
    texts = all(field_type is FieldType.CHARBUF for field_type, _ in operands)
    if name not in _SEVERAL:
        raise ValueFaultError(f"{name}() takes one argument")
    if argument is not None and name != "getopt":
        raise ValueFaultError(f"{name}() takes no argument in brackets")
    if name == "join" and lists != [False, True]:
        raise ValueFaultError("join() takes a text and a list: join(',', fd.ips)")
    if name == "concat" and (any(lists) or not texts):
        raise ValueFaultError("concat() takes texts, none of them a list")
    if name == "getopt":
        if lists != [True, False] or not texts:
            raise ValueFaultError(
                "getopt() takes a list of texts and the options: getopt(l, 'a:b')"
            )
        if argument is not None and len(argument) != 1:
            raise ValueFaultError("getopt() has one character in brackets, an option")
    return FieldType.CHARBUF, name == "getopt" and argument is None


def apply_to_one(name: str, operand: ValueType) -> Callable[[Any], Any]:
    """Return the function of a transformer with one operand, for values of a type."""
    field_type, is_list = operand
    if name == "len":
        return len if is_list else _length
    if name == "b64":
        of_one: Callable[[Any], Any] = _decoded_text if field_type in _TEXTS else _decoded
    else:
        of_one = _TEXT_FUNCTIONS[name]
    return (lambda values: _of_items(of_one, values)) if is_list else of_one


def _of_items(of_one: Callable[[Any], Any], values: Sequence[Any]) -> tuple[Any, ...] | None:
    found = tuple(map(of_one, values))
    if None in found:
        return None
    # Falco's results keep their terminator in lists, so that `in` and `intersects` never find one
    # of them; what prints or joins them stops at it.
    nul: Any = "\0" if found and isinstance(found[0], str) else b"\0"
    return tuple(one if one.endswith(nul) else one + nul for one in found)


def _length(value: str | bytes) -> int:
    if isinstance(value, bytes):
        return len(value)
    return len(value.partition("\0")[0].encode("utf-8", "surrogateescape"))


def _lower(text: str) -> str:
    return text.lower() if text.isascii() else _by_bytes(bytes.lower, text)


def _upper(text: str) -> str:
    return text.upper() if text.isascii() else _by_bytes(bytes.upper, text)


def _by_bytes(change: Callable[[bytes], bytes], text: str) -> str:
    """Change ASCII letters alone, as C does in its own locale."""
    return change(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


def _basename(path: str) -> str:
    return path.rpartition("/")[2]


_TEXT_FUNCTIONS: Final[dict[str, Callable[[Any], Any]]] = {
    "tolower": _lower,
    "toupper": _upper,
    "basename": _basename,
}
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/]*")


def _decoded_text(text: str) -> str | None:
    found = _decoded(text.rstrip("\0").encode("utf-8", "surrogateescape"))
    return None if found is None else found.decode("utf-8", "surrogateescape")


def _decoded(data: bytes) -> bytes | None:
    """Decode base64 with or without its padding; None where it is not what an encoder writes."""
    data = data.rstrip(b"\0")
    for _ in range(2):
        data = data.removesuffix(b"=")
    if not _BASE64.fullmatch(data) or len(data) % 4 == 1:
        return None
    import base64  # noqa: PLC0415 - only for b64()
    import binascii  # noqa: PLC0415

    try:
        found = base64.b64decode(data + b"=" * (-len(data) % 4), validate=True)
    except binascii.Error:
        return None
    return found if base64.b64encode(found).rstrip(b"=") == data else None


def apply_to_several(name: str, argument: str | None) -> Callable[[Sequence[Any]], Any]:
    """Return the function of `join`, `concat` or `getopt`, which gets all operands."""
    if name == "join":
        return _join
    if name == "concat":
        return _concat
    return lambda operands: _getopt(operands[0], operands[1], argument)


def _cut(text: str) -> str:
    return text.partition("\0")[0]


def _join(operands: Sequence[Any]) -> str:
    separator, items = operands
    return str(separator).join(map(_cut, items))


def _concat(operands: Sequence[Any]) -> str:
    return "".join(map(_cut, operands))


def _getopt(words: Sequence[str], options: str, wanted: str | None) -> Any:
    """Read short options as getopt(3) does: all with their values, or the last value of one."""
    takes_value = _option_letters(options)
    found: list[tuple[str, tuple[str, ...]]] = []
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if word == "--" or len(word) < 2 or not word.startswith("-"):  # noqa: PLR2004
            break
        if word.startswith("--"):
            continue
        for place, letter in enumerate(word[1:], start=1):
            if letter not in takes_value:
                found.append((letter, ("?",)))
            elif not takes_value[letter]:
                found.append((letter, (letter,)))
            elif place + 1 < len(word):
                found.append((letter, (letter, word[place + 1 :])))
                break
            elif at < len(words):
                found.append((letter, (letter, words[at])))
                at += 1
            else:
                found.append((letter, ("",)))  # its value is missing
    if wanted is None:
        return tuple(text for _, texts in found for text in texts)
    values = [texts[-1] for letter, texts in found if letter == wanted and letter in takes_value]
    return values[-1] if values else None


def _option_letters(options: str) -> dict[str, bool]:
    """Return the option letters, and whether each takes a value."""
    letters: dict[str, bool] = {}
    rest = options.removeprefix(":")
    for at, letter in enumerate(rest):
        if letter != ":":
            letters[letter] = letters.get(letter, False) or rest[at + 1 : at + 2] == ":"
    return letters
