# SPDX-License-Identifier: Apache-2.0
"""What the checks of a plugin class share: the line of an error, hooks, tuples of names."""

from __future__ import annotations

import ast
import inspect
from typing import TYPE_CHECKING, Any, NoReturn

from falcokit.errors import PluginDefinitionError
from falcokit.runtime.base.annotations import own_annotations

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["check_hook", "locate", "overrides", "strings", "wrong"]


def wrong(plugin: type[Any], attribute: str | None, what: str, hint: str) -> NoReturn:
    """Raise for `what`, at the line of `attribute` or of the class itself."""
    file, line = locate(plugin, attribute)
    raise PluginDefinitionError(f"{plugin.__name__} {what}", hint=hint, file=file, line=line)


def overrides(plugin: type[Any], hook: str) -> bool:
    """Tell whether the author's own classes define `hook`."""
    return any(
        hook in vars(cls)
        for cls in plugin.__mro__
        if not cls.__module__.startswith("falcokit.runtime.")
    )


def check_hook(
    plugin: type[Any], hook: str, arguments: Sequence[str], capability: type[Any]
) -> None:
    """Check that a hook, where the author defines it, is one of a base and can be called."""
    function = getattr(plugin, hook, None)
    if function is None or not overrides(plugin, hook):
        return
    if not issubclass(plugin, capability):
        name = capability.__name__
        what = f"defines {hook} but does not inherit {name}, so Falco never calls it"
        wrong(plugin, hook, what, f"add {name} to the bases of the class")
    if inspect.iscoroutinefunction(function):
        hint = "hooks are plain methods; async work is a producer: @async_event(name)"
        wrong(plugin, hook, f"defines {hook} as async, and Falco does not await it", hint)
    try:
        inspect.signature(function).bind(*range(len(arguments) + 1))
    except TypeError as e:
        hint = f"def {hook}({', '.join(['self', *arguments])})"
        wrong(plugin, hook, f"defines {hook}, which Falco cannot call: {e}", hint)


def strings(plugin: type[Any], attribute: str) -> tuple[str, ...]:
    """Return a class attribute that is a tuple of names, each once."""
    value = getattr(plugin, attribute)
    if isinstance(value, str) or not all(isinstance(item, str) for item in value):
        hint = f"{attribute} = ({value!r},)" if isinstance(value, str) else "a tuple of str"
        wrong(plugin, attribute, f"has {attribute} that is not a tuple of names", hint)
    return tuple(dict.fromkeys(value))


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
