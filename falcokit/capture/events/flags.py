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
    return _bit_names(table, value)


@functools.lru_cache(maxsize=_CACHED)
def enum_names(table: str, value: int) -> str:
    """Join all names of exactly `value`: AF_LOCAL and AF_UNIX are one number."""
    return "|".join(name for name, number in _table(table) if number == value)


@functools.lru_cache(maxsize=_CACHED)
def mode_names(table: str, value: int) -> str:
    """Join the names of a file mode; the whole mode is named even if its bits were before."""
    return _bit_names(table, value, is_mode=True)


def _bit_names(table: str, value: int, *, is_mode: bool = False) -> str:
    names, rest = [], value
    for name, bits in _table(table):
        is_whole = bits == value
        is_left = rest & bits == bits if bits else is_whole
        if is_left or (is_mode and is_whole):
            names.append(name)
            rest &= ~bits
            if is_whole:
                break
    return "|".join(names)


def _table(name: str) -> tuple[tuple[str, int], ...]:
    return event_table().flags_tables.get(name, ())
