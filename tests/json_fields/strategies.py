# SPDX-License-Identifier: Apache-2.0
"""Random documents, whole and damaged, and random declarations of fields over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from falcokit.runtime.json.field import JsonField, json_field
from falcokit.runtime.json.nodes import Op
from falcokit.runtime.json.operators import (
    arg_given,
    coalesce,
    const,
    event,
    here,
    outer,
    path,
    root,
    switch,
    template,
    when,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from falcokit.runtime.json.expressions import Expression

KEYS = ["a", "b", "c", "", "0", "1", "a/b", "~", "é", "a.b", 'q"', "long key of many characters"]
TEXTS = [
    *("", "a", "b", "true", "12", "a,b", "user:admin", "10.0.0.1", "2001:db8::1/32", "Ünï"),
    *("2026-01-31T23:59:59.25+01:00", "http://x/y?a=1&b=%41%zz+c#f", "007", "x" * 70),
]
NUMBERS = [
    *("0", "-0", "1", "12", "-5", "33.0", "1e3", "12.5e1", "18446744073709551615"),
    *("18446744073709551616", "0.1", "1E-2", "1700000000.123456789", "1e99999999999999999999"),
]

# ---- documents ---------------------------------------------------------------------------------

_spaces = st.sampled_from([b"", b"", b"", b" ", b"\n", b"\t \r\n"])
_pieces = st.one_of(
    st.sampled_from([t.encode() for t in TEXTS if '"' not in t]),
    st.sampled_from(
        [b"\\n", b'\\"', b"\\\\", b"\\/", b"\\u0041", b"\\u0000", b"\\ud83d\\ude00", b"\\ud83d"]
    ),
    st.sampled_from([b"\\u00e9", b"\\ude00", b"\\x", b"\\u12", b"\xff", b"\xe2\x82", b"\x00"]),
    st.sampled_from([b"\xed\xa0\x80", b"\xf0\x9f\x98\x80", b"\xf4\x90\x80\x80", b"{", b"]", b","]),
)
_strings = st.lists(_pieces, max_size=4).map(lambda parts: b'"' + b"".join(parts) + b'"')
_names = st.one_of(
    st.sampled_from(KEYS).map(lambda k: b'"' + k.replace('"', '\\"').encode() + b'"'),
    st.sampled_from([b'"\\u0061"', b'"a\\u002fb"', b'"\\u00e9"', b'"\\/"', b'"\\q"']),
)
_scalars = st.one_of(
    st.sampled_from([b"true", b"false", b"null", b"tru", b"NaN", b"01", b"1.", b"-", b"1e"]),
    st.sampled_from([n.encode() for n in NUMBERS]),
    st.sampled_from(TEXTS).map(lambda t: b'"' + t.encode() + b'"'),
    _strings,
)


def _array(items: list[tuple[bytes, bytes, bytes]]) -> bytes:
    return b"[" + b",".join(a + value + b for a, value, b in items) + b"]"


def _object(items: list[tuple[bytes, bytes, bytes, bytes]]) -> bytes:
    return b"{" + b",".join(s + name + s + b":" + t + v + t for s, name, t, v in items) + b"}"


whole_documents = st.recursive(
    _scalars,
    lambda inside: st.one_of(
        st.lists(st.tuples(_spaces, inside, _spaces), max_size=5).map(_array),
        st.lists(st.tuples(_spaces, _names, _spaces, inside), max_size=6).map(_object),
    ),
    max_leaves=25,
)


@st.composite
def damaged_documents(draw: Any) -> bytes:
    """Change a few bytes of a document, or cut it off."""
    text = bytearray(draw(whole_documents))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        what = draw(st.sampled_from([b"", *(bytes([c]) for c in b'"\\{}[]:, \x00\xff1tn')]))
        kind = draw(st.integers(0, 2))
        text[at : at + (kind > 0)] = what
        if kind == 2:
            text = text[:at]
    return bytes(text)


def _abc(values: tuple[bytes, ...]) -> bytes:
    return b'{"a":%b, "b":%b,"c": %b}' % values


#: Most have what the paths of `fields` lead to.
documents = st.one_of(
    st.tuples(_strings, whole_documents, _scalars).map(_abc),
    st.tuples(whole_documents, _strings, damaged_documents()).map(_abc),
    whole_documents,
    damaged_documents(),
    st.binary(max_size=40),
)

# ---- declarations ------------------------------------------------------------------------------

_keys = st.one_of(st.sampled_from(KEYS), st.integers(0, 3))
_paths = st.lists(_keys, min_size=2, max_size=3).map(lambda keys: path(*keys)) | st.sampled_from(
    [path(""), path("/a"), path("/b"), path("/a/b"), path("/0"), path("/c"), path("/")]
)
_sources = st.one_of(
    st.sampled_from([path("/a"), path("/b"), path("/c"), path("/b").each()]),
    _paths,
    st.sampled_from([here, root, outer(), outer(2), const("x"), const(5), const(value=True)]),
    st.sampled_from([event.ts, event.number, event.source, event.raw]),
    st.just(path("/b").arg_key().default(arg_given)),
)
_constants = st.one_of(
    st.sampled_from(TEXTS), st.integers(0, 2**64 - 1), st.booleans(), st.none(), st.integers(0, 13)
)
_policy = st.sampled_from(["none", "empty", "fail"])
_text_policy = st.sampled_from(["none", "json", "empty", "fail"])
_parts = st.sampled_from(["a", ",", ":", "/", "é", "true", "x", " "])
PATTERNS = [
    *("a", "^a", "b$", "[0-9]+", "(\\w+):(\\w+)", "x{2,4}?", "(a|b)*c?", "[^,]*,(.*)", "é|ï", ""),
    *("$", ".+\\.", "(?:\\d{1,3}\\.){3}\\d{1,3}", "\\S+?", "[\\d\\-a-c]+"),
]


def _method(name: str, **arguments: Any) -> Any:
    def called(expression: Expression, values: dict[str, Any]) -> Expression:
        positional = values.pop("args", ())
        return getattr(expression, name)(*positional, **values)

    drawn = st.fixed_dictionaries(arguments)
    return drawn.map(lambda values: lambda expression: called(expression, dict(values)))


def _args(*strategies: Any) -> Any:
    return st.tuples(*strategies)


_small = st.integers(-3, 4)
_plain_methods = st.one_of(
    st.sampled_from(
        [
            *("arg_index", "arg_key", "arg_pointer", "first", "last", "unique", "required"),
            *("exists", "count", "sum", "lower", "upper", "as_json", "keys", "entries"),
            *("each", "flat"),
        ]
    ).map(lambda name: lambda expression: getattr(expression, name)()),
    _method("path", args=_args(_keys, _keys), through_arrays=st.booleans()),
    _method("each", arg=st.booleans()),
    _method("keys", exclude=st.lists(st.sampled_from(KEYS), max_size=2).map(tuple)),
    _method("match_arg", args=_args(st.sampled_from(["exact", "glob"]))),
    _method("default", args=_args(st.sampled_from(["d", 7, True]))),
    _method("equals", args=st.lists(_constants, min_size=1, max_size=3)),
    _method("less_than", args=_args(st.integers(0, 20))),
    _method("greater_than", args=_args(st.integers(0, 20))),
    _method("is_type", args=_args(st.sampled_from(["null", "bool", "string", "object"]))),
    _method("as_json", pretty=st.booleans()),
    _method("as_string", null=_text_policy, scalar=_text_policy, container=_text_policy),
    _method("as_int", null=_policy, other=_policy),
    _method("as_bool", null=_policy, other=_policy),
    _method("as_time", args=_args(st.sampled_from(["rfc3339", "s", "ms", "ns"])), other=_policy),
    _method("as_ip", net=st.booleans()),
    _method("slice", args=_args(_small, st.none() | _small)),
    _method("strip_prefix", args=_args(_parts), required=st.booleans()),
    _method("strip_suffix", args=_args(_parts), required=st.booleans()),
    _method("split", args=_args(_parts)),
    _method("part", args=_args(_parts, _small), of=st.none() | st.integers(1, 3)),
    _method("starts_with", args=_args(_parts)),
    _method("ends_with", args=_args(_parts)),
    _method("contains", args=_args(_parts)),
    _method("join", args=_args(st.sampled_from(["", ", ", "é"]))),
    _method("url_query", args=_args(st.none() | st.sampled_from(["a", "b"]))),
    _method("matches", args=_args(st.sampled_from(PATTERNS))),
    _method("regex", args=_args(st.sampled_from(PATTERNS))),
    st.just(lambda expression: expression.regex("(a+)|(\\d)", 2)),
    st.just(lambda expression: type(here)(Op.NOT, [expression])),
)


def _unchecked(op: Op) -> Callable[..., Any]:
    """Build with values that are no predicates, which the evaluators take from any program."""
    return lambda *kids: type(here)(op, kids)


def _extend(inside: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    one = inside.map(lambda e: e.first() if e.many else e)
    until = st.sampled_from(["exists", "non_null", "non_empty", "positive"])
    combine: list[Callable[..., Any]] = [
        st.builds(lambda e, body: e.each(body), inside, inside),
        st.builds(_unchecked(Op.WHERE), inside, inside),
        st.builds(lambda e, p: e.where(p.exists() & (p != "a") | ~p.as_bool()), inside, inside),
        st.builds(lambda a, b, u: coalesce(a, b, until=u), inside, inside, until),
        st.builds(_unchecked(Op.WHEN), inside, inside, inside),
        st.builds(lambda p, a, b: when(p == 1, a, b), inside, inside, st.none() | inside),
        st.builds(
            switch,
            one,
            st.dictionaries(_constants, inside, min_size=1, max_size=3),
            st.none() | inside,
        ),
        st.builds(_unchecked(Op.ALL_OF), inside, inside),
        st.builds(_unchecked(Op.ANY_OF), inside, inside),
        st.builds(lambda a, b: template("{{{a}-{b}é", a=a, b=b), one, one),
    ]
    chained = st.builds(lambda e, method: method(e), inside, _plain_methods)
    return st.one_of(chained, chained, *combine)


expressions = st.recursive(_sources, _extend, max_leaves=6)
_types = st.sampled_from(
    ["string"] * 4 + ["uint64", "bool", "reltime", "abstime", "ipaddr", "ipnet"]
)


#: What operators on text do to the text of a document's "a".
text_fields = st.lists(_plain_methods, min_size=1, max_size=3).map(
    lambda methods: json_field("x.y", _chained(path("/a"), methods), desc="d")
)


def _chained(expression: Expression, methods: list[Any]) -> Expression:
    for method in methods:
        expression = method(expression)
    return expression


@st.composite
def fields(draw: Any) -> JsonField:
    """Declare a field of any type; what leads out of every each() is put into one."""
    expression = draw(expressions)
    while expression.contexts():
        expression = root.each(expression)
    return json_field("x.y", expression, type=draw(_types), desc="d")


arguments = st.one_of(
    st.none(),
    st.integers(0, 4),
    st.sampled_from([*KEYS, "/a/b", "/0", "a*", "*?b*", "*é?*", "12", "~1"]),
)
