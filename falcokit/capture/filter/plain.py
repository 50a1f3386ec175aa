# SPDX-License-Identifier: Apache-2.0
"""Parses plain filters without lark: comparisons joined by `and`, as most filters are.

Loading lark and building its tables takes as long as reading a hundred megabytes of a capture. The
`grammar` module parses all other filters, and reports every mistake.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from falcokit.capture.filter.tree import Check, Group, Value

if TYPE_CHECKING:
    from falcokit.capture.filter.tree import Node

__all__ = ["parse_plain"]

# Tokens as in the grammar, possessive, so that backtracking cannot shorten them. Groups are not
# possessive: before 3.11.5 CPython accepts half of such a group for the whole (gh-106052).
_BLANK: Final = r"[ \t\r\n\x08]*+"
_VALUE: Final = r"""(?:"[^"\\]*+"|'[^'\\]*+'|[^()"'\s=,]++)"""
_WORD: Final = r"(?:i?glob|[ib]?contains|b?startswith|endswith)(?![A-Za-z0-9_.])"
_COMPARISON: Final = rf"""(?x:
    {_BLANK} ([a-zA-Z][a-zA-Z0-9_]*+(?:\.[a-zA-Z][a-zA-Z0-9_]*+)+) {_BLANK}
    (?: (==|=|!=|{_WORD}) {_BLANK} ({_VALUE})
      | (<=|<|>=|>) {_BLANK} ([0-9]++) (?![.0-9A-Za-z])
      | (in) (?![A-Za-z0-9_.]) {_BLANK} (\( {_BLANK} {_VALUE} (?:{_BLANK} , {_BLANK} {_VALUE})*
        {_BLANK} \))
    ) {_BLANK} (and(?![A-Za-z0-9_.])|\Z)
)"""
_OPERATORS: Final = (2, 4, 6)


def parse_plain(text: str) -> Node | None:
    """Return the tree of a plain filter, None for any other text."""
    checks: list[Check] = []
    comparison, at = re.compile(_COMPARISON), 0
    while found := comparison.match(text, at):
        group = next(each for each in _OPERATORS if found[each])
        right = found.start(group + 1)
        values = re.compile(_VALUE).finditer(text, right, found.end(group + 1))
        check = Check(
            field=found[1],
            argument=None,
            operator="=" if found[group] == "==" else found[group],
            values=tuple(map(_value, values)),
            position=found.start(1),
            operator_position=found.start(group),
        )
        checks.append(check)
        at = found.end()
        if not found[8]:
            return Group(word="and", children=tuple(checks)) if checks[1:] else check
    return None


def _value(found: re.Match[str]) -> Value:
    word = found[0]
    text = word[1:-1] if word[0] in {'"', "'"} else word
    return Value(data=text.encode("utf-8", "surrogateescape"), position=found.start())
