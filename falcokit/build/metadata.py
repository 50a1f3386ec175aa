# SPDX-License-Identifier: Apache-2.0
"""From a plugin class to what Falco reads before init: names, capabilities, versions, schema.

Every rule of the framework that a class can break is checked here, at build time, with the line at
fault. Called by `describe`, in the child process that imported the class.
"""

from __future__ import annotations

import re
from typing import Any, Final

from falcokit.build import check_async_events as declare_async
from falcokit.build import check_exported_tables as declare_store
from falcokit.build import check_fields as declare_extract
from falcokit.build import check_imported_tables as declare_tables
from falcokit.build import check_listening as declare_listen
from falcokit.build import check_names as declare_names
from falcokit.build import check_parsing as declare_parse
from falcokit.build import check_source as declare_source
from falcokit.build.check import check_hook, overrides, wrong
from falcokit.runtime.async_event.capability import AsyncEvents
from falcokit.runtime.base.config import config_type, init_schema
from falcokit.runtime.base.plugin import Plugin
from falcokit.runtime.extract.capability import FieldExtraction
from falcokit.runtime.listen.capability import CaptureListening
from falcokit.runtime.parse.capability import EventParsing
from falcokit.runtime.source.capability import EventSource

__all__ = ["plugin_metadata"]

_NAME: Final = re.compile(r"[a-z]+[a-z0-9_-]*")
_VERSION: Final = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?")
_API: Final = re.compile(r"3\.(\d+)\.\d+")
_NEWEST_API = 12
_SCHEMA: Final = re.compile(r"\d+\.\d+\.\d+")
#: Of the plugin itself: hook -> its arguments after self.
_HOOKS: Final = {"init": [], "destroy": [], "set_config": ["config"], "get_metrics": []}
#: Falco's word for each capability, the mixin that stands for it, and the hooks it calls.
_CAPABILITIES: Final[tuple[tuple[str, type[Any], dict[str, list[str]]], ...]] = (
    ("source", EventSource, declare_source.HOOKS),
    ("extract", FieldExtraction, declare_extract.HOOKS),
    ("async", AsyncEvents, declare_async.HOOKS),
    ("parse", EventParsing, declare_parse.HOOKS),
    ("listen", CaptureListening, declare_listen.HOOKS),
)


def plugin_metadata(plugin: type[Any], defaults: dict[str, str | None]) -> dict[str, Any]:
    """Return the metadata of a class; `defaults` are what the project says where it is silent.

    Raises:
        PluginDefinitionError: the framework would refuse the class, or it could never work.

    """
    own = [name for name, mixin, _ in _CAPABILITIES if issubclass(plugin, mixin)]
    if not own:
        mixins = " or ".join(mixin.__name__ for _, mixin, _ in _CAPABILITIES)
        wrong(plugin, None, "has no capability", f"add {mixins} to its bases")
    every = {*_HOOKS, *(hook for *_, hooks in _CAPABILITIES for hook in hooks)}
    declare_names.check_spelling(plugin, every)
    for hook, arguments in _HOOKS.items():
        check_hook(plugin, hook, arguments, Plugin)
    for _, mixin, hooks in _CAPABILITIES:
        for hook, arguments in hooks.items():
            check_hook(plugin, hook, arguments, mixin)
    found: dict[str, Any] = {
        key: _text(plugin, key, defaults.get(key))
        for key in ("name", "version", "description", "contact")
    }
    if not _NAME.fullmatch(found["name"]):
        hint = "lower case letters, digits, - and _, a letter first: my-plugin"
        wrong(plugin, "name", f"has the name {found['name']!r}, which Falco's tools refuse", hint)
    if not _VERSION.fullmatch(found["version"]):
        hint = "write it as x.y.z: 0.1.0"
        wrong(plugin, "version", f"has the version {found['version']!r}", hint)
    found["init_schema"] = _schema(plugin)
    found["has_config"] = overrides(plugin, "set_config")
    found["has_metrics"] = overrides(plugin, "get_metrics")
    # An async plugin parses its own events, by which it knows what the host has delivered.
    found["capabilities"] = [*own, *(["parse"] if "async" in own and "parse" not in own else [])]
    found |= {"async_events": [], "async_event_sources": [], "has_dump_state": False}
    found |= declare_extract.extract_metadata(plugin, extracts="extract" in own)
    if "source" in own:
        found |= declare_source.source_metadata(plugin)
    if "async" in own:
        found |= declare_async.async_metadata(plugin)
    sources = found["async_event_sources"] if "async" in own else None
    found |= declare_parse.parse_metadata(plugin, sources, parses="parse" in own)
    if "listen" in own:
        declare_listen.check_listening(plugin)
    found["warnings"] = declare_listen.listening_warnings(found["capabilities"])
    found["has_nested_tables"] = declare_store.check_exports(plugin, found["capabilities"])
    found["imports_tables"] = declare_tables.check_imports(plugin, found["capabilities"])
    found["required_api_version"] = _required_api(plugin, _needed_minors(found))
    found["required_event_schema_version"] = _event_schema(
        plugin, [*found["parse_event_types"], *found["extract_event_types"]]
    )
    return found


