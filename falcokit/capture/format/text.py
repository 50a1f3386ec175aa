# SPDX-License-Identifier: Apache-2.0
"""Untrusted bytes as text that is safe to show.

The writer of the capture controls payloads, names and host names. Everything that a terminal could
act on is escaped here, once, before any view uses it.
"""

from __future__ import annotations

from typing import Any, Final

__all__ = ["dotted_text", "invalid_text", "json_text", "payload_text", "plain_text", "safe_text"]

_ELLIPSIS: Final = "..."
_LONGEST_CHARACTER: Final = 4  # bytes in UTF-8
_INVALID_BYTES: Final = 32
_DOTTED: Final = bytes(
    code if chr(code).isascii() and chr(code).isprintable() else ord(".") for code in range(256)
)


def safe_text(text: str) -> str:
    """Escape what is not printable: control codes, bidirectional marks, lone surrogates."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def plain_text(data: bytes, *, cut: bool = False) -> str | None:
    """Return `data` as text if it is UTF-8 without NUL except at the end; else None.

    With `cut`, data is the start of something longer and may end inside a character.
    """
    text = data if cut else data.removesuffix(b"\0")
    if b"\0" in text:
        return None
    for missing in range(_LONGEST_CHARACTER if cut else 1):
        try:
            return text[: len(text) - missing].decode()
        except UnicodeDecodeError:
            continue
    return None


def payload_text(data: bytes, limit: int, *, cut: bool = False) -> str:
    """Show a payload in at most `limit` characters: as text, or byte by byte with escapes.

    With `cut`, data is the start of something longer.
    """
    start = data[: limit * _LONGEST_CHARACTER]
    cut = cut or len(start) < len(data)
    text = plain_text(start, cut=cut)
    shown = safe_text(start.decode("ascii", "backslashreplace") if text is None else text)
    if len(shown) > limit or cut:
        return shown[: max(limit - len(_ELLIPSIS), 0)] + _ELLIPSIS
    return shown


def dotted_text(data: bytes, limit: int) -> str:
    """Show a buffer in at most `limit` characters, with a dot for all but printable ASCII."""
    if len(data) > limit:
        kept = max(limit - len(_ELLIPSIS), 0)
        return data[:kept].translate(_DOTTED).decode("ascii") + _ELLIPSIS[:limit]
    return data.translate(_DOTTED).decode("ascii")


def invalid_text(data: bytes) -> str:
    """Show the start of bytes that are not a valid value of their type."""
    more = _ELLIPSIS if len(data) > _INVALID_BYTES else ""
    return f"<invalid {data[:_INVALID_BYTES].hex()}{more}>"


def json_text(value: Any, *, indent: int | None = None) -> str:
    """Return JSON that no terminal acts on, on one line without `indent`."""
    import json  # noqa: PLC0415 - seldom needed

    separators = (",", ":") if indent is None else None
    text = json.dumps(value, indent=indent, separators=separators, default=str)
    # json leaves DEL alone, the one unprintable ASCII character outside its escapes.
    return text.replace("\x7f", "\\u007f")
