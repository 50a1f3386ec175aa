# SPDX-License-Identifier: Apache-2.0
"""How the bytes of each parameter type (PT_*) become a Python value.

    integers, flags, modes, ids, errors, times (ns), ports     int
    CHARBUF, FSPATH, FSRELPATH                                  str, None for a null pointer
    BYTEBUF, and unknown types                                  bytes
    SOCKADDR                   Address(ip, port), str (the path of a Unix socket), OtherFamily
    SOCKTUPLE                  SocketPair(source, destination), UnixPair, OtherFamily
    FDLIST                     tuple of PolledFd(fd, flags)
    CHARBUFARRAY               tuple of str
    CHARBUF_PAIR_ARRAY         tuple of (str, str)
    IPV4ADDR, IPV6ADDR         str
    DYN                        as the type that its first byte chooses

`decoder` runs once for each parameter of an event code; the function that it returns runs for every
event. Bytes that contradict their type are returned unchanged.
"""

from __future__ import annotations

import functools
import struct
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from falcokit.runtime.event.socket_values import (
    IPV4_BYTES,
    IPV6_BYTES,
    Address,
    OtherFamily,
    SocketPair,
    UnixPair,
    decode_sockaddr,
    decode_socktuple,
    decode_text,
    ip_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from falcokit.runtime.event.socket_values import ByteOrder

    Decode: TypeAlias = Callable[[bytes], "Value"]

__all__ = [
    "INTEGERS",
    "NULL_STRING",
    "STRINGS",
    "WIDTHS",
    "PolledFd",
    "Value",
    "decoder",
]

#: Width in bytes and signedness of the types that are one integer.
INTEGERS: Final = {
    "PT_INT8": (1, True),
    "PT_INT16": (2, True),
    "PT_INT32": (4, True),
    "PT_INT64": (8, True),
    "PT_UINT8": (1, False),
    "PT_UINT16": (2, False),
    "PT_UINT32": (4, False),
    "PT_UINT64": (8, False),
    "PT_ERRNO": (8, True),
    "PT_FD": (8, True),
    "PT_FD32": (4, True),
    "PT_PID": (8, True),
    "PT_PID32": (4, True),
    "PT_SYSCALLID": (2, False),
    "PT_SIGTYPE": (1, False),
    "PT_SIGSET": (4, False),
    "PT_RELTIME": (8, False),
    "PT_ABSTIME": (8, False),
    "PT_PORT": (2, False),
    "PT_L4PROTO": (1, False),
    "PT_SOCKFAMILY": (1, False),
    "PT_BOOL": (4, False),
    "PT_FLAGS8": (1, False),
    "PT_FLAGS16": (2, False),
    "PT_FLAGS32": (4, False),
    "PT_ENUMFLAGS8": (1, False),
    "PT_ENUMFLAGS16": (2, False),
    "PT_ENUMFLAGS32": (4, False),
    "PT_MODE": (4, False),
    "PT_UID": (4, False),
    "PT_GID": (4, False),
}
STRINGS: Final = frozenset({"PT_CHARBUF", "PT_FSPATH", "PT_FSRELPATH"})
#: The text that drivers write for a null pointer.
NULL_STRING: Final = b"(NULL)\0"

#: An alpha version of 2014 stored these integers in half their width; others are damaged.
WIDTHS: Final = frozenset({1, 2, 4, 8})
_POLLED_BYTES: Final = 2 + 8


class PolledFd(NamedTuple):
    """A file descriptor in a list, with the driver's poll flags."""

    fd: int
    flags: int


Value: TypeAlias = (
    int
    | float
    | str
    | bytes
    | Address
    | SocketPair
    | UnixPair
    | OtherFamily
    | tuple[PolledFd, ...]
    | tuple[str, ...]
    | tuple[tuple[str, str], ...]
    | None
)


def decoder(kind: str, order: ByteOrder, choices: tuple[str, ...] = ()) -> Decode:
    """Return the function that decodes a parameter that is not empty.

    Args:
        kind: Its type: PT_FD.
        order: The byte order of the writer's machine.
        choices: For a PT_DYN, the types it may hold.

    """
    if kind in INTEGERS:
        return _integer(*INTEGERS[kind], order)
    if kind in STRINGS:
        return _string
    if kind == "PT_DYN":
        return _dynamic([decoder(choice, order) for choice in choices])
    simple = _OTHERS.get(kind)
    if simple is None:
        return _bytes
    return functools.partial(simple, order=order)


def _integer(width: int, signed: bool, order: ByteOrder) -> Decode:
    def decode(raw: bytes) -> int | bytes:
        if len(raw) == width or len(raw) in WIDTHS:
            return int.from_bytes(raw, order, signed=signed)
        return raw

    return decode


def _string(raw: bytes) -> str | None:
    return None if raw == NULL_STRING else decode_text(raw)


def _bytes(raw: bytes) -> bytes:
    return raw


def _dynamic(inner: list[Decode]) -> Decode:
    def decode(raw: bytes) -> Value:
        if raw[0] >= len(inner):
            return raw
        held = raw[1:]
        return inner[raw[0]](held) if held else None

    return decode


def _double(raw: bytes, order: ByteOrder) -> float | bytes:
    if len(raw) != struct.calcsize("d"):
        return raw
    number: float = struct.unpack(">d" if order == "big" else "<d", raw)[0]
    return number


def _ip(raw: bytes, order: ByteOrder) -> str | bytes:  # noqa: ARG001 - always in network order
    return ip_text(raw) if len(raw) in {IPV4_BYTES, IPV6_BYTES} else raw


def _fds(raw: bytes, order: ByteOrder) -> tuple[PolledFd, ...] | bytes:
    """Decode PT_FDLIST as far as its bytes go: the count may promise more."""
    count = int.from_bytes(raw[:2], order)
    if len(raw) < 2 + min(count, 1) * _POLLED_BYTES:
        return raw
    item = struct.Struct(">qh" if order == "big" else "<qh")
    end = 2 + min(count, (len(raw) - 2) // _POLLED_BYTES) * _POLLED_BYTES
    return tuple(PolledFd(*pair) for pair in item.iter_unpack(raw[2:end]))


def _texts(raw: bytes, order: ByteOrder) -> tuple[str, ...]:  # noqa: ARG001 - bytes have none
    return tuple(decode_text(raw).split("\0"))


def _pairs(raw: bytes, order: ByteOrder) -> tuple[tuple[str, str], ...] | bytes:  # noqa: ARG001
    texts = decode_text(raw).split("\0")
    if len(texts) % 2:
        return raw
    return tuple(zip(texts[::2], texts[1::2], strict=True))


_OTHERS: Final[dict[str, Callable[..., Value]]] = {
    "PT_SOCKADDR": decode_sockaddr,
    "PT_SOCKTUPLE": decode_socktuple,
    "PT_FDLIST": _fds,
    "PT_CHARBUFARRAY": _texts,
    "PT_CHARBUF_PAIR_ARRAY": _pairs,
    "PT_IPV4ADDR": _ip,
    "PT_IPV6ADDR": _ip,
    "PT_IPADDR": _ip,
    "PT_DOUBLE": _double,
}
