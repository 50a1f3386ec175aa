# SPDX-License-Identifier: Apache-2.0
"""Events as bytes: what is encoded comes back; bytes that lie raise ValueError, nothing else."""

from __future__ import annotations

import json
import math
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from falcokit.runtime.base.errors import EventTooLargeError, InvalidEventError
from falcokit.runtime.event.event import (
    ASYNC_EVENT,
    MAX_DATA,
    NOT_SET,
    PLUGIN_EVENT,
    AsyncEvent,
    Event,
    encode_async,
    payload_bytes,
)

pytestmark = pytest.mark.python

_NAMES = st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=31)
_U64 = st.none() | st.integers(0, NOT_SET - 1)


def _plugin_event(data: bytes, plugin_id: int = 7, ts: int = 1, tid: int = NOT_SET) -> bytes:
    head = struct.pack("=QQIHI", ts, tid, 38 + len(data), PLUGIN_EVENT, 2)
    return head + struct.pack("=III", 4, len(data), plugin_id) + data


@given(
    _NAMES.filter(lambda name: len(name.encode()) <= 31),
    st.binary(max_size=300),
    _U64,
    _U64,
    st.integers(0, 2**32 - 1),
)
def test_what_is_encoded_is_decoded(
    name: str, data: bytes, ts: int | None, tid: int | None, plugin_id: int
) -> None:
    """E1, E3"""
    raw = encode_async(AsyncEvent(name, data, ts, tid, plugin_id))
    assert Event.from_bytes(raw, source="s", number=3) == Event(
        data, ts_ns=ts, tid=tid, type=ASYNC_EVENT, source="s", number=3, name=name,
        plugin_id=plugin_id,
    )  # fmt: skip
    assert len(raw) == 43 + len(name.encode()) + len(data)
    assert struct.unpack_from("=I", raw, 16) == (len(raw),)


def test_a_plugin_event_is_decoded() -> None:
    assert Event.from_bytes(_plugin_event(b"data"), source="src", number=9) == Event(
        b"data", ts_ns=1, source="src", number=9, plugin_id=7
    )
    assert Event.from_bytes(_plugin_event(b"", ts=NOT_SET)).ts_ns is None


def test_bytes_after_the_event_are_not_its_data() -> None:
    assert Event.from_bytes(_plugin_event(b"data") + b"more").data == b"data"


def test_a_name_without_an_end_stops_where_the_parameter_does() -> None:
    raw = bytearray(encode_async(AsyncEvent("ab", b"XYZ")))
    raw[44] = ord("c")
    event = Event.from_bytes(bytes(raw))
    assert (event.name, event.data) == ("abc", b"XYZ")


def test_a_name_that_is_no_utf_8_is_replaced() -> None:
    raw = bytearray(encode_async(AsyncEvent("ab")))
    raw[42] = 0xFF
    assert Event.from_bytes(bytes(raw)).name == "\ufffdb"


def _altered(offset: int, layout: str, value: int) -> bytes:
    raw = bytearray(encode_async(AsyncEvent("ab", b"XYZ")))
    struct.pack_into(layout, raw, offset, value)
    return bytes(raw)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "a header of 26 bytes, not 0"),
        (encode_async(AsyncEvent("ab"))[:25], "a header of 26 bytes, not 25"),
        (encode_async(AsyncEvent("ab"))[:30], "event of type 402 with 3 parameters, 45 bytes"),
        (encode_async(AsyncEvent("ab"))[:-1], "event of type 402 with 3 parameters, 45 bytes"),
        (_altered(20, "=H", 322), "event of type 322 with 3 parameters"),
        (_altered(22, "=I", 2), "event of type 402 with 2 parameters"),
        (_altered(16, "=I", 0), "event of type 402 with 3 parameters, 0 bytes"),
        (_altered(16, "=I", 2**32 - 1), "3 parameters, 4294967295 bytes"),
        (_altered(26, "=I", 5), "lengths (5, 3, 3) do not fit 48 bytes"),
        (_altered(30, "=I", 4), "lengths (4, 4, 3) do not fit 48 bytes"),
        (_altered(34, "=I", 2**32 - 1), "do not fit 48 bytes"),
    ],
)
def test_lengths_that_do_not_add_up_are_refused(raw: bytes, said: str) -> None:
    """E1"""
    with pytest.raises(ValueError, match="event") as caught:
        Event.from_bytes(raw)
    assert said in str(caught.value)


