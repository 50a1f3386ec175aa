# SPDX-License-Identifier: Apache-2.0
"""What Falco accepts in silence and nobody means: found before any event, with codes `CHECK_...`.

Only what is certain is said: a rule that an earlier one hides, a priority that is not shown, a
comparison that holds never or for every value, an async event that no plugin emits.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final, NamedTuple

from falcokit.filter.clauses import Clause
from falcokit.filter.fields import nearest
from falcokit.filter.tree import Check, FieldRef, Group, text_of
from falcokit.filter.types import FieldType, parse_value
from falcokit.rules.definitions import Priority
from falcokit.rules.implication import Conditions, Implications
from falcokit.rules.problems import problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from falcokit.filter.condition import Part
    from falcokit.filter.tree import Node
    from falcokit.rules.catalog import LoadedPlugin
    from falcokit.rules.compile import Compiled, Rule
    from falcokit.rules.problems import Problem
    from falcokit.rules.source_text import SourceText

__all__ = ["check_rules"]

_ORDER: Final = frozenset({"<", "<=", ">", ">="})
#: Types without a sign, by their size.
_BITS: Final = {
    FieldType.UINT8: 8, FieldType.UINT16: 16, FieldType.UINT32: 32, FieldType.UINT64: 64,
    FieldType.RELTIME: 64, FieldType.ABSTIME: 64,
}  # fmt: skip


#: See falcokit.filter.grammar, which reads lists as Falco does.
_LOST: Final = "Falco drops its value, which has an escape that it does not know"
_EMPTY: Final = re.compile(r"(?:in|intersects|pmatch)\s*\(\s*([)'\"])")
_LIST_NAME: Final = re.compile(r"[a-zA-Z]\w*_\w*", re.ASCII)
#: Letters that are missing, too many or wrong in a name that is mistyped.
_MISTYPED: Final = 2


class _Found(NamedTuple):
    code: str
    message: str
    place: tuple[int, int] | None
    hint: str | None = None


def check_rules(
    compiled: Compiled, plugins: Sequence[LoadedPlugin], *, rule_matching: str, priority: str
) -> tuple[Problem, ...]:
    """Return our own warnings about rules that Falco loads."""
    lowest = Priority.parse(priority)
    if lowest is None:
        raise ValueError(f"there is no priority {priority!r}")
    if rule_matching not in {"first", "all"}:
        raise ValueError(f"rule_matching is 'first' or 'all', not {rule_matching!r}")
    checker = _Checker(compiled, plugins, lowest)
    found: list[Problem] = []
    # What stands in a macro is said of the first rule that uses it.
    said: set[tuple[str, str, tuple[int, int] | None]] = set()
    for rule in compiled.rules:
        for each in checker.check(rule):
            context = compiled.contexts[rule.name]
            where = each.code, each.message, each.place
            if where in said:
                continue
            if each.place is not None:
                said.add(where)
            message = f"rule {rule.name!r}: {each.message}"
            found.append(
                problem("warning", each.code, message, context, place=each.place, hint=each.hint)
            )
    if rule_matching == "first":
        for hidden, earlier in _hidden(compiled.rules, lowest):
            message = (
                f"rule {hidden.name!r} never fires: {earlier.name!r}, which is before it, is true"
                " for every event for which it is true"
            )
            found.append(
                problem(
                    "warning",
                    "CHECK_HIDDEN_RULE",
                    message,
                    compiled.contexts[hidden.name],
                    hint="put it first, except its events in the other rule, or set"
                    " rule_matching: all",
                )
            )
    return tuple(found)


class _Checker:
    def __init__(
        self, compiled: Compiled, plugins: Sequence[LoadedPlugin], lowest: Priority
    ) -> None:
        self._compiled = compiled
        self._lowest = lowest
        self._async_events = tuple(name for plugin in plugins for name in plugin.async_events)

    def check(self, rule: Rule) -> Iterator[_Found]:
        if rule.priority > self._lowest:
            yield _Found(
                "CHECK_PRIORITY",
                f"its priority {rule.priority.label} is below {self._lowest.label}, the lowest"
                " that is shown",
                None,
            )
        text = self._compiled.texts[rule.name]
        for clause, at in self._clauses(rule.condition.root, text):
            found = self._fault(clause, rule, at)
            if found is not None:
                yield found._replace(place=at.place(clause.check.position))
        yield from self._contradictions(rule.node, text)

    def _clauses(self, part: Part, text: SourceText) -> Iterator[tuple[Clause, SourceText]]:
        if isinstance(part, Clause):
            yield part, text
            return
        if part.word == "macro":
            text = self._compiled.macro_texts[part.name]
        for child in part.children:
            yield from self._clauses(child, text)

    def _fault(self, clause: Clause, rule: Rule, text: SourceText) -> _Found | None:
        check = clause.check
        if check.right is not None or check.operator == "exists":
            return None
        if not check.values:
            # A list without items is how Falco's own rules leave a place for those of others.
            empty = _EMPTY.match(*_source_at(text, check.operator_position))
            if empty is None:
                return None
            return _never(check, "the list is empty" if empty[1] == ")" else _LOST)
        found = self._word_fault(check, rule)
        return found or _of_number(clause) or self._list_fault(check, text)

    def _word_fault(self, check: Check, rule: Rule) -> _Found | None:
        if isinstance(check.left, FieldRef) and check.operator in {"=", "in"}:
            name, words = check.left.name, {value.text for value in check.values}
            if name == "evt.source" and rule.source not in words:
                return _never(check, f"all events of this rule are of the source {rule.source}")
            if name == "evt.type" and words == {"asyncevent"}:
                return _never(check, "the evt.type of an async event is its name")
            if name == "evt.asynctype":
                return self._async_fault(check)
        return None

    def _async_fault(self, check: Check) -> _Found | None:
        # The engine's own events count as async too.
        unknown = [
            value.text
            for value in check.values
            if value.text not in self._async_events and value.text not in _ENGINES_EVENTS
        ]
        if not unknown:
            return None
        close = nearest(unknown[0], self._async_events)
        known = f"nearest: {', '.join(close)}" if close else None
        return _Found(
            "CHECK_UNKNOWN_ASYNC_EVENT",
            f"no plugin declares an async event {unknown[0]}",
            None,
            known,
        )

    def _list_fault(self, check: Check, text: SourceText) -> _Found | None:
        if check.operator not in {"in", "intersects", "pmatch"}:
            return None
        for value in check.values:
            # Of a word with a _ that stands in the condition itself, and is nearly a list's name.
            if value.in_quotes or not _LIST_NAME.fullmatch(value.text):
                continue
            close = nearest(value.text, self._compiled.lists)
            if close and not text.origin(value.position).fixed and _is_near(value.text, close[0]):
                return _Found(
                    "CHECK_LIST_NAME",
                    f"{value.text} is a text here: there is no list of that name",
                    None,
                    f"nearest: {', '.join(close)}",
                )
        return None

    def _contradictions(self, node: Node, text: SourceText) -> Iterator[_Found]:
        """Find two comparisons of one field with different values that `and` joins."""
        equal: dict[str, Check] = {}
        for check, at in self._joined(node, text):
            if check.operator != "=" or check.right is not None:
                continue
            field = text_of(check.left)
            before = equal.setdefault(field, check)
            if before.values[0].data != check.values[0].data:
                yield _Found(
                    "CHECK_NEVER_TRUE",
                    f"{text_of(before)} and {text_of(check)} are never true together",
                    at.place(check.position),
                )
                return

    def _joined(self, node: Node, text: SourceText) -> Iterator[tuple[Check, SourceText]]:
        if isinstance(node, Check):
            if node.operator == "=" and _is_text(node):
                yield node, text
        elif isinstance(node, Group):
            if node.word == "and":
                for child in node.children:
                    yield from self._joined(child, text)
        elif node.body is not None:
            yield from self._joined(node.body, self._compiled.macro_texts[node.name])


#: Names of Falco's own events without a system call, under which `evt.asynctype` finds them.
_ENGINES_EVENTS: Final = frozenset({
    "scapevent", "procinfo", "drop", "container", "notification", "infra", "cpu_hotplug", "k8s",
    "tracer", "mesos", "user_added", "user_deleted", "group_added", "group_deleted", "asyncevent",
})  # fmt: skip


def _source_at(text: SourceText, position: int) -> tuple[str, int]:
    origin = text.origin(position)
    return origin.scalar.text, origin.offset


def _is_near(word: str, name: str) -> bool:
    same = sum(block.size for block in SequenceMatcher(None, word, name).get_matching_blocks())
    return max(len(word), len(name)) - same <= _MISTYPED


def _is_text(check: Check) -> bool:
    # Two numbers can be equal that are written differently, and so can two addresses.
    return all(
        not value.text.lstrip("+-").isdigit() and ":" not in value.text for value in check.values
    )


def _never(check: Check, reason: str) -> _Found:
    return _Found("CHECK_NEVER_TRUE", f"{text_of(check)} is never true: {reason}", None)


def _always(check: Check, reason: str) -> _Found:
    shown = text_of(check)
    return _Found("CHECK_ALWAYS_TRUE", f"{shown} is true for every value: {reason}", None)


def _of_number(clause: Clause) -> _Found | None:
    """Find an order that no number of the field's type has, or every one."""
    check, kind = clause.check, clause.left.type
    bits = _BITS.get(kind)
    if check.operator not in _ORDER or clause.left.is_list or bits is None:
        return None
    written = check.values[0].data
    value = int(parse_value(kind, check.operator, written))
    largest = 2**bits - 1
    if written.strip().startswith(b"-"):
        return _Found(
            "CHECK_NUMBER_WRAPS",
            f"{text_of(check)}: {kind} has no sign, so {written.decode()} is {value}",
            None,
        )
    if (check.operator, value) in {("<", 0), (">", largest)}:
        what = "less than 0" if check.operator == "<" else f"more than {largest}"
        return _never(check, f"{kind} has no number {what}")
    if (check.operator, value) in {(">=", 0), ("<=", largest)}:
        return _always(check, f"{kind} has no other numbers")
    return None


def _hidden(rules: Sequence[Rule], lowest: Priority) -> Iterator[tuple[Rule, Rule]]:
    """Yield rules that never fire, each with the earlier one that is true whenever it is true."""
    implications = Implications()
    by_source: dict[str, list[Rule]] = {}
    for rule in rules:
        if rule.enabled and rule.priority <= lowest:
            by_source.setdefault(rule.source, []).append(rule)
    for group in by_source.values():
        conditions = Conditions()
        for number, rule in enumerate(group):
            root = rule.condition.root
            if implications.is_spent:
                return
            for before in conditions.implied_by(root):
                earlier = group[before]
                if implications.implies(root, earlier.condition.root):
                    yield rule, earlier
                    break
            else:
                conditions.add(number, root)
