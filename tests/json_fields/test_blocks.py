# SPDX-License-Identifier: Apache-2.0
"""Documents of many blocks of 64 bytes, and objects with many members: C and Python alike."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from json_fields.native_fields import in_python

from falcokit.runtime.json.field import json_field
from falcokit.runtime.json.operators import path

if TYPE_CHECKING:
    from json_fields.native_fields import NativeFields

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

EXAMPLES = 500
_MARKS = [
    *(b"{", b"}", b"[", b"]", b",", b":", b'\\"', b"\\\\", b"\\" * 64, b"\\" * 63 + b'"', b" ")
]
_ODD = [*(b'1"2', b'"', b"\\", b"[\\]]", b'[\\"]', b"{\\}}", b"[\\[]", b'[1"2,3]', b"1\\", b"}")]
_PLAIN = [b"1", b"-12.5e3", b"null", b"true", b"[]", b"{}", b"7\x01", b"1" * 40]
_NAMES = [*(f'"{k}"'.replace("\\", "\\\\").encode() for k in KEYS), b'"\\u006b3"']
_SPACES = [b"", b"", b" ", b"\n" + b" " * 70]


def some_text(rng: random.Random) -> bytes:
    parts = [
        b"x" * rng.randint(0, 140) if rng.random() < 0.5 else rng.choice(_MARKS)
        for _ in range(rng.randint(0, 4))
    ]
    return b'"' + b"".join(parts) + b'"'


def some_value(rng: random.Random, levels: int = 4) -> bytes:
    kind = rng.randrange(5 if levels else 3)
    if kind == 0:
        return some_text(rng)
    if kind < 3:
        return rng.choice(_PLAIN if kind == 1 or rng.random() < 0.7 else _ODD)
    if kind == 3:
        return (
            b"[" + b",".join(some_value(rng, levels - 1) for _ in range(rng.randint(0, 6))) + b"]"
        )
    return some_object(rng, rng.randint(0, 6), levels - 1)


def some_object(rng: random.Random, count: int, levels: int = 4) -> bytes:
    members = []
    for _ in range(count):
        space = rng.choice(_SPACES)
        members.append(rng.choice(_NAMES) + b":" + space + some_value(rng, levels) + space)
    return b"{" + b",".join(members) + b"}"


# Not by Hypothesis, which takes twenty times as long to make documents of this size.
def test_many_blocks_and_members_are_what_python_finds(native: NativeFields) -> None:
    for seed in range(EXAMPLES):
        rng = random.Random(seed)
        payload = b" " * rng.randint(0, 64) + some_object(rng, rng.randint(1, 40))
        if rng.random() < 0.5:
            payload = payload[: rng.randint(0, len(payload))]
        native.begin(payload)
        for name in rng.choices(sorted(FIELDS), k=rng.randint(1, 12)):
            answer = in_python(FIELDS[name], payload)
            assert native.run(FIELDS[name], offsets=True) == answer, (seed, name)


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
