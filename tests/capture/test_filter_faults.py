# SPDX-License-Identifier: Apache-2.0
"""What the language of filters refuses, and that an error points at its column."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from falcokit.capture.filter.compile import compile_filter
from falcokit.filter.errors import FilterError

FAULTS = {
    "": (1, "empty"),
    "   ": (1, "empty"),
    "evt.type": (9, "an operator"),
    "evt.type=": (10, "a value"),
    "evt.type=open and": (18, "a field"),
    "evt.type=open close": (15, "'and' or 'or'"),
    "evt.type=open)": (14, "no '('"),
    "(evt.type=open": (15, "')'"),
    "evt.type='open": (10, "quote is not closed"),
    "evt.type=a'b": (11, "'and' or 'or'"),
    'evt.type="\\q"': (11, "escape"),
    "evt.type in (a b)": (16, "','"),
    "evt.type in (a,)": (16, "a value"),
    "evt.num<x": (9, "a number"),
    "evt.num=x": (9, "not a whole number"),
    "evt.num=1.5": (9, "not a whole number"),
    "evt.num in (1, x)": (16, "not a whole number"),
    "evt.failed=1": (12, "true nor false"),
    "evt.num contains 1": (9, "does not apply to number"),
    "evt.failed > 1": (12, "does not apply to true or false"),
    "evt.type bcontains 00": (10, "does not apply to text"),
    "evt.buffer glob x": (12, "does not apply to bytes"),
    "evt.buffer bcontains 0": (22, "hex"),
    'evt.type="\\x00"': (10, "NUL"),
    "evt.type regex 'op('": (16, "RE2: missing )"),
    "evt.num=0x10": (9, "not a whole number in decimal"),
    "evt.tpye=open": (1, "nearest: evt.type"),
    "evt.num=1 and evt.tyep=open": (15, "nearest: evt.type"),
    "evt.num=1 and\n evt.tyep=open": (2, "nearest: evt.type"),
    "evt.arg.nme=x": (1, "nearest: name"),
    "evt.arg.fd.name=x": (1, "no event has a parameter fd.name"),
    "evt.type.is.opn=1": (1, "nearest: open"),
    "evt.arg=x": (1, "evt.arg.NAME or evt.arg[N]"),
    "evt.arg[x]=1": (1, "position"),
    "evt.arg[0 =1": (8, "']'"),
    "evt.rawarg[0]=1": (1, "evt.rawarg.NAME"),
    "evt.rawarg.tuple=x": (17, "does not apply to SOCKTUPLE"),
    "evt.rawarg.addr=0": (16, "does not apply to SOCKADDR"),
    "evt.rawarg.sig=9": (16, "takes no constant of the type SIGTYPE"),
    "evt.rawarg.data contains x": (26, "takes no constant of the type BYTEBUF"),
    "evt.type[1]=x": (1, "no argument"),
    "evt.around=5": (1, "evt.around[NANOSECONDS]"),
    "evt.around[5]>5": (14, "only has ="),
    "proc.name=cat": (1, "state of a replay"),
    "evt.reltime>5": (1, "state of a replay"),
    "spawned_process and evt.dir=<": (1, "no macro spawned_process"),
    "evt.type=val(evt.num)": (10, "evt.type is CHARBUF, and val(evt.num) is UINT64"),
    "tolower(evt.num)=x": (1, "does not take evt.num"),
    "len(evt.rawarg.name)=1": (1, "cannot be applied to evt.rawarg.name"),
    "evt.type=val(evt.rawarg.name)": (14, "cannot be compared with a field"),
    "(" * 19 + "evt.num=1" + ")" * 19: (27, "too deeply"),
    "(" * 30_000: (21, "too deeply"),
}


@pytest.mark.parametrize("text", FAULTS, ids=lambda text: repr(text[:30]))
def test_an_error_points_at_its_column(text: str) -> None:
    column, reason = FAULTS[text]
    with pytest.raises(FilterError) as caught:
        compile_filter(text)
    assert reason in caught.value.reason
    assert caught.value.column == column
    _, shown, caret = caught.value.message.split("\n")
    at = caret.index("^")
    line = text.split("\n")[caught.value.line - 1]
    assert shown[at : at + 1] == line[column - 1 : column]
    assert len(shown) <= 100


WORDS = st.sampled_from(
    ["evt.type", "evt.num", "evt.arg[0]", "evt.buffer", "evt.rawarg.fd", "=", "!=", "<", "in", "(",
     ")", ",", "and", "or", "not", "exists", "contains", "glob", "pmatch", "x", "5", "'", '"',
     "\\", "[", "val(", " "]
)  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(text=st.one_of(st.text(max_size=40), st.lists(WORDS, max_size=12).map(" ".join)))
def test_any_text_compiles_or_is_a_filter_error(text: str) -> None:
    with contextlib.suppress(FilterError):
        compile_filter(text)
