# SPDX-License-Identifier: Apache-2.0
"""Regular expressions without google-re2 match and are refused as with it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from falcokit.filter.posix_regex import compile_posix
from falcokit.filter.regexes import compile_regex
from falcokit.filter.types import ValueFaultError

PIECES = st.sampled_from(
    ["a", "b", "c", ".", "*", "+", "?", "|", "(", ")", "()", "(a|b)", "[ab]", "[^a]", "[a-c]",
     "[[:digit:]]", "[[:^alpha:]]", "[]a]", "[", "]", "{2}", "{1,2}", "{0,}", "{,2}", "{2,1}", "{",
     "}", "^", "$", "\\.", "\\d", "\\n", "\\", "\\x41", "-", "[a-]", "[-a]", "[a-b-c]", "é", "\n",
     "[[:foo:]]", "(?i)", "\\(", "1", "{1001}", "[é-ü]", "\\pN", "\\b", "\\1", "\\x{e9}", "\\_",
     "\\C", "\\A", "\\z", "\\Qa\\E", "\\07", "\\12"]
)  # fmt: skip


def answer(compiler: object, pattern: str, text: str) -> bool | None:
    try:
        matches = compiler(pattern)  # type: ignore[operator]
    except ValueFaultError:
        return None
    return bool(matches(text))


@settings(max_examples=200, deadline=None)
@given(
    pattern=st.lists(PIECES, max_size=7).map("".join),
    texts=st.lists(st.text("abc1\né-A.", max_size=6), min_size=3, max_size=3),
)
def test_an_expression_answers_as_in_re2(pattern: str, texts: list[str]) -> None:
    pytest.importorskip("re2")
    for text in texts:
        assert answer(compile_posix, pattern, text) == answer(compile_regex, pattern, text)


@pytest.mark.parametrize(
    "pattern", ["(a*)*b", "(a|aa)+b", "(.*a){20}", "a{1000}b", "((a?){30}){30}a"]
)
@pytest.mark.parametrize("compiler", [compile_posix, compile_regex])
def test_a_hostile_expression_ends(compiler: object, pattern: str) -> None:
    before = time.process_time()
    assert answer(compiler, pattern, "a" * 5_000 + "c") is False
    assert time.process_time() - before < 20
