# SPDX-License-Identifier: Apache-2.0
"""From a plugin class to what Falco reads before init: names, capabilities, versions, schema.

Every rule of the framework that a class can break is checked here, at build time, with the line at
fault. Called by `describe`, in the child process that imported the class.
"""

from __future__ import annotations

import inspect
import re
from typing import Any, Final, NoReturn

from falcokit.errors import PluginDefinitionError
from falcokit.native.locate import locate
from falcokit.runtime.async_events import AsyncEvents
from falcokit.runtime.config import config_type, init_schema
from falcokit.runtime.event import ASYNC_EVENT, MAX_NAME, PLUGIN_EVENT
from falcokit.runtime.parsing import EventParsing
from falcokit.runtime.plugin import Plugin
from falcokit.runtime.producers import declared_producers

__all__ = ["plugin_metadata"]

_NAME: Final = re.compile(r"[a-z]+[a-z0-9_-]*")
_VERSION: Final = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?")
_API: Final = re.compile(r"3\.(\d+)\.\d+")
_NEWEST_API = 12
#: Async events of schema 4 hosts; a host without the check ignores it.
_EVENT_SCHEMA: Final = "4.0.0"
#: Hook -> how many arguments it takes after self.
_HOOKS: Final = {
    "init": 0,
    "destroy": 0,
    "set_config": 1,
    "get_metrics": 0,
    "start_async": 1,
    "stop_async": 0,
    "dump_state": 1,
    "parse_event": 1,
}

_CAPABILITY: Final[dict[str, type[Any]]] = {
    "start_async": AsyncEvents,
    "stop_async": AsyncEvents,
    "dump_state": AsyncEvents,
    "parse_event": EventParsing,
}


def plugin_metadata(plugin: type[Any], defaults: dict[str, str | None]) -> dict[str, Any]:
    """Return the metadata of a class; `defaults` are what the project says where it is silent.

    Raises:
        PluginDefinitionError: the framework would refuse the class, or it could never work.

    """
    is_async, is_parsing = issubclass(plugin, AsyncEvents), issubclass(plugin, EventParsing)
    if not (is_async or is_parsing):
        _wrong(plugin, None, "has no capability", "add AsyncEvents or EventParsing to its bases")
    _check_hooks(plugin)
    found: dict[str, Any] = {
        key: _text(plugin, key, defaults.get(key))
        for key in ("name", "version", "description", "contact")
    }
    if not _NAME.fullmatch(found["name"]):
        hint = "lower case letters, digits, - and _, a letter first: my-plugin"
        _wrong(plugin, "name", f"has the name {found['name']!r}, which Falco's tools refuse", hint)
    if not _VERSION.fullmatch(found["version"]):
        _wrong(
            plugin, "version", f"has the version {found['version']!r}", "write it as x.y.z: 0.1.0"
        )
    found["init_schema"] = _schema(plugin)
    found["has_config"] = _overrides(plugin, "set_config")
    found["has_metrics"] = _overrides(plugin, "get_metrics")
    found["capabilities"] = ["async"] * is_async + ["parse"] * (is_async or is_parsing)
    found.update(_async(plugin) if is_async else {"async_events": [], "async_event_sources": []})
    found["has_dump_state"] = is_async and _overrides(plugin, "dump_state")
    found.update(_parse(plugin, found["async_event_sources"], is_async, is_parsing))
    found["required_api_version"] = _required_api(plugin, found)
    found["required_event_schema_version"] = _EVENT_SCHEMA
    return found


def _wrong(plugin: type[Any], attribute: str | None, what: str, hint: str) -> NoReturn:
    file, line = locate(plugin, attribute)
    raise PluginDefinitionError(f"{plugin.__name__} {what}", hint=hint, file=file, line=line)


def _overrides(plugin: type[Any], hook: str) -> bool:
    return any(
        hook in vars(cls)
        for cls in plugin.__mro__
        if cls not in (Plugin, AsyncEvents, EventParsing)
    )


def _text(plugin: type[Any], attribute: str, default: str | None) -> str:
    value = getattr(plugin, attribute, None) or default
    if not value:
        hint = f"set {attribute} in the class, or in [project] of pyproject.toml"
        _wrong(plugin, None, f"has no {attribute}", hint)
    if not isinstance(value, str) or "\0" in value:
        _wrong(plugin, attribute, f"has the {attribute} {value!r}", "it is a str without NUL")
    return value


def _schema(plugin: type[Any]) -> dict[str, Any] | None:
    try:
        return init_schema(config_type(plugin))
    except (TypeError, NameError) as e:
        hint = "annotate config with a msgspec.Struct, a dataclass, or str"
        _wrong(plugin, "config", f"has a config that JSON cannot describe: {e}", hint)


