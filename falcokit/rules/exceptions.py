# SPDX-License-Identifier: Apache-2.0
"""Exceptions of rules: their fields, operators and values, and the text that they become."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from falcokit.rules.problems import RulesLoadError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from falcokit.rules.catalog import EventSourceFields
    from falcokit.rules.definitions import RuleInfo
    from falcokit.rules.problems import Context
    from falcokit.rules.source_text import SourceText

__all__ = ["Entry", "ExceptionInfo", "condition_with_exceptions", "quoted_item"]

_LIST_OPERATORS: Final = frozenset({"in", "intersects", "pmatch"})
_MODIFIERS: Final = frozenset({"oneof", "anyof", "allof"})
_TEXT_OPERATORS: Final = frozenset({
    "=", "==", "!=", "contains", "icontains", "bcontains", "startswith", "bstartswith", "endswith",
    "glob", "iglob", "regex",
})  # fmt: skip
_OPERATORS: Final = _TEXT_OPERATORS | _LIST_OPERATORS | {"exists", "<", "<=", ">", ">="}


class Entry:
    """A part of an exception: one text, or a list of such parts. None of both: was not given."""

    __slots__ = ("items", "text")

    def __init__(self, text: str | None = None, items: list[Entry] | None = None) -> None:
        self.text = text
        self.items = items

    @property
    def is_given(self) -> bool:
        """Whether it is there and not empty."""
        return bool(self.items) if self.items is not None else bool(self.text)

    @property
    def shown(self) -> str:
        """The text; Falco takes a list where a text is expected for an empty one."""
        return self.text or ""


class ExceptionInfo:
    """An exception of a rule: fields, comparison operators, and the values that are excepted."""

    def __init__(self, name: str, context: Context) -> None:
        self.name = name
        self.context = context
        self.fields = Entry()
        self.comps = Entry()
        self.values: list[Entry] = []

    def complete(self, source: EventSourceFields | None) -> None:
        """Fill in the default operators and check all; raise RulesLoadError."""
        if self.fields.items is None:
            self._complete_single()
        else:
            self._complete_several(self.fields.items)
        if source is None:
            return
        for field in self.fields.items or [self.fields]:
            reason = source.field_fault(field.shown)
            if reason is not None:
                # Falco loses the place of a field that exists and lacks its argument.
                name = field.shown.partition("[")[0]
                known = source.catalog.find(name) is not None
                raise RulesLoadError(
                    "LOAD_ERR_VALIDATE",
                    f"exception {self.name!r}: {reason}",
                    self.context.root if known else self.context,
                    place=(self.context.line, self.context.column),
                )

    def _complete_single(self) -> None:
        if not self.comps.is_given:
            self.comps = Entry("in")
        if self.comps.items is not None:
            self._fail("'fields' is one field, so 'comps' must be one operator too")
        self.comps.text = self.comps.shown.strip(" \t\r\n")
        if self.comps.text not in _LIST_OPERATORS and not _has_modifier(self.comps.text):
            self._fail(
                f"'fields' is one field, so 'comps' must be in, pmatch, intersects or an operator"
                f" with a modifier such as 'startswith oneof', not {self.comps.text!r}"
            )

    def _complete_several(self, fields: list[Entry]) -> None:
        if not self.comps.is_given:
            self.comps = Entry(items=[Entry("=") for _ in fields])
        comps = self.comps.items or []
        if len(comps) != len(fields):
            self._fail(
                f"{len(fields)} fields and {len(comps)} comps: each field needs its operator"
            )
        for comp in comps:
            comp.text = comp.shown.strip(" \t\r\n")
            if comp.text not in _OPERATORS and not _has_modifier(comp.text):
                self._fail(f"{comp.text!r} is not a comparison operator")

    def _fail(self, message: str) -> None:
        raise RulesLoadError(
            "LOAD_ERR_VALIDATE", f"exception {self.name!r}: {message}", self.context
        )


def _has_modifier(operator: str) -> bool:
    words = operator.split()
    return len(words) == 2 and words[0] in _TEXT_OPERATORS and words[1] in _MODIFIERS  # noqa: PLR2004


def quoted_item(item: str) -> str:
    """Return an item as Falco writes it into a condition: quotes in it stay as they are."""
    return f'"{item}"' if " " in item and item[0] not in "\"'" else item


def _in_parentheses(item: str) -> str:
    return item if item.startswith("(") else f"({item})"


def condition_with_exceptions(info: RuleInfo) -> SourceText:
    """Return a rule's condition with its exceptions behind it; raise RulesLoadError."""
    parts = []
    for exception in info.exceptions:
        part = (
            _single(exception)
            if exception.fields.items is None
            else _several(exception, exception.fields.items)
        )
        if part:
            parts.append(f" and not {part}")
    return info.condition.wrapped("(", ")" + "".join(parts))


def _single(exception: ExceptionInfo) -> str:
    values: list[str] = []
    for value in exception.values:
        if value.items is not None:
            raise RulesLoadError(
                "LOAD_ERR_VALIDATE",
                f"exception {exception.name!r}: it has one field, so 'values' is a list of texts",
                exception.context,
            )
        values.append(quoted_item(value.shown))
    if not values:
        return ""
    return f"({exception.fields.shown} {exception.comps.shown} ({', '.join(values)}))"


def _several(exception: ExceptionInfo, fields: Sequence[Entry]) -> str:
    comps = exception.comps.items or []
    alternatives: list[str] = []
    for row in exception.values:
        values = row.items or []
        if len(values) != len(fields):
            raise RulesLoadError(
                "LOAD_ERR_VALIDATE",
                f"exception {exception.name!r}: {len(fields)} fields, and {len(values)} values",
                exception.context,
            )
        checks = [
            f" {field.shown} {comp.shown} {_operand(value, comp.shown)}"
            for field, comp, value in zip(fields, comps, values, strict=True)
        ]
        alternatives.append(f"({' and '.join(checks)})")
    return f"({' or '.join(alternatives)})" if alternatives else ""


def _operand(value: Entry, operator: str) -> str:
    if value.items is not None:
        return f"({', '.join(quoted_item(item.shown) for item in value.items)})"
    if operator in _LIST_OPERATORS or " " in operator:
        return _in_parentheses(value.shown)
    return quoted_item(value.shown)
