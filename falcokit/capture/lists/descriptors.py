# SPDX-License-Identifier: Apache-2.0
"""The file descriptors that were open when a capture began: fd lists of both versions.

Each list belongs to one thread.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from falcokit.capture.format.list_records import TEXT, decode, make_plan, pack, spans, unpack
from falcokit.record import Record

if TYPE_CHECKING:
    from collections.abc import Generator

    from falcokit.capture.format.layout import BlockType, Layout
    from falcokit.capture.format.list_records import Fields, Plan, Spans

__all__ = [
    "FD_KINDS",
    "L4_PROTOCOLS",
    "FileDescriptor",
    "decode_descriptors",
    "descriptor_spans",
    "encode_descriptor",
]

#: `fd.type` on a replay, by the number of the type; a server socket has its own number.
FD_KINDS: Final = (
    "unknown",
    "file",
    "directory",
    "ipv4",
    "ipv6",
    "ipv4",
    "ipv6",
    "pipe",
    "unix",
    "event",
    "unsupported",
    "signalfd",
    "eventpoll",
    "inotify",
    "timerfd",
    "netlink",
    "file",
    "bpf",
    "userfaultfd",
    "io_uring",
    "memfd",
    "pidfd",
)
L4_PROTOCOLS: Final = ("unknown", "na", "tcp", "udp", "icmp", "raw")

_IPV4, _IPV6, _IPV4_SERVER, _IPV6_SERVER, _UNIX, _FILE = 3, 4, 5, 6, 8, 16
_SOCKETS: Final = frozenset({_IPV4, _IPV6, _IPV4_SERVER, _IPV6_SERVER})
_OWN_LENGTH_SINCE: Final = 2
_TID_BYTES: Final = 8
_TYPE_AT: Final = 16  # behind fd and inode
_MAPPED: Final = "::ffff:"  # before an IPv4 address inside an IPv6 one
_NAME_BYTES: Final = 1023
_V4_BYTES: Final = 4

_HEAD: Final[Fields] = (("fd", "q"), ("inode", "Q"), ("type", "B"))
_PORTS: Final[Fields] = (("source_port", "H"), ("destination_port", "H"), ("l4", "B"))
_NAME: Final[Fields] = (("name", TEXT),)
_PAYLOADS: Final[dict[int, Fields]] = {
    **dict.fromkeys(range(len(FD_KINDS)), _NAME),
    0: (),
    _IPV4: (("source", "4s"), ("destination", "4s"), *_PORTS),
    _IPV6: (("source", "16s"), ("destination", "16s"), *_PORTS),
    _IPV4_SERVER: (("source", "4s"), ("source_port", "H"), ("l4", "B")),
    _IPV6_SERVER: (("source", "16s"), ("source_port", "H"), ("l4", "B")),
    _UNIX: (("source_pointer", "Q"), ("destination_pointer", "Q"), *_NAME),
    _FILE: (("open_flags", "I"), *_NAME),
}


class FileDescriptor(Record):
    """One descriptor of one thread; attributes that its type lacks are None.

    `source` of a server socket is the address it listens on. Addresses are text as
    inet_ntop gives it, `l4` is a number of L4_PROTOCOLS, `open_flags` are PPM_O_* bits.
    """

    tid: int
    fd: int
    type: int
    inode: int = 0
    path: str = ""  # of files; what the kernel calls the others
    source: str | None = None
    source_port: int | None = None
    destination: str | None = None
    destination_port: int | None = None
    l4: int | None = None
    source_pointer: int | None = None
    destination_pointer: int | None = None
    open_flags: int | None = None
    dev: int | None = None

    @property
    def kind(self) -> str:
        """The value of `fd.type` on a replay: file, ipv4, unix, pipe and so on."""
        known = 0 <= self.type < len(FD_KINDS)
        return FD_KINDS[self.type] if known else f"unknown-{self.type}"

    @property
    def protocol(self) -> str | None:
        """The name of the transport protocol of an internet socket."""
        if self.l4 is None:
            return None
        return L4_PROTOCOLS[self.l4] if self.l4 < len(L4_PROTOCOLS) else f"unknown-{self.l4}"

    @property
    def name(self) -> str:
        """The value of `fd.name` on a replay: the path, or the endpoints of a socket."""
        if self.source is None:
            return self.path
        source, destination = self.source, self.destination
        if destination is None:
            return f"{source}:{self.source_port}"
        if _is_mapped(source) and _is_mapped(destination):
            source, destination = source[len(_MAPPED) :], destination[len(_MAPPED) :]
        return f"{source}:{self.source_port}->{destination}:{self.destination_port}"


def descriptor_spans(body: bytes, block: BlockType, layout: Layout) -> Spans:
    """Find the records of an fd list."""
    plans = _plans(layout)
    # With the length of a record an unknown type can be skipped; without it, it cannot.
    own_length = 0 if block.version >= _OWN_LENGTH_SINCE else None
    unknown = None if own_length is None else make_plan(_HEAD, layout)

    def choose(body: bytes, at: int) -> Plan | None:
        kind = at + _TYPE_AT
        return plans.get(body[kind], unknown) if kind < len(body) else None

    return spans(body, _TID_BYTES, layout, own_length=own_length, choose=choose)


def decode_descriptors(
    body: bytes, block: BlockType, layout: Layout
) -> Generator[FileDescriptor, None, bool]:
    """Yield every complete record of an fd list; return whether that was the whole list."""
    own_length = block.version >= _OWN_LENGTH_SINCE
    tid = int.from_bytes(body[:_TID_BYTES], layout.order, signed=True)

    def build(plan: Plan, start: int, end: int) -> FileDescriptor:
        values, at = unpack(plan, body, start, layout)
        _name_fields(values)
        if values["type"] == _FILE and own_length and end - at >= layout.u32.size:
            (values["dev"],) = layout.u32.unpack_from(body, at)
        return FileDescriptor(tid=tid, **values)

    return decode(descriptor_spans(body, block, layout), build)


def encode_descriptor(descriptor: FileDescriptor, layout: Layout) -> bytes:
    """Return a whole record of the newest version, its length in front."""
    fields = _PAYLOADS.get(descriptor.type)
    if fields is None:
        raise ValueError(f"file descriptor {descriptor.fd} has the unknown type {descriptor.type}")
    fields = _HEAD + fields
    if descriptor.dev is not None and descriptor.type == _FILE:
        fields += (("dev", "I"),)
    values = {name: _stored(descriptor, name, kind) for name, kind in fields}
    record = pack(make_plan(fields, layout), values, layout, text_bytes=_NAME_BYTES)
    return layout.u32.pack(layout.u32.size + len(record)) + record


@functools.cache
def _plans(layout: Layout) -> dict[int, Plan]:
    return {kind: make_plan(_HEAD + fields, layout) for kind, fields in _PAYLOADS.items()}


def _name_fields(values: dict[str, Any]) -> None:
    if "name" in values:
        values["path"] = values.pop("name")
    if values["type"] in _SOCKETS:
        for side in {"source", "destination"} & values.keys():
            values[side] = _address(values[side])


def _stored(descriptor: FileDescriptor, name: str, kind: str) -> Any:
    value = getattr(descriptor, "path" if name == "name" else name)
    if not kind.endswith("s"):
        return 0 if value is None else value
    import socket  # noqa: PLC0415 - 3 ms

    family = socket.AF_INET if kind == f"{_V4_BYTES}s" else socket.AF_INET6
    try:
        return socket.inet_pton(family, value or "")
    except OSError as e:
        where = f"file descriptor {descriptor.fd} ({descriptor.kind})"
        raise ValueError(f"{where} has the impossible address {value!r}") from e


def _address(data: bytes) -> str:
    import socket  # noqa: PLC0415 - 3 ms

    return socket.inet_ntop(socket.AF_INET if len(data) == _V4_BYTES else socket.AF_INET6, data)


def _is_mapped(address: str) -> bool:
    return address.startswith(_MAPPED) and "." in address
