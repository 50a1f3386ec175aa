# SPDX-License-Identifier: Apache-2.0
"""Where JSON values are in a payload, and their text: what json/scan.c and its siblings are in C.

Everything is a function of the bytes, so the two cannot differ by what was asked before. A value is
met by walking from the document's start; what lies behind it is not read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "Value",
    "decode_text",
    "key_equals",
    "key_text",
    "members",
    "root_value",
    "serialize",
    "value_at",
    "whole_end",
]

DEPTH_MAX = 10_000

_SPACE = re.compile(rb"[ \n\r\t]*")
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_SCALAR = re.compile(rb"[^,\]} \n\r\t]*")
_BRACKET = re.compile(rb'\\.|["\[\]{}]', re.DOTALL)
_NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_ESCAPE = re.compile(rb'\\(?:(["\\/bfnrt])|u([0-9a-fA-F]{4}))')
_STAND_FOR = dict(zip(b'"\\/bfnrt', b'"\\/\b\f\n\r\t', strict=True))
_BROKEN = -1


class Value:
    """A value of the document: its type, and the bytes it is in (`end` is -1 for containers)."""

    __slots__ = ("end", "pos", "root", "type")

    def __init__(self, pos: int, kind: str, end: int, *, root: bool) -> None:
        self.pos, self.type, self.end, self.root = pos, kind, end, root


def _skip_space(text: bytes, pos: int) -> int:
    found = _SPACE.match(text, pos)
    return found.end() if found else pos


def _string_end(text: bytes, pos: int) -> int:
    found = _STRING.match(text, pos)
    return found.end() if found else _BROKEN


def _scalar_end(text: bytes, pos: int) -> int:
    found = _SCALAR.match(text, pos)
    return found.end() if found else pos


def _container_end(text: bytes, pos: int) -> int:
    """Count brackets of every kind, outside strings."""
    depth, inside = 0, False
    for found in _BRACKET.finditer(text, pos):
        mark = found.group()
        if mark == b'"':
            inside = not inside
        elif not inside and len(mark) == 1:
            depth += 1 if mark in b"{[" else -1
            if not depth:
                return found.end()
    return _BROKEN


def _value_end(text: bytes, pos: int) -> int:
    first = text[pos : pos + 1]
    if first == b'"':
        return _string_end(text, pos)
    if first in (b"{", b"["):
        return _container_end(text, pos)
    end = _scalar_end(text, pos)
    return _BROKEN if end == len(text) else end


def _scalar_type(token: bytes) -> str | None:
    if token in (b"true", b"false"):
        return "bool"
    if token == b"null":
        return "null"
    return "number" if _NUMBER.fullmatch(token) else None


def value_at(text: bytes, pos: int, *, root: bool = False) -> Value | None:
    """Return the value that begins at `pos`, unless it is not well formed."""
    first = text[pos : pos + 1]
    if first in (b"{", b"["):
        return Value(pos, "object" if first == b"{" else "array", _BROKEN, root=root)
    if first == b'"':
        end = _string_end(text, pos)
        return None if end == _BROKEN else Value(pos, "string", end, root=root)
    end = _scalar_end(text, pos)
    kind = None if end == len(text) and not root else _scalar_type(text[pos:end])
    return Value(pos, kind, end, root=root) if kind else None


def whole_end(text: bytes, value: Value) -> int:
    """Return where a value ends, also a container."""
    return _container_end(text, value.pos) if value.end == _BROKEN else value.end


def root_value(text: bytes) -> Value | None:
    """Return the document's value."""
    pos = _skip_space(text, 0)
    return value_at(text, pos, root=True) if pos < len(text) else None


def members(text: bytes, of: Value) -> Iterator[tuple[bytes, int]]:
    """Step through a container: each key as it is between its quotes (b"" in arrays), and value."""
    pos = of.pos + 1
    while True:
        key = b""
        pos = _skip_space(text, pos)
        if of.type == "object":
            end = _string_end(text, pos)
            if end == _BROKEN:
                return
            key = text[pos + 1 : end - 1]
            pos = _skip_space(text, end)
            if text[pos : pos + 1] != b":":
                return
            pos = _skip_space(text, pos + 1)
        if pos >= len(text) or text[pos] in b",]}:":
            return
        yield key, pos
        pos = _value_end(text, pos)
        if pos == _BROKEN:
            return
        pos = _skip_space(text, pos)
        if text[pos : pos + 1] != b",":
            return
        pos += 1


# ---- text --------------------------------------------------------------------------------------


