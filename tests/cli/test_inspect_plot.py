# SPDX-License-Identifier: Apache-2.0
"""The highest rate in words: never of a moment too short to say anything about a second."""

from __future__ import annotations

import pytest

from falcokit.capture import EventHistogram
from falcokit.cli.inspect.report import rate_bars, rate_words


@pytest.mark.parametrize(
    ("counts", "width_ns", "words"),
    [
        ((1, 1), 1, "at most 200/s, counted over 10 ms"),
        ((3,) * 512, 1024, "at most 153,594/s, counted over 10 ms"),
        ((1, 5), 10_000_000, "at most 500/s, counted over 10 ms"),
        ((2, 4), 1 << 30, "at most 3.73/s, counted over 1.07 s"),
    ],
)
def test_a_rate_is_counted_over_a_sensible_time(
    counts: tuple[int, ...], width_ns: int, words: str
) -> None:
    histogram = EventHistogram(start_ns=0, width_ns=width_ns, counts=counts)
    assert rate_words(histogram) == words
    assert len(rate_bars(histogram)) in {len(counts), 47}
