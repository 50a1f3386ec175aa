# SPDX-License-Identifier: Apache-2.0
"""Filters that are read without lark have the tree that lark gives; mistakes are lark's."""

from __future__ import annotations

import random

import pytest

from falcokit.capture import FilterError
from falcokit.capture.filter.grammar import parse_all
from falcokit.capture.filter.plain import parse_plain

WORDS = [
    "evt.type", "evt.num", "proc.name", "evt.type.is.open", "=", "==", "!=", "<", "<=", ">", ">=",
    "in", "contains", "startswith", "glob", "and", "or", "not", "(", ")", ",", "open", '"a b"',
    "'x'", "5", "0x1f", "1.5", "5e3", "-3", "exists", "[0]", "evt.arg[0]", "intersects", "pmatch",
    "regex", "and.x", "x=y", '"a\\"b"', "*", "é", "a.b", "5and", "\x0b", "\u00a0", '""', ".",
    "in(", "android", '"x"and',
]  # fmt: skip
OPERATORS = ["=", "==", "!=", "<", ">=", " in (", " contains ", " glob "]
RIGHT = ["open", "5", '"a b"', "x)", "x,'y' , z)", "12", "5)", ")", "and"]


def texts(seed: int) -> list[str]:
    pick = random.Random(seed)
    found = []
    for _ in range(1500):
        words = (
            pick.choice(WORDS) + pick.choice(["", " ", "\n"]) for _ in range(pick.randint(1, 8))
        )
        found.append("".join(words))
        checks = (
            pick.choice(["evt.type", "evt.num", "a.b"])
            + pick.choice(["", " "])
            + pick.choice(OPERATORS)
            + pick.choice(["", " "])
            + pick.choice(RIGHT)
            for _ in range(pick.randint(1, 3))
        )
        found.append(pick.choice([" and ", "and ", "\tand\n"]).join(checks))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_a_plain_filter_has_the_tree_of_the_grammar(seed: int) -> None:
    plain = 0
    for text in texts(seed):
        found = parse_plain(text)
        if found is not None:
            plain += 1
            assert found == parse_all(text), text
    assert plain > 100


@pytest.mark.parametrize(
    "text",
    [
        "evt.type=open",
        "evt.type in (open, 'close') and evt.dir=<",
        'evt.type = "open" and evt.num >= 5 and evt.arg.name contains /etc',
    ],
)
def test_the_usual_is_plain(text: str) -> None:
    assert parse_plain(text) == parse_all(text)


@pytest.mark.parametrize(
    "text", ["evt.type=", "evt.type open", "evt.type=open and", "evt.num<x", "evt.type=a b", "("]
)
def test_mistakes_are_not_plain(text: str) -> None:
    assert parse_plain(text) is None
    with pytest.raises(FilterError):
        parse_all(text)