@given(st.binary(max_size=120))
def test_random_bytes_raise_a_value_error_or_are_an_event(raw: bytes) -> None:
    """E1"""
    try:
        event = Event.from_bytes(raw)
    except ValueError:
        return
    assert event.data in raw


@given(st.data())
def test_a_damaged_event_raises_a_value_error_or_is_one(data: st.DataObject) -> None:
    raw = bytearray(encode_async(AsyncEvent("name", b"some data", 1, 2)))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(raw[: data.draw(st.integers(0, len(raw)))])
    try:
        event = Event.from_bytes(cut)
    except ValueError:
        return
    assert len(event.data) <= len(cut)


@pytest.mark.parametrize(
    ("data", "encoded"),
    [
        (None, b""),
        (b"as it is\0", b"as it is\0"),
        ("h\u00e9 \U0001f40d", "h\u00e9 \U0001f40d".encode()),
        (bytearray(b"ab"), b"ab"),
        (memoryview(b"abcd")[::2], b"ac"),
        ({"a": [1, 2.5, True, None]}, b'{"a":[1,2.5,true,null]}'),
        ((1, "x"), b'[1,"x"]'),
        ({"h\u00e9": "\U0001f40d\ud7ff~"}, b'{"h\\u00e9":"\\ud83d\\udc0d\\ud7ff~"}'),
        (7, b"7"),
    ],
)
def test_data_becomes_bytes(data: Any, encoded: bytes) -> None:
    """E3"""
    assert payload_bytes(data) == encoded


@settings(max_examples=40, deadline=None)
@given(st.recursive(st.text(), lambda inner: st.dictionaries(st.text(), inner)))
def test_json_is_ascii_and_means_the_same(data: Any) -> None:
    """E3"""
    encoded = payload_bytes({"data": data})
    assert encoded.isascii()
    assert json.loads(encoded) == {"data": data}


def _nested() -> list[Any]:
    itself: list[Any] = []
    itself.append(itself)
    return itself


@pytest.mark.parametrize("data", ["\ud800", object(), {1: object()}, _nested()])
def test_data_that_cannot_be_sent_is_refused(data: Any) -> None:
    with pytest.raises(InvalidEventError) as caught:
        payload_bytes(data)
    assert caught.value.reason == "invalid_data"


def test_not_a_number_is_null_as_json_has_none() -> None:
    assert payload_bytes([math.nan]) == b"[null]"


@pytest.mark.parametrize("name", ["", "n" * 32, "\u00f6" * 16, "nul\0"])
def test_a_name_that_does_not_fit_is_refused(name: str) -> None:
    with pytest.raises(InvalidEventError, match="the name of an async event is 1 to 31 bytes"):
        encode_async(AsyncEvent(name))


@pytest.mark.parametrize("number", [-2, 2**64, 1.5, "1"])
@pytest.mark.parametrize("what", ["ts_ns", "tid"])
def test_a_time_or_thread_out_of_range_is_refused(what: str, number: Any) -> None:
    with pytest.raises(InvalidEventError, match=rf"{what} is an int from 0 to 2\*\*64-1 or None"):
        encode_async(AsyncEvent("ab")._replace(**{what: number}))


@pytest.mark.parametrize("number", [-1, 2**32, 1.5, "1"])
def test_a_plugin_id_out_of_range_is_refused(number: Any) -> None:
    with pytest.raises(InvalidEventError, match=r"plugin_id is an int from 0 to 2\*\*32-1"):
        encode_async(AsyncEvent("ab", plugin_id=number))


def test_minus_one_is_not_set() -> None:
    """E3"""
    assert encode_async(AsyncEvent("ab", None, -1, -1)) == encode_async(AsyncEvent("ab"))


def test_too_much_data_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_DATA == 2**26
    monkeypatch.setattr("falcokit.runtime.event.event.MAX_DATA", 10)
    assert encode_async(AsyncEvent("ab", b"x" * 10))
    with pytest.raises(EventTooLargeError, match="at most 10 bytes, not 11") as caught:
        encode_async(AsyncEvent("ab", b"x" * 11))
    assert caught.value.reason == "too_large"
