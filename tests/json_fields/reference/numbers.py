# SPDX-License-Identifier: Apache-2.0
"""Numbers, times and addresses out of text, exactly as json/number.c reads them.

What cannot be read is None.
"""

from __future__ import annotations

import re

__all__ = ["read_ip", "read_rfc3339", "read_uint"]

UINT_MAX = 2**64 - 1
_EXPONENT_MAX = 1_000_000
_ADDRESS_MAX = 45
_NUMBER = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?)([0-9]+))?")
_DIGITS = re.compile(r"[0-9]+")
_RFC3339 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?"
    r"(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))"
)
_MONTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_DAYS_TO_1970 = 719_162


def read_uint(text: str, scale: int) -> int | None:
    """Return a number of JSON, or digits alone, times ten to the `scale`, cut to a whole number."""
    if _DIGITS.fullmatch(text):
        sign, whole, fraction, exponent = "", text, "", 0
    else:
        found = _NUMBER.fullmatch(text)
        if not found:
            return None
        sign, whole, fraction = found[1], found[2], found[3] or ""
        exponent = _exponent(found[5] or "") * (-1 if found[4] == "-" else 1)
    digits = whole + fraction
    wanted = len(whole) + exponent + scale
    kept = digits[: max(wanted, 0)].lstrip("0")
    if not kept:
        return 0
    zeros = max(wanted - len(digits), 0)
    if len(kept) + zeros > 20:  # digits of the largest
        return None
    value = int(kept) * 10**zeros
    return None if sign or value > UINT_MAX else value


def _exponent(digits: str) -> int:
    """Stop once it is past every number, where the C side does."""
    value = 0
    for digit in digits:
        if value < _EXPONENT_MAX:
            value = value * 10 + int(digit)
    return value


def read_rfc3339(text: str) -> int | None:
    """Return an RFC 3339 time as ns since the epoch."""
    found = _RFC3339.fullmatch(text)
    if not found:
        return None
    year, month, day, hour, minute, second = (int(found[i]) for i in range(1, 7))
    west, hours, minutes = found[8] == "-", int(found[9] or 0), int(found[10] or 0)
    leap = (year % 4 == 0 and year % 100 != 0) or year % 400 == 0
    if not 1 <= month <= 12 or not 1 <= day <= _MONTHS[month - 1] + (leap and month == 2):
        return None
    if hour > 23 or minute > 59 or second > 60 or hours > 23 or minutes > 59:
        return None
    before = year - 1
    days = before * 365 + before // 4 - before // 100 + before // 400 - _DAYS_TO_1970
    days += sum(_MONTHS[: month - 1]) + (leap and month > 2) + day - 1
    offset = (-1 if west else 1) * (hours * 3600 + minutes * 60)
    seconds = days * 86400 + hour * 3600 + minute * 60 + second - offset
    ns = seconds * 10**9 + int((found[7] or "")[:9].ljust(9, "0"))
    return ns if seconds >= 0 and ns <= UINT_MAX else None


def read_ip(text: str, *, net: bool) -> bytes | None:
    """Return an address as 4 or 16 bytes; with `net`, one that "/" and a prefix may follow."""
    # the C library's own reading, as in C; loaded when the first address is read
    from _socket import AF_INET, AF_INET6, inet_pton

    address, slash, prefix = text.partition("/") if net else (text, "", "")
    if len(address.encode()) > _ADDRESS_MAX:
        return None
    for family in (AF_INET, AF_INET6):
        try:
            packed = inet_pton(family, address)
        except OSError:
            continue
        if slash and not (re.fullmatch(r"[0-9]{1,3}", prefix) and int(prefix) <= 8 * len(packed)):
            return None
        return packed
    return None
