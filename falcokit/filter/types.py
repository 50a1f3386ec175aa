# SPDX-License-Identifier: Apache-2.0
"""Falco's types of fields: which operators each has, and how a constant becomes a value of it.

Values of fields are `str` for text (bytes that are not UTF-8 by surrogateescape), `int`, `bool`,
`bytes` for buffers, and for an address its 4 or 16 bytes or its text; a list has a list of these.
None is a field that the event lacks.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "MAX_VALUE",
    "Family",
    "FieldType",
    "Network",
    "ValueFaultError",
    "check_operator",
    "check_raw_constant",
    "family_of",
    "packed_address",
    "parse_value",
]

#: Bytes of a constant: the buffer that Falco reads one into has 256.
MAX_VALUE: Final = 255


class FieldType(StrEnum):
    """The type of a field's values, under the name that Falco's messages and `--list` have."""

    CHARBUF = "CHARBUF"
    FSPATH = "FSPATH"
    FSRELPATH = "FSRELPATH"
    BYTEBUF = "BYTEBUF"
    BOOL = "BOOL"
    INT8 = "INT8"
    INT16 = "INT16"
    INT32 = "INT32"
    INT64 = "INT64"
    ERRNO = "ERRNO"
    FD = "FD"
    PID = "PID"
    UINT8 = "UINT8"
    UINT16 = "UINT16"
    UINT32 = "UINT32"
    UINT64 = "UINT64"
    FLAGS8 = "FLAGS8"
    FLAGS16 = "FLAGS16"
    FLAGS32 = "FLAGS32"
    ENUMFLAGS8 = "ENUMFLAGS8"
    ENUMFLAGS16 = "ENUMFLAGS16"
    ENUMFLAGS32 = "ENUMFLAGS32"
    SIGTYPE = "SIGTYPE"
    SYSCALLID = "SYSCALLID"
    PORT = "PORT"
    MODE = "MODE"
    UID = "UID"
    GID = "GID"
    RELTIME = "RELTIME"
    ABSTIME = "ABSTIME"
    DOUBLE = "DOUBLE"
    IPADDR = "IPADDR"
    IPV4ADDR = "IPV4ADDR"
    IPV6ADDR = "IPV6ADDR"
    IPNET = "IPNET"
    IPV4NET = "IPV4NET"
    IPV6NET = "IPV6NET"
    DYNAMIC = "DYNAMIC"
    SOCKADDR = "SOCKADDR"
    SOCKTUPLE = "SOCKTUPLE"
    FDLIST = "FDLIST"
    L4PROTO = "L4PROTO"
    SOCKFAMILY = "SOCKFAMILY"
    SIGSET = "SIGSET"


class Family(StrEnum):
    """Types that have the same operators."""

    NUMBER = "number"
    BOOL = "true or false"
    TEXT = "text"
    BYTES = "bytes"
    ADDRESS = "address or network"
    LIST = "list"
    NOTHING = "others"


class ValueFaultError(Exception):
    """An operator or a constant that a type does not take; `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


_T: Final = FieldType
_SIGNED: Final = {
    _T.INT8: 8, _T.INT16: 16, _T.INT32: 32, _T.INT64: 64, _T.ERRNO: 64, _T.FD: 64, _T.PID: 64,
    _T.DOUBLE: 32,
}  # fmt: skip
_UNSIGNED: Final = {
    _T.UINT8: 8, _T.FLAGS8: 8, _T.ENUMFLAGS8: 8, _T.SIGTYPE: 8, _T.L4PROTO: 8,
    _T.UINT16: 16, _T.FLAGS16: 16, _T.ENUMFLAGS16: 16, _T.SYSCALLID: 16, _T.PORT: 16,
    _T.UINT32: 32, _T.FLAGS32: 32, _T.ENUMFLAGS32: 32, _T.MODE: 32, _T.UID: 32, _T.GID: 32,
    _T.UINT64: 64, _T.RELTIME: 64, _T.ABSTIME: 64,
}  # fmt: skip
_NETWORKS: Final = {_T.IPNET, _T.IPV4NET, _T.IPV6NET}
_FAMILIES: Final = {
    **dict.fromkeys((*_SIGNED, *_UNSIGNED), Family.NUMBER),
    **dict.fromkeys((_T.CHARBUF, _T.FSPATH, _T.FSRELPATH), Family.TEXT),
    **dict.fromkeys((_T.IPADDR, _T.IPV4ADDR, _T.IPV6ADDR, *_NETWORKS), Family.ADDRESS),
    _T.BYTEBUF: Family.BYTES,
    _T.BOOL: Family.BOOL,
    # Falco has no operator for these, although it can read a constant of some of them.
    **dict.fromkeys((_T.UID, _T.GID, _T.L4PROTO), Family.NOTHING),
}
_OF_LISTS: Final = {
    _T.CHARBUF, _T.UINT64, _T.RELTIME, _T.ABSTIME, _T.BOOL, _T.IPADDR, _T.IPNET,
}  # fmt: skip

_BASIC: Final = ("=", "!=", "in", "intersects", "exists")
_ORDER: Final = ("<", "<=", ">", ">=")
#: The operators of each family; `exists` is for every field.
OPERATORS_OF: Final[dict[Family, tuple[str, ...]]] = {
    Family.NUMBER: (*_BASIC, *_ORDER),
    Family.BOOL: _BASIC,
    Family.TEXT: (
        *_BASIC, *_ORDER, "contains", "icontains", "startswith", "endswith", "glob", "iglob",
        "regex", "pmatch",
    ),
    Family.BYTES: (*_BASIC, "contains", "startswith", "endswith", "bcontains", "bstartswith"),
    Family.ADDRESS: _BASIC,
    Family.LIST: ("in", "intersects", "exists"),
    Family.NOTHING: ("exists",),
}  # fmt: skip


def family_of(field_type: FieldType, *, is_list: bool = False) -> Family:
    """Return the family whose operators a field has."""
    if is_list:
        return Family.LIST if field_type in _OF_LISTS else Family.NOTHING
    return _FAMILIES.get(field_type, Family.NOTHING)


def check_operator(operator: str, field_type: FieldType, *, is_list: bool) -> None:
    """Raise ValueFaultError if a type does not have an operator, which may have a modifier."""
    family = family_of(field_type, is_list=is_list)
    has = OPERATORS_OF[family]
    if operator.partition(" ")[0] in has and not (is_list and " " in operator):
        return
    what = "a list of" if is_list else "" if family is Family.NOTHING else f"{family}, here"
    reason = f"'{operator}' does not apply to {what} {field_type}; that has {' '.join(has)}"
    raise ValueFaultError(reason.replace("  ", " "))


def check_raw_constant(field_type: FieldType) -> None:
    """Raise ValueFaultError if Falco has no constants for an `evt.rawarg` of that type."""
    if field_type in {FieldType.BYTEBUF, FieldType.SIGTYPE, FieldType.SYSCALLID}:
        raise ValueFaultError(f"evt.rawarg takes no constant of the type {field_type}: use evt.arg")


def parse_value(field_type: FieldType, operator: str, data: bytes) -> Any:
    """Return the value that a constant stands for; raise ValueFaultError if it is none.

    Numbers wrap as in Falco: -1 is 18446744073709551615 where the type has no sign.
    """
    if len(data) > MAX_VALUE:
        raise ValueFaultError(f"a value has at most {MAX_VALUE} bytes")
    if field_type is FieldType.BYTEBUF:
        return _parse_bytes(operator, data)
    if b"\0" in data:
        raise ValueFaultError("a value cannot contain a NUL byte")
    if field_type in _SIGNED or field_type in _UNSIGNED:
        return _parse_number(field_type, data)
    parse = _PARSERS.get(_FAMILIES.get(field_type, Family.NOTHING))
    return data.decode("utf-8", "surrogateescape") if parse is None else parse(field_type, data)


_NUMBER: Final = re.compile(rb"[ \t\n\v\f\r]*([+-]?[0-9]+)")


def _parse_number(field_type: FieldType, data: bytes) -> int:
    if field_type is FieldType.PORT:
        return _parse_port(data)
    found = _NUMBER.fullmatch(data)
    if found is None:
        shown = data.decode("utf-8", "backslashreplace")
        raise ValueFaultError(f"{shown!r} is not a whole number in decimal")
    digits = found[1]
    # What strtol and strtoul do with a number that is too large: the nearest that there is. What
    # is wider than the type is cut.
    number = int(digits[:40])
    if field_type in _SIGNED:
        return _signed(min(max(number, -(2**63)), 2**63 - 1), _SIGNED[field_type])
    largest = 2**64 - 1
    number = largest if abs(number) > largest else number
    return number % (1 << _UNSIGNED[field_type])


def _signed(number: int, bits: int) -> int:
    half: int = 1 << (bits - 1)
    return (number + half) % (2 * half) - half


def _parse_port(data: bytes) -> int:
    if not data:
        return 0
    if data.isdigit():
        number = int(data[:40])
        if number >= 2**31:
            raise ValueFaultError(f"{data.decode()} is not a port")
        return number % 2**16
    import socket  # noqa: PLC0415 - only for the name of a port

    try:
        return socket.getservbyname(data.decode("ascii", "replace"))
    except (OSError, ValueError):
        shown = data.decode("utf-8", "backslashreplace")
        raise ValueFaultError(f"{shown!r} is neither a port nor the name of one") from None


def _parse_bool(_: FieldType, data: bytes) -> bool:
    if data not in {b"true", b"false"}:
        shown = data.decode("utf-8", "backslashreplace")
        raise ValueFaultError(f"{shown!r} is neither true nor false")
    return data == b"true"


def _parse_bytes(operator: str, data: bytes) -> bytes:
    if not operator.startswith("b"):
        return data
    try:
        if not re.fullmatch(rb"(?:[0-9a-fA-F]{2})*", data):
            raise ValueError  # noqa: TRY301 - fromhex takes blanks too
        return bytes.fromhex(data.decode())
    except ValueError:
        raise ValueFaultError(f"{operator} takes bytes in hex, two digits each") from None


class Network:
    """An IP network: `10.0.0.0/8`; the bits of the address behind the mask do not count."""

    def __init__(self, address: bytes, bits: int) -> None:
        self._size: Final = len(address)
        self._shift: Final = 8 * len(address) - bits
        self._prefix: Final = int.from_bytes(address, "big") >> self._shift

    def __contains__(self, address: bytes) -> bool:
        """Return whether an address of 4 or 16 bytes is in it."""
        if len(address) != self._size:
            return False
        return int.from_bytes(address, "big") >> self._shift == self._prefix


def _parse_address(field_type: FieldType, data: bytes) -> bytes | Network:
    text = data.decode("utf-8", "backslashreplace")
    old = field_type in {_T.IPV4ADDR, _T.IPV4NET}
    if field_type in {_T.IPADDR, _T.IPNET}:
        old = "." in text
    version = 4 if old else 6
    if field_type not in _NETWORKS:
        found = packed_address(text, version)
        if found is None:
            raise ValueFaultError(f"{text!r} is not an IPv{version} address")
        return found
    address, slash, mask = text.partition("/")
    if not slash:
        raise ValueFaultError(f"{text!r} is not an IP network: it has no netmask, as in /24")
    found = packed_address(address, version)
    if found is None:
        raise ValueFaultError(f"{address!r} is not an IPv{version} address")
    bits = int(_parse_number(FieldType.UINT8, mask.encode()))
    if bits > 8 * len(found) or (bits == 0 and not old):
        raise ValueFaultError(f"{mask!r} is not the netmask of an IPv{version} network")
    return Network(found, bits)


def packed_address(text: str, version: int | None = None) -> bytes | None:
    """Return the 4 or 16 bytes of an address, None if the text is none."""
    import socket  # noqa: PLC0415 - only for addresses

    if version is None:
        version = 6 if ":" in text else 4
    try:
        return socket.inet_pton(socket.AF_INET if version == 4 else socket.AF_INET6, text)  # noqa: PLR2004
    except (OSError, ValueError):
        return None


_PARSERS: Final[dict[Family, Callable[[FieldType, bytes], Any]]] = {
    Family.BOOL: _parse_bool,
    Family.ADDRESS: _parse_address,
}
