# SPDX-License-Identifier: Apache-2.0
"""Reads the items of a rules file into `Definitions`, with the errors and warnings of Falco.

An item is what its first known key says: `required_engine_version`, `required_plugin_versions`,
`list`, `macro` or `rule`. The first error ends the file.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from falcokit.rules.definitions import (
    Definitions,
    ListInfo,
    MacroInfo,
    PluginRequirement,
    Priority,
    RuleInfo,
    RuleUpdate,
)
from falcokit.rules.document import Mapping, Scalar, Sequence
from falcokit.rules.problems import Context, RulesLoadError
from falcokit.rules.read_exceptions import read_exceptions
from falcokit.rules.source_text import SourceText
from falcokit.rules.values import (
    flag,
    keys_of,
    number,
    number_or_text,
    optional_text,
    text,
    text_node,
    texts,
)
from falcokit.rules.versions import Version, engine_version

if TYPE_CHECKING:
    from collections.abc import Callable

    from falcokit.rules.document import Document, Node

__all__ = ["Warn", "read_items"]

if TYPE_CHECKING:
    #: Takes a code, a message, and the item's context.
    Warn = Callable[[str, str, Context], None]

_LIST_NAME: Final = re.compile(r"""[^()"'\s=,]+""", re.ASCII)
_MACRO_NAME: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9_]*")
_SYSCALL: Final = "syscall"

_APPENDABLE: Final = ("condition", "desc", "exceptions", "output", "tags")
_REPLACEABLE: Final = (
    "capture", "capture_duration", "condition", "desc", "enabled", "exceptions", "output",
    "priority", "skip-if-unknown-filter", "tags", "warn_evttypes",
)  # fmt: skip
_KEYS: Final = {
    "required_engine_version": {"required_engine_version"},
    "required_plugin_versions": {"required_plugin_versions"},
    "list": {"list", "items", "append", "override"},
    "macro": {"macro", "condition", "append", "override"},
    "rule": {
        "rule", "condition", "output", "desc", "priority", "source", "enabled", "capture",
        "capture_duration", "warn_evttypes", "skip-if-unknown-filter", "tags", "exceptions",
        "override", "append",
    },
}  # fmt: skip
_ATTRIBUTES: Final = {
    "desc": "description",
    "skip-if-unknown-filter": "skip_if_unknown_filter",
}
_APPEND_IS_OLD: Final = "'append: true' is deprecated; name the key under 'override', as {example}"
_ENABLED_IS_OLD: Final = (
    "'enabled' alone is deprecated; add 'override: {enabled: replace}' beside it"
)


def read_items(document: Document, definitions: Definitions, warn: Warn) -> None:
    """Read all items of a file; raise RulesLoadError at the first error."""
    context = Context(document)
    reader = _Reader(document, definitions, warn)
    for root in document.roots:
        if isinstance(root, Scalar) and root.is_null:
            continue
        if not isinstance(root, Sequence):
            raise RulesLoadError(
                "LOAD_ERR_YAML_VALIDATE",
                "the file is no list: each rule, macro and list is an item that begins with '- '",
                context,
                place=(root.line, root.column),
            )
        for item in root.items:
            if not (isinstance(item, Scalar) and item.is_null):
                reader.read(item, context)


