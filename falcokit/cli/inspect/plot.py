# SPDX-License-Identifier: Apache-2.0
"""Events per second over time: the highest rate in words, and a line of bars for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from falcokit.cli.format import duration_text, rate_text

if TYPE_CHECKING:
    from falcokit.capture.summary.histogram import EventHistogram

__all__ = ["rate_bars", "rate_words"]

_BARS: Final = "▁▂▃▄▅▆▇█"
_COLUMNS: Final = 48
_NS: Final = 1_000_000_000
#: A burst of two events within a microsecond says nothing about a second.
_LEAST_NS: Final = 10_000_000


def rate_words(histogram: EventHistogram) -> str:
    """Name the highest rate, and the time over which it was counted, which is never tiny."""
    columns, width = _columns(histogram, _LEAST_NS)
    return f"at most {rate_text(max(columns) * _NS / width)}, counted over {duration_text(width)}"


def rate_bars(histogram: EventHistogram) -> str:
    """Draw at most 48 bars; one without an event is empty, the lowest is a single one."""
    columns, _ = _columns(histogram)
    peak = max(columns)
    return "".join(_BARS[(count * len(_BARS) - 1) // peak] if count else " " for count in columns)


def _columns(histogram: EventHistogram, least_ns: int = 0) -> tuple[list[int], int]:
    counts = histogram.counts
    together = max(-(-len(counts) // _COLUMNS), -(-least_ns // histogram.width_ns))
    columns = [sum(counts[at : at + together]) for at in range(0, len(counts), together)]
    return columns, histogram.width_ns * together
