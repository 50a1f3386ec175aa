# SPDX-License-Identifier: Apache-2.0
"""Backoff: how long to wait after a failure: longer each time, and not all at the same moment."""

from __future__ import annotations

import random

__all__ = ["Backoff"]


class Backoff:
    """Pauses in seconds: `first`, doubled with each failure in a row up to `most`.

    Each is shortened by up to a half at random, so that many hosts that lost the same server do
    not come back together.
    """

    def __init__(self, first: float = 1.0, most: float = 60.0) -> None:
        if not 0 < first <= most:
            raise ValueError(f"first={first} must be above 0 and at most most={most}")
        self._first, self._most = first, most
        self.failures = 0

    def next(self) -> float:
        """Return the pause after one more failure."""
        # Above 2**60 the product would be larger than any `most`, and than any float in the end.
        whole = min(self._most, self._first * 2.0 ** min(self.failures, 60))
        self.failures += 1
        return whole * random.uniform(0.5, 1.0)  # noqa: S311  # no secret

    def reset(self) -> None:
        """Begin anew: it works again."""
        self.failures = 0
