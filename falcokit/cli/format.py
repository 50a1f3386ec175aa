# SPDX-License-Identifier: Apache-2.0
"""Numbers, sizes, times and capabilities as a person reads them.

Times are UTC: a capture is often read in another place than it was made in.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "capability_names",
    "count_of",
    "duration_text",
    "number_text",
    "rate_text",
    "size_text",
    "time_text",
]

_CAPABILITIES: Final = {
    "source": "event sourcing",
    "extract": "field extraction",
    "parse": "event parsing",
    "async": "async events",
    "listen": "capture listening",
}
_NS: Final = 1_000_000_000
_MINUTE_S: Final = 60
_STEP: Final = 1000
_ROUNDS_UP: Final = 999.5
"""From here on three digits would read 1e+03: the next unit is used."""
_FEW: Final = 100
_HARDLY_ANY: Final = 0.01


def capability_names(capabilities: Iterable[str]) -> str:
    """Return Falco's names of capabilities."""
    return ", ".join(_CAPABILITIES.get(capability, capability) for capability in capabilities)


def number_text(value: int) -> str:
    """Group the digits of a count."""
    return f"{value:,}"


def count_of(count: int, noun: str) -> str:
    """Return a count with its noun in the plural; "user or group" becomes "users and groups"."""
    if count != 1:
        noun = " and ".join(f"{part}s" for part in noun.split(" or "))
        noun = noun.replace("processs", "processes")
    return f"{number_text(count)} {noun}"


def size_text(size: int) -> str:
    """Return a size with three digits and a decimal unit."""
    value, units = float(size), ["bytes", "kB", "MB", "GB", "TB", "PB", "EB"]
    while value >= _ROUNDS_UP and len(units) > 1:
        value /= _STEP
        units.pop(0)
    return f"{size} bytes" if units[0] == "bytes" else f"{value:.3g} {units[0]}"


def time_text(ts_ns: int, *, nanoseconds: bool = False) -> str:
    """Return a time as date and time of day, in milliseconds unless all digits are wanted."""
    seconds, rest = divmod(ts_ns, _NS)
    year, month, day, hour, minute, second = time.gmtime(seconds)[:6]
    moment = f"{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"
    return f"{moment}.{rest:09d}" if nanoseconds else f"{moment}.{rest // 1_000_000:03d}"


def duration_text(duration_ns: int) -> str:
    """Return a span in the unit that suits it."""
    for step, unit in ((1, "ns"), (1_000, "us"), (1_000_000, "ms")):
        if (value := duration_ns / step) < _ROUNDS_UP:
            return f"{value:.3g} {unit}"
    seconds = duration_ns / _NS
    if seconds < _MINUTE_S:
        return f"{seconds:.2f} s"
    if seconds < 120 * _MINUTE_S:
        return f"{int(seconds // _MINUTE_S)} min {int(seconds % _MINUTE_S)} s"
    hours, minutes = divmod(int(seconds // _MINUTE_S), 60)
    return f"{hours:,} h {minutes} min"


def rate_text(rate: float | None) -> str:
    """Return events per second; a dash where fewer than two events have a time."""
    if rate is None:
        return "-"
    if rate < _HARDLY_ANY:
        return f"<{_HARDLY_ANY}/s"
    return f"{rate:,.0f}/s" if rate >= _FEW else f"{rate:.3g}/s"
