# SPDX-License-Identifier: Apache-2.0
"""Misspelled names of a class: hooks and settings that would never be called or read.

A name of the author's own is taken for a slip of the pen if it is nearly one that falcokit knows
and the author has not used, and nothing in the author's modules mentions it.
"""

from __future__ import annotations

import ast
import difflib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from falcokit.build.check import overrides, wrong
from falcokit.runtime.async_event.producers import declared_producers
from falcokit.runtime.base.annotations import own_annotations
from falcokit.runtime.extract.capability import declared_fields

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

__all__ = ["check_names"]

#: Class attributes that a build reads.
_SETTINGS: Final = (
    *("name", "version", "description", "contact", "config", "plugin_id", "event_source"),
    *("required_api_version", "required_event_schema_version", "max_event_size"),
    *("async_events", "async_event_sources", "parse_event_types", "parse_event_sources"),
    *("extract_event_types", "extract_event_sources"),
)
_NEAR: Final = 0.85  # "open" and "opens", not "open" and "reopen"


def check_names(plugin: type[Any], hooks: Collection[str]) -> None:
    """Check the author's names against the hooks of all capabilities, and the settings.

    Raises:
        PluginDefinitionError: one is nearly another.

    """
    producers = {producer.attribute for producer in declared_producers(plugin)}
    called = {*declared_fields(plugin), *producers}
    for cls in plugin.__mro__:
        if cls.__module__.startswith("falcokit.") or cls is object:
            continue
        for name in _own_names(cls):
            known = (*hooks, *_SETTINGS)
            if name in called or name in known or _is_inherited(plugin, name):
                continue
            meant = difflib.get_close_matches(name, known, 1, _NEAR)
            if meant and not _has(plugin, meant[0]) and not _is_mentioned(cls, name):
                what = f"has {name}, which falcokit does not know; did you mean {meant[0]}?"
                hint = f"rename it to {meant[0]}; if it is your own, begin it with _: _{name}"
                wrong(plugin, name, what, hint)


def _own_names(cls: type[Any]) -> Iterator[str]:
    for name in {**vars(cls), **own_annotations(cls)}:
        if not name.startswith("_"):
            yield name


def _is_inherited(plugin: type[Any], name: str) -> bool:
    """Tell whether a base of falcokit's, or another's, has it: then somebody knows it."""
    own = {cls for cls in plugin.__mro__ if not cls.__module__.startswith("falcokit.")}
    return any(name in vars(cls) for cls in plugin.__mro__ if cls not in own)


def _has(plugin: type[Any], name: str) -> bool:
    return overrides(plugin, name) or any(
        name in own_annotations(cls)
        for cls in plugin.__mro__
        if not cls.__module__.startswith("falcokit.")
    )


def _is_mentioned(cls: type[Any], name: str) -> bool:
    """Tell whether a module beside that of the class reads or calls this name, or is unreadable."""
    module = sys.modules.get(cls.__module__)
    folder = os.path.dirname(getattr(module, "__file__", None) or "")  # noqa: PTH120
    files = [getattr(found, "__file__", None) or "" for found in [*sys.modules.values()]]
    beside = [f for f in files if folder and f.startswith(folder + os.sep) and f.endswith(".py")]
    try:
        trees = [ast.parse(Path(file).read_bytes()) for file in beside]
    except (OSError, ValueError, SyntaxError):
        return True
    return not trees or any(_mentions(node, name) for tree in trees for node in ast.walk(tree))


def _mentions(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.Name):
        return node.id == name and isinstance(node.ctx, ast.Load)
    return name == getattr(node, "attr" if isinstance(node, ast.Attribute) else "value", None)
