# SPDX-License-Identifier: Apache-2.0
"""The parameters of events by name, as plugins get them, and the event table they come from."""

from __future__ import annotations

import random
import socket
import struct
from pathlib import Path

import pytest

from falcokit.capture import open_capture
from falcokit.capture.events.event_table import event_table
from falcokit.capture.events.values import values
from falcokit.runtime.event.event_params import decode_params
from falcokit.runtime.event.event_types import event_codes, event_type
from falcokit.runtime.event.socket_values import Address, SocketPair, ip_text
from tools.event_table_text import MODULE, module_text

pytestmark = pytest.mark.python

SAMPLES = sorted((Path(__file__).parents[1] / "capture" / "samples").glob("*.scap"))
OPENAT_X = 307


def event(code: int, *params: bytes, width: str = "H") -> bytes:
    lengths = struct.pack(f"={len(params)}{width}", *map(len, params))
    size = 26 + len(lengths) + sum(map(len, params))
    return struct.pack("=QQIHI", 1, 2, size, code, len(params)) + lengths + b"".join(params)


def test_the_text_is_what_the_shipped_table_says() -> None:
    assert MODULE.read_text() == module_text()


def test_every_code_has_the_name_and_the_parameters_of_the_shipped_table() -> None:
    """E5"""
    for code, shipped in enumerate(event_table().events):
        known = event_type(code)
        assert known is not None
        assert (known.name, known.direction, known.large) == (
            shipped.name, shipped.dir, shipped.large_payload,
        )  # fmt: skip
        assert [(p.name, p.type) for p in known.params] == [
            (p.name, p.type) for p in shipped.params
        ]
    assert event_type(len(event_table().events)) is None
    assert event_type(-1) is None


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_the_events_of_real_captures_decode_as_the_capture_reader_does(sample: Path) -> None:
    """E1, E5"""
    seen = 0
    with open_capture(sample) as capture:
        for stored in capture:
            raw = event(
                stored.code, *stored.params,
                width="I" if event_table().events[stored.code].large_payload else "H",
            )  # fmt: skip
            got = decode_params(stored.code, raw)
            want = {arg.name: arg.value for arg in values(stored)}
            assert {name: got[name] for name in want} == want
            seen += 1
    assert seen


def test_parameters_are_read_by_name() -> None:
    """E2"""
    flags, ino = struct.pack("=I", 1), struct.pack("=Q", 7)
    raw = event(OPENAT_X, struct.pack("=q", 3), struct.pack("=q", -100), b"/etc/x\0", flags,
                b"", flags, ino)  # fmt: skip
    params = decode_params(OPENAT_X, raw)
    assert params["name"] == "/etc/x"
    assert params["dirfd"] == -100
    assert params["mode"] is None
    assert params["ino"] == 7
    assert list(params)[:4] == ["fd", "dirfd", "name", "flags"]
    with pytest.raises(KeyError):
        params["no_such"]


def test_missing_parameters_are_none_and_unknown_ones_have_their_position() -> None:
    """E2"""
    assert decode_params(OPENAT_X, event(OPENAT_X))["name"] is None
    more = decode_params(5, event(5, b"", b"", b"xyz"))
    assert more["param2"] == b"xyz"
    newer = decode_params(60000, event(60000, b"a", b""))
    assert dict(newer) == {"param0": b"a", "param1": None}


def test_addresses_are_named_pairs() -> None:
    """E2"""
    pair = b"\x02" + bytes([10, 0, 0, 1]) + struct.pack("=H", 80) + bytes([10, 0, 0, 2])
    raw = event(23, struct.pack("=q", 0), pair + struct.pack("=H", 443))
    assert decode_params(23, raw)["tuple"] == SocketPair(
        Address("10.0.0.1", 80), Address("10.0.0.2", 443)
    )


def test_ip_texts_are_those_of_the_c_library() -> None:
    chance = random.Random(7)
    groups = (b"\0\0", b"\0\0", b"\xff\xff", b"\0\1", b"\xab\xcd")
    for _ in range(20_000):
        raw = b"".join(chance.choices(groups, k=8))
        assert ip_text(raw) == socket.inet_ntop(socket.AF_INET6, raw)
    assert ip_text(b"\x7f\0\0\1") == "127.0.0.1"


def test_no_bytes_do_worse_than_a_value_error() -> None:
    """E1"""
    chance = random.Random(11)
    whole = event(OPENAT_X, *(b"\1\2\3\4\5\6\7\0" for _ in range(7)))
    bad = 0
    for _ in range(20_000):
        raw = bytearray(whole[: chance.randrange(len(whole) + 1)])
        for _ in range(chance.randrange(6)):
            if raw:
                raw[chance.randrange(len(raw))] = chance.randrange(256)
        try:
            dict(decode_params(chance.randrange(500), bytes(raw)))
        except ValueError:
            bad += 1
    assert 0 < bad < 20_000


@pytest.mark.parametrize(
    ("wanted", "codes"),
    [
        (("open",), (2, 3)),
        (("<open", 402), (3, 402)),
        (("> open", "asyncevent", "pluginevent"), (2, 322, 402)),
        ((1, 0, 1), (0, 1)),
        (("syscall",), (0, 1)),
    ],
)
def test_events_are_named_by_name_direction_or_code(
    wanted: tuple[str | int, ...], codes: tuple[int, ...]
) -> None:
    """E6"""
    assert event_codes(wanted) == codes


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (("opena",), "there is no event 'opena': open"),
        (("NA",), "there is no event 'NA'"),
        ((-1,), "-1 is not an event code"),
        ((70000,), "70000 is not an event code"),
        ((True,), "True is not an event code"),
        ((None,), "None is neither the name of an event nor its code"),
    ],
)
def test_what_is_no_event_is_refused(wanted: tuple[str | int, ...], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        event_codes(wanted)