class _Reader:
    def __init__(self, document: Document, definitions: Definitions, warn: Warn) -> None:
        self._document = document
        self._definitions = definitions
        self._warn = warn

    def read(self, item: Node, parent: Context) -> None:
        if not isinstance(item, Mapping):
            raise RulesLoadError(
                "LOAD_ERR_YAML_VALIDATE",
                "the item has no keys: expected 'rule: ...', 'macro: ...' or 'list: ...'",
                parent.inside(item, "rules content item"),
            )
        readers = {
            "required_engine_version": self._engine_version,
            "required_plugin_versions": self._plugin_versions,
            "list": self._list,
            "macro": self._macro,
            "rule": self._rule,
        }
        for key, read in readers.items():
            if item.get(key) is not None:
                context = read(item, parent)
                self._check_keys(item, key, context)
                return
        self._warn(
            "LOAD_UNKNOWN_ITEM",
            "the item is neither rule, macro, list nor a required version: it is left out",
            parent.inside(item, "rules content item"),
        )

    def _check_keys(self, item: Mapping, kind: str, context: Context) -> None:
        seen: set[str] = set()
        for key, node in keys_of(item, context):
            place = context.inside(node, "value for", key)
            if key not in _KEYS[kind]:
                self._warn(
                    "LOAD_UNKNOWN_KEY",
                    f"there is no key {key!r} in an item of this kind: it is left out",
                    context,
                )
            elif key in seen:
                self._warn(
                    "CHECK_DUPLICATE_KEY",
                    f"{key!r} stands here twice: only the first counts",
                    place,
                )
            seen.add(key)

    # ---- required versions -----------------------------------------------------------------------

    def _engine_version(self, item: Mapping, parent: Context) -> Context:
        context = parent.inside(item, "required_engine_version")
        minor = number_or_text(item, "required_engine_version")
        if minor is not None:
            engine = engine_version()
            version = Version(engine.major, minor, engine.patch)
        else:
            written = text(item, "required_engine_version", context)
            found = Version.parse(written)
            if found is None:
                raise RulesLoadError(
                    "LOAD_ERR_YAML_VALIDATE",
                    f"{written!r} is no version such as 0.50.0",
                    context,
                )
            version = found
        self._definitions.require_engine(version, context)
        return context

    def _plugin_versions(self, item: Mapping, parent: Context) -> Context:
        node = item.get("required_plugin_versions")
        context = parent.inside(node, "required plugin versions")
        if not isinstance(node, Sequence):
            raise RulesLoadError(
                "LOAD_ERR_YAML_VALIDATE", "required_plugin_versions must be a list", context
            )
        for plugin in node.items:
            self._definitions.require_plugin(_requirement(plugin, context))
        return parent.inside(item, "required plugin versions")

    # ---- lists and macros ------------------------------------------------------------------------

    def _list(self, item: Mapping, parent: Context) -> Context:
        name = text(item, "list", parent.inside(item, "list"))
        context = parent.inside(item, "list", name)
        if not _LIST_NAME.fullmatch(name):
            self._warn(
                "LOAD_INVALID_LIST_NAME",
                f"{name!r} cannot be named in a condition: a list's name has neither blanks nor"
                " any of ()\"'=,",
                context,
            )
        items = texts(item, "items", context)
        new = ListInfo(name, items, context)
        if self._appends(item, "items", context):
            self._definitions.append_list(new)
        else:
            self._definitions.define_list(new)
        return context

    def _macro(self, item: Mapping, parent: Context) -> Context:
        name = text(item, "macro", parent.inside(item, "macro"))
        context = parent.inside(item, "macro", name)
        if not _MACRO_NAME.fullmatch(name):
            self._warn(
                "LOAD_INVALID_MACRO_NAME",
                f"{name!r} cannot be named in a condition: a macro's name has letters, digits"
                " and _, and begins with a letter",
                context,
            )
        node = text_node(item, "condition", context)
        new = MacroInfo(
            name, self._source_text(node), context, context.inside(node, "macro condition")
        )
        if self._appends(item, "condition", context):
            self._definitions.append_macro(new)
        else:
            self._definitions.define_macro(new)
        return context

    def _appends(self, item: Mapping, key: str, context: Context) -> bool:
        """Whether a list or a macro is appended to, which has only one key for that."""
        append = self._append_flag(item, key, context)
        appended, replaced = self._overrides(item, (key,), (key,), context)
        if append and (appended or replaced):
            raise _both_ways(context)
        return append or key in appended

    def _append_flag(self, item: Mapping, key: str, context: Context) -> bool:
        append = flag(item, "append", context, default=False)
        if append:
            example = f"'override: {{{key}: append}}'"
            self._warn("LOAD_DEPRECATED_ITEM", _APPEND_IS_OLD.format(example=example), context)
        return append

    def _source_text(self, node: Scalar) -> SourceText:
        return SourceText.of(self._document, node)

    def _overrides(
        self,
        item: Mapping,
        appendable: tuple[str, ...],
        replaceable: tuple[str, ...],
        parent: Context,
    ) -> tuple[set[str], set[str]]:
        """Return the keys to append to and those to replace."""
        appended: set[str] = set()
        replaced: set[str] = set()
        node = item.get("override")
        if not isinstance(node, Mapping):
            return appended, replaced
        context = parent.inside(item, "overrides")
        keys = keys_of(node, context)
        for (key, key_node), value in zip(keys, node.values, strict=True):
            if not isinstance(value, Scalar):
                raise RulesLoadError(
                    "LOAD_ERR_VALIDATE",
                    f"override of {key!r}: expected 'append' or 'replace'",
                    Context(self._document),
                    place=(value.line, value.column),
                )
            at = context.inside(key_node, "overrides", key)
            if value.text == "append":
                if key not in appendable:
                    raise RulesLoadError(
                        "LOAD_ERR_YAML_VALIDATE", f"{key!r} cannot be appended to", at,
                        hint=f"can be: {', '.join(appendable)}",
                    )  # fmt: skip
                appended.add(key)
            elif value.text == "replace":
                if key not in replaceable:
                    raise RulesLoadError(
                        "LOAD_ERR_YAML_VALIDATE", f"{key!r} cannot be replaced", at,
                        hint=f"can be: {', '.join(replaceable)}",
                    )  # fmt: skip
                replaced.add(key)
            else:
                raise RulesLoadError(
                    "LOAD_ERR_YAML_VALIDATE",
                    f"override of {key!r}: expected 'append' or 'replace', not {value.text!r}",
                    context.inside(value, "value for", key),
                )
        return appended, replaced

    # ---- rules -----------------------------------------------------------------------------------

    def _rule(self, item: Mapping, parent: Context) -> Context:
        name = text(item, "rule", parent.inside(item, "rule"))
        context = parent.inside(item, "rule", name)
        source = optional_text(item, "source", context, may_be_empty=True) or ""
        append = self._append_flag(item, "condition", context)
        appended, replaced = self._overrides(item, _APPENDABLE, _REPLACEABLE, context)
        if append and (appended or replaced):
            raise _both_ways(context)
        if appended or replaced:
            self._override_rule(item, RuleUpdate(name, context, source), appended, replaced)
        elif append:
            self._append_rule(item, RuleUpdate(name, context, source))
        elif all(item.get(key) is None for key in ("condition", "output", "desc", "priority")):
            enabled = flag(item, "enabled", context)
            self._warn("LOAD_DEPRECATED_ITEM", _ENABLED_IS_OLD, context)
            self._definitions.enable_rule(name, enabled=enabled, context=context)
        else:
            self._define_rule(item, name, context)
        return context

    def _define_rule(self, item: Mapping, name: str, context: Context) -> None:
        rule = RuleInfo(name, context)
        node = text_node(item, "condition", context)
        rule.condition = self._source_text(node)
        rule.condition_context = context.inside(node, "rule condition")
        node = text_node(item, "output", context)
        # Falco trims an output that is defined, and leaves one that is overridden as it is.
        rule.output = self._source_text(node).stripped()
        rule.output_context = context.inside(node, "rule output")
        rule.description = text(item, "desc", context)
        rule.priority = _priority(item, context)
        rule.source = optional_text(item, "source", context) or _SYSCALL
        rule.enabled = flag(item, "enabled", context, default=True)
        flag(item, "capture", context, default=False)
        number(item, "capture_duration", context)
        rule.warn_evttypes = flag(item, "warn_evttypes", context, default=True)
        rule.skip_if_unknown_filter = flag(item, "skip-if-unknown-filter", context, default=False)
        rule.tags = set(texts(item, "tags", context, required=False))
        rule.exceptions = read_exceptions(item, context, self._warn, append=False)
        if not self._definitions.define_rule(rule):
            known = ", ".join(self._definitions.sources)
            self._warn(
                "LOAD_UNKNOWN_SOURCE",
                f"no plugin has the source {rule.source!r}: the rule is left out (known: {known})",
                context,
            )

    def _append_rule(self, item: Mapping, update: RuleUpdate) -> None:
        context = update.context
        if item.get("condition") is not None:
            update.condition = self._source_text(text_node(item, "condition", context))
        if item.get("exceptions") is not None:
            update.exceptions = read_exceptions(item, context, self._warn, append=True)
        self._definitions.append_rule(update)

    def _override_rule(
        self, item: Mapping, rule: RuleUpdate, appended: set[str], replaced: set[str]
    ) -> None:
        given = {key for key in (*_APPENDABLE, *_REPLACEABLE) if item.get(key) is not None}
        if appended:
            self._definitions.append_rule(self._update(item, rule, "append", appended, given))
        if replaced:
            self._definitions.replace_in_rule(self._update(item, rule, "replace", replaced, given))
        for key in sorted(given):
            raise RulesLoadError(
                "LOAD_ERR_YAML_VALIDATE",
                f"{key!r} is given, and 'override' does not say what to do with it",
                rule.context.inside(item.get(key), "overrides", key),
            )

    def _update(
        self, item: Mapping, rule: RuleUpdate, action: str, keys: set[str], given: set[str]
    ) -> RuleUpdate:
        """Read what an override changes, and take it out of what is given."""
        update, context = RuleUpdate(rule.name, rule.context), rule.context
        append = action == "append"
        read: dict[str, Callable[[], Any]] = {
            "condition": lambda: self._source_text(text_node(item, "condition", context)),
            "exceptions": lambda: read_exceptions(item, context, self._warn, append=append),
            "output": lambda: self._source_text(text_node(item, "output", context)),
            "desc": lambda: text(item, "desc", context),
            "tags": lambda: set(texts(item, "tags", context, required=False)),
            "priority": lambda: _priority(item, context),
            "capture": lambda: flag(item, "capture", context),
            "capture_duration": lambda: number(item, "capture_duration", context),
            "enabled": lambda: flag(item, "enabled", context),
            "warn_evttypes": lambda: flag(item, "warn_evttypes", context),
            "skip-if-unknown-filter": lambda: flag(item, "skip-if-unknown-filter", context),
        }
        # In the order in which Falco reads them: the first error is the one that is reported.
        for key, value in read.items():
            if key not in keys:
                continue
            if key not in given:
                raise RulesLoadError(
                    "LOAD_ERR_YAML_VALIDATE",
                    f"'override' says to {action} {key!r}, which is not given",
                    context,
                )
            given.remove(key)
            setattr(update, _ATTRIBUTES.get(key, key), value())
        if update.condition is not None:
            # Falco looks at the source only beside a condition.
            update.source = rule.source
        return update


