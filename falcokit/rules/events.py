# SPDX-License-Identifier: Apache-2.0
"""The events that rules are run on, some thousand of one source at a time, and their common fields.

`EventBatch` reads the fields that every source has (numbers, times, the names of source and plugin)
from a few columns; all others come from its caller, a plugin or a capture.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from falcokit.filter.batch import UNKNOWN, Batch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from falcokit.filter.tree import FieldRef

__all__ = ["EventBatch", "clock_time", "iso_8601", "iso_8601_z"]

_SECOND: Final = 1_000_000_000


class EventBatch:
    """Events of one source, each by its number and time; its other fields through `read`.

    Args:
        source: The event source.
        numbers: `evt.num` of each event, from 1.
        times_ns: The time of each event in nanoseconds since 1970.
        read: Takes a field and returns its value for each event: None where there is none,
            `UNKNOWN` where only a real Falco can tell. Returning None for a field leaves it to this
            class, and what this class does not know either is unknown.
        first_time_ns: The time of the first event of the capture, for `evt.reltime`.
        plugin: The name of the plugin whose event source this is.
        async_names: The name of each event that is async, None for the others.
        hostname: `evt.hostname`.

    """

    def __init__(
        self,
        source: str,
        numbers: Sequence[int],
        times_ns: Sequence[int],
        read: Callable[[FieldRef], Sequence[Any] | None] | None = None,
        *,
        first_time_ns: int | None = None,
        plugin: str | None = None,
        async_names: Sequence[str | None] | None = None,
        hostname: str | None = None,
    ) -> None:
        if len(numbers) != len(times_ns):
            raise ValueError(f"{len(numbers)} numbers and {len(times_ns)} times")
        self.source = source
        self.numbers = numbers
        self.times_ns = times_ns
        self._given = read
        self._first = first_time_ns
        self._plugin = plugin
        self._async_names = async_names
        self._hostname = hostname
        self.batch = Batch(len(numbers), self._read)

    def __len__(self) -> int:
        return len(self.numbers)

    def _read(self, field: FieldRef) -> Sequence[Any]:
        if self._given is not None:
            values = self._given(field)
            if values is not None:
                return values
        common = self._common(field.name)
        return [UNKNOWN] * len(self) if common is None else common

    def _common(self, name: str) -> Sequence[Any] | None:
        if name in _OF_TIME:
            of_time = _OF_TIME[name]
            return [of_time(at) for at in self.times_ns]
        if name in _OF_RELATIVE_TIME and self._first is not None:
            of_time, first = _OF_RELATIVE_TIME[name], self._first
            return [of_time((at - first) % 2**64) for at in self.times_ns]
        return self._named().get(name)

    def _named(self) -> dict[str, Sequence[Any]]:
        """Return the fields that are the same for all events, or for all that are async."""
        count = len(self)
        found: dict[str, Sequence[Any]] = {
            "evt.num": self.numbers,
            "evt.source": [self.source] * count,
        }
        names = self._async_names
        if names is None and self._plugin is not None:
            names = [None] * count
        if names is not None:
            found["evt.asynctype"] = names
            found["evt.is_async"] = [each is not None for each in names]
            found["evt.pluginname"] = [self._plugin if each is None else None for each in names]
        if self._plugin is None:
            # What is of no plugin's source has no plugin.
            found["evt.pluginname"] = found["evt.plugininfo"] = [None] * count
        if self._hostname is not None:
            found["evt.hostname"] = [self._hostname] * count
        return found


def _local(at: int, form: str) -> str:
    # As Falco does: with the offset that the local time has today, not with that of the event.
    seconds = at // _SECOND
    zone = time.gmtime(seconds + time.localtime().tm_gmtoff)
    return time.strftime(form, zone)


def clock_time(at: int) -> str:
    """Return a time as `evt.time`: the local time of day with nanoseconds."""
    return f"{_local(at, '%H:%M:%S')}.{at % _SECOND:09d}"


def _datetime(at: int) -> str:
    return f"{_local(at, '%Y-%m-%d %H:%M:%S')}.{at % _SECOND:09d}"


def iso_8601(at: int) -> str:
    """Return a time as `evt.time.iso8601`: with nanoseconds and a zone, which is UTC."""
    return f"{_utc(at)}.{at % _SECOND:09d}+0000"


def iso_8601_z(at: int) -> str:
    """Return a time as Falco writes the time of an alert: with nanoseconds and Z."""
    return f"{_utc(at)}.{at % _SECOND:09d}Z"


def _utc(at: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at // _SECOND))


_OF_TIME: Final[dict[str, Callable[[int], Any]]] = {
    "evt.rawtime": lambda at: at,
    "evt.rawtime.s": lambda at: at // _SECOND,
    "evt.rawtime.ns": lambda at: at % _SECOND,
    "evt.time": clock_time,
    "evt.time.s": lambda at: _local(at, "%H:%M:%S"),
    "evt.time.iso8601": iso_8601,
    "evt.datetime": _datetime,
    "evt.datetime.s": lambda at: _local(at, "%Y-%m-%d %H:%M:%S"),
}
_OF_RELATIVE_TIME: Final[dict[str, Callable[[int], Any]]] = {
    "evt.reltime": lambda at: at,
    "evt.reltime.s": lambda at: at // _SECOND,
    "evt.reltime.ns": lambda at: at % _SECOND,
}
