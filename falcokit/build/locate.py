# SPDX-License-Identifier: Apache-2.0
"""Where in the author's file something was written: a class, a method, an attribute."""

from __future__ import annotations

import ast
import inspect
from typing import Any

from falcokit.runtime.base.annotations import own_annotations

__all__ = ["locate"]


def locate(plugin: type[Any], attribute: str | None = None) -> tuple[str | None, int | None]:
    """Return file and line of `attribute` in the class or base that has it, else of the class."""
    for cls in plugin.__mro__:
        if cls.__module__.startswith("falcokit."):
            continue  # a default that the author did not write
        if attribute is None or attribute in {*vars(cls), *own_annotations(cls)}:
            found = _in_class(cls, attribute)
            if found is not None:
                return found
    return _in_class(plugin, None) or (None, None)


def _in_class(cls: type[Any], attribute: str | None) -> tuple[str, int] | None:
    try:
        file = inspect.getsourcefile(cls)
        lines, first = inspect.getsourcelines(cls)
    except (OSError, TypeError):
        return None
    if file is None:
        return None
    if attribute is None:
        return file, first
    tree = ast.parse(inspect.cleandoc("\n" + "".join(lines)))
    for node in getattr(tree.body[0], "body", []):
        if attribute in _names(node):
            return file, first + node.lineno - 1
    return file, first


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else []
    if isinstance(node, ast.AnnAssign):
        targets = [node.target]
    return [n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)]
