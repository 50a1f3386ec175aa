# SPDX-License-Identifier: Apache-2.0
"""C and Python find the same events in documents: random and damaged ones, random declarations."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from json_fields.reference.split import NOT_JSON, split
from json_fields.strategies import damaged_documents, documents, expressions, whole_documents
from json_fields.test_equal import RELAXED

from falcokit.runtime.json.operators import (
    coalesce,
    const,
    event,
    here,
    outer,
    path,
    root,
    switch,
    when,
)
from falcokit.runtime.source.json_documents import JsonDocuments

if TYPE_CHECKING:
    from collections.abc import Callable

    from json_fields.native_fields import Found, NativeFields

#: Lists of values, whole and damaged: what most documents are.
_lists = st.one_of(
    st.lists(whole_documents, max_size=6).map(lambda items: b'{"a":[' + b",".join(items) + b"]}"),
    st.tuples(whole_documents, damaged_documents()).map(lambda two: b'{"a":[%b,%b]}' % two),
    documents,
)
_spaces = st.sampled_from([b"", b" ", b"\r\n", b" x"])
_predicates = expressions.map(lambda e: e.exists() | (path("/b") == 1) | ~here.is_type("array"))


@st.composite
def declarations(draw: Any) -> JsonDocuments:
    """Declare how to split; what leads too far out is put into an each()."""

    def within(expression: Any, levels: int) -> Any:
        while expression.contexts() > levels:
            expression = root.each(expression)
        return expression

    def draw_within(levels: int) -> Any:
        return draw(
            expressions.filter(lambda e: not e.arguments()).map(lambda e: within(e, levels))
        )

    split_by = draw(st.sampled_from([path("/a").each(), here, path("/a"), None]))
    times = [None, path("/b"), outer().path("/b").as_time("s"), event.ts, "any"]
    time = draw(st.sampled_from(times))
    keep = draw(st.none() | _predicates.filter(lambda e: not e.arguments()))
    return JsonDocuments(
        split=draw_within(0) if split_by is None else split_by,
        time=draw_within(1).first() if isinstance(time, str) else time,
        keep=None if keep is None else within(keep, 1),
    )


def without_place(found: Found) -> Found:
    """The place where a document stops being JSON is the C's own."""
    return found._replace(why=NOT_JSON) if found.why.startswith(NOT_JSON) else found


@RELAXED
@given(_lists, _spaces, declarations())
def test_events_are_what_python_finds(
    both: list[NativeFields], document: bytes, after: bytes, declared: JsonDocuments
) -> None:
    answer = split(declared, document + after, ts_ns=2**63 + 5, number=7)
    for native in both:
        found = native.split(declared, document + after, ts_ns=2**63 + 5, number=7)
        assert without_place(found) == answer


@RELAXED
@given(whole_documents | damaged_documents() | st.binary(max_size=80))
def test_what_is_json_throughout_is_a_document(both: list[NativeFields], document: bytes) -> None:
    answer = split(JsonDocuments(), document)
    for native in both:
        assert without_place(native.split(JsonDocuments(), document)) == answer


@pytest.mark.parametrize(
    ("document", "at"),
    [
        (b"", 0),
        (b" \n", 2),
        (b"nul", 0),
        (b'{"a":1', 5),
        (b'{"a":[1,2]', 10),
        (b'{"a":1}}', 7),
        (b"{} {}", 3),
        (b'{"a":1,}', 7),
        (b"[1,]", 3),
        (b"[1 2]", 3),
        (b'{"a" 1}', 5),
        (b'{"a":"\\q"}', 5),
        (b'{"a":"x}', 5),
        (b"[01]", 1),
        (b"\xef\xbb\xbf{}", 0),
        (b"[" * 10_001 + b"]" * 10_001, 10_000),
        (b'["' + b"x" * 2_000_000 + b'",tru]', 2_000_004),
    ],
)
def test_the_place_is_told_where_it_stops_being_json(
    native: NativeFields, document: bytes, at: int
) -> None:
    found = native.split(JsonDocuments(), document)
    assert found.why == f"it is not JSON at byte {at} of {len(document)}"
    assert not found.is_valid


def test_a_document_larger_than_what_is_remembered_is_split(native: NativeFields) -> None:
    items = [{"n": n, "text": "x" * 100, "at": 1_700_000_000 + n} for n in range(20_000)]
    document = json.dumps({"items": items}).encode()
    declared = JsonDocuments(
        split=path("/items").each(), time=path("/at").as_time("s"), keep=path("/n") != 7
    )
    found = native.split(declared, document)
    assert (found.not_kept, found.invalid, len(found.events)) == (1, 0, 19_999)
    assert [json.loads(data)["n"] for data, _ in found.events] == [
        n for n in range(20_000) if n != 7
    ]
    assert found.events[-1][1] == 1_700_019_999 * 10**9


def test_the_work_for_a_document_is_bounded(native: NativeFields) -> None:
    pattern = "(a|aa)*(a|b|c|d|e|f|g|h)*(a?){100}b$"
    document = json.dumps({"a": [{"t": "a" * 60_000}] * 14}).encode()
    declared = JsonDocuments(split=path("/a").each(), keep=path("/t").matches(pattern))
    found = native.split(declared, document)
    assert (found.is_valid, found.why) == (False, "it takes more work than fields may")
    assert (found.events, found.not_kept, found.invalid) == ((), 0, 0)


