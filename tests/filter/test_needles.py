# SPDX-License-Identifier: Apache-2.0
"""Values are left out by a search of all at once; what is left out would not have passed."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from falcokit.filter.batch import Column
from falcokit.filter.operators import build_test, needles_of
from falcokit.filter.types import FieldType

TEXTS = st.text("ab/*?[]!é{}", max_size=6)


@settings(max_examples=400, deadline=None)
@given(
    operator=st.sampled_from(["contains", "startswith", "endswith", "glob", "pmatch"]),
    operands=st.lists(TEXTS, min_size=1, max_size=3),
    values=st.lists(st.one_of(TEXTS, st.none()), max_size=12),
)
def test_no_value_that_passes_is_left_out(
    operator: str, operands: list[str], values: list[str | None]
) -> None:
    operands = operands if operator == "pmatch" else operands[:1]
    column = Column(values)
    test = build_test(FieldType.CHARBUF, operator, operands)
    needles = needles_of(operator, operands)
    assert column.select(test, needles) == column.select(test)


def test_each_operator_has_what_to_search_for() -> None:
    assert needles_of("contains", ["x"]) == ("x",)
    assert needles_of("startswith", ["/etc"]) == ("\0/etc",)
    assert needles_of("endswith", [".gz"]) == (".gz\0",)
    assert needles_of("glob", ["/home/*/file-?.log"]) == ("/home/",)
    assert needles_of("pmatch", ["/etc", "/usr/*/bin"]) == ("etc", "usr")
    for operator, operands in (
        ("contains", [""]), ("glob", ["*"]), ("glob", ["[ab]"]), ("pmatch", ["/"]),
        ("regex", ["x"]), ("contains", ["a\0b"]), ("icontains", ["x"]),
    ):  # fmt: skip
        assert needles_of(operator, operands) is None
