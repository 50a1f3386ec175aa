# SPDX-License-Identifier: Apache-2.0
"""What the checks of a plugin class have in common: an error with its line, overriding, strings."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, NoReturn

from falcokit.build.locate import locate
from falcokit.errors import PluginDefinitionError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["check_hook", "overrides", "strings", "wrong"]


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
        what = f"has {_a(hook)} that nobody calls"
        wrong(plugin, hook, what, f"add {capability.__name__} to the bases of the class")
    if inspect.iscoroutinefunction(function):
        hint = "hooks are plain methods; async work is a producer: @async_event(name)"
        wrong(plugin, hook, f"has an async {hook}, which nobody would await", hint)
    try:
        inspect.signature(function).bind(*range(len(arguments) + 1))
    except TypeError as e:
        hint = f"def {hook}({', '.join(['self', *arguments])})"
        wrong(plugin, hook, f"has {_a(hook)} that cannot be called: {e}", hint)


def _a(hook: str) -> str:
    return f"an {hook}" if hook[0] in "aeiou" else f"a {hook}"


def strings(plugin: type[Any], attribute: str) -> list[str]:
    """Return a class attribute that is a tuple of names, each once."""
    value = getattr(plugin, attribute)
    if isinstance(value, str) or not all(isinstance(item, str) for item in value):
        hint = f"{attribute} = ({value!r},)" if isinstance(value, str) else "a tuple of str"
        wrong(plugin, attribute, f"has {attribute} that are no tuple of names", hint)
    return list(dict.fromkeys(value))
