# SPDX-License-Identifier: Apache-2.0
"""Descriptors of a capture's list, as fields of the table `file_descriptors`."""

from __future__ import annotations

import ipaddress
import struct
from typing import TYPE_CHECKING, Final

from falcokit.capture.events.event_table import event_table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from falcokit.capture.lists.descriptors import FileDescriptor
    from falcokit.capture.state.changes import Value

__all__ = ["listed_descriptor", "server_ports"]

_IPV4, _IPV6, _IPV4_SERVER, _IPV6_SERVER, _UNIX, _FILE = 3, 4, 5, 6, 8, 16
_TCP: Final = 2
_FROM_LIST, _CLIENT, _SERVER, _CONNECTED = 1 << 0, 1 << 2, 1 << 3, 1 << 13


def server_ports(descriptors: Iterable[FileDescriptor]) -> frozenset[int]:
    """Return the ports that sockets of the list listen on."""
    return frozenset(
        descriptor.source_port or 0
        for descriptor in descriptors
        if descriptor.type in {_IPV4_SERVER, _IPV6_SERVER}
    )


def listed_descriptor(
    descriptor: FileDescriptor, servers: frozenset[int]
) -> dict[str, Value] | None:
    """Return the fields as libsinsp fills them; None for a type that it does not know.

    A connection to one of the ports `servers` has the client as its source.
    """
    values: dict[str, Value] = {
        "type": descriptor.type,
        "flags": _FROM_LIST,
        "ino": descriptor.inode,
        "name": descriptor.name,
    }
    kind, flags = descriptor.type, _FROM_LIST
    if kind == _FILE:
        values |= {"open_flags": descriptor.open_flags or 0, "dev": descriptor.dev or 0}
    elif kind == _UNIX:
        values["socket_unix_src"] = descriptor.source_pointer or 0
        values["socket_unix_dest"] = descriptor.destination_pointer or 0
        flags |= _SERVER if descriptor.name else _CLIENT
    elif kind in {_IPV4, _IPV6}:
        flags |= _CONNECTED if descriptor.l4 == _TCP else 0
        values |= _tuple(descriptor)
        if values["type"] == _IPV4:
            incoming = descriptor.source_port in servers
            flags |= _SERVER if incoming else _CLIENT
            values |= _turned(values) if incoming else {}
    elif kind in {_IPV4_SERVER, _IPV6_SERVER}:
        values |= _server(descriptor)
    elif not 0 < kind < len(event_table().fd_types):
        return None
    return values | {"flags": flags}


def _tuple(descriptor: FileDescriptor) -> dict[str, Value]:
    source, destination = _address(descriptor.source), _address(descriptor.destination)
    ports = descriptor.source_port or 0, descriptor.destination_port or 0
    if len(source) == len(destination) == 4:  # noqa: PLR2004 - bytes of an address
        return {
            "type": _IPV4,
            "socket_ipv4_src_ip": _u32(source),
            "socket_ipv4_dest_dip": _u32(destination),
            "socket_ipv4_src_port": ports[0],
            "socket_ipv4_dst_port": ports[1],
            "socket_ipv4_l4_proto": descriptor.l4 or 0,
        }
    source, destination = source.rjust(16, b"\0"), destination.rjust(16, b"\0")
    return {
        "socket_ipv6_src_ip_low": _u64(source[:8]),
        "socket_ipv6_src_ip_high": _u64(source[8:]),
        "socket_ipv6_dest_ip_low": _u64(destination[:8]),
        "socket_ipv6_dest_ip_high": _u64(destination[8:]),
        "socket_ipv6_src_port": ports[0],
        "socket_ipv6_dst_port": ports[1],
        "socket_ipv6_l4_proto": descriptor.l4 or 0,
    }


def _turned(values: dict[str, Value]) -> dict[str, Value]:
    source, _, destination = str(values["name"]).partition("->")
    return {
        "name": f"{destination}->{source}",
        "socket_ipv4_src_ip": values["socket_ipv4_dest_dip"],
        "socket_ipv4_dest_dip": values["socket_ipv4_src_ip"],
        "socket_ipv4_src_port": values["socket_ipv4_dst_port"],
        "socket_ipv4_dst_port": values["socket_ipv4_src_port"],
    }


def _server(descriptor: FileDescriptor) -> dict[str, Value]:
    source, port = _address(descriptor.source), descriptor.source_port or 0
    if descriptor.type == _IPV4_SERVER:
        return {
            "socket_ipv4_server_ip": _u32(source),
            "socket_ipv4_server_port": port,
            "socket_ipv4_server_l4_proto": descriptor.l4 or 0,
        }
    source = source.rjust(16, b"\0")
    return {
        "socket_ipv6_server_ip_low": _u64(source[:8]),
        "socket_ipv6_server_ip_high": _u64(source[8:]),
        "socket_ipv6_server_port": port,
        "socket_ipv6_server_l4_proto": descriptor.l4 or 0,
    }


def _address(text: str | None) -> bytes:
    """Return the bytes of an address; one of version 4 inside version 6 is taken out of it."""
    address = ipaddress.ip_address(text or "0.0.0.0")  # noqa: S104 - nothing is bound
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.packed
    return address.packed


def _u32(data: bytes) -> int:
    return int(struct.unpack("=I", data[-4:])[0])


def _u64(data: bytes) -> int:
    return int(struct.unpack("=Q", data)[0])
