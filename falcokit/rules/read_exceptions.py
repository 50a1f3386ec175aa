# SPDX-License-Identifier: Apache-2.0
"""Reads the exceptions of a rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from falcokit.rules.document import Mapping, Scalar, Sequence
from falcokit.rules.exceptions import Entry, ExceptionInfo
from falcokit.rules.problems import RulesLoadError
from falcokit.rules.values import text

if TYPE_CHECKING:
    from collections.abc import Callable

    from falcokit.rules.document import Node
    from falcokit.rules.problems import Context

__all__ = ["read_exceptions"]

_CODE = "LOAD_ERR_YAML_VALIDATE"


def read_exceptions(
    item: Mapping, rule: Context, warn: Callable[[str, str, Context], None], *, append: bool
) -> list[ExceptionInfo]:
    """Return the exceptions of a rule's item; `append` if the item appends to a rule."""
    node = item.get("exceptions")
    if node is None or (isinstance(node, Scalar) and node.is_null):
        return []
    context = rule.inside(node, "exceptions")
    if not isinstance(node, Sequence):
        raise RulesLoadError(_CODE, "'exceptions' must be a list", context)
    found: list[ExceptionInfo] = []
    for each in node.items:
        exception = _exception(each, rule, context, warn, append=append)
        if any(known.name == exception.name for known in found):
            warn(
                "LOAD_EXCEPTION_NAME_NOT_UNIQUE",
                f"the rule has several exceptions {exception.name!r}",
                exception.context,
            )
        found.append(exception)
    return found


def _exception(
    node: Node,
    rule: Context,
    parent: Context,
    warn: Callable[[str, str, Context], None],
    *,
    append: bool,
) -> ExceptionInfo:
    unnamed = parent.inside(node, "exception")
    if not isinstance(node, Mapping):
        raise RulesLoadError(_CODE, "an exception has keys: 'name', 'fields', 'values'", unnamed)
    name = text(node, "name", unnamed)
    # Named, it stands directly in the rule: so does Falco count.
    context = rule.inside(node, "exception", name)
    exception = ExceptionInfo(name, context)
    fields, comps, values = node.get("fields"), node.get("comps"), node.get("values")
    if fields is not None:
        exception.fields = _entry(fields, context.inside(fields, "value for", "fields"))
    elif not append:
        raise RulesLoadError(_CODE, "'fields' is missing", context)
    if comps is not None:
        exception.comps = _entry(comps, context.inside(comps, "value for", "comps"))
    if values is None:
        if append:
            warn("LOAD_APPEND_NO_VALUES", f"exception {name!r} has no 'values' to append", context)
        return exception
    all_values = context.inside(values, "exception values")
    if not isinstance(values, Sequence):
        raise RulesLoadError(_CODE, "'values' must be a list", all_values)
    for value in values.items:
        at = all_values.inside(value, "exception value")
        exception.values.append(_entry(value, at.inside(value, "value for")))
    return exception


def _entry(node: Node, context: Context) -> Entry:
    if isinstance(node, Scalar) and not node.is_null:
        if not node.text:
            raise RulesLoadError(_CODE, "the value is empty", context)
        return Entry(node.text)
    if isinstance(node, Sequence):
        inner = [
            _entry(each, context.inside(each, "exception").inside(each, "value for"))
            for each in node.items
        ]
        return Entry(items=inner)
    # Falco takes a null and a mapping for an empty text.
    return Entry()