_LIST = when(path("/kind") == "EventList", path("/items").each(), here)


@pytest.mark.parametrize(
    ("expression", "document", "found"),
    [
        (_LIST, b'{"kind": "EventList", "items": [{"a": [1, 2]}, 3]}', [b'{"a": [1, 2]}', b"3"]),
        (_LIST, b' {"kind": "Event"}\n', [b'{"kind": "Event"}']),
        (_LIST, b'{"kind": "EventList", "items": []}', []),
        (_LIST, b'{"kind": "EventList", "items": null}', []),
        (_LIST, b'{"kind": "EventList"}', "a required value is missing"),
        (path("/items").each(), b"{}", "a required value is missing"),
        (path("/a").each().path("/b").each(), b'{"a": [{"c": 1}]}', []),
        (path("/a").each().path("/b").each(), b'{"b": []}', "a required value is missing"),
        (path("/a").each().where(path("/b").exists()), b"{}", "a required value is missing"),
        (path("/a"), b"{}", "a required value is missing"),
        (path("/a").default("none"), b"{}", [b"none"]),
        (coalesce(path("/a").each(), here), b"{}", [b"{}"]),
        (switch(path("/k"), {"a": path("/b")}, here), b'{"k": "a"}', "a required value is missing"),
        (path("/t").split("|"), b'{"t": "a|b"}', [b"a", b"b"]),
        (path("/t").each().as_string(), b'{"t": ["{\\"x\\":1}", null]}', [b'{"x":1}']),
        (path("/t").each(), b'{"t": ["\\u0041"]}', [b'"\\u0041"']),
        (path("/ip").as_ip(), b'{"ip": "::1"}', "an address is not an event"),
    ],
)  # fmt: skip
def test_a_split_finds(
    native: NativeFields, expression: Any, document: bytes, found: list[bytes] | str
) -> None:
    answer = native.split(JsonDocuments(split=expression), document)
    assert (answer.why or [data for data, _ in answer.events]) == found


def test_an_event_that_is_invalid_leaves_the_others(native: NativeFields) -> None:
    document = json.dumps({"a": [{"t": 1}, {"t": "x"}, {}, {"t": 4, "drop": True}, {"t": 5}]})
    declared = JsonDocuments(
        split=path("/a").each(),
        time=path("/t").as_time("ns"),
        keep=path("/drop") != True,  # noqa: E712
    )
    found = native.split(declared, document.encode())
    assert [ts for _, ts in found.events] == [1, 5]
    assert (found.not_kept, found.invalid, found.why) == (1, 2, "it has no valid time")


def test_a_test_of_the_author_s_sees_the_events() -> None:
    declared = JsonDocuments(
        split=path("/a").each(), time=path("/t").as_time("ns").default(event.ts)
    )
    first, second = declared.evaluate('{"a": [{"t": 1}, {}]}', ts_ns=9)
    assert (first.data, first.ts_ns, second.data, second.ts_ns) == (b'{"t": 1}', 1, b"{}", 9)
    for document, why in (("{", "not JSON at byte 1"), ("{}", "required value")):
        with pytest.raises(Exception, match=why):
            declared.evaluate(document)
    with pytest.raises(Exception, match="it has 3 bytes: max_size is 2"):
        JsonDocuments(max_size=2).evaluate(b"123")


@pytest.mark.parametrize(
    ("mistake", "told"),
    [
        (lambda: JsonDocuments(split=5), "a JSON pointer or an expression"),  # type: ignore[arg-type]
        (lambda: JsonDocuments(split="items"), "is not a JSON pointer"),
        (lambda: JsonDocuments(keep=path("/a")), "keep= takes a predicate"),
        (lambda: JsonDocuments(time=path("/a").each()), "there may be several values"),
        (lambda: JsonDocuments(split=outer()), "outer() leads out of the document"),
        (lambda: JsonDocuments(time=outer(2)), "outer() leads out of the document"),
        (lambda: JsonDocuments(split=path("/a").arg_key()), "there is no argument"),
        (lambda: JsonDocuments(invalid="drop"), "it is one of"),  # type: ignore[arg-type]
        (lambda: JsonDocuments(max_size=0), "a number of bytes"),
        (lambda: JsonDocuments(max_size=2**31), "at most"),
    ],
)
def test_a_mistake_in_a_declaration_is_told_at_once(mistake: Callable[[], Any], told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        mistake()


def test_bytes_that_are_no_declaration_are_refused(native: NativeFields) -> None:
    declared = JsonDocuments(split=path("/a").each(), time="/t", keep=const(value=True)).splitting
    for n in range(len(declared)):
        with pytest.raises(ValueError, match="cannot be used"):
            native.load(declared[:n], "fk_jdocuments_load")
    with pytest.raises(ValueError, match="after its end"):
        native.load(declared + b"\0", "fk_jdocuments_load")
