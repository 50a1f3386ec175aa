# SPDX-License-Identifier: Apache-2.0
"""Events per second over time, as one line of bars. Called by `inspect_report`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from falcokit.cli.inspect_words import rate_text

if TYPE_CHECKING:
    from falcokit.capture.histogram import EventHistogram

__all__ = ["rate_plot"]

_BARS: Final = "▁▂▃▄▅▆▇█"
_COLUMNS: Final = 48
_NS: Final = 1_000_000_000


def rate_plot(histogram: EventHistogram) -> str:
    """Draw the counts in at most 48 columns, and name the highest rate.

    A column with no event is empty, one with a single event has the lowest bar.
    """
    together = -(-len(histogram.counts) // _COLUMNS) or 1
    columns = [
        sum(histogram.counts[at : at + together])
        for at in range(0, len(histogram.counts), together)
    ]
    peak = max(columns, default=0)
    if not peak:
        return "no event has a time"
    bars = "".join(_BARS[(count * len(_BARS) - 1) // peak] if count else " " for count in columns)
    seconds = histogram.width_ns * together / _NS
    return f"{bars}  at most {rate_text(peak / seconds)}"
