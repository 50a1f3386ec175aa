# SPDX-License-Identifier: Apache-2.0
"""The network interfaces of the machine: interface lists of both versions."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from falcokit.capture.format.list_records import Step, decode, make_plan, pack, spans, unpack
from falcokit.record import Record

if TYPE_CHECKING:
    from collections.abc import Generator

    from falcokit.capture.format.layout import BlockType, Layout
    from falcokit.capture.format.list_records import Fields, Plan, Spans

__all__ = ["Interface", "decode_interfaces", "encode_interface", "interface_spans"]

_OWN_LENGTH_SINCE: Final = 2
_IPV4, _IPV6, _IPV4_OLD, _IPV6_OLD = 1, 2, 3, 4
_NAME_BYTES: Final = 1023
_V4_KINDS: Final = frozenset({_IPV4, _IPV4_OLD})

_HEAD: Final[Fields] = (("kind", "H"), ("name_length", "H"))
_V4: Final[Fields] = (("address", "4s"), ("netmask", "4s"), ("broadcast", "4s"))
_V6: Final[Fields] = (("address", "16s"), ("netmask", "16s"), ("broadcast", "16s"))
_SPEED: Final[Fields] = (("link_speed", "Q"),)
# The name follows; its length lies in the head, apart from it.
_KINDS: Final[dict[int, Fields]] = {
    _IPV4: _HEAD + _V4 + _SPEED,
    _IPV6: _HEAD + _V6 + _SPEED,
    _IPV4_OLD: _HEAD + _V4,
    _IPV6_OLD: _HEAD + _V6,
}


class Interface(Record):
    """One address of one interface; `link_speed` is None in old files, which lack it."""

    name: str
    ipv6: bool
    address: str
    netmask: str
    broadcast: str
    link_speed: int | None = None


def interface_spans(body: bytes, block: BlockType, layout: Layout) -> Spans:
    """Find the records of an interface list."""
    u16 = layout.u16
    # Only here the length of a record does not include the length field itself.
    own_length = layout.u32.size if block.version >= _OWN_LENGTH_SINCE else None

    def choose(body: bytes, at: int) -> Plan | None:
        if at + 2 * u16.size > len(body):
            return None
        fields = _KINDS.get(u16.unpack_from(body, at)[0])
        if fields is None:
            return None
        length = u16.unpack_from(body, at + u16.size)[0]
        return (*make_plan(fields, layout), Step(("name",), struct.Struct(f"{length}s")))

    return spans(body, 0, layout, own_length=own_length, choose=choose)


def decode_interfaces(
    body: bytes, block: BlockType, layout: Layout
) -> Generator[Interface, None, bool]:
    """Yield every complete record of an interface list; return whether that was the whole list."""

    def build(plan: Plan, start: int, _end: int) -> Interface:
        values, _ = unpack(plan, body, start, layout)
        ipv6 = values["kind"] not in _V4_KINDS
        import socket  # noqa: PLC0415 - 3 ms

        family = socket.AF_INET6 if ipv6 else socket.AF_INET
        return Interface(
            # Some writers count a NUL after the name.
            name=values["name"].rstrip(b"\0").decode("utf-8", "surrogateescape"),
            ipv6=ipv6,
            address=socket.inet_ntop(family, values["address"]),
            netmask=socket.inet_ntop(family, values["netmask"]),
            broadcast=socket.inet_ntop(family, values["broadcast"]),
            link_speed=values.get("link_speed"),
        )

    return decode(interface_spans(body, block, layout), build)


def encode_interface(interface: Interface, layout: Layout) -> bytes:
    """Return a whole record of the newest version, its length in front."""
    import socket  # noqa: PLC0415 - 3 ms

    family = socket.AF_INET6 if interface.ipv6 else socket.AF_INET
    name = interface.name.encode("utf-8", "surrogateescape")
    if len(name) > _NAME_BYTES:
        text = f"the name of an interface has {len(name)} bytes; the maximum is {_NAME_BYTES}"
        raise ValueError(text)
    old = interface.link_speed is None
    kind = (_IPV6_OLD if old else _IPV6) if interface.ipv6 else (_IPV4_OLD if old else _IPV4)
    try:
        values = {
            "kind": kind,
            "name_length": len(name),
            "address": socket.inet_pton(family, interface.address),
            "netmask": socket.inet_pton(family, interface.netmask),
            "broadcast": socket.inet_pton(family, interface.broadcast),
            "link_speed": interface.link_speed,
        }
    except OSError as e:
        raise ValueError(f"the interface {interface.name} has an impossible address") from e
    record = pack(make_plan(_KINDS[kind], layout), values, layout, text_bytes=0) + name
    return layout.u32.pack(len(record)) + record
