# SPDX-License-Identifier: Apache-2.0
"""Names of flags, modes and enumerations, looked up as libsinsp does it.

The values are the driver's own, not the kernel's, and the order of a table matters: O_RDWR stands
before its parts O_WRONLY and O_RDONLY, and takes their bits.
"""

from __future__ import annotations

import functools

from falcokit.capture.events.event_table import event_table

__all__ = ["enum_names", "flag_names", "mode_names"]

#: A capture has few different values; a hostile one may have any number.
_CACHED = 4096


@functools.lru_cache(maxsize=_CACHED)
def flag_names(table: str, value: int) -> str:
    """Join the names of the bits of `value`; empty when none is known."""
    names, rest = [], value
    for name, bits in _table(table):
        if _matches(bits, value, rest):
            names.append(name)
            rest &= ~bits
            if bits == value:
                break
    return "|".join(names)


@functools.lru_cache(maxsize=_CACHED)
def enum_names(table: str, value: int) -> str:
    """Join all names of exactly `value`: AF_LOCAL and AF_UNIX are one number."""
    return "|".join(name for name, number in _table(table) if number == value)


@functools.lru_cache(maxsize=_CACHED)
def mode_names(table: str, value: int) -> str:
    """Join the names of a file mode; an entry for the whole mode ends the list."""
    names, rest = [], value
    for name, bits in _table(table):
        if bits == value:
            names.append(name)
            break
        if _matches(bits, value, rest):
            names.append(name)
            rest &= ~bits
    return "|".join(names)


def _table(name: str) -> tuple[tuple[str, int], ...]:
    return event_table().flags_tables.get(name, ())


def _matches(bits: int, value: int, rest: int) -> bool:
    return rest & bits == bits if bits else not value
