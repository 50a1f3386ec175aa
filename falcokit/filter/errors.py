# SPDX-License-Identifier: Apache-2.0
"""`FilterError`: what is wrong with the text of a condition, and where."""

from __future__ import annotations

from typing import Final

from falcokit.errors import ConfigError

__all__ = ["FilterError"]

_EXCERPT: Final = 96  # characters of a condition shown around its fault


class FilterError(ConfigError):
    """An invalid condition: the mistake, and below it the place in the text.

    `position` counts characters of the whole text from 0, `line` and `column` from 1.
    `falco_position` is where Falco sees the mistake: for one that it finds after it has read the
    text, such as an unknown field or a wrong value, that is the start of the check.
    """

    def __init__(
        self, reason: str, text: str, position: int, falco_position: int | None = None
    ) -> None:
        before = text[:position]
        start = before.rfind("\n") + 1
        line = text[start:].partition("\n")[0]
        left = max(position - start - _EXCERPT // 2, 0)
        excerpt = "".join(c if c.isprintable() else " " for c in line[left : left + _EXCERPT])
        caret = " " * (position - start - left) + "^"
        super().__init__(f"{reason}\n  {excerpt}\n  {caret}")
        self.reason = reason
        self.position = position
        self.falco_position = position if falco_position is None else falco_position
        self.line = before.count("\n") + 1
        self.column = position - start + 1