def _priority(item: Mapping, context: Context) -> Priority:
    written = text(item, "priority", context)
    priority = Priority.parse(written)
    if priority is None:
        raise RulesLoadError(
            "LOAD_ERR_YAML_VALIDATE",
            f"there is no priority {written!r}",
            context.inside(item.get("priority"), "rule priority"),
            hint=f"there are {', '.join(known.name for known in Priority)} and INFO, in any case",
        )
    return priority


def _both_ways(context: Context) -> RulesLoadError:
    return RulesLoadError(
        "LOAD_ERR_YAML_VALIDATE", "'append: true' and 'override' exclude each other", context
    )


def _requirement(node: Node, parent: Context) -> PluginRequirement:
    kind = "required plugin versions entry"
    name, version, context = _name_and_version(node, kind, parent)
    alternatives = [(name, version)]
    others = node.get("alternatives") if isinstance(node, Mapping) else None
    if others is not None and not isinstance(others, Sequence):
        raise RulesLoadError("LOAD_ERR_YAML_VALIDATE", "'alternatives' must be a list", context)
    for other in others.items if others else ():
        kind = "required plugin versions alternative"
        name, version, _ = _name_and_version(other, kind, context)
        alternatives.append((name, version))
    return PluginRequirement(alternatives, context)


def _name_and_version(node: Node, kind: str, parent: Context) -> tuple[str, str, Context]:
    unnamed = parent.inside(node, kind)
    if not isinstance(node, Mapping):
        raise RulesLoadError(
            "LOAD_ERR_YAML_VALIDATE", "expected 'name: ...' and 'version: ...'", unnamed
        )
    name = text(node, "name", unnamed)
    context = parent.inside(node, kind, name)
    return name, text(node, "version", context), context
