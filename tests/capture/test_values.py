# SPDX-License-Identifier: Apache-2.0
"""Parameters as Python values: every type, both byte orders, what is empty, missing or odd."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scap_builder import Builder

from falcokit.capture import MalformedEventError, open_capture
from falcokit.capture.events.event_table import Param, event_table
from falcokit.capture.events.values import decoder, value, values
from falcokit.runtime.event.event_values import INTEGERS, PolledFd
from falcokit.runtime.event.socket_values import Address, OtherFamily, SocketPair, UnixPair

if TYPE_CHECKING:
    from falcokit.capture.events.event import Event
    from falcokit.runtime.event.event_values import Value

SAMPLES = Path(__file__).with_name("samples")
TYPES = sorted({param.type for entry in event_table().events for param in entry.params})

READ, PPOLL, SETSOCKOPT, OPEN, BIND, CONNECT = 7, 255, 45, 3, 21, 23
LONG_IP = bytes([0x20, 1, 0xD, 0xB8]) + bytes(11) + b"\1"
MAPPED = bytes(10) + b"\xff\xff"


def one_event(folder: Path, stream: bytes, *, big_endian: bool = False) -> Event:
    path = folder / "one.scap"
    path.write_bytes(Builder(big_endian=big_endian).section() + stream)
    with open_capture(path) as capture:
        return next(iter(capture))


def decode(kind: str, raw: bytes, *, big_endian: bool = False, dynamic: str | None = None) -> Value:
    param = Param(name="p", type=kind, fmt="PF_NA", dynamic=dynamic)
    return decoder(param, "big" if big_endian else "little")(raw)


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("kind", INTEGERS)
def test_an_integer_has_the_width_and_sign_of_its_type(kind: str, big_endian: bool) -> None:
    width, signed = INTEGERS[kind]
    order = "big" if big_endian else "little"
    for raw in (b"\x01" * width, b"\xfe" * width, bytes(range(width))):
        expected = int.from_bytes(raw, order, signed=signed)
        assert decode(kind, raw, big_endian=big_endian) == expected


@pytest.mark.parametrize(
    ("kind", "raw", "expected"),
    [
        ("PT_CHARBUF", b"text\0", "text"),
        ("PT_CHARBUF", b"text", "text"),
        ("PT_CHARBUF", b"\0", ""),
        ("PT_CHARBUF", b"(NULL)\0", None),
        ("PT_CHARBUF", "größe\0".encode(), "größe"),
        ("PT_CHARBUF", b"a\xffb\0", "a\\xffb"),
        ("PT_FSPATH", b"/etc/passwd\0", "/etc/passwd"),
        ("PT_FSRELPATH", b"(NULL)\0", None),
        ("PT_BYTEBUF", b"\0\1", b"\0\1"),
        ("PT_CHARBUFARRAY", b"a\0bc\0", ("a", "bc")),
        ("PT_CHARBUF_PAIR_ARRAY", b"\1\2\3\4\5\6\7\x08", b"\1\2\3\4\5\6\7\x08"),
        ("PT_IPV4ADDR", bytes([10, 0, 0, 79]), "10.0.0.79"),
        ("PT_IPV6ADDR", LONG_IP, "2001:db8::1"),
        ("PT_DOUBLE", struct.pack("<d", 0.5), 0.5),
        ("PT_SOCKADDR", b"\x01/run/s\0", "/run/s"),
        ("PT_SOCKADDR", bytes([2, 127, 0, 0, 1, 80, 0]), Address("127.0.0.1", 80)),
        ("PT_SOCKADDR", b"\x0a" + LONG_IP + b"\x35\0", Address("2001:db8::1", 53)),
        ("PT_SOCKADDR", b"\x10", OtherFamily(16)),
        ("PT_SOCKADDR", b"\x02\1\2", b"\x02\1\2"),
        (
            "PT_SOCKTUPLE",
            bytes([2, 10, 0, 0, 1, 1, 2, 10, 0, 0, 2, 80, 0]),
            SocketPair(Address("10.0.0.1", 513), Address("10.0.0.2", 80)),
        ),
        (
            "PT_SOCKTUPLE",
            b"\x0a" + MAPPED + bytes([1, 2, 3, 4, 9, 0]) + bytes(16) + b"\x08\0",
            SocketPair(Address("1.2.3.4", 9), Address("0.0.0.0", 8)),
        ),
        (
            "PT_SOCKTUPLE",
            b"\x0a" + MAPPED + bytes([1, 2, 3, 4, 9, 0]) + LONG_IP + b"\x08\0",
            SocketPair(Address("::ffff:1.2.3.4", 9), Address("2001:db8::1", 8)),
        ),
        ("PT_SOCKTUPLE", b"\x01" + struct.pack("<QQ", 1, 255) + b"/s\0", UnixPair(1, 255, "/s")),
        ("PT_SOCKTUPLE", b"\x01abc", b"\x01abc"),
        ("PT_SOCKTUPLE", b"\x11", OtherFamily(17)),
        (
            "PT_FDLIST",
            struct.pack("<Hqhqh", 2, 3, 1, -1, 64),
            (PolledFd(3, 1), PolledFd(-1, 64)),
        ),
        ("PT_FDLIST", struct.pack("<Hqh", 9, 3, 1), (PolledFd(3, 1),)),
        ("PT_FDLIST", b"\x09\0\1", b"\x09\0\1"),
        ("PT_FDLIST", b"\0\0", ()),
        ("PT_IPV4NET", b"\1\2", b"\1\2"),
        ("PT_OF_TOMORROW", b"\1\2", b"\1\2"),
    ],
)
def test_a_value_of_each_type(kind: str, raw: bytes, expected: Value) -> None:
    assert decode(kind, raw) == expected


def test_addresses_are_in_network_order_whatever_the_writer_and_ports_are_not() -> None:
    raw = bytes([2, 10, 0, 0, 79, 0, 80])
    assert decode("PT_SOCKADDR", raw, big_endian=True) == Address("10.0.0.79", 80)
    assert decode("PT_SOCKADDR", raw) == Address("10.0.0.79", 80 * 256)


@pytest.mark.parametrize(
    ("table", "raw", "expected"),
    [
        ("sockopt_dynamic_param", b"\x00\xab", b"\xab"),
        ("sockopt_dynamic_param", b"\x02\1\0\0\0", 1),
        ("sockopt_dynamic_param", b"\x04" + bytes(8), 0),
        ("sockopt_dynamic_param", b"\x02", None),
        ("sockopt_dynamic_param", b"\x05\1", b"\x05\1"),
        ("keyctl_dynamic_param", b"\x01key\0", "key"),
        ("ptrace_dynamic_param", b"\x01\x09", 9),
        ("bpf_dynamic_param", b"\x00" + b"\xff" * 8, -1),
    ],
)
def test_a_dynamic_value_has_the_type_that_its_first_byte_names(
    table: str, raw: bytes, expected: Value
) -> None:
    assert decode("PT_DYN", raw, dynamic=table) == expected


def test_integers_of_the_wrong_width_are_read_and_of_no_width_stay_bytes() -> None:
    assert decode("PT_UINT64", b"\x05\0\0\0") == 5  # as an alpha of 2014 wrote page faults
    assert decode("PT_UINT64", b"\x05\0\0") == b"\x05\0\0"
    assert decode("PT_UINT8", bytes(65000)) == bytes(65000)


@pytest.mark.parametrize("big_endian", [False, True])
def test_the_values_of_an_event(tmp_path: Path, big_endian: bool) -> None:
    build = Builder(big_endian=big_endian)
    params = [build.pack("q", 3), b"/tmp\0", build.pack("I", 4097), build.pack("I", 0o644)]
    event = one_event(tmp_path, build.event(OPEN, params), big_endian=big_endian)
    args = values(event)
    assert [arg.name for arg in args] == ["fd", "name", "flags", "mode"]
    assert [arg.type for arg in args] == ["PT_FD", "PT_FSPATH", "PT_FLAGS32", "PT_UINT32"]
    assert [arg.raw for arg in args] == params
    assert [arg.value for arg in args] == [3, "/tmp", 4097, 0o644]
    assert [value(event, at) for at in range(4)] == [value(event, arg.name) for arg in args]


def test_what_is_empty_or_was_not_yet_written_is_none_and_what_never_was_is_an_error(
    tmp_path: Path,
) -> None:
    event = one_event(tmp_path, Builder().event(OPEN, [b"", b"(NULL)\0"]))
    assert [arg.value for arg in values(event)] == [None, None]
    assert value(event, "fd") is value(event, "name") is value(event, "ino") is value(event, 5)
    for key in ("size", "", "param6", 6, -1):
        with pytest.raises(KeyError):
            value(event, key)


def test_parameters_of_a_newer_table_are_named_by_their_position(tmp_path: Path) -> None:
    event = one_event(tmp_path, Builder().event(OPEN, [b""] * 6 + [b"new", b""]))
    assert [arg[:] for arg in values(event)[6:]] == [
        ("param6", "PT_NONE", b"new", b"new"),
        ("param7", "PT_NONE", b"", None),
    ]
    assert value(event, "param6") == value(event, 6) == b"new"
    unknown = one_event(tmp_path, Builder().event(999, [b"a", b"b"]))
    assert [arg.name for arg in values(unknown)] == ["param0", "param1"]
    assert value(unknown, "param1") == b"b"


def test_a_dynamic_parameter_has_the_type_that_it_holds(tmp_path: Path) -> None:
    params = [bytes(8), bytes(8), b"\1", b"\1", b"\x02\7\0\0\0", bytes(4)]
    event = one_event(tmp_path, Builder().event(SETSOCKOPT, params))
    assert values(event)[4][1:] == ("PT_UINT32", b"\x02\7\0\0\0", 7)


def test_the_first_header_version_gives_the_same_values(tmp_path: Path) -> None:
    params = [struct.pack("<q", -2), b"data", struct.pack("<q", 4), struct.pack("<I", 80)]
    build = Builder()
    first = one_event(tmp_path, build.event_v1(READ, params))
    assert values(first) == values(one_event(tmp_path, build.event(READ, params)))
    assert value(first, "res") == -2


def test_contradicting_lengths_are_an_error_of_that_event(tmp_path: Path) -> None:
    stream = bytearray(Builder().event(READ, [bytes(8)]))
    stream[8 + 2 + 26] = 200  # the length of the first parameter
    event = one_event(tmp_path, bytes(stream))
    for ask in (values, lambda event: value(event, "res")):
        with pytest.raises(MalformedEventError):
            ask(event)


def test_the_values_of_a_real_capture() -> None:
    with open_capture(SAMPLES / "curl_google.scap") as capture:
        opened = [event for event in capture if event.type == "open" and event.code == OPEN]
    assert {value(event, "name") for event in opened} >= {"/etc/ld.so.cache"}
    assert all(isinstance(value(event, "fd"), int) for event in opened)
    assert {value(event, "dev") for event in opened} == {None}  # not known in 2018


@settings(max_examples=300, deadline=None)
@given(kind=st.sampled_from(TYPES), raw=st.binary(min_size=1, max_size=300), big=st.booleans())
def test_no_bytes_are_too_odd_to_decode(kind: str, raw: bytes, big: bool) -> None:
    for dynamic in event_table().dynamic_tables if kind == "PT_DYN" else (None,):
        decode(kind, raw, big_endian=big, dynamic=dynamic)
