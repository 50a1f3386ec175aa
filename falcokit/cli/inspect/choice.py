# SPDX-License-Identifier: Apache-2.0
"""Which events `falcokit inspect` shows: the filter of the command line and its shorter forms.

--type, --name, --source, --tid and --time are translated into the filter language, so that each has
one meaning, and events that do not match are skipped in one way, mostly without decoding them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from falcokit.errors import ConfigError
from falcokit.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from falcokit.capture.events.event import Event
    from falcokit.capture.filter.compile import Filter
    from falcokit.capture.native.selection import EventQuery
    from falcokit.capture.reader import Capture

__all__ = ["Choice", "filter_text", "query_of"]

_NS: Final = 1_000_000_000
_AFTER_FIRST: Final = r"\+(\d+)(?:\.(\d{1,9}))?"


def filter_text(
    text: str | None,
    *,
    types: list[str],
    names: list[str],
    sources: list[str],
    tids: list[int],
    time: str | None,
    first_ns: Callable[[], int],
) -> str | None:
    """Join the conditions with `and`; None means all events.

    `first_ns` is asked for the time of the capture's first event if `time` counts from there.
    Raises ConfigError for an invalid time, and its subclass FilterError for an invalid filter.
    """
    parts = []
    for field, wanted in (("evt.type", types), ("evt.asynctype", names), ("evt.source", sources)):
        if wanted:
            parts.append(f"{field} in ({', '.join(map(_quoted, wanted))})")
    if tids:
        parts.append(f"thread.tid in ({', '.join(map(str, tids))})")
    if time is not None:
        parts += _bounds(time, first_ns)
    if text and parts:
        Choice.of(text)  # compiled alone first: an error then shows what was typed
        parts.insert(0, f"({text})")
    elif text:
        parts.append(text)
    return " and ".join(parts) or None


def _quoted(word: str) -> str:
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _bounds(time: str, first_ns: Callable[[], int]) -> list[str]:
    begin, dots, end = time.partition("..")
    if not dots or not (begin or end):
        raise ConfigError(
            f"--time {time!r} is not a range",
            hint="FROM..TO, where each is +SECONDS after the first event, 2026-01-31T12:00:05"
            " (UTC), or nanoseconds since 1970; either may be left out",
        )
    bounds = []
    for side, operator in ((begin, ">="), (end, "<=")):
        if side:
            bounds.append(f"evt.rawtime {operator} {_nanoseconds(side, first_ns)}")
    return bounds


def _nanoseconds(text: str, first_ns: Callable[[], int]) -> int:
    after = re.fullmatch(_AFTER_FIRST, text)
    if after:
        return first_ns() + int(after[1]) * _NS + int((after[2] or "").ljust(9, "0"))
    if text.isascii() and text.isdigit():
        return int(text)
    from datetime import UTC, datetime  # noqa: PLC0415 - only for --time

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(
            f"--time: {text!r} is not a time",
            hint="+1.5 (seconds after the first event), 2026-01-31T12:00:05 (UTC), or nanoseconds",
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    whole = int(moment.replace(microsecond=0).timestamp())
    return whole * _NS + moment.microsecond * 1000


class Choice(Record):
    """The events that are wanted: those of a filter, or all."""

    filter: Filter | None = None

    @classmethod
    def of(cls, text: str | None, sources: Mapping[int, str] | None = None) -> Choice:
        """Compile a filter's text; raise FilterError where it is wrong.

        `sources` are the names of event sources by plugin id: a capture has the ids alone.
        """
        if text is None:
            return cls()
        from falcokit.capture.filter.compile import compile_filter  # noqa: PLC0415 - 40 ms

        return cls(filter=compile_filter(text, sources=sources))

    def events(self, capture: Capture) -> Iterator[Event]:
        """Continue the pass over `capture`, yielding the events that are wanted."""
        wanted = self.filter
        if wanted is None:
            return iter(capture)
        from falcokit.capture.native.selection import select  # noqa: PLC0415

        return (event for event in select(capture, query_of(wanted)) if wanted.matches(event))


def query_of(wanted: Filter) -> EventQuery:
    """Return the part of a filter that C can decide from an event's header."""
    from falcokit.capture.native.selection import EventQuery  # noqa: PLC0415 - not without a filter

    needs, sure, tid = wanted.needs, wanted.needs.sure, None
    if needs.tids is not None:
        if len(needs.tids) == 1 and -1 not in needs.tids:
            (tid,) = needs.tids
        else:
            sure = frozenset()  # the query does not check all that would make it sure
    return EventQuery(
        codes=needs.codes,
        sure=sure,
        tid=tid,
        ts_from=needs.first_ns,
        ts_to=None if needs.last_ns is None else needs.last_ns + 1,
    )
