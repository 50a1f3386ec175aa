# SPDX-License-Identifier: Apache-2.0
"""Conditions by the thousand: for fields and values that a test names, the same in each run."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, NamedTuple

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from falcokit.filter.tree import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hypothesis.strategies import SearchStrategy

__all__ = ["COUNT", "Fields", "conditions_on", "made", "mistaken"]

#: How many of each kind: FALCOKIT_CONDITIONS=10000 is for a run by hand.
COUNT = int(os.environ.get("FALCOKIT_CONDITIONS", "1000"))

NUMBERS = ["0", "1", "2", "10", "-1", "007", "18446744073709551615", "4294967296", "-65535",
           "1700000000", "1700000000000000005"]  # fmt: skip
NO_NUMBERS = ["18446744073709551616", "1.5", "1e3", "0x10", "+3", "''", "tick"]
GLOBS = ["*", "t?ck", "T*", "*.so", "/etc/*", "[ht]*", "[!t]*", "[[:digit:]]*", "a?b", "*o*", "\\*"]
#: None that RE2 refuses, which this libsinsp takes, and which match nothing; and on no b64(),
#: whose bytes may not be UTF-8: Falco 0.45 replaces such bytes, here they match nothing.
REGEXES = [
    "t.ck", "hell*o", "[a-z]+", "(tick|tock)", "^/etc.*$", ".*", "", "line1.line2", "h(e|l)*o",
    "[[:alpha:]]+", "..", "\\*", "line1$", "[^a]+",
]  # fmt: skip
COMPARED = ["=", "==", "!=", "contains", "icontains", "startswith", "endswith"]
HEXADECIMAL = ["bcontains", "bstartswith"]
ORDER = ["<", "<=", ">", ">="]
EQUAL = ["=", "==", "!="]
LISTED = ["in", "intersects"]
#: Those that both this libsinsp and Falco 0.45 have; the last makes a number.
OF_TEXT = ["tolower", "toupper", "b64", "basename"]
TRANSFORMERS = [*OF_TEXT, "len"]


class Fields(NamedTuple):
    """The fields that conditions are on, by what may be done with them."""

    texts: Sequence[str]
    numbers: Sequence[str]
    bools: Sequence[str]
    lists: Sequence[str] = ()
    others: Sequence[str] = ()  # addresses, buffers, and such as there are none


def conditions_on(
    fields: Fields, words: Sequence[str], others: Sequence[str] = ()
) -> SearchStrategy[str]:
    """Conditions with all operators and transformers, most of them right, some refused.

    `words` are texts that events have; `others` are values that are written as they are.
    """
    texts, numbers, bools, rest = (
        st.sampled_from(names)
        for names in (fields.texts, fields.numbers, fields.bools, [*fields.lists, *fields.others])
    )
    quoted_words = st.sampled_from(words).map(quoted)
    digits = st.sampled_from(NUMBERS)
    lowered = st.builds("{}({})".format, st.sampled_from(OF_TEXT), texts)
    lowered = st.one_of(lowered, lowered.map("tolower({})".format))
    text = st.one_of(texts, texts, lowered)
    cased = st.one_of(texts, texts.map("toupper({})".format), texts.map("basename({})".format))
    number = st.one_of(numbers, numbers, texts.map("len({})".format))
    same_text, same_number = st.one_of(texts.map("val({})".format), lowered), _right(number)
    fitting = [
        _checks(text, COMPARED, quoted_words, quoted_words, same_text),
        _checks(text, [*LISTED, "pmatch"], _list(quoted_words)),
        _checks(text, ["glob", "iglob"], st.sampled_from(GLOBS).map(quoted)),
        _checks(cased, ["regex"], st.sampled_from(REGEXES).map(quoted)),
        _checks(number, [*EQUAL, *ORDER], digits, digits, same_number),
        _checks(number, LISTED, _list(digits)),
        _checks(bools, EQUAL, st.sampled_from(["true", "false"]), bools.map("val({})".format)),
        _checks(rest, EQUAL, st.sampled_from([*others, *NUMBERS])),
        _checks(rest, LISTED, _list(quoted_words), _list(digits), _right(rest)),
        st.one_of(text, number, bools, rest).map("{} exists".format),
    ]
    field = st.one_of(texts, numbers, bools, rest)
    transformed = st.builds("{}({})".format, st.sampled_from(TRANSFORMERS), field)
    left = st.one_of(field, transformed, transformed.map("tolower({})".format))
    operators = [*COMPARED, *HEXADECIMAL, *ORDER, *LISTED, "pmatch", "glob", "iglob"]
    value = st.one_of(
        quoted_words,
        st.sampled_from([*NUMBERS, *NO_NUMBERS, "true", "false", "<NA>", "NULL", *others]),
    )
    odd = st.sampled_from(["tick", "(tick,", "tick)", "( 'a' 'b')"])
    anything = _checks(left, operators, value, _list(value), odd, _right(field), transformed)
    return st.recursive(
        st.one_of(*fitting, anything),
        lambda inner: st.one_of(
            inner.map("not ({})".format),
            inner.map("not {}".format),
            st.lists(inner, min_size=2, max_size=3).map(" and ".join),
            st.lists(inner, min_size=2, max_size=3).map(" or ".join),
            inner.map("({})".format),
        ),
        max_leaves=4,
    )


def _checks(
    left: SearchStrategy[str], operators: Sequence[str], *rights: SearchStrategy[str]
) -> SearchStrategy[str]:
    return st.builds("{} {} {}".format, left, st.sampled_from(operators), st.one_of(*rights))


def _right(field: SearchStrategy[str]) -> SearchStrategy[str]:
    return field.map(lambda name: name if name.endswith(")") else f"val({name})")


def _list(values: SearchStrategy[str]) -> SearchStrategy[str]:
    return st.lists(values, max_size=4).map(lambda items: f"({', '.join(items)})")


_PIECES = [
    *" ()'\"\\=<>!,[].a0\n\t-*/&|;#%~^$@{}:?_\r\v\x01\u00e9",
    *("and", "or", "not", "in", "exists", "val(", "tolower(", "''", "\\n", "\\u", "()", "not("),
    *(") and(", " and ", " or ", "glob", "true", " = ", "==", "!=", ">=", "g.s", " contains "),
    *("\\/", '\\"', "\\'", "["),
]
#: What this libsinsp has otherwise than Falco 0.45: no such transformers and escapes, no check of
#: expressions, operators and fields that run together; and evt.type, which Falco has for system
#: calls alone.
_NEWER = (
    *("join(", "concat(", "getopt(", "\\x", "regex", "[''", '[""', "evt.type", ")g."),
    *(f"{one}{other}" for one in ("glob", "with", "contains") for other in ("in", "pmatch")),
)


def mistaken(texts: Sequence[str], count: int) -> Iterator[str]:
    """Yield texts with one to three mistakes: something more, less or another end."""
    draw = random.Random(17)
    while count:
        text = draw.choice(texts)
        for _ in range(draw.choice([1, 1, 2, 3])):
            at = draw.randrange(len(text) + 1)
            kind = draw.randrange(4)
            if kind == 0:
                text = text[:at] + draw.choice(_PIECES) + text[at:]
            elif kind == 1:
                text = text[:at] + text[at + draw.choice([1, 1, 2, 5]) :]
            elif kind == 2:
                text = text[:at] + draw.choice(_PIECES) + text[at + 1 :]
            else:
                other = draw.choice(texts)
                text = text[:at] + other[draw.randrange(len(other) + 1) :]
        if not any(one in text for one in _NEWER) and not _keeps_one_answer(text):
            count -= 1
            yield text


def _keeps_one_answer(condition: str) -> bool:
    """Whether it has lists of one text to libsinsp, which keeps one answer for both."""
    return "()" in condition and "('')" in condition


def made(conditions: SearchStrategy[str]) -> list[str]:
    """Return `COUNT` of them, the same in each run."""
    texts: list[str] = []

    @settings(
        max_examples=COUNT,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(condition=conditions)
    def keep(condition: str) -> None:
        if not _keeps_one_answer(condition):
            texts.append(condition)

    keep()
    return texts
