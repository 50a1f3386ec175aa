# SPDX-License-Identifier: Apache-2.0
"""Foreign bytes as text that is safe to show.

Payloads, names and host names come from whoever wrote the capture. Everything that a terminal
could act on is escaped here, once, before any view sees it.
"""

from __future__ import annotations

from typing import Final

__all__ = ["payload_text", "plain_text", "safe_text"]

_ELLIPSIS: Final = "..."
_LAST_ONE_BYTE: Final = 0xFF
_LAST_TWO_BYTES: Final = 0xFFFF


def safe_text(text: str) -> str:
    """Escape what is not printable: control codes, bidirectional marks, lone surrogates."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def plain_text(data: bytes) -> str | None:
    """Return the text that `data` is: UTF-8 without NUL but one at the end; else None."""
    text = data.removesuffix(b"\0")
    if b"\0" in text:
        return None
    try:
        return text.decode()
    except UnicodeDecodeError:
        return None


def payload_text(data: bytes, limit: int) -> str:
    """Show a payload in at most `limit` characters: as text, or in hex."""
    # One character may take four bytes; more is never needed for the result.
    start = data[: limit * 4]
    text = plain_text(start) if len(start) == len(data) else _cut_text(start)
    shown = f"hex {start.hex(' ')}" if text is None else safe_text(text)
    if len(shown) > limit or len(start) < len(data):
        return shown[: max(limit - len(_ELLIPSIS), 0)] + _ELLIPSIS
    return shown


def _cut_text(start: bytes) -> str | None:
    """Decode the start of a longer text, which may end inside a character."""
    for missing in range(4):
        text = plain_text(start[: len(start) - missing])
        if text is not None:
            return text
    return None


def _escape(char: str) -> str:
    code = ord(char)
    named = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(char)
    if named:
        return named
    if code <= _LAST_ONE_BYTE:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= _LAST_TWO_BYTES else f"\\U{code:08x}"
