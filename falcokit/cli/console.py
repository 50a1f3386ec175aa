# SPDX-License-Identifier: Apache-2.0
"""All output of the commands: data on stdout, messages on stderr, JSON one object a line.

Called by the commands only. Colour appears on a terminal, unless NO_COLOR is set; text that
comes from a plugin passes through `printable` before a terminal may see it.
"""

from __future__ import annotations

import io
import json
import os
import sys
import unicodedata
from typing import IO, Any

__all__ = [
    "ReaderGoneError",
    "data",
    "has_color",
    "json_line",
    "message",
    "paint",
    "printable",
    "tolerate_locale",
]

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}

# Cc control, Cf format (bidirectional overrides too), Cs lone surrogate, Zl and Zp separators:
# each could move the cursor, start an escape sequence or reorder what a person reads.
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


class ReaderGoneError(Exception):
    """Whoever read stdout reads no more.

    No OSError on purpose: typer's own handling of a broken pipe would give exit code 1.
    """


def data(text: str) -> None:
    """Write one line of data, at once: a pipe may be reading."""
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError as e:
        raise ReaderGoneError from e


def json_line(value: Any) -> None:
    """Write one JSON object as one line of data."""
    is_utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    data(json.dumps(value, ensure_ascii=not is_utf8, separators=(",", ":"), default=str))


def tolerate_locale() -> None:
    """Write what the locale cannot express as an escape, instead of failing on it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def message(text: str) -> None:
    """Write one line for the person, never for a program."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def has_color(stream: IO[str]) -> bool:
    """Tell whether colour is welcome there."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def paint(text: str, color: str, stream: IO[str]) -> str:
    """Colour a text if the stream is a terminal that wants it."""
    return f"\x1b[{_CODES[color]}m{text}\x1b[0m" if has_color(stream) else text


def printable(text: str, limit: int | None = None) -> str:
    """Show control characters as escapes and cut what is longer than `limit`."""
    cut = text if limit is None else text[: limit + 1]
    shown = "".join(map(_visible, cut))
    if limit is not None and len(shown) > limit:
        return shown[: limit - 1] + "…"
    return shown


def _visible(char: str) -> str:
    if " " <= char <= "~":
        return char
    if unicodedata.category(char) not in _UNPRINTABLE:
        return char
    return char.encode("unicode_escape").decode("ascii")
