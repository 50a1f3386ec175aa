# SPDX-License-Identifier: Apache-2.0
"""Compiles definitions into rules: lists and exceptions written out, macros resolved.

Falco writes lists and exceptions into the text of a condition before it reads it, and so does this:
what comes of an item with a quote or a parenthesis in it is the same. Macros are resolved in the
tree that comes of the text.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Final

from falcokit.filter.condition import compile_condition
from falcokit.filter.errors import FilterError
from falcokit.filter.fields import nearest
from falcokit.filter.grammar import parse
from falcokit.filter.tree import Check, FieldRef, Group, fields_of
from falcokit.record import Record
from falcokit.rules.catalog import SYSCALL
from falcokit.rules.event_types import (
    TOO_MANY,
    EventTypeError,
    count_event_types,
    is_event_type,
    type_names,
)
from falcokit.rules.exceptions import condition_with_exceptions, quoted_item
from falcokit.rules.hints import field_hint
from falcokit.rules.macros import MacroError, Macros, macros_in
from falcokit.rules.output import OutputError, compile_output
from falcokit.rules.problems import Context, Problem, RulesLoadError, problem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from falcokit.filter.condition import Condition
    from falcokit.filter.tree import Node
    from falcokit.rules.catalog import EventSourceFields
    from falcokit.rules.definitions import (
        Definitions,
        Priority,
        RuleInfo,
    )
    from falcokit.rules.output import OutputFormat
    from falcokit.rules.source_text import SourceText

__all__ = ["Compiled", "Rule", "compile_definitions"]

_BLANKS: Final = " \t\n\r"
_DELIMITERS: Final = frozenset(_BLANKS + "(),=")
_WORDS: Final = re.compile(r"[ \t\n\r(),=]+")
#: Characters of a condition with its lists; beyond it, a list in a list would fill the memory.
_MAX_TEXT: Final = 1024 * 1024
_UNSAFE: Final = ("ka.", "jevt.")
_EQUALITIES: Final = frozenset({"=", "!=", "in", "intersects", "pmatch"})
_DIRECTION: Final = (
    "there are no enter events any more: 'evt.dir = <' is always true, 'evt.dir = >' always false"
)
_DEPRECATED: Final = {
    "evt.dir": _DIRECTION,
    **dict.fromkeys(
        ("evt.latency", "evt.latency.s", "evt.latency.ns", "evt.latency.human", "evt.wait_latency"),
        "there are no enter events any more, so there is no latency",
    ),
}
_CONTAINER_INFO: Final = "%container.info"


class Rule(Record):
    """A rule as it is run.

    `condition_text` is the condition with its exceptions and lists, `node` its tree with the bodies
    of macros, `output` the text that was compiled to `output_format`.
    """

    name: str
    source: str
    description: str
    priority: Priority
    tags: tuple[str, ...]
    enabled: bool
    output: str
    condition_text: str
    node: Node
    condition: Condition
    output_format: OutputFormat
    file: str
    line: int


class Compiled(Record):
    """All rules in order, and what compiling them brought to light."""

    rules: tuple[Rule, ...]
    contexts: Mapping[str, Context]
    #: The conditions of rules and macros, with the places of their characters.
    texts: Mapping[str, SourceText]
    macro_texts: Mapping[str, SourceText]
    lists: tuple[str, ...]
    problems: tuple[Problem, ...]

    @property
    def failed(self) -> bool:
        """Whether there is an error."""
        return any(found.severity == "error" for found in self.problems)


def compile_definitions(definitions: Definitions, async_events: Collection[str]) -> Compiled:
    """Compile all that is defined so far; the first error is the last problem."""
    compiler = _Compiler(definitions, async_events)
    try:
        compiler.compile()
    except RulesLoadError as e:
        compiler.problems.append(
            problem("error", e.code, e.message, e.context, place=e.place, hint=e.hint)
        )
        compiler.rules.clear()
    return Compiled(
        rules=tuple(compiler.rules),
        contexts={rule.name: definitions.rules[rule.name].context for rule in compiler.rules},
        texts=compiler.texts,
        macro_texts=compiler.macro_texts,
        lists=tuple(definitions.lists),
        problems=tuple(compiler.problems),
    )


class _Compiler:
    def __init__(self, definitions: Definitions, async_events: Collection[str]) -> None:
        self._definitions = definitions
        self._async_events = async_events
        self._lists: dict[str, str] = {}
        self._numbers: dict[str, int] = {}
        #: Lists whose name is no single word: Falco finds them nevertheless.
        self._odd: list[tuple[int, str]] = []
        self._macros = Macros()
        self.macro_texts: dict[str, SourceText] = {}
        self._used: set[str] = set()
        self.rules: list[Rule] = []
        self.texts: dict[str, SourceText] = {}
        self.problems: list[Problem] = []

    def compile(self) -> None:
        self._compile_lists()
        self._compile_macros()
        for info in self._definitions.rules.values():
            if not info.source_is_unknown:
                self._compile_rule(info)
        for macro in self._definitions.macros.values():
            if macro.name not in self._macros.used:
                self._warn(
                    "LOAD_UNUSED_MACRO", f"nothing uses the macro {macro.name}", macro.context
                )
        for info_ in self._definitions.lists.values():
            if info_.name not in self._used:
                self._warn("LOAD_UNUSED_LIST", f"nothing uses the list {info_.name}", info_.context)

    def _warn(
        self,
        code: str,
        message: str,
        context: Context,
        *,
        place: tuple[int, int] | None = None,
        hint: str | None = None,
    ) -> None:
        self.problems.append(problem("warning", code, message, context, place=place, hint=hint))

    # ---- lists -----------------------------------------------------------------------------------

    def _compile_lists(self) -> None:
        lists = self._definitions.lists
        for info in lists.values():
            items: list[str] = []
            size = 0
            for item in info.items:
                inner = lists.get(item)
                if inner is not None and inner.index < info.visibility:
                    self._used.add(inner.name)
                    added = inner.items
                else:
                    added = [item]
                items += added
                size += sum(map(len, added)) + len(added)
                if size > _MAX_TEXT:
                    raise _too_long(f"the list {info.name}", info.context)
            self._numbers[info.name] = len(self._lists)
            if _WORDS.search(info.name):
                self._odd.append((len(self._lists), info.name))
            self._lists[info.name] = ", ".join(map(quoted_item, items))

    def _with_lists(self, condition: SourceText, context: Context) -> SourceText:
        """Write out the lists that a condition names, in the order of their definition.

        An item may be the name of a list too: it is written out if that one is defined later.
        """
        names = list(self._lists)
        waiting = self._named(condition.text)
        heapify(waiting)
        last = -1
        while waiting:
            number = heappop(waiting)
            if number <= last:
                continue
            last = number
            name = names[number]
            condition = self._with_list(condition, name, self._lists[name], context)
            for later in self._named(self._lists[name]):
                heappush(waiting, later)
        return condition

    def _named(self, text: str) -> list[int]:
        """Return the numbers of the lists whose name may stand in a text."""
        words = set(_WORDS.split(text))
        found = [self._numbers[word] for word in words if word in self._numbers]
        return found + [number for number, name in self._odd if name in text]

    def _with_list(
        self, condition: SourceText, name: str, items: str, context: Context
    ) -> SourceText:
        text = condition.text
        at = text.find(name)
        while at >= 0:
            end = at + len(name)
            alone = (at == 0 or text[at - 1] in _DELIMITERS) and (
                end >= len(text) or text[end] in _DELIMITERS
            )
            if alone:
                start = at
                while start > 0 and text[start - 1] in _BLANKS:
                    start -= 1
                while end < len(text) and text[end] in _BLANKS:
                    end += 1
                if not items:
                    # Without items a comma is too many.
                    if start > 0 and text[start - 1] == ",":
                        start -= 1
                    elif end < len(text) and text[end] == ",":
                        end += 1
                # What Falco writes: a blank before, unless it is the beginning, and one behind.
                new = (" " if start > 0 else "") + items + " "
                condition = condition.replaced(start, end, new)
                text = condition.text
                if len(text) > _MAX_TEXT:
                    raise _too_long("the condition", context)
                self._used.add(name)
                at = start + len(items) + 1
            at = text.find(name, at + 1)
        return condition

    # ---- macros ----------------------------------------------------------------------------------

    def _parse(self, condition: SourceText, context: Context) -> tuple[SourceText, Node]:
        text = self._with_lists(condition, context)
        try:
            return text, parse(text.text)
        except FilterError as e:
            raise self._condition_error(e, text, context) from e

    def _condition_error(
        self, e: FilterError, text: SourceText, context: Context
    ) -> RulesLoadError:
        return RulesLoadError(
            "LOAD_ERR_COMPILE_CONDITION",
            e.reason,
            _expression(context, text.text, e.falco_position),
            place=text.place(e.position),
        )

    def _compile_macros(self) -> None:
        infos = self._definitions.macros
        for info in infos.values():
            text, body = self._parse(info.condition, info.condition_context)
            self._macros.add(info.name, body, text.text)
            self.macro_texts[info.name] = text
        for info in infos.values():
            seen = info.visibility

            def is_visible(name: str, seen: int = seen) -> bool:
                return infos[name].index < seen

            with _macro_errors(info.condition, info.context):
                self._macros.resolve_macro(info.name, is_visible)

    # ---- rules -----------------------------------------------------------------------------------

    def _compile_rule(self, info: RuleInfo) -> None:
        source = self._definitions.sources[info.source]
        condition = info.condition
        if info.exceptions:
            condition = condition_with_exceptions(info)
        output = info.output.text
        if _CONTAINER_INFO in output:
            self._warn(
                "LOAD_DEPRECATED_ITEM",
                "%container.info is deprecated: the container plugin adds its fields by itself",
                info.context,
            )
            output = output.replace(_CONTAINER_INFO, "")
        output_format = self._compile_output(info, output, source)
        if output_format is None:
            return
        text, node = self._parse(condition, info.condition_context)
        with _macro_errors(text, info.context):
            node = self._macros.resolve(node)
        self._warn_of_fields(node, text, info)
        compiled = self._compile_condition(node, text, info, source)
        if compiled is None:
            return
        if info.source == SYSCALL:
            self._check_event_types(node, info)
        self.texts[info.name] = text
        self.rules.append(
            Rule(
                name=info.name,
                source=info.source,
                description=info.description,
                priority=info.priority,
                tags=tuple(sorted(info.tags)),
                enabled=info.enabled,
                output=output,
                condition_text=text.text,
                node=node,
                condition=compiled,
                output_format=output_format,
                file=info.context.document.name,
                line=info.context.line + 1,
            )
        )

    def _compile_output(
        self, info: RuleInfo, output: str, source: EventSourceFields
    ) -> OutputFormat | None:
        try:
            if not output:
                raise OutputError("the output is empty", 0)  # noqa: TRY301 - as Falco's formatter
            found = compile_output(output, source)
        except OutputError as e:
            place = info.output.place(e.position)
            hint = field_hint(output[e.position :], source, self._definitions.sources)
            if info.skip_if_unknown_filter and e.is_unknown_field:
                self._warn(
                    "LOAD_UNKNOWN_FILTER", e.reason, info.output_context, place=place, hint=hint
                )
                return None
            raise RulesLoadError(
                "LOAD_ERR_COMPILE_OUTPUT", e.reason, info.output_context, place=place, hint=hint
            ) from e
        for name in _DEPRECATED:
            if name in output:
                self._warn(
                    "LOAD_DEPRECATED_ITEM",
                    f"{name} in the output is deprecated: {_DEPRECATED[name]}",
                    info.output_context,
                )
        return found

    def _warn_of_fields(self, node: Node, text: SourceText, info: RuleInfo) -> None:
        context = _expression(info.condition_context, text.text, None)
        checks = list(_checks(node))
        unsafe = next((check for check in checks if _compares_with_na(check)), None)
        if unsafe is not None:
            self._warn(
                "LOAD_UNSAFE_NA_CHECK",
                "<NA> is how a missing value is printed; whether there is one, `exists` says",
                context,
            )
        names = {field.name for check in checks for field in fields_of(check) if not field.argument}
        for name, reason in _DEPRECATED.items():
            if name in names:
                self._warn("LOAD_DEPRECATED_ITEM", f"{name} is deprecated: {reason}", context)

    def _compile_condition(
        self, node: Node, text: SourceText, info: RuleInfo, source: EventSourceFields
    ) -> Condition | None:
        try:
            self._check_type_names(node, text.text, source)
            compiled = compile_condition(node, source.catalog, text.text)
        except FilterError as e:
            at, e = self._in_macro(node, source) or (text, e)
            error = self._condition_error(e, at, info.condition_context)
            unknown = isinstance(e, _UnknownTypeError)
            field = _field_at(node, e.position)
            if field is not None and source.catalog.find(field.name) is None:
                # To Falco, an unknown parameter of events is no unknown field.
                unknown = not _is_parameter(field.name, source)
                error.hint = field_hint(field.name, source, self._definitions.sources)
            if unknown and info.skip_if_unknown_filter:
                self._warn(
                    "LOAD_UNKNOWN_FILTER",
                    error.message,
                    error.context,
                    place=error.place,
                    hint=error.hint,
                )
                return None
            raise error from e
        places = list(self._values(node, text))
        for warning in compiled.warnings:
            # What stands in a macro has its place in the text of that.
            at = next((each for value, each in places if value == warning.position), text)
            self._warn(
                "LOAD_COMPILE_CONDITION",
                warning.message,
                _expression(info.condition_context, at.text, warning.position),
                place=at.place(warning.position),
            )
        return compiled

    def _values(self, node: Node, text: SourceText) -> Iterator[tuple[int, SourceText]]:
        """Yield the position of the values of each check, and the text that it is a position of."""
        if isinstance(node, Check):
            if node.values and _may_be_warned_of(node):
                yield node.values[0].position, text
        elif isinstance(node, Group):
            for child in node.children:
                yield from self._values(child, text)
        elif node.body is not None:
            yield from self._values(node.body, self.macro_texts[node.name])

    def _in_macro(
        self, node: Node, source: EventSourceFields
    ) -> tuple[SourceText, FilterError] | None:
        """Return the text of the macro in which a fault is, and the fault in it."""
        for macro in macros_in(node):
            if macro.body is None:
                continue
            text = self.macro_texts[macro.name]
            try:
                self._check_type_names(macro.body, text.text, source)
                compile_condition(macro.body, source.catalog, text.text)
            except FilterError as e:
                return self._in_macro(macro.body, source) or (text, e)
        return None

    def _check_type_names(self, node: Node, text: str, source: EventSourceFields) -> None:
        if source.name != SYSCALL:
            return
        for check in _checks(node):
            left = check.left
            if not isinstance(left, FieldRef) or left.name != "evt.type":
                continue
            for value in check.values:
                if not is_event_type(value.text, self._async_events):
                    close = nearest(value.text, (*self._async_events, *type_names()))
                    known = f"; nearest: {', '.join(close)}" if close else ""
                    raise _UnknownTypeError(
                        f"there is no event type {value.text}{known}",
                        text,
                        min(value.position, len(text)),
                        min(check.position, len(text)),
                    )

    def _check_event_types(self, node: Node, info: RuleInfo) -> None:
        try:
            count = count_event_types(node, self._async_events)
        except EventTypeError as e:
            raise RulesLoadError("LOAD_ERR_COMPILE_CONDITION", str(e), info.context) from e
        if count > TOO_MANY and info.warn_evttypes:
            self._warn(
                "LOAD_NO_EVTTYPE",
                f"the condition can be true for {count} event types, which makes it slow",
                info.context,
                hint="add evt.type=... or evt.type in (...)",
            )


@contextmanager
def _macro_errors(condition: SourceText, context: Context) -> Iterator[None]:
    try:
        yield
    except MacroError as e:
        # Falco looks for it in the text of the condition, also where it stands in a macro.
        raise RulesLoadError(
            "LOAD_ERR_VALIDATE",
            e.reason,
            _expression(context, condition.text, e.position),
            place=condition.place(e.position),
            hint=e.hint,
        ) from e


class _UnknownTypeError(FilterError):
    """A value of evt.type that is no event type."""


def _too_long(what: str, context: Context) -> RulesLoadError:
    return RulesLoadError(
        "LOAD_ERR_VALIDATE",
        f"{what} has more than {_MAX_TEXT} characters with its lists written out",
        context,
    )


def _checks(node: Node) -> Iterable[Check]:
    if isinstance(node, Check):
        yield node
    elif isinstance(node, Group):
        for child in node.children:
            yield from _checks(child)
    elif node.body is not None:
        yield from _checks(node.body)


def _field_at(node: Node, position: int) -> FieldRef | None:
    for check in _checks(node):
        for field in fields_of(check):
            if field.position == position:
                return field
    return None


def _may_be_warned_of(check: Check) -> bool:
    """Whether Falco may find a value strange: an expression, what looks like a field or a call."""
    return check.operator.startswith("regex") or any(
        "." in value.text or "(" in value.text for value in check.values
    )


def _is_parameter(name: str, source: EventSourceFields) -> bool:
    return source.name == SYSCALL and name.startswith(("evt.arg.", "evt.rawarg."))


def _compares_with_na(check: Check) -> bool:
    left = check.left
    return (
        isinstance(left, FieldRef)
        and left.name.startswith(_UNSAFE)
        and check.operator in _EQUALITIES
        and any(value.text == "<NA>" for value in check.values)
    )


def _expression(parent: Context, text: str, position: int | None) -> Context:
    """Return Falco's context for a place in a condition, which counts lines and columns from 1.

    Without a position it is the one of the whole condition, which Falco counts from 0.
    """
    line = column = 0
    if position is not None:
        before = text[:position].encode("utf-8", "surrogateescape")
        lines = before.replace(b"\r", b"\n").split(b"\n")
        line, column = len(lines), len(lines[-1]) + 1
    return parent.inside(
        None, "condition expression", place=(parent.line + line, parent.column + column)
    )