def _text(plugin: type[Any], attribute: str, default: str | None) -> str:
    value = getattr(plugin, attribute, None) or default
    if not value:
        hint = f"set {attribute} in the class, or in [project] of pyproject.toml"
        wrong(plugin, None, f"has no {attribute}", hint)
    if not isinstance(value, str) or "\0" in value:
        wrong(plugin, attribute, f"has the {attribute} {value!r}", "it is a str without NUL")
    return value


def _schema(plugin: type[Any]) -> dict[str, Any] | None:
    try:
        return init_schema(config_type(plugin))
    except (TypeError, NameError) as e:
        hint = "annotate config with a msgspec.Struct, a dataclass, or str"
        wrong(plugin, "config", f"has a config that JSON cannot describe: {e}", hint)


def _needed_minors(found: dict[str, Any]) -> dict[str, int]:
    """Return what the plugin has -> the minor of the oldest API 3 that it works with.

    What is not here an older host simply does not ask for: metrics (3.6), dump_state (3.10), the
    event schema (3.12), addOutput (3.8).
    """
    features = {
        "log": (4, True),  # it gave the log its owner
        "set_config": (5, found["has_config"]),
        "nested tables": (5, found["has_nested_tables"]),
        "imported tables": (5, found["imports_tables"]),
        "capture listening": (7, "listen" in found["capabilities"]),
        "value offsets": (11, found["has_offsets"]),
    }
    return {feature: minor for feature, (minor, used) in features.items() if used}


def _required_api(plugin: type[Any], needed: dict[str, int]) -> str:
    """Return the oldest API that the features in use can do with, or what the author pinned."""
    pinned = getattr(plugin, "required_api_version", None)
    if pinned is None:
        return f"3.{max(needed.values())}.0"
    match = _API.fullmatch(str(pinned))
    if not match or int(match[1]) > _NEWEST_API:
        hint = f"3.0.0 to 3.{_NEWEST_API}.0; below 3.4.0 there is no log"
        wrong(plugin, "required_api_version", f"requires the plugin API {pinned!r}", hint)
    for feature, minor in needed.items():
        if feature != "log" and int(match[1]) < minor:
            hint = f"which needs at least 3.{minor}.0"
            wrong(plugin, "required_api_version", f"has {feature}", hint)
    return str(pinned)


def _event_schema(plugin: type[Any], codes: list[int]) -> str:
    """Return the version of the event schema, which a host compares with its kernel driver's."""
    pinned = getattr(plugin, "required_event_schema_version", None)
    if pinned is None:
        return declare_parse.event_schema(codes)
    if not _SCHEMA.fullmatch(str(pinned)):
        what = f"requires the event schema {pinned!r}"
        wrong(plugin, "required_event_schema_version", what, 'write it as x.y.z: "4.0.0"')
    return str(pinned)
