# SPDX-License-Identifier: Apache-2.0
"""How a Python value becomes the bytes of each parameter type (PT_*): `event_values` backwards.

    integers, ids, ports       int; -1 for an id that is not set
    flags, modes               int, or names: "O_RDONLY|O_CREAT"
    enumerations, signals      int, or a name: "PR_SET_NAME", "SIGKILL"
    results, descriptors       int, or the name of an error: "ENOENT" is -2; "AT_FDCWD"
    RELTIME                    ns, or a timedelta; -1 for none
    ABSTIME                    ns since the epoch, a datetime with its zone, or its text (ISO 8601)
    CHARBUF, FSPATH, FSRELPATH str, or a path
    BYTEBUF                    bytes, str, or a list of str, each of which gets its NUL
    SOCKADDR                   Address, "10.0.0.1:80", the path of a Unix socket, OtherFamily
    SOCKTUPLE                  SocketPair, "10.0.0.1:99->10.0.0.2:80", UnixPair, a path, OtherFamily
    FDLIST                     a list of (fd, flags)
    CHARBUFARRAY               a list of str
    CHARBUF_PAIR_ARRAY         a dict, or a list of pairs
    DYN                        {"errno": -2}; the value alone where only one of the types has such

None is an empty parameter, and bytes are taken as they are, for every type. What JSON makes of a
value is taken too. ValueError says why a value does not fit; nothing else is ever raised.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import struct
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from falcokit.runtime.event.constants import numbers, own_number
from falcokit.runtime.event.event_values import INTEGERS, STRINGS
from falcokit.runtime.event.socket_values import (
    IPV4_BYTES,
    IPV6_BYTES,
    OtherFamily,
    UnixPair,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from falcokit.runtime.event.event_types import ParamType
    from falcokit.runtime.event.socket_values import ByteOrder

    Encode: TypeAlias = Callable[[Any, ByteOrder], bytes]

__all__ = ["AT_FDCWD", "encode_value", "variant_name"]

AT_FDCWD: Final = -100
#: Of these -1 stands for "not set", although their numbers have no sign.
_NOT_SET: Final = frozenset({"PT_UID", "PT_GID", "PT_RELTIME"})
_RESULTS: Final = frozenset({"PT_ERRNO", "PT_FD", "PT_FD32", "PT_PID", "PT_PID32", "PT_INT64"})
_UNIX, _INET, _INET6 = 1, 2, 10
_MAPPED: Final = bytes(10) + b"\xff\xff"
_UNIX_TEXT: Final = re.compile(r"([0-9a-fA-F]+)->([0-9a-fA-F]+) (.*)", re.DOTALL)
_NS: Final = 1_000_000_000
_MAX_PORT: Final = 0xFFFF
_ENDS = _PAIR = 2


def encode_value(param: ParamType, value: object, order: ByteOrder) -> bytes:  # noqa: PLR0911
    """Return the bytes of a value.

    Args:
        param: The parameter, of the event table.
        value: What this module's text lists.
        order: The byte order of the machine that the event is of.

    Raises:
        ValueError: the value does not fit the parameter's type.

    """
    if value is None:
        return b""
    if isinstance(value, (bytes, bytearray, memoryview)) and param.type != "PT_DYN":
        return bytes(value)
    if isinstance(value, Mapping) and "base64" in value:
        return _from_base64(value)
    kind = param.type
    if kind in INTEGERS:
        return _integer(param, value, order)
    if kind in STRINGS:
        return _string(value)
    if kind == "PT_DYN":
        return _dynamic(param, value, order)
    simple = _OTHERS.get(kind)
    if simple is None:
        raise _wrong("bytes", value)
    return simple(value, order)


def variant_name(kind: str) -> str:
    """Return what a type of a PT_DYN is called in a dict: PT_ERRNO is "errno"."""
    return kind.removeprefix("PT_").lower()


def _wrong(wanted: str, value: object) -> ValueError:
    return ValueError(f"it takes {wanted}, not {value!r}")


def _from_base64(value: Mapping[str, Any]) -> bytes:
    try:
        data = base64.b64decode(value["base64"], validate=True)
    except (TypeError, ValueError, binascii.Error) as e:
        raise ValueError(f"its base64 is damaged: {e}") from e
    if value.get("size", len(data)) != len(data):
        raise ValueError(f"{len(data)} bytes of {value['size']} are there: it was shortened")
    return data


# ---- numbers ------------------------------------------------------------------------------------


def _integer(param: ParamType, value: Any, order: ByteOrder) -> bytes:
    kind = param.type
    width, signed = INTEGERS[kind]
    if kind == "PT_SIGSET" and not isinstance(value, (int, str)):
        value = _signals(value)
    elif kind in {"PT_RELTIME", "PT_ABSTIME"}:
        value = _time(kind, value)
    elif isinstance(value, str):
        value = _named(param, value)
    if not isinstance(value, int):
        raise _wrong("an int", value)
    if value == -1 and kind in _NOT_SET:
        value = 2 ** (8 * width) - 1
    try:
        return int(value).to_bytes(width, order, signed=signed)
    except OverflowError:
        low = -(2 ** (8 * width - 1)) if signed else 0
        high = 2 ** (8 * width - signed) - 1
        raise ValueError(f"{value} is not a number from {low} to {high}") from None


def _named(param: ParamType, text: str) -> int:  # noqa: PLR0911
    """Return the number of a name, or of several joined by "|"."""
    kind = param.type
    if param.flags:
        if kind.startswith("PT_ENUM"):
            return own_number(param.flags, text, f"one of {param.flags}")
        parts = [part.strip() for part in text.split("|")] if text else []
        bits = 0
        for part in parts:
            bits |= own_number(param.flags, part, f"one of {param.flags}")
        return bits
    if kind in _RESULTS:
        if text == "AT_FDCWD":
            return AT_FDCWD
        return -own_number("errno", text.removeprefix("-"), "the name of an error")
    if kind == "PT_SIGTYPE":
        return own_number("signals", text, "a signal")
    if kind == "PT_SIGSET":
        return _signals(text.split())
    if kind == "PT_SYSCALLID":
        return own_number("syscalls", text, "a system call")
    raise _wrong("an int", text)


def _signals(given: Any) -> int:
    """Return a set of signals as bits, bit 0 being signal 1."""
    if not isinstance(given, Iterable):
        raise _wrong("an int, or a list of signals", given)
    bits = 0
    for signal in given:
        number = numbers("signals").get(signal) if isinstance(signal, str) else signal
        if not isinstance(number, int) or not 1 <= number <= 32:  # noqa: PLR2004  # bits of a u32
            raise ValueError(f"{signal!r} is not a signal")
        bits |= 1 << number - 1
    return bits


def _time(kind: str, value: Any) -> Any:
    """Return a time in ns."""
    if isinstance(value, int):
        return value
    import datetime as dt  # noqa: PLC0415  # a millisecond that few need to spend

    if kind == "PT_RELTIME":
        if not isinstance(value, dt.timedelta):
            raise _wrong("ns as an int, or a timedelta", value)
        return value // dt.timedelta(microseconds=1) * 1000
    rest = 0
    if isinstance(value, str):
        text, rest = _without_ns(value)
        try:
            value = dt.datetime.fromisoformat(text)
        except ValueError as e:
            raise ValueError(f"{value!r} is not a time: {e}") from e
    if not isinstance(value, dt.datetime):
        raise _wrong("ns since the epoch as an int, or a datetime", value)
    if value.tzinfo is None:
        raise ValueError(f"{value} has no time zone")
    since = value - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return since // dt.timedelta(microseconds=1) * 1000 + rest


def _without_ns(text: str) -> tuple[str, int]:
    """Cut digits beyond microseconds, which `datetime` does not have."""
    found = re.search(r"\.(\d{6})(\d{1,3})", text)
    if found is None:
        return text, 0
    return text[: found.start(2)] + text[found.end(2) :], int(found[2].ljust(3, "0"))


# ---- texts --------------------------------------------------------------------------------------


def _text(value: Any) -> bytes:
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, str):
        raise _wrong("a str", value)
    if "\0" in value:
        raise ValueError(f"{value!r} has a NUL")
    try:
        return value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as e:
        raise ValueError(f"{value!r} cannot be UTF-8: {e.reason}") from e


def _string(value: Any) -> bytes:
    return _text(value) + b"\0"


def _texts(value: Any, order: ByteOrder = "little") -> bytes:  # noqa: ARG001 - bytes have none
    if isinstance(value, (str, Mapping)) or not isinstance(value, Iterable):
        raise _wrong("a list of str", value)
    return b"".join(map(_string, value))


def _buffer(value: Any, order: ByteOrder) -> bytes:  # noqa: ARG001
    if not isinstance(value, str):
        return _texts(value)
    try:
        return value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as e:
        raise ValueError(f"{value!r} cannot be UTF-8: {e.reason}") from e


def _pairs(value: Any, order: ByteOrder) -> bytes:  # noqa: ARG001
    pairs = value.items() if isinstance(value, Mapping) else value
    if isinstance(pairs, str) or not isinstance(pairs, Iterable):
        raise _wrong("a dict of str", value)
    texts: list[Any] = []
    for pair in pairs:
        if isinstance(pair, str) or not isinstance(pair, Iterable) or len(both := [*pair]) != _PAIR:
            raise _wrong("pairs of str", pair)
        texts += both
    return _texts(texts)


# ---- sockets, lists of descriptors --------------------------------------------------------------


def _ip(text: Any) -> bytes:
    import ipaddress  # noqa: PLC0415  # 4 ms that few need to spend

    if not isinstance(text, str):
        raise _wrong("an IP address as str", text)
    try:
        return ipaddress.ip_address(text.removeprefix("[").removesuffix("]")).packed
    except ValueError as e:
        raise ValueError(str(e)) from e


def _ip_of(size: int) -> Encode:
    def encode(value: Any, order: ByteOrder) -> bytes:  # noqa: ARG001 - always in network order
        found = _ip(value)
        if len(found) != size:
            raise ValueError(f"{value!r} is not an IPv{4 if size == IPV4_BYTES else 6} address")
        return found

    return encode


def _address(value: Any) -> tuple[bytes, int] | None:
    """Return IP address and port; None for what is something else."""
    if isinstance(value, Mapping):
        value = (value.get("ip"), value.get("port"))
    elif isinstance(value, str):
        ip, colon, port = value.rpartition(":")
        if not (colon and port.isascii() and port.isdigit()) or "/" in ip:
            return None
        value = (ip, int(port))
    if not isinstance(value, (tuple, list)) or len(value) != _ENDS:
        raise _wrong("an address and a port", value)
    ip, port = value
    if not isinstance(port, int) or not 0 <= port <= _MAX_PORT:
        raise ValueError(f"{port!r} is not a port")
    return _ip(ip), port


def _family(value: Any) -> bytes | None:
    """Return a socket of which only the family is known; None for what is something else."""
    if isinstance(value, Mapping) and set(value) == {"family"}:
        value = OtherFamily(value["family"])
    elif isinstance(value, str) and (found := re.fullmatch(r"family (\d+)", value)):
        value = OtherFamily(int(found[1]))
    if not isinstance(value, OtherFamily):
        return None
    number: Any = value.family
    if isinstance(number, str):
        number = own_number("socket_families", number, "an address family")
    if not isinstance(number, int) or not 0 <= number <= 255:  # noqa: PLR2004  # a u8
        raise ValueError(f"{number!r} is not an address family")
    return bytes([number])


def _sockaddr(value: Any, order: ByteOrder) -> bytes:
    if (family := _family(value)) is not None:
        return family
    if isinstance(value, Mapping) and "path" in value:
        value = str(value["path"])
    found = _address(value)
    if found is None:
        return bytes([_UNIX]) + _string(value)
    ip, port = found
    return bytes([_INET if len(ip) == IPV4_BYTES else _INET6]) + ip + port.to_bytes(2, order)


def _socktuple(value: Any, order: ByteOrder) -> bytes:
    if (family := _family(value)) is not None:
        return family
    value, wanted = _ends(value)
    if isinstance(value, UnixPair):
        for pointer in value[:_ENDS]:
            if not isinstance(pointer, int) or not 0 <= pointer < 2**64:
                raise ValueError(f"{pointer!r} is not a pointer")
        pointers = value.source.to_bytes(8, order) + value.destination.to_bytes(8, order)
        return bytes([_UNIX]) + pointers + _string(value.path)
    if not isinstance(value, (tuple, list)) or len(value) != _ENDS:
        raise _wrong("both ends of a connection", value)
    ends = [_address(end) for end in value]
    ips = [(end[0], end[1].to_bytes(2, order)) for end in ends if end is not None]
    if len(ips) != _ENDS:
        raise _wrong("an address and a port at each end", value)
    if wanted != _INET6 and all(len(ip) == IPV4_BYTES for ip, _ in ips):
        return bytes([_INET]) + b"".join(ip + port for ip, port in ips)
    return bytes([_INET6]) + b"".join(_as_ipv6(ip) + port for ip, port in ips)


def _ends(value: Any) -> tuple[Any, int | None]:
    """Return what is given as both ends, and the family if that is given."""
    if isinstance(value, Mapping):
        if "path" in value:
            return UnixPair(value.get("source", 0), value.get("destination", 0), value["path"]), 1
        return (value.get("source"), value.get("destination")), value.get("family")
    if isinstance(value, str):
        if found := _UNIX_TEXT.fullmatch(value):
            return UnixPair(int(found[1], 16), int(found[2], 16), found[3]), 1
        source, arrow, destination = value.partition("->")
        if not arrow:
            return UnixPair(0, 0, value), 1
        return (source, destination), None
    return value, None


def _as_ipv6(ip: bytes) -> bytes:
    if len(ip) == IPV6_BYTES:
        return ip
    return _MAPPED + ip if any(ip) else bytes(IPV6_BYTES)


def _fds(value: Any, order: ByteOrder) -> bytes:
    if isinstance(value, (str, Mapping)) or not isinstance(value, Iterable):
        raise _wrong("a list of (fd, flags)", value)
    item = struct.Struct(">qh" if order == "big" else "<qh")
    found = []
    for each in value:
        pair = (each.get("fd"), each.get("flags", 0)) if isinstance(each, Mapping) else each
        if not isinstance(pair, (tuple, list)) or len(pair) != _PAIR:
            raise _wrong("(fd, flags)", each)
        fd, flags = pair
        if isinstance(flags, str):
            names = [name.strip() for name in flags.split("|")] if flags else []
            flags = sum({own_number("poll_flags", name, "one of poll_flags") for name in names})
        try:
            found.append(item.pack(fd, flags))
        except struct.error as e:
            raise ValueError(f"{each!r} is not a descriptor with its flags: {e}") from e
    if len(found) > _MAX_PORT:
        raise ValueError(f"{len(found)} descriptors are too many")
    return len(found).to_bytes(2, order) + b"".join(found)


# ---- one of several types -----------------------------------------------------------------------


def _dynamic(param: ParamType, value: Any, order: ByteOrder) -> bytes:
    """Return the number of the type, and the value."""
    names = [variant_name(choice) for choice in param.choices]
    if isinstance(value, Mapping):
        if len(value) != 1 or (name := next(iter(value))) not in names:
            raise ValueError(
                f"it takes one of {', '.join(names)}, not {', '.join(map(str, value))}"
            )
        at, value = names.index(name), value[name]
    else:
        at = _only_variant(param.choices, names, value)
    inner = param._replace(type=param.choices[at], choices=())
    return bytes([at]) + encode_value(inner, value, order)


def _only_variant(choices: tuple[str, ...], names: list[str], value: Any) -> int:
    if isinstance(value, (bytes, bytearray, memoryview)):
        fitting = [at for at, kind in enumerate(choices) if kind == "PT_BYTEBUF"]
    elif isinstance(value, int):
        fitting = [at for at, kind in enumerate(choices) if kind in INTEGERS]
        if {choices[at] for at in fitting} == {"PT_FD", "PT_ERRNO"}:  # what a system call returns
            fitting = [choices.index("PT_ERRNO" if value < 0 else "PT_FD")]
    elif isinstance(value, str):
        fitting = [at for at, kind in enumerate(choices) if kind in STRINGS]
        if not fitting and value in numbers("errno"):
            fitting = [at for at, kind in enumerate(choices) if kind == "PT_ERRNO"]
    else:
        fitting = []
    if len(fitting) != 1:
        several = ", ".join(f'{{"{name}": ...}}' for name in names)
        raise ValueError(f"{value!r} does not say which of its types it has; give one of {several}")
    return fitting[0]


def _double(value: Any, order: ByteOrder) -> bytes:
    if not isinstance(value, (int, float)):
        raise _wrong("a float", value)
    return struct.pack(">d" if order == "big" else "<d", value)


def _any_ip(value: Any, order: ByteOrder) -> bytes:  # noqa: ARG001 - always in network order
    return _ip(value)


_OTHERS: Final[dict[str, Encode]] = {
    "PT_BYTEBUF": _buffer,
    "PT_SOCKADDR": _sockaddr,
    "PT_SOCKTUPLE": _socktuple,
    "PT_FDLIST": _fds,
    "PT_CHARBUFARRAY": _texts,
    "PT_CHARBUF_PAIR_ARRAY": _pairs,
    "PT_IPV4ADDR": _ip_of(IPV4_BYTES),
    "PT_IPV6ADDR": _ip_of(IPV6_BYTES),
    "PT_IPADDR": _any_ip,
    "PT_DOUBLE": _double,
}
