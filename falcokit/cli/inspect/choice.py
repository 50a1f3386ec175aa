# SPDX-License-Identifier: Apache-2.0
"""Which events `falcokit inspect` shows: the filter of the command line and its shorter forms.

--type, --name, --source, --tid and --time are translated into the filter language, so that each has
one meaning, and events that do not match are skipped in one way, mostly without decoding them.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Final, TypeAlias, TypeGuard

from falcokit.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from falcokit.capture.events.event import Event
    from falcokit.capture.filter.compile import Filter
    from falcokit.capture.native.selection import EventQuery
    from falcokit.capture.reader import Capture
    from falcokit.cli.inspect.options import InspectOptions
    from falcokit.cli.inspect.plugin_filter import PluginFilter

    #: Which events are wanted; None: all.
    Wanted: TypeAlias = Filter | PluginFilter | None

__all__ = ["choose", "decides_alone", "query_of", "select_events"]

_NS: Final = 1_000_000_000
_AFTER_FIRST: Final = r"\+(\d+)(?:\.(\d{1,9}))?"


def choose(options: InspectOptions, first_ns: Callable[[], int]) -> Wanted:
    """Compile what the options say of the events that are wanted; None means all events.

    `first_ns` is asked for the time of the capture's first event if --time counts from there.
    Raises ConfigError for an invalid time, and its subclass FilterError for an invalid filter.
    """
    parts = []
    for field, words in (
        ("evt.type", options.types),
        ("evt.asynctype", options.names),
        ("evt.source", options.sources),
    ):
        if words:
            parts.append(f"{field} in ({', '.join(map(_quoted, words))})")
    if options.tids:
        parts.append(f"thread.tid in ({', '.join(map(str, options.tids))})")
    if options.time is not None:
        parts += _bounds(options.time, first_ns)
    text = options.filter
    if not (text or parts):
        return None
    compiled = _compiler(options)
    if text and parts:
        compiled(text)  # alone first: an error then shows what was typed
        text = f"({text})"
    return compiled(" and ".join([text, *parts] if text else parts))


def _compiler(options: InspectOptions) -> Callable[[str], Filter | PluginFilter]:
    if options.plugin is None:
        from falcokit.capture.filter.compile import compile_filter  # noqa: PLC0415 - 40 ms

        return compile_filter
    from falcokit.cli.inspect.plugin_filter import filter_with_plugin  # noqa: PLC0415 - as above

    return functools.partial(
        filter_with_plugin,
        plugin=options.plugin,
        init_config=options.init_config,
        at_once=options.follow,
    )


def _quoted(word: str) -> str:
    # A quote that follows a backslash closes nothing, whatever is before the backslash.
    return '"' + word.replace("\\", "\\x5c").replace('"', '\\"') + '"'


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


def select_events(capture: Capture, wanted: Wanted) -> Iterator[Event]:
    """Continue the pass over `capture`, yielding the events that are wanted."""
    if wanted is None:
        return iter(capture)
    from falcokit.capture.filter.compile import Filter  # noqa: PLC0415 - as below
    from falcokit.capture.native.selection import select  # noqa: PLC0415 - as below

    if not isinstance(wanted, Filter):
        return wanted.select(capture, lambda event: event)
    return (event for event in select(capture, query_of(wanted)) if wanted.matches(event))


def decides_alone(wanted: Wanted) -> TypeGuard[Filter | None]:
    """Return whether it decides on each event without a plugin."""
    return wanted is None or hasattr(wanted, "needs")


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
        condition=wanted.native(),
    )
