# SPDX-License-Identifier: Apache-2.0
"""All output of the commands: data on stdout, messages on stderr, JSON one object a line.

Colour appears on a terminal, unless NO_COLOR is set; text that comes from a plugin passes through
`printable` before a terminal may see it.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from typing import IO, TYPE_CHECKING, Any

from falcokit.errors import FalcokitError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "ReaderGoneError",
    "data",
    "data_lines",
    "detail",
    "drop_stdout",
    "has_color",
    "is_verbose",
    "json_line",
    "message",
    "paint",
    "printable",
    "printable_lines",
    "problem",
    "set_color",
    "set_level",
    "tolerate_locale",
    "warning",
]

#: What `set_level` and `set_color` were told, for the whole process.
_told: dict[str, Any] = {"level": 0, "color": "auto"}
_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}

# Cc control, Cf format (bidirectional overrides too), Cs lone surrogate, Zl and Zp separators:
# each could move the cursor, start an escape sequence or reorder what a person reads.
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


class ReaderGoneError(Exception):
    """The reader of stdout has closed it.

    Not an OSError on purpose: typer's own handling of a broken pipe would give exit code 1.
    """


def data(text: str) -> None:
    """Write one line of data, at once: a pipe may be reading."""
    data_lines((text,))


def data_lines(lines: Iterable[str]) -> None:
    """Write lines of data, and flush once at the end."""
    for line in lines:
        _write_stdout(line + "\n")
    _write_stdout("", flush=True)


def drop_stdout() -> None:
    """Silently drop what is still buffered for a reader that went away."""
    _drop(sys.stdout)


def json_line(value: Any) -> None:
    """Write one JSON object as one line of data."""
    is_utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    data(json.dumps(value, ensure_ascii=not is_utf8, separators=(",", ":"), default=str))


def tolerate_locale() -> None:
    """Write what the locale cannot express as an escape, instead of failing on it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def set_level(level: int) -> None:
    """Choose what is written to stderr: -1 only warnings and errors, 0 messages, 1 details too."""
    _told["level"] = level


def set_color(when: str) -> None:
    """Choose when text is coloured: auto (on a terminal), always or never."""
    _told["color"] = when


def is_verbose() -> bool:
    """Return whether details are written."""
    return bool(_told["level"] > 0)


def detail(text: str) -> None:
    """Write one line for a user who wants to know more."""
    if is_verbose():
        problem(paint(printable(text), "dim", sys.stderr))


def message(text: str) -> None:
    """Write one line for the user, never for a program; nothing where they want it quiet."""
    if _told["level"] >= 0:
        problem(text)


def problem(text: str) -> None:
    """Write one line that the user must see; ignore it if stderr cannot be written."""
    if sys.stderr is None:  # closed by the caller: `2>&-`
        return
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except OSError:
        _drop(sys.stderr)


def warning(text: str) -> None:
    """Write a warning to stderr."""
    problem(f"{paint('warning:', 'yellow', sys.stderr)} {printable(text)}")


def has_color(stream: IO[str] | None) -> bool:
    """Return whether the stream may be coloured."""
    if _told["color"] != "auto":
        return _told["color"] == "always" and stream is not None
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream is not None and stream.isatty()


def paint(text: str, color: str, stream: IO[str] | None) -> str:
    """Colour a text if the stream is a terminal that wants it."""
    return f"\x1b[{_CODES[color]}m{text}\x1b[0m" if has_color(stream) else text


def printable(text: str, limit: int | None = None) -> str:
    """Show control characters as escapes and cut what is longer than `limit`."""
    cut = text if limit is None else text[: limit + 1]
    shown = "".join(map(_visible, cut))
    if limit is not None and len(shown) > limit:
        return shown[: limit - 1] + "…"
    return shown


def printable_lines(text: str) -> str:
    """Show control characters as escapes but keep the lines of a text."""
    return "\n".join(printable(line.expandtabs()) for line in text.split("\n"))


def _write_stdout(text: str, *, flush: bool = False) -> None:
    if sys.stdout is None:  # closed by the caller: `>&-`
        raise FalcokitError("stdout cannot be written: it is closed")
    try:
        sys.stdout.write(text)
        if flush:
            sys.stdout.flush()
    except BrokenPipeError as e:
        raise ReaderGoneError from e
    except OSError as e:
        drop_stdout()  # Python's own flush at exit would fail once more
        raise FalcokitError(f"stdout cannot be written: {e.strerror}") from e


def _drop(stream: IO[str]) -> None:
    """Discard what is buffered and all that follows."""
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


def _visible(char: str) -> str:
    if " " <= char <= "~":
        return char
    import unicodedata  # noqa: PLC0415 - seldom needed

    if unicodedata.category(char) not in _UNPRINTABLE:
        return char
    return char.encode("unicode_escape").decode("ascii")
