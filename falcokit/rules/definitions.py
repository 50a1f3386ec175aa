# SPDX-License-Identifier: Apache-2.0
"""What rules files define: lists, macros, rules and their exceptions, collected over all files.

A name is defined again, appended to or overridden by what comes later, in the same file or the
next; `Definitions` has the state at the end. Its rules are Falco's, place by place and word by word
of the code of an error; the texts are ours.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from falcokit.rules.problems import RulesLoadError
from falcokit.rules.versions import Version, engine_version

if TYPE_CHECKING:
    from collections.abc import Mapping

    from falcokit.rules.catalog import EventSourceFields
    from falcokit.rules.exceptions import ExceptionInfo
    from falcokit.rules.problems import Context
    from falcokit.rules.source_text import SourceText

__all__ = [
    "Definitions",
    "ListInfo",
    "MacroInfo",
    "PluginRequirement",
    "Priority",
    "RuleInfo",
    "RuleUpdate",
]


class Priority(IntEnum):
    """Falco's priorities, the most urgent first; `label` is how Falco writes them."""

    EMERGENCY = 0
    ALERT = 1
    CRITICAL = 2
    ERROR = 3
    WARNING = 4
    NOTICE = 5
    INFORMATIONAL = 6
    DEBUG = 7

    @property
    def label(self) -> str:
        """The name as Falco writes it: `Critical`."""
        return self.name.capitalize()

    @classmethod
    def parse(cls, text: str) -> Priority | None:
        """Return the priority of a name in any case, None if there is none; Falco knows `info`."""
        word = text.upper()
        return cls.INFORMATIONAL if word == "INFO" else cls.__members__.get(word)


class ListInfo:
    """A list: its items in order, and when it was defined and last changed."""

    def __init__(self, name: str, items: list[str], context: Context) -> None:
        self.name = name
        self.items = items
        self.context = context
        self.index = self.visibility = 0


class MacroInfo:
    """A macro: its condition, and when it was defined and last changed."""

    def __init__(
        self, name: str, condition: SourceText, context: Context, condition_context: Context
    ) -> None:
        self.name = name
        self.condition = condition
        self.context = context
        self.condition_context = condition_context
        self.index = self.visibility = 0


class RuleInfo:
    """A rule with all that was appended to it and overridden in it so far."""

    def __init__(self, name: str, context: Context) -> None:
        self.name = name
        self.context = context
        self.condition: SourceText
        self.condition_context = context
        self.output: SourceText
        self.output_context = context
        self.description = ""
        self.priority = Priority.DEBUG
        self.source = "syscall"
        self.source_is_unknown = False
        self.tags: set[str] = set()
        self.exceptions: list[ExceptionInfo] = []
        self.enabled = True
        self.warn_evttypes = True
        self.skip_if_unknown_filter = False
        self.index = self.visibility = 0


