# SPDX-License-Identifier: Apache-2.0
"""Documents of many blocks of 64 bytes, and objects with many members: C and Python alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from json_fields.native_fields import in_python

from falcokit.runtime.json_fields import json_field
from falcokit.runtime.json_operators import path

if TYPE_CHECKING:
    from json_fields.native_fields import NativeFields

RELAXED = settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
KEYS = [*(f"k{i}" for i in range(12)), "", "a key of more than sixteen bytes", "q\\"]
FIELDS = {
    **{key: json_field("x.y", path(f"/{key}"), desc="d") for key in KEYS},
    "inside": json_field("x.y", path("k1", "k2"), desc="d"),
    "deep": json_field("x.y", path("k2", 1, "k1"), desc="d"),
    "elements": json_field("x.y", path("/k0").each(), desc="d"),
    "keys": json_field("x.y", path("").keys(), desc="d"),
    "all": json_field("x.y", path("").as_json(), desc="d"),
}
ENTIRELY = 1 << 20  # bytes that the blocks of an event tell of

_filler = st.integers(0, 140).map(lambda n: b"x" * n)
_marks = st.sampled_from(
    [b"{", b"}", b"[", b"]", b",", b":", b'\\"', b"\\\\", b"\\" * 64, b"\\" * 63 + b'"', b" "]
)
_texts = st.lists(_filler | _marks, max_size=4).map(lambda parts: b'"' + b"".join(parts) + b'"')
_odd = st.sampled_from(
    [b'1"2', b'"', b"\\", b"[\\]]", b'[\\"]', b"{\\}}", b"[\\[]", b'[1"2,3]', b"1\\", b"}"]
)
_plain = st.sampled_from([b"1", b"-12.5e3", b"null", b"true", b"[]", b"{}", b"7\x01", b"1" * 40])
_names = st.sampled_from([f'"{k}"'.replace("\\", "\\\\").encode() for k in KEYS]) | st.just(
    b'"\\u006b3"'
)


def _object(items: list[tuple[bytes, bytes, bytes]]) -> bytes:
    return b"{" + b",".join(name + b":" + s + value + s for name, s, value in items) + b"}"


_spaces = st.sampled_from([b"", b"", b" ", b"\n" + b" " * 70])
_values = st.recursive(
    st.one_of(_texts, _plain, _odd),
    lambda inside: st.one_of(
        st.lists(inside, max_size=6).map(lambda parts: b"[" + b",".join(parts) + b"]"),
        st.lists(st.tuples(_names, _spaces, inside), max_size=6).map(_object),
    ),
    max_leaves=12,
)
_documents = st.lists(st.tuples(_names, _spaces, _values), min_size=1, max_size=40).map(_object)


@RELAXED
@given(
    _documents,
    st.integers(0, 64),
    st.none() | st.floats(0, 1),
    st.lists(st.sampled_from(sorted(FIELDS)), min_size=1, max_size=12),
)
def test_many_blocks_and_members_are_what_python_finds(
    native: NativeFields, document: bytes, shift: int, cut: float | None, asked: list[str]
) -> None:
    payload = b" " * shift + document
    if cut is not None:
        payload = payload[: int(len(payload) * cut)]
    native.begin(payload)
    for name in asked:
        field = FIELDS[name]
        assert native.run(field, offsets=True) == in_python(field, payload), name


@pytest.mark.parametrize("quote", [b"", b'"'], ids=["whole", "stray quote"])
@pytest.mark.parametrize("around", range(-130, 131, 26))
def test_values_beyond_what_blocks_tell_of_are_found(
    native: NativeFields, around: int, quote: bytes
) -> None:
    head = b'{"k0":1' + quote + b',"k5":"'
    payload = head + b"x" * (ENTIRELY + around - len(head)) + b'","k1":{"k2":[1,"]"]},"k3":"y"}'
    native.begin(payload)
    for name in ("k3", "inside", "k1", "k4", "k0"):
        assert native.run(FIELDS[name], offsets=True) == in_python(FIELDS[name], payload), name


def test_the_first_of_equal_keys_is_taken_among_many(native: NativeFields) -> None:
    members = [b'"m%d":%d' % (i % 300, i) for i in range(900)]
    payload = b'{"o":{"m7":"other"},' + b",".join(members) + b"}"
    native.begin(payload)
    for i in [*range(299, 0, -7), 300, 7]:
        field = json_field("x.y", path(f"/m{i}"), desc="d")
        assert native.run(field).value == (str(i) if i < 300 else None)
    assert native.run(json_field("x.y", path("o", "m7"), desc="d")).value == "other"


def test_a_key_with_an_escape_is_found_among_many(native: NativeFields) -> None:
    before = b"".join(b'"m%d":%d,' % (i, i) for i in range(40))
    payload = b"{" + before + b'"\\u006b":"first","k":"second","z":"end"}'
    native.begin(payload)
    for name, value in (("z", "end"), ("m39", "39"), ("k", "first"), ("m12", "12")):
        assert native.run(json_field("x.y", path(f"/{name}"), desc="d")).value == value


@pytest.mark.parametrize("size", range(1, 200, 7))
def test_a_string_without_an_end_is_no_value_wherever_the_payload_ends(
    native: NativeFields, size: int
) -> None:
    for other in (b'{"k0":"' + b'"' * 500 + b'"}', b"[" * 500, b"]" * 500):
        native.begin(other)  # what was read of another event tells nothing
        native.run(FIELDS["all"])
        for opening in (b'"', b"[", b'["]'):
            native.begin(b'{"k0":' + opening + b"x" * size)
            for name in ("k1", "k0", "elements"):
                assert native.run(FIELDS[name]).value is None
