# SPDX-License-Identifier: Apache-2.0
"""The operators on text, which are methods of expressions.

Values that are not text are converted first, as by `as_string()` without arguments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from falcokit.runtime.json.logic import Logic
from falcokit.runtime.json.nodes import Node, Op
from falcokit.runtime.json.regex import compile_pattern

if TYPE_CHECKING:
    from typing import Self

__all__ = ["TextOperators"]

_TO_THE_END = 2**63 - 1
_INDEX_MAX = 2**31


class TextOperators(Logic):
    """Operators that take text."""

    __slots__ = ()

    def _then(
        self, op: Op, *more: Node, flags: int = 0, texts: list[bytes] | None = None, **numbers: int
    ) -> Self:
        for node in more:
            if not isinstance(node, TextOperators):
                raise ValueError(f"{node!r} is not an expression")  # noqa: TRY004
        return type(self)(op, [self, *more], flags=flags, texts=texts or (), **numbers)

    def lower(self) -> Self:
        """Convert the ASCII letters to lower case."""
        return self._then(Op.CASE)

    def upper(self) -> Self:
        """Convert the ASCII letters to upper case."""
        return self._then(Op.CASE, flags=1)

    def slice(self, start: int, stop: int | None = None) -> Self:
        """Return text[start:stop] in characters; negative ones count from the end."""
        stop = _TO_THE_END if stop is None else stop
        return self._then(
            Op.SLICE, a=_index(start), b=stop if stop == _TO_THE_END else _index(stop)
        )

    def strip_prefix(self, prefix: str, *, required: bool = False) -> Self:
        """Remove `prefix`; a text without it is kept, or dropped if it is `required`."""
        return self._then(Op.STRIP, flags=2 * required, texts=[prefix.encode()])

    def strip_suffix(self, suffix: str, *, required: bool = False) -> Self:
        """Remove `suffix`; a text without it is kept, or dropped if it is `required`."""
        return self._then(Op.STRIP, flags=1 + 2 * required, texts=[suffix.encode()])

    def split(self, separator: str) -> Self:
        """Return the parts between separators."""
        return self._then(Op.SPLIT, texts=[_separator(separator)])

    def part(self, separator: str, index: int, *, of: int | None = None) -> Self:
        """Return one part, from the end if `index` is negative; only if there are `of` parts."""
        if of is not None and not 0 < of < _INDEX_MAX:
            raise ValueError(f"of={of}: a text has at least one part")
        numbers = {"a": _index(index), "b": of or 0}
        return self._then(Op.PART, texts=[_separator(separator)], **numbers)

    def regex(self, pattern: str, group: int = 0) -> Self:
        """Return the first match of `pattern`, or of its `group`."""
        return self._then(Op.REGEX, texts=[compile_pattern(pattern, group).encode()])

    def matches(self, pattern: str) -> Self:
        """Return for each text whether `pattern` matches somewhere in it."""
        return self._then(Op.MATCHES, texts=[compile_pattern(pattern, 0).encode()])

    def starts_with(self, part: str) -> Self:
        """Return for each text whether it begins with `part`."""
        return self._then(Op.TEST, texts=[part.encode()])

    def ends_with(self, part: str) -> Self:
        """Return for each text whether it ends with `part`."""
        return self._then(Op.TEST, flags=1, texts=[part.encode()])

    def contains(self, part: str) -> Self:
        """Return for each text whether it contains `part`."""
        return self._then(Op.TEST, flags=2, texts=[part.encode()])

    def join(self, separator: str = "") -> Self:
        """Join all texts into one; no value if there are none."""
        return self._then(Op.JOIN, texts=[separator.encode()])

    def url_query(self, name: str | None = None) -> Self:
        """Return the decoded value of a URL's parameter: `name`, or the field's argument, a key."""
        return self._then(Op.URL_QUERY, texts=[] if name is None else [name.encode()])


def _index(value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= _INDEX_MAX:
        raise ValueError(f"{value!r} is not a position in a text")
    return value


def _separator(value: str) -> bytes:
    if not value:
        raise ValueError("the separator is empty")
    return value.encode()
