# SPDX-License-Identifier: Apache-2.0
"""Figures as people read them: spans of time, rates, bars; texts of a plugin made safe to show."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from falcokit.cli.console import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.text import Text

__all__ = ["bytes_text", "count_text", "marked", "microseconds", "payload", "span", "sparkline"]

_BARS: Final = " ▁▂▃▄▅▆▇█"
_PAYLOAD_LIMIT: Final = 400
_TEN: Final = 10
_MS: Final = 1000
_S: Final = 1_000_000
_EXACT: Final = 10_000_000
"""Counts from here on are shown in millions."""
_UNITS: Final = ("B", "kB", "MB", "GB", "TB")


def sparkline(values: Iterable[float], width: int) -> str:
    """Draw the last values as bars, the highest of them full."""
    shown = list(values)[-width:] if width > 0 else []
    top = max(shown, default=0.0)
    if top <= 0:
        return "".join(_BARS[1] for _ in shown).rjust(width)
    steps = len(_BARS) - 2
    return "".join(_BARS[1 + round(value / top * steps)] for value in shown).rjust(width)


def span(seconds: float) -> str:
    """Return a length of time in as few characters as possible."""
    if seconds < _TEN:  # below ten seconds the tenths matter
        return f"{max(0.0, seconds):.1f}s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def microseconds(value: int) -> str:
    """Return a number of microseconds with a unit, three digits at most."""
    if value < _MS:
        return f"{value} µs"
    number, unit = (value / _MS, "ms") if value < _S else (value / _S, "s")
    return f"{number:.1f} {unit}" if number < _TEN else f"{number:.0f} {unit}"


def count_text(count: int) -> str:
    """Return a number of events, in ten characters at most."""
    return f"{count:,}" if count < _EXACT else f"{count / 1e6:,.0f} M"


def bytes_text(number: float) -> str:
    """Return a number of bytes with a unit, in powers of 1000."""
    at = 0
    while number >= _MS and at < len(_UNITS) - 1:
        number, at = number / _MS, at + 1
    return (
        f"{number:.0f} {_UNITS[at]}" if at == 0 or number >= _TEN else f"{number:.1f} {_UNITS[at]}"
    )


def payload(data: str) -> str:
    """Return the beginning of a payload, safe for a terminal."""
    return printable(data.removesuffix("\0"), _PAYLOAD_LIMIT)


def marked(text: Text, words: str) -> Text:
    """Mark where the words that are searched for stand."""
    if words:
        text.highlight_regex(re.compile(re.escape(words), re.IGNORECASE), "black on yellow")
    return text