def decode_text(raw: bytes) -> str:
    """Return bytes as text: what is not UTF-8 as U+FFFD, NUL as its escape."""
    return raw.decode("utf-8", "replace").replace("\0", "\\u0000")


def _unescape(raw: bytes) -> bytes | None:
    """Return a string's bytes without escapes, None when one is none of JSON's."""
    parts, pos = [], 0
    while (at := raw.find(b"\\", pos)) >= 0:
        found = _ESCAPE.match(raw, at)
        if not found:
            return None
        parts.append(raw[pos:at])
        pos = found.end()
        if found[1]:
            parts.append(bytes([_STAND_FOR[found[1][0]]]))
            continue
        code = int(found[2], 16)
        second = _ESCAPE.match(raw, pos) if 0xD800 <= code < 0xDC00 else None
        low = int(second[2], 16) if second and second[2] else 0
        if 0xDC00 <= low < 0xE000 and second:
            code = 0x10000 + ((code - 0xD800) << 10) + low - 0xDC00
            pos = second.end()
        parts.append(chr(0xFFFD if 0xD800 <= code < 0xE000 else code).encode())
    return b"".join([*parts, raw[pos:]])


def key_text(raw: bytes) -> str | None:
    """Return the text of a string or key from between its quotes; None for a bad escape."""
    plain = _unescape(raw)
    return None if plain is None else decode_text(plain)


def key_equals(raw: bytes, key: bytes) -> bool:
    """Tell whether a key is `key`: compared as bytes, so what is not UTF-8 equals nothing."""
    return raw == key if b"\\" not in raw else _unescape(raw) == key


class _Writer:
    """A value on its way to JSON; ValueError where it is none."""

    def __init__(self, text: bytes, of: Value, *, pretty: bool) -> None:
        self.text, self.pos, self.root, self.pretty = text, of.pos, of.root, pretty
        self.out: list[bytes] = []
        self.stack: list[bytes] = []  # the brackets that will close

    def peek(self) -> bytes:
        self.pos = _skip_space(self.text, self.pos)
        return self.text[self.pos : self.pos + 1]

    def line(self) -> None:
        if self.pretty:
            self.out.append(b"\n" + b"  " * len(self.stack))

    def string(self) -> None:
        end = _string_end(self.text, self.pos)
        if end == _BROKEN or _unescape(self.text[self.pos + 1 : end - 1]) is None:
            raise ValueError
        self.out.append(self.text[self.pos : end])
        self.pos = end

    def scalar(self) -> None:
        end = _scalar_end(self.text, self.pos)
        token, alone = self.text[self.pos : end], self.root and not self.stack
        if (end == len(self.text) and not alone) or not _scalar_type(token):
            raise ValueError
        self.out.append(token)
        self.pos = end

    def key(self) -> None:
        if self.stack[-1] != b"}":
            return
        self.peek()
        self.string()
        if self.peek() != b":":
            raise ValueError
        self.pos += 1
        self.out.append(b": " if self.pretty else b":")

    def opened(self, first: bytes) -> bool:
        """Open a container, and tell whether it is empty."""
        if len(self.stack) == DEPTH_MAX:
            raise ValueError
        self.stack.append(b"}" if first == b"{" else b"]")
        self.out.append(first)
        self.pos += 1
        empty = self.peek() == self.stack[-1]
        if not empty:
            self.line()
            self.key()
        return empty

    def after_value(self, *, empty: bool) -> None:
        """Close what closes, and go behind the comma to what comes next."""
        while self.stack:
            mark = self.peek()
            if mark == b",":
                self.pos += 1
                self.out.append(mark)
                self.line()
                self.key()
                return
            if mark != self.stack.pop():
                raise ValueError
            self.pos += 1
            if not empty:
                self.line()
            empty = False
            self.out.append(mark)

    def value(self) -> None:
        while True:
            first = self.peek()
            empty = False
            if first in (b"{", b"["):
                empty = self.opened(first)
                if not empty:
                    continue
            elif first == b'"':
                self.string()
            else:
                self.scalar()
            self.after_value(empty=empty)
            if not self.stack:
                return


def serialize(text: bytes, of: Value, *, pretty: bool) -> tuple[str | None, int]:
    """Return a value as JSON, None when it is not JSON; and how far it was read.

    It is its source without spaces, or indented.
    """
    writer = _Writer(text, of, pretty=pretty)
    try:
        writer.value()
    except ValueError:
        return None, writer.pos
    return decode_text(b"".join(writer.out)), writer.pos
