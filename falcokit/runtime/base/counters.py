# SPDX-License-Identifier: Apache-2.0
"""Counters: numbers that a tool keeps, which are among the metrics of the plugin that uses it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from falcokit.runtime.base.metrics import Metric

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Counters"]


class Counters:
    """Numbers by name; as a metric each has the prefix of its tool. From any thread.

    They belong to the plugin and not to a capture, so that they never decrease.
    """

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}
        self._gauges: dict[str, int] = {}

    def declare(self, names: Iterable[str]) -> None:
        """Show these from now on, with 0 where nothing has been counted yet."""
        with self._lock:
            for name in names:
                self._counts.setdefault(name, 0)

    def add(self, name: str, count: int = 1) -> None:
        """Count."""
        with self._lock:
            self._counts[name] = self._counts.get(name, 0) + count

    def set(self, name: str, value: int) -> None:
        """Set a number that may decrease as well."""
        with self._lock:
            self._gauges[name] = value

    def __getitem__(self, name: str) -> int:
        """Return the number of that name."""
        with self._lock:
            return self._counts[name] if name in self._counts else self._gauges[name]

    def metrics(self) -> Iterator[Metric]:
        """Yield them as metrics."""
        with self._lock:
            counts, gauges = dict(self._counts), dict(self._gauges)
        for name, value in counts.items():
            yield Metric(f"{self.prefix}_{name}", value)
        for name, value in gauges.items():
            yield Metric(f"{self.prefix}_{name}", value, monotonic=False)
