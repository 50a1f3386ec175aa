# SPDX-License-Identifier: Apache-2.0
"""Socket addresses in parameters: the bytes behind PT_SOCKADDR and PT_SOCKTUPLE.

Both start with the driver's number of the address family. IP addresses are always in network
order, ports in the byte order of the writer's machine. `str()` of a decoded value is the text that
libsinsp shows.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    ByteOrder: TypeAlias = Literal["big", "little"]

__all__ = [
    "IPV4_BYTES",
    "IPV6_BYTES",
    "Address",
    "OtherFamily",
    "SocketPair",
    "UnixPair",
    "decode_sockaddr",
    "decode_socktuple",
    "decode_text",
    "ip_text",
]

IPV4_BYTES: Final = 4
IPV6_BYTES: Final = 16

_UNIX: Final = 1
_IPS: Final = {2: IPV4_BYTES, 10: IPV6_BYTES}
_PORT_BYTES: Final = 2
_POINTERS_END: Final = 1 + 8 + 8
_MAPPED: Final = bytes(10) + b"\xff\xff"


class Address(NamedTuple):
    """An IP address as text, and a port."""

    ip: str
    port: int

    def __str__(self) -> str:
        """Return address and port as libsinsp does, without brackets around IPv6."""
        return f"{self.ip}:{self.port}"


class SocketPair(NamedTuple):
    """Both ends of a connection."""

    source: Address
    destination: Address

    def __str__(self) -> str:
        """Return both ends with an arrow between them."""
        return f"{self.source}->{self.destination}"


class UnixPair(NamedTuple):
    """Both ends of a Unix socket, as the kernel's pointers, and its path."""

    source: int
    destination: int
    path: str

    def __str__(self) -> str:
        """Return the pointers in hexadecimal, then the path."""
        return f"{self.source:x}->{self.destination:x} {self.path}"


class OtherFamily(NamedTuple):
    """A socket of any other address family: only the family's number is stored."""

    family: int

    def __str__(self) -> str:
        """Return the number of the family."""
        return f"family {self.family}"


def decode_text(raw: bytes) -> str:
    """Decode a string with the NUL that ends it; bytes that are not UTF-8 become escapes."""
    return raw.removesuffix(b"\0").decode("utf-8", "backslashreplace")


def ip_text(raw: bytes) -> str:
    """Return the text of 4 or 16 bytes in network order, as inet_ntop does.

    Without `socket`, which is large and may be missing from a packaged plugin.
    """
    if len(raw) == IPV4_BYTES:
        return ".".join(map(str, raw))
    groups = struct.unpack(">8H", raw)
    start, length = _longest_zeros(groups)
    embeds = start == 0 and (
        length == 6  # noqa: PLR2004  # ::1.2.3.4
        or (length == 5 and groups[5] == 0xFFFF)  # noqa: PLR2004  # ::ffff:1.2.3.4
    )
    last = [ip_text(raw[-IPV4_BYTES:])] if embeds else [f"{g:x}" for g in groups[6:]]
    texts = [f"{g:x}" for g in groups[:6]] + last
    if length < 2:  # noqa: PLR2004  # a single 0 is written out
        return ":".join(texts)
    return ":".join(texts[:start]) + "::" + ":".join(texts[start + length :])


def _longest_zeros(groups: tuple[int, ...]) -> tuple[int, int]:
    """Return the position and length of the longest run of zeros, the first if several."""
    best, length, start = 0, 0, 0
    for at, group in enumerate((*groups, 1)):
        if group:
            if at - start > length:
                best, length = start, at - start
            start = at + 1
    return best, length


def decode_sockaddr(raw: bytes, order: ByteOrder) -> Address | OtherFamily | str | bytes:
    """Decode PT_SOCKADDR: an address, the path of a Unix socket; bytes when the length is wrong."""
    family = raw[0]
    if family == _UNIX:
        return decode_text(raw[1:])
    size = _IPS.get(family)
    if size is None:
        return OtherFamily(family)
    if len(raw) != 1 + size + _PORT_BYTES:
        return raw
    return _address(raw[1:], size, order)


def decode_socktuple(raw: bytes, order: ByteOrder) -> SocketPair | UnixPair | OtherFamily | bytes:
    """Decode PT_SOCKTUPLE; bytes when the length is wrong."""
    family = raw[0]
    if family == _UNIX:
        if len(raw) < _POINTERS_END:
            return raw
        source = int.from_bytes(raw[1:9], order)
        destination = int.from_bytes(raw[9:_POINTERS_END], order)
        return UnixPair(source, destination, decode_text(raw[_POINTERS_END:]))
    size = _IPS.get(family)
    if size is None:
        return OtherFamily(family)
    half = size + _PORT_BYTES
    if len(raw) != 1 + 2 * half:
        return raw
    ends = raw[1 : 1 + half], raw[1 + half :]
    if size == IPV6_BYTES and all(map(_holds_ipv4, ends)):
        size, ends = IPV4_BYTES, (ends[0][len(_MAPPED) :], ends[1][len(_MAPPED) :])
    return SocketPair(_address(ends[0], size, order), _address(ends[1], size, order))


def _holds_ipv4(end: bytes) -> bool:
    """Return whether an IPv6 address stands for an IPv4 one; all zeros may mean either."""
    return end.startswith(_MAPPED) or not any(end[:IPV6_BYTES])


def _address(end: bytes, size: int, order: ByteOrder) -> Address:
    port = int.from_bytes(end[size : size + _PORT_BYTES], order)
    return Address(ip_text(end[:size]), port)
