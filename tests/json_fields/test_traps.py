# SPDX-License-Identifier: Apache-2.0
"""What real payloads do to extractors: missing, null, duplicate, cut off, huge; offsets too."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from json_fields.native_fields import PAYLOAD_OFFSET, Answer, in_python

from falcokit.runtime.json.field import JsonField, json_field
from falcokit.runtime.json.operators import event, here, path, root, template

if TYPE_CHECKING:
    from json_fields.conftest import Once
    from json_fields.native_fields import NativeFields

    from falcokit.runtime.json.expressions import Expression


def declared(expression: Expression | str, kind: str = "string") -> JsonField:
    return json_field("x.y", expression, type=kind, desc="d")


def ask(native: NativeFields, payload: bytes, field: JsonField) -> Answer:
    native.begin(payload)
    found = native.run(field)
    assert found == in_python(field, payload)
    return found


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        (b'{"a":1,"a":2}', "1"),
        (b'{"\\u0061":1,"a":2}', "1"),
        (b'{"b":{"a":0},"a":33.0}', "33.0"),
        (b' \n{"a" : "x" }garbage', "x"),
        (b'{"a":"x', None),
        (b'{"a":12', None),
        (b'{"a":12 ', "12"),
        (b'{"a":"x","b":{"c":', "x"),
        (b'{"b":{"a":"no"', None),
        (b'{"b":"\\"a\\":1","a":"yes"}', "yes"),
        (b'{"b":[1,[2,"]"]],"a":"yes"}', "yes"),
        (b'{"b":1 2,"a":"no"}', None),
        (b'{"a":01}', None),
        (b'{"a":+1}', None),
        (b'{"a":NaN}', None),
        (b'{"a":null}', None),
        (b'{"a":{"b" : [ 1 , "x y" ] , "b":{} }}', '{"b":[1,"x y"],"b":{}}'),
        (b'{"a":{"b":tru}}', None),
        (b'{"a":"\\u0000\x00"}', "\\u0000\\u0000"),
        (b'{"a":"\\ud83d\\ude00\\ud83d"}', "\U0001f600\ufffd"),
        (b'{"a":"\xff\xe2\x82"}', "\ufffd\ufffd"),
        (b'{"a":"\\x"}', None),
        (b'{"a":"tab\there"}', "tab\there"),
        (b'{"a":""}', ""),
        (b"", None),
        (b"not json", None),
        (b"\x00" * 70, None),
    ],
)
def test_the_value_of_a_path(native: NativeFields, payload: bytes, value: str | None) -> None:
    assert ask(native, payload, declared("/a")).value == value


@pytest.mark.parametrize(("levels", "given"), [(10_000, True), (10_001, False), (200_000, False)])
def test_nesting_is_followed_to_a_bound(native: NativeFields, levels: int, given: bool) -> None:
    nested = b"[" * levels + b"]" * levels
    found = ask(native, b'{"b":' + nested + b',"a":' + nested + b"}", declared("/a"))
    assert found == Answer(nested.decode() if given else None)


def test_another_event_is_another_document(native: NativeFields) -> None:
    field = declared("/a/b")
    for payload, value in ((b'{"a":{"b":1}}', "1"), (b'{"a":{"c":1}}', None), (b"[]", None)):
        assert ask(native, payload, field).value == value


def test_members_beyond_what_is_remembered_are_found(native: NativeFields) -> None:
    many = {f"k{i}": {"v": i} for i in range(70_000)}
    payload = json.dumps({"first": many, "last": {"v": "x"}}).encode()
    native.begin(payload)
    for _ in range(2):
        assert native.run(declared("/first/k69999/v")).value == "69999"
        assert native.run(declared("/last/v")).value == "x"
        assert native.run(declared("/first/k3/v")).value == "3"
        assert native.run(declared(path("/first").keys().count(), "uint64")).value == 70_000
        assert native.run(declared("/first/none")).value is None


@pytest.mark.parametrize(("elements", "error"), [(262_143, None), (262_144, "makes more values")])
def test_the_values_of_a_field_are_bounded(
    native: NativeFields, once: Once, elements: int, error: str | None
) -> None:
    field = declared(path("").each().last())
    payload = b"[" + b"1," * (elements - 1) + b"1]"
    native.begin(payload)
    found = native.run(field)
    assert found == once(field, payload)
    assert found.value == ("1" if error is None else None)
    assert (error or "") in (found.error or "")


def test_the_text_of_a_field_is_bounded(native: NativeFields) -> None:
    payload = json.dumps({"text": "x" * 2000, "n": list(range(1000))}).encode()
    field = declared(path("/n").each(template("{t}", t=root.path("/text"))).join())
    assert "makes more text" in (ask(native, payload, field).error or "")
    assert ask(native, payload, declared("/text")).error is None


def test_pretty_json_of_deep_nesting_is_bounded(native: NativeFields, once: Once) -> None:
    payload, field = b"[" * 9_000 + b"]" * 9_000, declared(root.as_json(pretty=True))
    native.begin(payload)
    found = native.run(field)
    assert "makes more text" in (found.error or "")
    assert found == once(field, payload)


@pytest.mark.parametrize(
    ("expression", "kind", "sources"),
    [
        (path("/s"), "string", [b"text"]),
        (path("/n"), "uint64", [b"12"]),
        (path("/n"), "string", [b"12"]),
        (path("/o"), "string", [b'{"x": 1}']),
        (path("/l").each(), "string", [b"a", b"b"]),
        (path("/i").as_ip(), "ipaddr", [b"10.0.0.1"]),
        (path("/b"), "bool", [b"true"]),
        (path("/s").upper(), "string", [None]),
        (path("/l").each().join(), "string", [None]),
    ],
)
def test_offsets_lead_to_the_source_of_a_value(
    native: NativeFields, expression: Expression, kind: str, sources: list[bytes | None]
) -> None:
    payload = b'{"s":"text","n":12,"o":{"x": 1},"l":["a","b"],"i":"10.0.0.1","b":true}'
    native.begin(payload)
    native.run(declared(expression, kind), offsets=True)
    assert native.offsets is not None
    for (start, length), source in zip(native.offsets, sources, strict=True):
        at = start - PAYLOAD_OFFSET
        assert (start, length) == (0, 0) if source is None else payload[at : at + length] == source


@pytest.mark.parametrize(
    ("arg", "error"),
    [(None, "the field needs an argument"), ("a", "the field's argument is an index")],
)
def test_an_argument_that_does_not_fit_fails(native: NativeFields, arg: Any, error: str) -> None:
    field = declared(path("").arg_index())
    native.begin(b"[1]")
    assert native.run(field, arg) == in_python(field, b"[1]", arg) == Answer(error=error)


def test_the_raw_payload_needs_no_json(native: NativeFields) -> None:
    assert ask(native, b"a \xff", declared(event.raw)).value == "a \ufffd"


def test_here_is_the_document_at_the_top(native: NativeFields) -> None:
    assert ask(native, b"5", declared(here)).value == "5"


@pytest.mark.parametrize("slashes", [1, 2, 3])
def test_escapes_on_the_edges_of_blocks_are_seen(native: NativeFields, slashes: int) -> None:
    for before in range(50, 70):
        passed_over = b'["' + b"x" * before + b"\\" * slashes + b'"]", "]"]'
        found = ask(native, b'{"b":' + passed_over + b',"a":1}', declared("/a"))
        assert found.value == (None if slashes % 2 == 0 else "1"), before


@pytest.mark.parametrize(
    ("number", "value"),
    [
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", None),
        ("1.5e1", 15),
        ("0.99", 0),
        ("-0.99", 0),
        ("-1", None),
        ("1e18446744073709551617", None),
        ("1e-18446744073709551617", 0),
        ("0e99999999999", 0),
    ],
)
def test_numbers_are_exact(native: NativeFields, number: str, value: int | None) -> None:
    assert ask(native, number.encode(), declared("", "uint64")).value == value
