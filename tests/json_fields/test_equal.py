# SPDX-License-Identifier: Apache-2.0
"""C and Python answer alike: over random documents, damaged ones, declarations and arguments."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from json_fields.native_fields import in_python
from json_fields.strategies import PATTERNS, arguments, documents, fields, text_fields

from falcokit.runtime.json.field import json_field
from falcokit.runtime.json.operators import path

if TYPE_CHECKING:
    from json_fields.native_fields import NativeFields

    from falcokit.runtime.json.field import JsonField

RELAXED = settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
EVENT = {"ts_ns": 2**63 + 5, "number": 7, "source": "some_source"}


@RELAXED
@given(documents, st.lists(st.tuples(fields(), arguments), min_size=1, max_size=4))
def test_fields_of_one_event_are_what_python_finds(
    both: list[NativeFields], payload: bytes, asked: list[tuple[JsonField, int | str | None]]
) -> None:
    for native in both:
        native.begin(payload, **EVENT)
    for field, arg in asked:
        answer = in_python(field, payload, arg, **EVENT)
        for native in both:
            assert native.run(field, arg, offsets=True) == answer


@RELAXED
@given(st.text("abx:,/é1 .=&?%\n😀", max_size=80), text_fields, arguments)
def test_operators_on_text_do_the_same(
    both: list[NativeFields], text: str, field: JsonField, arg: int | str | None
) -> None:
    payload = json.dumps({"a": text}, ensure_ascii=len(text) % 2 == 0).encode()
    answer = in_python(field, payload, arg)
    for native in both:
        native.begin(payload)
        assert native.run(field, arg) == answer


@RELAXED
@given(st.text("abcx:,é1 .\n", max_size=40), st.sampled_from(PATTERNS), st.integers(0, 2))
def test_patterns_match_the_same(
    both: list[NativeFields], text: str, pattern: str, group: int
) -> None:
    payload = json.dumps([text]).encode()
    field = json_field("x.y", path("/0").regex(pattern, min(group, pattern.count("(\\"))), desc="d")
    answer = in_python(field, payload)
    for native in both:
        native.begin(payload)
        assert native.run(field) == answer


@RELAXED
@given(st.binary(max_size=90).map(lambda raw: raw.replace(b'"', b"")))
def test_bytes_in_a_string_become_the_same_text(both: list[NativeFields], raw: bytes) -> None:
    payload = b'["' + raw + b'"]'
    for native in both:
        native.begin(payload)
    for expression in (path("/0"), path("").as_json(), path("/0").slice(1, -1)):
        field = json_field("x.y", expression, desc="d")
        answer = in_python(field, payload)
        for native in both:
            assert native.run(field) == answer


_UTF8_PARTS = [
    b"\xed",
    b"\xe0",
    b"\xf0",
    b"\xf4",
    b"\xc3",
    b"\x80",
    b"\x90",
    b"\xa0",
    b"\xbf",
    b"a",
]


@RELAXED
@given(st.lists(st.sampled_from(_UTF8_PARTS), max_size=8).map(b"".join))
def test_damaged_utf8_becomes_the_same_text(both: list[NativeFields], raw: bytes) -> None:
    payload = b'["' + raw + b'"]'
    field = json_field("x.y", "/0", desc="d")
    answer = in_python(field, payload)
    for native in both:
        native.begin(payload)
        assert native.run(field) == answer
