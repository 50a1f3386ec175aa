# SPDX-License-Identifier: Apache-2.0
"""Decoders for the parameters of the event table; the runtime's `event_values` decodes each type.

`decoder` runs once for each parameter of an event code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from falcokit.capture.events.event_table import event_table
from falcokit.runtime.event import event_values
from falcokit.runtime.event.event_values import (
    INTEGERS,
    NULL_STRING,
    STRINGS,
    WIDTHS,
    PolledFd,
    Value,
)

if TYPE_CHECKING:
    from falcokit.capture.events.event_table import Param
    from falcokit.runtime.event.event_values import Decode
    from falcokit.runtime.event.socket_values import ByteOrder

__all__ = [
    "INTEGERS",
    "NULL_STRING",
    "NULL_WHEN_EMPTY",
    "STRINGS",
    "WIDTHS",
    "PolledFd",
    "Value",
    "decoder",
    "dynamic_param",
]

#: Empty parameters of these types were known before the others could be empty: shown as NULL.
NULL_WHEN_EMPTY: Final = frozenset(
    {
        "PT_BYTEBUF",
        "PT_SOCKTUPLE",
        "PT_FDLIST",
        "PT_CHARBUFARRAY",
        "PT_CHARBUF_PAIR_ARRAY",
        "PT_DYN",
    }
)


def dynamic_param(param: Param, raw: bytes) -> Param | None:
    """Return the actual parameter of a PT_DYN by its first byte, None for an unknown index."""
    choices = event_table().dynamic_tables.get(param.dynamic or "", ())
    return choices[raw[0]] if raw and raw[0] < len(choices) else None


def decoder(param: Param, order: ByteOrder) -> Decode:
    """Return the function that decodes a parameter that is not empty."""
    choices = event_table().dynamic_tables.get(param.dynamic or "", ())
    return event_values.decoder(param.type, order, tuple(choice.type for choice in choices))