def _check_hooks(plugin: type[Any]) -> None:
    for hook, count in _HOOKS.items():
        function = getattr(plugin, hook, None)
        if function is None or not _overrides(plugin, hook):
            continue
        needed = _CAPABILITY.get(hook, Plugin)
        if not issubclass(plugin, needed):
            what = f"has a {hook} that nobody calls"
            _wrong(plugin, hook, what, f"add {needed.__name__} to the bases of the class")
        if inspect.iscoroutinefunction(function):
            hint = "hooks are plain methods; async work is a producer: @async_event(name)"
            _wrong(plugin, hook, f"has an async {hook}, which nobody would await", hint)
        try:
            inspect.signature(function).bind(*range(count + 1))
        except TypeError as e:
            hint = f"def {hook}(self{', handler' if 'async' in hook else ', ...' if count else ''})"
            _wrong(plugin, hook, f"has a {hook} that cannot be called: {e}", hint)


def _strings(plugin: type[Any], attribute: str) -> list[str]:
    value = getattr(plugin, attribute)
    if isinstance(value, str) or not all(isinstance(item, str) for item in value):
        hint = f"{attribute} = ({value!r},)" if isinstance(value, str) else "a tuple of str"
        _wrong(plugin, attribute, f"has {attribute} that are no tuple of names", hint)
    return list(dict.fromkeys(value))


def _async(plugin: type[Any]) -> dict[str, Any]:
    producers = declared_producers(plugin)
    for producer in producers:
        plain = not producer.is_async and not producer.yields
        if producer.every is None and plain:
            hint = f'@async_event("{producer.event}", every=1.0), or yield the events'
            _wrong(plugin, producer.function.__name__, "has a producer without an interval", hint)
        if producer.every is not None and not producer.every > 0:
            _wrong(
                plugin, producer.function.__name__, "has a producer with every <= 0", "seconds > 0"
            )
    names = list(dict.fromkeys([*_strings(plugin, "async_events"), *(p.event for p in producers)]))
    if not names:
        hint = 'async_events = ("my_event",): the framework refuses every name not listed'
        _wrong(plugin, "async_events", "declares no async events", hint)
    for name in names:
        if not 0 < len(name.encode()) <= MAX_NAME or "\0" in name:
            what = f"declares the async event {name!r} of {len(name.encode())} bytes"
            at = next((p.function.__name__ for p in producers if p.event == name), "async_events")
            _wrong(plugin, at, what, f"a name has 1 to {MAX_NAME} bytes and no NUL")
    if not producers and not _overrides(plugin, "start_async"):
        hint = "write start_async, or decorate a method with @async_event(name, every=...)"
        _wrong(plugin, None, "has nothing that emits its async events", hint)
    return {
        "async_events": names,
        "async_event_sources": _strings(plugin, "async_event_sources"),
    }


def _parse(
    plugin: type[Any], async_sources: list[str], is_async: bool, is_parsing: bool
) -> dict[str, Any]:
    types: list[int] = []
    wanted = [async_sources] if is_async else []
    if is_parsing:
        if not _overrides(plugin, "parse_event"):
            _wrong(plugin, None, "has no parse_event", "def parse_event(self, event): ...")
        types = sorted(set(plugin.parse_event_types))
        if not types or not set(types) <= {ASYNC_EVENT, PLUGIN_EVENT}:
            hint = "402 for async events, 322 for plugin events"
            _wrong(plugin, "parse_event_types", f"parses events of the types {types}", hint)
        wanted.append(_strings(plugin, "parse_event_sources"))
    everything = any(not sources for sources in wanted)
    return {
        "parse_types": types,
        "parse_event_types": sorted({*types, *([ASYNC_EVENT] if is_async else [])}),
        "parse_event_sources": []
        if everything
        else sorted({source for sources in wanted for source in sources}),
    }


def _required_api(plugin: type[Any], found: dict[str, Any]) -> str:
    """Return the oldest API that the features in use can do with.

    3.4 gave the log its owner, 3.5 set_config its present form. What newer ones added (metrics 3.6,
    dump_state 3.10, the event schema 3.12) an older host simply does not ask for.
    """
    needed = 5 if found["has_config"] else 4
    pinned = getattr(plugin, "required_api_version", None)
    if pinned is None:
        return f"3.{needed}.0"
    match = _API.fullmatch(str(pinned))
    if not match or int(match[1]) > _NEWEST_API:
        hint = f"3.0.0 to 3.{_NEWEST_API}.0; below 3.4.0 there is no log"
        _wrong(plugin, "required_api_version", f"requires the plugin API {pinned!r}", hint)
    if found["has_config"] and int(match[1]) < needed:
        _wrong(plugin, "required_api_version", "has set_config", "which needs at least 3.5.0")
    return str(pinned)
