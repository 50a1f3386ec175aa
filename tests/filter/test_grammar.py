# SPDX-License-Identifier: Apache-2.0
"""How a text is read: Falco's oddities, the places of mistakes, and bounded time."""

from __future__ import annotations

import contextlib
import time

import pytest

from falcokit.filter.errors import FilterError
from falcokit.filter.grammar import MAX_TEXT, parse, parse_field
from falcokit.filter.tree import Check, FieldRef, Group, Macro, Transformed, text_of

SAME = {
    "a.b=1": "a.b = '1'",
    "a.b == 1": "a.b = '1'",
    "a.b in(x,'y z')": "a.b in ('x', 'y z')",
    "a.b in x": "a.b in ('x')",
    "a.b inx": "a.b in ('x')",
    "a.b existsand c.d exists": "a.b exists and c.d exists",
    "a.b exists and(c.d exists)": "a.b exists and c.d exists",
    "not(a.b exists)or(c.d exists)": "not a.b exists or c.d exists",
    "not not a.b exists": "a.b exists",
    "a.b exists or c.d exists and e.f exists": "a.b exists or (c.d exists and e.f exists)",
    "a.b['x y']=1": "a.b[\"x y\"] = '1'",
    "and and a.b=1": "and and a.b = '1'",
    "spawned and not shell": "spawned and not shell",
    "a.b<-5": "a.b < -5",
    "a.b=anyof": "a.b = 'anyof'",
    "a.b = anyof (x, y)": "a.b = anyof ('x', 'y')",
    "a.b=anyof (x)": None,
    "a.b contains allof (x)": "a.b contains allof ('x')",
    "a.b=oneof and c.d=1": "a.b = 'oneof' and c.d = '1'",
    "a.b = val( c.d )": "a.b = val(c.d)",
    "join( ',' , (a.b, 'x', 5))=1": "join(',', (a.b, 'x', '5')) = '1'",
    "getopt(a.b, 'x:')[x]=1": "getopt(a.b, 'x:')[x] = '1'",
    "len(())=0": "len(()) = '0'",
    r"a.b='\x41\n\/'": r"a.b = 'A\n/'",
    r'a.b="\x5c"': r"a.b = '\x5c'",
    r"a.b='\\x41'": r"a.b = '\\x41'",
    r"a.b='x\' y'": r"a.b = 'x\' y'",
    "a.b=1 or(c.d=1) and e.f=1": None,
    "a.b='\\\\'": None,
    "a.b = 1 c.d": None,
    "val(a.b)=1": None,
}


@pytest.mark.parametrize("text", SAME)
def test_a_text_is_read_as_falco_reads_it(text: str) -> None:
    wanted = SAME[text]
    if wanted is None:
        with pytest.raises(FilterError):
            parse(text)
    else:
        assert text_of(parse(text)) == wanted
        assert text_of(parse(wanted)) == wanted


def test_a_tree_has_the_places_of_its_parts() -> None:
    node = parse("not m and tolower(a.b) in (x, 'y')")
    assert isinstance(node, Group)
    negated, check = node.children
    assert isinstance(negated, Group)
    assert negated.children == (Macro(name="m", position=4),)
    assert isinstance(check, Check)
    assert (check.position, check.operator_position) == (10, 23)
    assert isinstance(check.left, Transformed)
    assert check.left.operands == (FieldRef(name="a.b", argument=None, position=18),)
    assert [(v.position, v.in_quotes) for v in check.values] == [(27, False), (30, True)]


#: A mistake: where we show it, and where Falco does.
PLACES = {
    "g.s<b": (4, 4),
    "g.s=a b": (6, 6),
    "(g.s=a": (6, 6),
    "g.s foo a": (4, 4),
    "unknownfn(g.s)=a": (9, 9),
    "g.s exists a": (11, 11),
    r"g.s='a\.b'": (6, 10),
    r"g.s in ('a\.b', c)": (10, 14),
    "g.k[a b]=1": (3, 5),
    "g.s in (a,": (10, 10),
}


@pytest.mark.parametrize("text", PLACES)
def test_a_mistake_has_its_place_and_that_of_falco(text: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse(text)
    assert (caught.value.position, caught.value.falco_position) == PLACES[text]


def test_a_list_of_a_wrong_escape_is_empty_as_in_falco() -> None:
    assert parse(r"g.s in ('a\.b')") == parse("g.s in ()")


def test_a_field_of_an_output_ends_where_it_ends() -> None:
    field, end = parse_field("x %tolower(a.b[c]) y", 3)
    assert (text_of(field), end) == ("tolower(a.b[c])", 18)
    with pytest.raises(FilterError, match="expected a field"):
        parse_field("x", 0)


@pytest.mark.parametrize(
    "text",
    [
        "a.b='" + "\\n" * (MAX_TEXT // 2 - 10) + "'",
        "a.b='" + "\\'" * (MAX_TEXT // 2 - 10),
        "a.b=1 or " * (MAX_TEXT // 10) + "a.b=1",
        "not " * (MAX_TEXT // 5) + "a.b=1",
        "(" * (MAX_TEXT - 10),
        "tolower(" * (MAX_TEXT // 9),
        "a.b in (" + "x," * (MAX_TEXT // 3) + "x)",
        "a" * (MAX_TEXT - 1),
        "a." * (MAX_TEXT // 2 - 1),
    ],
    ids=lambda text: text[:12],
)
def test_no_text_takes_long(text: str) -> None:
    before = time.process_time()
    with contextlib.suppress(FilterError):
        parse(text)
    assert time.process_time() - before < 20
