# SPDX-License-Identifier: Apache-2.0
"""How two captures differ: counts by type and by name, and the first event that is not the same.

Called by `falcokit inspect --diff`. Both are read once, side by side, in constant memory: what is
compared is the streams as they are stored, event by event.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from falcokit.capture.errors import MalformedEventError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from falcokit.capture.event import Event

__all__ = ["Comparison", "CountPair", "compare"]

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
    """What two captures have in common and what not."""

    events: tuple[int, int]
    types: tuple[CountPair, ...]
    """All event types, by the name that a filter calls them; the largest difference first."""
    differs_at: tuple[Event | None, Event | None] | None
    """The first pair of events that are not the same in type, thread and parameters; times and
    numbers are not looked at. None stands for the end of a capture; None for both: the same."""

    @property
    def same(self) -> bool:
        """Whether both hold the same events in the same order, whenever they happened."""
        return self.differs_at is None


def compare(first: Iterable[Event], second: Iterable[Event]) -> Comparison:
    """Read both to their ends."""
    counts: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    totals = [0, 0]
    differs: tuple[Event | None, Event | None] | None = None
    for pair in itertools.zip_longest(first, second):
        for side, event in enumerate(pair):
            if event is None:
                continue
            totals[side] += 1
            name = _name(event)
            names = counts[side]
            names[name if name in names or len(names) < _MAX_NAMES else _OTHER] += 1
        if differs is None and _content(pair[0]) != _content(pair[1]):
            differs = pair
    every = counts[0].keys() | counts[1].keys()
    pairs = [CountPair(name=n, first=counts[0][n], second=counts[1][n]) for n in every]
    pairs.sort(key=lambda p: (-abs(p.first - p.second), -p.first, p.name))
    return Comparison(events=(totals[0], totals[1]), types=tuple(pairs), differs_at=differs)


def _name(event: Event) -> str:
    direction = event.event_type.dir if event.event_type else "<" if event.code % 2 else ">"
    return f"{direction} {event.type}"


def _content(event: Event | None) -> object:
    if event is None:
        return None
    try:
        return (event.code, event.tid, event.params)
    except MalformedEventError:
        return (event.code, event.tid, event.size)