class RuleUpdate:
    """What an item with `append` or `override` changes in a rule; None leaves as it is."""

    def __init__(self, name: str, context: Context, source: str = "") -> None:
        self.name = name
        self.context = context
        self.source = source
        self.condition: SourceText | None = None
        self.output: SourceText | None = None
        self.description: str | None = None
        self.tags: set[str] | None = None
        self.exceptions: list[ExceptionInfo] | None = None
        self.priority: Priority | None = None
        self.enabled: bool | None = None
        self.warn_evttypes: bool | None = None
        self.skip_if_unknown_filter: bool | None = None
        self.capture: bool | None = None
        self.capture_duration: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is changed."""
        parts = (
            self.condition, self.output, self.description, self.tags, self.exceptions,
            self.priority, self.enabled, self.warn_evttypes, self.skip_if_unknown_filter,
            self.capture, self.capture_duration,
        )  # fmt: skip
        return all(part is None for part in parts)


class PluginRequirement:
    """A plugin that rules need, or the alternatives of which one is enough: names and versions."""

    def __init__(self, alternatives: list[tuple[str, str]], context: Context) -> None:
        self.alternatives = alternatives
        self.context = context


class Definitions:
    """All lists, macros and rules so far, each in the order of its first definition."""

    def __init__(self, sources: Mapping[str, EventSourceFields]) -> None:
        self.sources = sources
        self.lists: dict[str, ListInfo] = {}
        self.macros: dict[str, MacroInfo] = {}
        self.rules: dict[str, RuleInfo] = {}
        self.required_plugins: list[PluginRequirement] = []
        self._next = 0

    def _number(self) -> int:
        self._next += 1
        return self._next - 1

    def require_engine(self, version: Version, context: Context) -> None:
        """Raise RulesLoadError if the rules are for another engine."""
        engine = engine_version()
        if not engine.is_compatible_with(version):
            raise RulesLoadError(
                "LOAD_ERR_VALIDATE",
                f"the rules need engine version {version}, and this is {engine}",
                context,
            )

    def require_plugin(self, requirement: PluginRequirement) -> None:
        """Add what must be loaded; raise RulesLoadError if that cannot be."""
        names: set[str] = set()
        for name, version in requirement.alternatives:
            if Version.parse(version) is None:
                raise RulesLoadError(
                    "LOAD_ERR_VALIDATE",
                    f"plugin {name!r}: {version!r} is no version such as 1.2.3",
                    requirement.context,
                )
            if name in names:
                raise RulesLoadError(
                    "LOAD_ERR_VALIDATE",
                    f"plugin {name!r} stands twice in the same requirement",
                    requirement.context,
                )
            names.add(name)
        self.required_plugins.append(requirement)

    def define_list(self, new: ListInfo) -> None:
        """Add a list, or put it in the place of one of its name."""
        before = self.lists.get(new.name)
        number = self._number()
        new.index = before.index if before else number
        new.visibility = number
        self.lists[new.name] = new

    def append_list(self, more: ListInfo) -> None:
        """Append to a list that exists; raise RulesLoadError."""
        before = self.lists.get(more.name)
        if before is None:
            raise _nothing_to_append("list", more.name, more.context)
        before.items = [*before.items, *more.items]
        before.visibility = self._number()

    def define_macro(self, new: MacroInfo) -> None:
        """Add a macro, or put it in the place of one of its name."""
        before = self.macros.get(new.name)
        number = self._number()
        new.index = before.index if before else number
        new.visibility = number
        self.macros[new.name] = new

    def append_macro(self, more: MacroInfo) -> None:
        """Append to a macro that exists; raise RulesLoadError."""
        before = self.macros.get(more.name)
        if before is None:
            raise _nothing_to_append("macro", more.name, more.context)
        before.condition = before.condition.append(" ", more.condition)
        before.visibility = self._number()

    def define_rule(self, new: RuleInfo) -> bool:
        """Add a rule; return whether its source is known. Raise RulesLoadError."""
        before = self._before(new.name, new.source, new.context)
        source = self.sources.get(new.source)
        new.source_is_unknown = source is None
        for exception in new.exceptions:
            if not exception.fields.is_given:
                raise RulesLoadError(
                    "LOAD_ERR_VALIDATE",
                    f"exception {exception.name!r} has no 'fields'",
                    exception.context,
                )
            exception.complete(source)
        number = self._number()
        new.index = before.index if before else number
        new.visibility = number
        self.rules[new.name] = new
        return source is not None

    def append_rule(self, update: RuleUpdate) -> None:
        """Append to a rule that exists; raise RulesLoadError."""
        rule = self._before(update.name, update.source, update.context)
        if rule is None:
            raise _nothing_to_append("rule", update.name, update.context)
        source = self._source(rule, update)
        if update.condition is not None and update.condition.text:
            rule.condition = rule.condition.append(" ", update.condition)
        if update.output is not None and update.output.text:
            rule.output = rule.output.append(" ", update.output)
        if update.description:
            rule.description += " " + update.description
        if update.tags is not None:
            rule.tags |= update.tags
        for exception in update.exceptions or ():
            _append_exception(rule, exception, source)
        rule.visibility = self._number()

    def replace_in_rule(self, update: RuleUpdate) -> None:
        """Replace parts of a rule that exists; raise RulesLoadError."""
        rule = self._before(update.name, update.source, update.context)
        if rule is None:
            raise RulesLoadError(
                "LOAD_ERR_VALIDATE",
                f"there is no earlier rule {update.name!r} in which something could be replaced",
                update.context,
            )
        self._source(rule, update)
        for name in (
            "condition", "output", "description", "tags", "exceptions", "priority", "enabled",
            "warn_evttypes", "skip_if_unknown_filter",
        ):  # fmt: skip
            value = getattr(update, name)
            if value is not None:
                setattr(rule, name, value)
        rule.visibility = self._number()

    def enable_rule(self, name: str, *, enabled: bool, context: Context) -> None:
        """Enable or disable a rule that exists; raise RulesLoadError."""
        rule = self.rules.get(name)
        if rule is None:
            raise RulesLoadError(
                "LOAD_ERR_VALIDATE",
                f"there is no earlier rule {name!r} that 'enabled' could refer to",
                context,
            )
        rule.enabled = enabled

    def _source(self, rule: RuleInfo, update: RuleUpdate) -> EventSourceFields | None:
        if update.is_empty:
            raise RulesLoadError(
                "LOAD_ERR_VALIDATE",
                "there is nothing here that changes the rule",
                update.context,
            )
        return None if rule.source_is_unknown else self.sources.get(rule.source)

    def _before(self, name: str, source: str, context: Context) -> RuleInfo | None:
        before = self.rules.get(name)
        if before and before.source and source and before.source != source:
            raise RulesLoadError(
                "LOAD_ERR_VALIDATE",
                f"rule {name!r} exists already, for the source {before.source!r}",
                context,
            )
        return before


def _append_exception(
    rule: RuleInfo, exception: ExceptionInfo, source: EventSourceFields | None
) -> None:
    before = next((known for known in rule.exceptions if known.name == exception.name), None)
    message = None
    if before is None:
        if not exception.fields.is_given:
            message = "is new, so it needs 'fields'"
        elif not exception.values:
            message = "is new, so it needs 'values'"
        else:
            exception.complete(source)
            rule.exceptions.append(exception)
    elif exception.fields.is_given:
        message = "exists already: only 'values' can be appended, not 'fields'"
    elif exception.comps.is_given:
        message = "exists already: only 'values' can be appended, not 'comps'"
    else:
        before.values = [*before.values, *exception.values]
    if message is not None:
        raise RulesLoadError(
            "LOAD_ERR_VALIDATE", f"exception {exception.name!r} {message}", exception.context
        )


def _nothing_to_append(kind: str, name: str, context: Context) -> RulesLoadError:
    return RulesLoadError(
        "LOAD_ERR_VALIDATE", f"there is no earlier {kind} {name!r} to append to", context
    )
