# SPDX-License-Identifier: Apache-2.0
"""The producers of a class: whether they can be called, and how often; and those that nobody calls.

Each mistake is reported at the line of the method, with what to write.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import math
from typing import TYPE_CHECKING, Any, Final

from falcokit.build.check import wrong
from falcokit.errors import PluginDefinitionError
from falcokit.runtime.async_event import producers as declared
from falcokit.runtime.async_event.producers import (
    CONFIG,
    RESTARTS,
    bad_interval,
    declared_producers,
)
from falcokit.runtime.base.config import config_type
from falcokit.runtime.base.plugin import Plugin

if TYPE_CHECKING:
    from collections.abc import Callable

    from falcokit.runtime.async_event.producers import Producer

__all__ = ["check_producers", "check_recorded_producers", "record_producers"]

_EXAMPLE: Final = 'seconds as a number, every=5.0, or the name of a key of the config: every="{}"'
#: What hides a method: Python calls it when the attribute is read, or without the instance.
_HIDING: Final = (staticmethod, classmethod, property, functools.cached_property)


def check_producers(plugin: type[Any], producers: list[Producer]) -> None:
    """Check each producer of a class.

    Raises:
        PluginDefinitionError: one could never emit.

    """
    for producer in producers:
        at = producer.attribute
        _check_call(plugin, producer)
        _check_every(plugin, producer)
        if producer.restart not in RESTARTS:
            hint = " or ".join(f'"{restart}"' for restart in RESTARTS)
            wrong(plugin, at, f"has a producer with restart={producer.restart!r}", hint)
        pause = producer.max_pause
        if not isinstance(pause, (int, float)) or not 0 < pause < math.inf:
            what = f"has a producer with max_pause={pause!r}"
            wrong(plugin, at, what, "seconds > 0 that the pause before a new start grows to")


def _check_call(plugin: type[Any], producer: Producer) -> None:
    at = producer.attribute
    try:
        inspect.signature(producer.function).bind(plugin)
    except TypeError as e:
        hint = f"def {at}(self): the config is self.config, the rest belongs to self too"
        wrong(plugin, at, f"has the producer {at}, which cannot be called: {e}", hint)


def _check_every(plugin: type[Any], producer: Producer) -> None:
    at, every = producer.attribute, producer.every
    if every is None:
        if not producer.is_async and not producer.yields:
            hint = f'@async_event("{producer.event}", every=1.0), or yield the events'
            wrong(plugin, at, "has a producer without an interval", hint)
    elif isinstance(every, str):
        _check_config(plugin, producer, every)
    elif not isinstance(every, (int, float)) or isinstance(every, bool):
        what, hint = _no_interval(every)
        wrong(plugin, at, f"has a producer with every={what}", hint)
    elif bad_interval(every):
        limit = "<= 0" if every <= 0 else repr(every)
        hint = "seconds > 0, and less than 30 years"
        wrong(plugin, at, f"has a producer with every {limit}", hint)


def _no_interval(every: object) -> tuple[str, str]:
    """Return what an interval is that is no number, and what to write in its place."""
    name = getattr(every, "__name__", None)
    if inspect.isdatadescriptor(every) and name:
        owner = getattr(getattr(every, "__objclass__", None), "__name__", "the config")
        what = f"{owner}.{name}, which is no number but the field itself"
        return what, f'the value is known when Falco has given the config: every="{CONFIG}{name}"'
    if hasattr(every, "total_seconds"):
        return repr(every), "its seconds: every=timedelta(...).total_seconds()"
    key = f"{CONFIG}every_s"
    if callable(every):
        return f"{name or type(every).__name__}, which is called by nobody", _EXAMPLE.format(key)
    return repr(every), _EXAMPLE.format(key)


def _check_config(plugin: type[Any], producer: Producer, every: str) -> None:
    """Check an interval that the config has: each name of its path, and that it is a number."""
    at, kind = producer.attribute, config_type(plugin)
    says = f'has a producer with every="{every}"'
    path = every.removeprefix(CONFIG).split(".")
    if kind is None or kind is str:
        what = "is annotated with str" if kind is str else "has no config"
        hint = "annotate config with a msgspec.Struct or a dataclass that has the number"
        wrong(plugin, at, f"{says}, but {what}", hint)
    if not every.startswith(CONFIG):
        hint = _EXAMPLE.format(f"{CONFIG}{every if every.isidentifier() else 'every_s'}")
        wrong(plugin, at, f"{says}, which is neither seconds nor a key of the config", hint)
    import msgspec  # noqa: PLC0415  # loaded already, for the schema
    import msgspec.inspect  # noqa: PLC0415

    info: Any = msgspec.inspect.type_info(kind)
    default: Any = None
    for name in path:
        fields = {field.name: field for field in getattr(info, "fields", ())}
        owner = getattr(getattr(info, "cls", None), "__name__", "the value before it")
        if name not in fields:
            near = difflib.get_close_matches(name, fields, 1)
            hint = f"did you mean {near[0]}? " if near else ""
            names = ", ".join(fields) or "no keys"
            wrong(plugin, at, f"{says}, and {owner} has no {name}", f"{hint}{owner} has {names}")
        default, info = fields[name].default, fields[name].type
    if not _is_number(info):
        hint = f"annotate {path[-1]} with float or int"
        wrong(plugin, at, f"{says}, which is no number in the config", hint)
    if isinstance(default, (int, float)) and bad_interval(default):
        what = f"{says}, whose default is {default!r}"
        wrong(plugin, at, what, "the default is an interval too: seconds > 0")


def _is_number(info: Any) -> bool:
    import msgspec.inspect  # noqa: PLC0415

    if isinstance(info, msgspec.inspect.Metadata):
        return _is_number(info.type)
    if isinstance(info, msgspec.inspect.UnionType):
        return all(_is_number(kind) for kind in info.types)
    return isinstance(info, (msgspec.inspect.IntType, msgspec.inspect.FloatType))


# ---- those that nobody calls --------------------------------------------------------------------


def record_producers() -> None:
    """Have functions recorded that are decorated from now on: before the module is imported."""
    declared.recorded = []


def check_recorded_producers(folder: str) -> None:
    """Check that each function the author decorated is a method of a plugin class.

    Raises:
        PluginDefinitionError: one is not, and so it would never run.

    """
    classes = _subclasses(Plugin)
    called = {
        id(inspect.unwrap(producer.function))
        for cls in classes
        for base in cls.__mro__
        for producer in declared_producers(base)
    }
    for function in map(inspect.unwrap, declared.recorded or ()):
        code = getattr(function, "__code__", None)
        if code is None or not code.co_filename.startswith(folder) or id(function) in called:
            continue
        name = function.__name__
        what, hint = _why_not_called(classes, function)
        raise PluginDefinitionError(
            f"the producer {name} {what}: it would never run",
            hint=hint,
            file=code.co_filename,
            line=code.co_firstlineno,
        )


def _why_not_called(classes: list[type[Any]], function: Callable[..., Any]) -> tuple[str, str]:
    name = function.__name__
    for cls in classes:
        value = vars(cls).get(name)
        if isinstance(value, _HIDING):
            return f"is a {type(value).__name__}", f"a producer is a method: def {name}(self)"
        if value is not None and function.__qualname__ == f"{cls.__qualname__}.{name}":
            what = f"is replaced by another {name} of {cls.__name__}"
            return what, "give each producer a name of its own"
    return "is not a method of a plugin class", "move it into the body of the class"


def _subclasses(cls: type[Any]) -> list[type[Any]]:
    return [found for sub in cls.__subclasses__() for found in (sub, *_subclasses(sub))]
