# SPDX-License-Identifier: Apache-2.0
"""The work of one evaluation is bounded, in C and in Python, whatever it makes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from json_fields.native_fields import Answer, in_python
from json_fields.reference import members as json_members
from json_fields.reference import run as json_run
from json_fields.strategies import documents, fields
from json_fields.test_equal import RELAXED

from falcokit.runtime.json.field import JsonField, json_field
from falcokit.runtime.json.operators import any_of, here, outer, path, root

if TYPE_CHECKING:
    from collections.abc import Iterator

    from json_fields.conftest import Once
    from json_fields.native_fields import NativeFields

    from falcokit.runtime.json.expressions import Expression

SPENT = Answer(error="it takes more work than fields may")
WORK = json_run.WORK_MAX
#: All ways through it are open at each character.
PATTERN = "(a|aa)*(a|b|c|d|e|f|g|h)*(a?){100}b$"


def ones(count: int) -> bytes:
    return b'"a":[' + b",".join([b"1"] * count) + b"]"


def members(count: int) -> bytes:
    return b",".join(b'"k%d":1' % i for i in range(count))


def document(*parts: bytes) -> bytes:
    return b"{" + b",".join(parts) + b"}"


def counted(expression: Expression) -> JsonField:
    return json_field("x.y", expression.count(), type=int, desc="d")


def for_each(predicate: Expression) -> JsonField:
    return counted(path("/a").each().where(predicate))


def in_each_of_text(predicate: Expression) -> JsonField:
    inside = root.path("/a").each().where(predicate).count().equals(1)
    return counted(path("/b").as_string().where(inside))


Case = tuple[bytes, bytes, JsonField]
#: What an event may have, the same at a small part of the size, and what a field may ask of it.
CASES: dict[str, Case] = {
    "a pattern": (
        json.dumps({"t": ["a" * 65_000] * 14}).encode(),
        json.dumps({"t": ["a" * 150] * 14}).encode(),
        counted(path("/t").each().where(here.matches(PATTERN))),
    ),
    "keys that cannot be looked up": (
        document(b'"\\u0061\\u0062":1', ones(30_000), members(30_000), b'"z":1'),
        document(b'"\\u0061\\u0062":1', ones(300), members(300), b'"z":1'),
        for_each(root.path("/z").equals(2)),
    ),
    "an index at the end": (
        document(ones(50_000)), document(ones(500)), for_each(root.path("a", 499).equals(2)),
    ),
    "JSON that is none at its end": (
        document(ones(50_000))[:-1] + b',"b":{' + members(20_000),
        document(ones(150))[:-1] + b',"b":{' + members(60),
        for_each(root.as_json().exists()),
    ),
    "a text with a wrong escape at its end": (
        document(ones(50_000), b'"b":"' + b"x" * 500_000 + b'\\q"'),
        document(ones(500), b'"b":"' + b"x" * 5_000 + b'\\q"'),
        for_each(root.path("/b").starts_with("x")),
    ),
    "a long text": (
        document(ones(50_000), b'"b":"' + b"x" * 500_000 + b'"'),
        document(ones(5_000), b'"b":"' + b"x" * 5_000 + b'"'),
        for_each(root.path("/b").exists()),
    ),
    "a long number": (
        document(ones(50_000), b'"b":' + b"1" * 500_000),
        document(ones(500), b'"b":' + b"1" * 5_000),
        for_each(root.path("/b").exists()),
    ),
    "a long text in each of many": (
        document(ones(50_000), b'"b":"' + b"xy" * 250_000 + b'"'),
        document(ones(500), b'"b":"' + b"xy" * 2_500 + b'"'),
        in_each_of_text(outer().contains("xz")),
    ),
    "a long query in each of many": (
        document(ones(50_000), b'"b":"?' + b"xy&" * 150_000 + b'"'),
        document(ones(150), b'"b":"?' + b"xy&" * 400 + b'"'),
        in_each_of_text(outer().url_query("xz").exists()),
    ),
}  # fmt: skip
#: More members than are remembered: each look-up walks over the others again.
FORGOTTEN = document(ones(80_000), members(66_000), b'"zzz":1')


@pytest.fixture
def limited(native: NativeFields, monkeypatch: pytest.MonkeyPatch) -> Iterator[NativeFields]:
    """The evaluators, which may do nothing but a step for each byte."""
    native.limit(0)
    monkeypatch.setattr(json_run, "WORK_MAX", 0)
    yield native
    native.limit(WORK)


@pytest.mark.parametrize("case", CASES)
def test_what_takes_too_much_work_ends_in_c(native: NativeFields, case: str) -> None:
    payload, _, field = CASES[case]
    native.begin(payload)
    assert native.run(field) == SPENT
    assert native.lib.fk_jdoc_spent(native.doc) & 1
    assert native.run(field) == SPENT


@pytest.mark.parametrize("case", CASES)
def test_what_takes_too_much_work_ends_in_both(limited: NativeFields, case: str) -> None:
    _, payload, field = CASES[case]
    limited.begin(payload)
    assert limited.run(field) == in_python(field, payload) == SPENT


@pytest.mark.parametrize("case", CASES)
def test_the_same_at_a_smaller_size_has_its_value(
    native: NativeFields, once: Once, case: str
) -> None:
    _, payload, field = CASES[case]
    native.begin(payload)
    found = native.run(field)
    assert isinstance(found.value, int)
    assert not native.lib.fk_jdoc_spent(native.doc) & 1
    assert found == once(field, payload)


def test_members_that_are_forgotten_are_walked_over_a_bounded_number_of_times(
    native: NativeFields, monkeypatch: pytest.MonkeyPatch
) -> None:
    field = for_each(root.path("/zzz").equals(2))
    native.begin(FORGOTTEN)
    assert native.run(field) == SPENT
    # the other fields of the event are found, and few look-ups are no matter
    assert native.run(json_field("x.y", "/zzz", desc="d")).value == "1"
    few = path("/a").each().slice(0, 1).first().where(root.path("/zzz").equals(1))
    assert native.run(counted(few)).value == 1
    monkeypatch.setattr(json_members, "MEMBERS_MAX", 50)
    monkeypatch.setattr(json_run, "WORK_MAX", 20_000)
    assert in_python(field, document(ones(800), members(660), b'"zzz":1')) == SPENT


def test_a_glob_of_a_rule_is_no_way_around_it(limited: NativeFields) -> None:
    payload = json.dumps({"a": ["a" * 500] * 20}).encode()
    field = json_field("x.y", path("/a").each().match_arg("glob").first(), desc="d")
    limited.begin(payload)
    for arg, found in (("*" + "a" * 60 + "b", SPENT), ("b*", Answer())):
        assert limited.run(field, arg) == in_python(field, payload, arg) == found


def test_ordinary_fields_of_large_events_are_within_it(native: NativeFields) -> None:
    """Each of them looks at much, and at little for each value."""
    payload = document(ones(60_000), members(5_000), b'"b":"' + b"x" * 60_000 + b'"')
    native.begin(payload)
    for expression, value in (
        (path("/a").each().where(here.equals(1)).count(), 60_000),
        (path("/a").each().where(root.path("/k4999").equals(1)).count(), 60_000),
        (path("/a").each().where(any_of(here.equals(2), here.equals(1))).count(), 60_000),
        (path("/b").regex("(x|y)+z?").matches("x$").exists().count(), 1),
        (root.keys().count(), 5_002),
        (root.as_json().contains("k4999").count(), 1),
    ):
        assert native.run(json_field("x.y", expression, type=int, desc="d")).value == value


@RELAXED
@given(documents, fields(), st.integers(0, 60))
def test_a_run_that_was_ended_leaves_nothing_behind(
    both: list[NativeFields], payload: bytes, field: JsonField, steps: int
) -> None:
    answer = in_python(field, payload)
    for native in both:
        native.begin(payload)
        native.limit(steps)
        native.run(field)
        native.limit(WORK)
        assert native.run(field, offsets=True) == answer
