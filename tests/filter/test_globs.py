# SPDX-License-Identifier: Apache-2.0
"""Patterns fit what fnmatch(3) says, and take time in proportion."""

from __future__ import annotations

import ctypes
import locale
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from falcokit.filter.globs import compile_glob

if TYPE_CHECKING:
    from collections.abc import Iterator

FNMATCH = ctypes.CDLL(None).fnmatch
CASEFOLD = 16


def libc(pattern: bytes, value: bytes, *, fold: bool = False) -> bool:
    return FNMATCH(pattern, value, CASEFOLD if fold else 0) == 0


@pytest.fixture(scope="module", autouse=True)
def _locale_of_falco() -> Iterator[None]:
    """Let fnmatch see bytes: Falco never leaves the C locale, Python has its user's."""
    before = locale.setlocale(locale.LC_CTYPE)
    locale.setlocale(locale.LC_CTYPE, "C")
    yield
    locale.setlocale(locale.LC_CTYPE, before)


PIECES = st.sampled_from(
    ["a", "b", "A", "/", ".", "*", "?", "[ab]", "[!a]", "[^b]", "[a-c]", "[[:digit:]]", "[]a]",
     "\\*", "\\", "[", "]", "-", "1", "[a\\-c]", "[[:alpha:]-]", "é"]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    pattern=st.lists(PIECES, max_size=8).map("".join),
    value=st.text("abAB/.1*[]-\\é", max_size=8),
    fold=st.booleans(),
)
def test_a_pattern_fits_as_in_libc(pattern: str, value: str, fold: bool) -> None:
    wanted = libc(pattern.encode(), value.encode(), fold=fold)
    assert compile_glob(pattern.encode(), fold=fold)(value.encode()) == wanted


@pytest.mark.parametrize("piece", ["*a", "*?", "*[a-b]", "?*"])
def test_a_hostile_pattern_ends(piece: str) -> None:
    fits = compile_glob((piece * 120 + "c").encode())
    before = time.process_time()
    assert not fits(b"a" * 100_000)
    assert time.process_time() - before < 2
