# SPDX-License-Identifier: Apache-2.0
"""How two captures differ: counts by type and by name, and the first event that is not the same.

Both are read once, in parallel and in constant memory, and compared event by event as they are
stored. The result so far is available at any time, also if the comparison is interrupted.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from falcokit.capture.events.event_table import event_table
from falcokit.capture.format.errors import MalformedEventError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from falcokit.capture.events.event import Event

__all__ = ["Comparing", "Comparison", "CountPair"]

#: A hostile capture may have a new name in every event.
_MAX_NAMES: Final = 4096
_OTHER: Final = "(others)"


@dataclass(frozen=True, kw_only=True, slots=True)
class CountPair:
    """How often an event type occurs in each of two captures."""

    name: str
    first: int
    second: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """What two captures have in common and where they differ."""

    events: tuple[int, int]
    types: tuple[CountPair, ...]
    """All event types, by the name that a filter calls them; the largest difference first."""
    differs_at: tuple[Event | None, Event | None] | None
    """The first pair of events that are not the same in type, thread and parameters; times and
    numbers are not looked at. None stands for the end of a capture; None for both: the same."""
    complete: bool
    """Whether both were read to their ends."""

    @property
    def same(self) -> bool:
        """Whether what was read of both is the same in the same order, whenever it happened."""
        return self.differs_at is None


class Comparing:
    """A comparison that is being made."""

    def __init__(self) -> None:
        self._counts: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        self._differs: tuple[Event | None, Event | None] | None = None
        self._complete = False

    def read(self, first: Iterable[Event], second: Iterable[Event]) -> None:
        """Read both to their ends; what was found is kept if that is interrupted."""
        for pair in itertools.zip_longest(first, second):
            for counts, event in zip(self._counts, pair, strict=True):
                if event is not None:
                    name = _name(event)
                    counts[name if name in counts or len(counts) < _MAX_NAMES else _OTHER] += 1
            if self._differs is None and _content(pair[0]) != _content(pair[1]):
                self._differs = pair
        self._complete = True

    def found(self) -> Comparison:
        """Return what is known so far."""
        first, second = self._counts
        pairs = [
            CountPair(name=name, first=first[name], second=second[name])
            for name in first.keys() | second.keys()
        ]
        pairs.sort(key=lambda p: (-abs(p.first - p.second), -p.first, p.name))
        return Comparison(
            events=(first.total(), second.total()),
            types=tuple(pairs),
            differs_at=self._differs,
            complete=self._complete,
        )


def _name(event: Event) -> str:
    return f"{event_table().direction(event.code)} {event.type}"


def _content(event: Event | None) -> object:
    if event is None:
        return None
    try:
        return (event.code, event.tid, event.params)
    except MalformedEventError:
        return (event.code, event.tid, event.size)
