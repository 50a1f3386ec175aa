# SPDX-License-Identifier: Apache-2.0
"""What a @field method returned, as a host would show it; refused where the C side refuses it.

The rules are those of native/src/extract/value.c.
"""

from __future__ import annotations

import ipaddress
import operator
from typing import TYPE_CHECKING, Any, Final

from falcokit.runtime.extract.capability import FieldValue, nanoseconds

if TYPE_CHECKING:
    from falcokit.runtime.event.event import Event

__all__ = ["shown"]

_U64: Final = 2**64


def shown(value: Any, ftype: str, event: Event, *, is_list: bool) -> Any:
    """Return numbers, text, bool; times in ns; addresses as text; None where there is no value.

    Raises:
        TypeError: the value is of another type than the annotation says.
        OverflowError: a number does not fit.
        ValueError: it is no address, or a place that is not in the event.

    """
    if isinstance(value, FieldValue):
        _check_place(value, event)
        value = value.value
    if value is None:
        return None
    if not is_list:
        return _one(value, ftype)
    if isinstance(value, (str, bytes, FieldValue)) or not hasattr(value, "__iter__"):
        raise TypeError(f"it returned {type(value).__name__}, and the field is a list")
    values = [shown(item, ftype, event, is_list=False) for item in value]
    if None in values:
        raise TypeError(f"it returned NoneType, and the field is {ftype}")
    return values or None


def _check_place(found: FieldValue[Any], event: Event) -> None:
    room = len(event.data if event.data or event.name else event.raw)
    if found.start < 0 or found.length < 0 or found.start + found.length > room:
        raise ValueError(f"{found} is not in an event of {room} bytes")


def _one(value: Any, ftype: str) -> Any:
    if ftype == "string" and isinstance(value, str):
        return _text(value)
    if ftype == "bool" and isinstance(value, bool):
        return value
    if ftype == "uint64" and hasattr(value, "__index__"):
        return _fitting(operator.index(value), "uint64")
    if ftype in {"abstime", "reltime"}:
        return _fitting(value if isinstance(value, int) else nanoseconds(value), "a time in ns")
    if ftype in {"ipaddr", "ipnet"}:
        return _address(value, ftype)
    raise TypeError(f"it returned {type(value).__name__}, and the field is {ftype}")


def _text(value: str) -> str:
    try:
        raw = value.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        raw = value.encode(errors="replace")
    return raw.replace(b"\0", b"\\0").decode(errors="surrogateescape")


def _fitting(value: int, what: str) -> int:
    if not 0 <= value < _U64:
        raise OverflowError(f"{value!r} does not fit {what}: it has 0 to 2**64-1")
    return int(value)


def _address(value: Any, ftype: str) -> str:
    if isinstance(value, str):
        return str(ipaddress.ip_address(value.partition("/")[0] if ftype == "ipnet" else value))
    if ftype == "ipnet":
        value = getattr(value, "network_address", value)
    packed = getattr(value, "packed", value)
    if not isinstance(packed, bytes):
        raise TypeError(f"it returned {type(value).__name__}, and the field is {ftype}")
    return str(ipaddress.ip_address(packed))
