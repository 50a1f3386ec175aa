# SPDX-License-Identifier: Apache-2.0
"""What a declaration says of its field, and the mistakes that are told when it is written."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from json_fields.reference.match import search
from json_fields.strategies import PATTERNS

from falcokit.runtime.json.field import json_field
from falcokit.runtime.json.operators import (
    all_of,
    any_of,
    arg_given,
    coalesce,
    const,
    here,
    outer,
    path,
    switch,
    template,
    when,
)
from falcokit.runtime.json.regex import compile_pattern

if TYPE_CHECKING:
    from collections.abc import Callable

    from json_fields.native_fields import NativeFields

pytestmark = pytest.mark.python


@pytest.mark.parametrize(
    ("expression", "is_list", "arg", "required"),
    [
        (path("/a"), False, None, False),
        (path("/a").each(), True, None, False),
        (path("/a").each().join(), False, None, False),
        (path("/a").each().where(here.path("/b").each().exists()).count(), False, None, False),
        (path("/a").where(path("/b").each().equals("x")), False, None, False),
        (path("/a").each(arg=True), True, "index", False),
        (path("/a").arg_index(), False, "index", True),
        (path("/a").url_query(), False, "key", True),
        (coalesce(path("/a").arg_index(), path("/b").arg_key()), False, "index_or_key", True),
        (path("/a").flat(), True, None, False),
        (path("/a/b", through_arrays=True), True, None, False),
        (path("/0/1", through_arrays=True), False, None, False),
        (when(arg_given, path("/a").arg_key()), False, "key", False),
    ],
)
def test_a_field_tells_its_shape(expression: Any, is_list: bool, arg: str, required: bool) -> None:
    field = json_field("x.y", expression, desc="d")
    assert (field.is_list, field.arg, field.arg_required) == (is_list, arg, required)


def test_a_field_may_take_an_argument_that_changes_nothing(native: NativeFields) -> None:
    field = json_field("x.y", "/a", desc="d", ignores_arg="index_or_key")
    assert (field.arg, field.arg_required) == ("index_or_key", False)
    native.begin(b'{"a": 1}')
    assert [native.run(field, arg).value for arg in (None, 3, "k")] == ["1", "1", "1"]
    said = json_field("x.y", when(arg_given, "yes", "no"), desc="d", ignores_arg="key")
    assert [native.run(said, arg).value for arg in (None, "k")] == ["no", "yes"]


def test_arrays_are_flat_to_a_bounded_level(native: NativeFields) -> None:
    field = json_field("x.y", path("").flat(), desc="d")
    for levels, answer in ((64, ["1"]), (65, None)):
        native.begin(b"[" * levels + b"1" + b"]" * levels)
        assert native.run(field).value == answer
    assert native.run(field).error == "arrays are nested too deeply"


@pytest.mark.parametrize(
    ("kind", "ftype"),
    [
        (str, "string"),
        (int, "uint64"),
        (bool, "bool"),
        (dt.datetime, "abstime"),
        (dt.timedelta, "reltime"),
        (ipaddress.IPv6Address, "ipaddr"),
        (ipaddress.IPv4Network, "ipnet"),
        ("ipnet", "ipnet"),
    ],
)
def test_a_field_has_the_type_that_is_declared(kind: Any, ftype: str) -> None:
    assert json_field("x.y", "/a", type=kind, desc="d").ftype == ftype


@pytest.mark.parametrize(
    ("mistake", "told"),
    [
        (lambda: json_field("x.y", "a.b", desc="d"), "'a.b' is not a JSON pointer"),
        (
            lambda: path("user/name"),
            "write path('/user/name'); if it is one key, path('/user~1name')",
        ),
        (lambda: path("user"), "which begins with '/': write path('/user')"),
        (lambda: json_field("x.y", "/a~2", desc="d"), "must follow '~'"),
        (lambda: json_field("x.y", "/a", desc="d", guard=path("/b")), "guard= takes a predicate"),
        (lambda: json_field("x.y", "/a", desc="d", guard=outer() == 1), "outer() leads out of"),
        (lambda: json_field("x.y", "/a", desc="d", ignores_arg="any"), "is not one of index, key"),  # type: ignore[arg-type]
        (
            lambda: json_field("x.y", path("/a").arg_key(), desc="d", ignores_arg="key"),
            "uses the arg",
        ),
        (lambda: json_field("x.y", when(arg_given, "a"), desc="d"), "nothing uses the argument"),
        (lambda: json_field("x.y", "/a", desc=""), "needs a name and a description"),
        (lambda: json_field("x.y", "/a", type=float, desc="d"), "not a type of fields"),
        (lambda: json_field("x.y", outer(), desc="d"), "outer() leads out of"),
        (lambda: json_field("x.y", path("").each(outer(2)), desc="d"), "outer() leads out of"),
        (lambda: path("a", -1), "a str or an index"),
        (lambda: path("").equals(), "needs a constant"),
        (lambda: path("").equals(-1), "cannot be compared"),
        (lambda: path("").equals(1.5), "not a constant"),
        (lambda: path("").as_int(null="json"), "the policy 'json'"),
        (lambda: path("").as_string(null="maybe"), "null='maybe' is not one of"),
        (lambda: path("").as_time("days"), "the forms are"),
        (lambda: path("").as_ip(other="empty"), "an address cannot be empty"),
        (lambda: path("").split(""), "the separator is empty"),
        (lambda: path("").is_type("text"), "the types are"),
        (lambda: path("").regex("(a"), "ends too early"),
        (lambda: path("").regex("(?=a)"), "only (?: ) is supported"),
        (lambda: path("").regex("a", 1), "there is no group 1"),
        (lambda: path("").regex("(a{99}){99}"), "more than 512 steps"),
        (lambda: path("").regex(r"\b"), r"\b is not known"),
        (lambda: const("\0"), "a NUL character"),
        (lambda: template("{a}"), "{a} is not one of"),
        (lambda: template("{a}", a=path("").each()), "may have several values"),
        (lambda: template("", a=path("")), "no place for a"),
        (lambda: switch(path("").each(), {"a": "b"}), "several values"),
        (all_of, "at least one"),
        (lambda: path("").where("x"), "'x' is not an expression"),
        (lambda: path("").where(path("/a")), "where() takes a predicate, and its argument"),
        (lambda: path("").where(path("/a").each().path("/b").first()), "where() takes a predicate"),
        (lambda: when(path("/a"), "yes", "no"), "when() takes a predicate"),
        (lambda: when(path("/a").default("x"), "yes", "no"), "as_bool() if the payload has"),
        (lambda: when(when(path("/a") == 1, "x"), "yes"), "when() takes a predicate"),
        (lambda: when(False, "yes", "no"), "False is not an expression: compare with =="),
        (lambda: path("").not_(), "not_() takes a predicate"),
        (lambda: all_of(path("").exists(), path("")), "all_of() takes a predicate"),
        (lambda: any_of("x"), "any_of() takes a predicate, and 'x' is not an expression"),
        (lambda: ~path(""), "~ takes a predicate"),
        (lambda: path("").exists() & path(""), "& takes a predicate"),
        (lambda: path("").exists() | True, "| takes a predicate, and True is not"),
        (lambda: path("/a") == "x" & path("/b").exists(), "& binds before =="),
        (lambda: path("/a") == "x" | path("/b").exists(), "| binds before =="),
        (lambda: path("/a") == path("/b"), "== takes a constant"),
        (lambda: path("/a") != 1.5, "not a constant"),
        (lambda: not path("").exists(), "~ for not"),
        (lambda: path("").exists() and path("/b").exists(), "& for and"),
        (lambda: path("").exists() or path("/b").exists(), "| for or"),
        (lambda: "yes" if path("").exists() else "no", "when() for if"),
        (lambda: path("/a") in ("x", "y"), "equals() for in"),
        (lambda: path("/a") > 1, "not supported"),
        (lambda: path("").each("x"), "'x' is not an expression"),
        (lambda: coalesce(*[path("")] * 300), "too large"),
    ],
)
def test_a_mistake_is_told_at_once(mistake: Callable[[], Any], told: str) -> None:
    with pytest.raises((ValueError, TypeError), match=re.escape(told)):
        mistake()


def test_an_expression_can_still_be_kept_in_sets_and_dicts() -> None:
    one, other = path("/a"), path("/a")
    assert len({one, other, one}) == 2
    assert {one: 1}[one] == 1


def test_nesting_of_operators_is_bounded() -> None:
    expression = path("")
    for _ in range(58):
        expression = expression.lower()
    with pytest.raises(ValueError, match="too large"):
        expression.lower()


def test_bytes_that_are_no_program_are_refused(native: NativeFields) -> None:
    program = json_field("x.y", path("/a").regex("a|b"), desc="d").program
    for n in range(len(program)):
        with pytest.raises(ValueError, match="cannot be used"):
            native.load(program[:n])
    with pytest.raises(ValueError, match="after its end"):
        native.load(program + b"\0")


@given(st.sampled_from(PATTERNS), st.text("aAbcx:,.é1 \n", max_size=30))
def test_a_pattern_matches_what_re_matches(pattern: str, text: str) -> None:
    found = re.search(pattern.replace("$", r"\Z"), text, re.ASCII)
    span = search(compile_pattern(pattern, 0), text, lambda _: None)
    assert span == (found.span() if found else None)
