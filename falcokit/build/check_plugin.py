# SPDX-License-Identifier: Apache-2.0
"""From a plugin class to its metadata: names, capabilities, versions, schema.

Every rule of the framework that a class can break is checked at build time, here and by the
`check_<capability>` of each capability, and reported with the line at fault. It runs in the child
process that imported the class.
"""

from __future__ import annotations

import re
import sys
import sysconfig
from typing import Any, Final

from falcokit.build import (
    check_async_event,
    check_extract,
    check_listen,
    check_names,
    check_parse,
    check_source,
    check_tables,
)
from falcokit.build.check import check_hook, locate, overrides, wrong
from falcokit.build.metadata import (
    AsyncEventMetadata,
    Capability,
    Defaults,
    PluginMetadata,
)
from falcokit.runtime.async_event.capability import AsyncEvents
from falcokit.runtime.base.config import config_type, init_schema
from falcokit.runtime.base.plugin import Plugin
from falcokit.runtime.extract.capability import FieldExtraction
from falcokit.runtime.listen.capability import CaptureListening
from falcokit.runtime.parse.capability import EventParsing
from falcokit.runtime.source.capability import EventSource

__all__ = ["check_plugin"]

_NAME: Final = re.compile(r"[a-z]+[a-z0-9_-]*")
_VERSION: Final = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?")
_API: Final = re.compile(r"3\.(\d+)\.\d+")
_NEWEST_API = 12
_NO_DEFAULTS: Final = Defaults()
_SCHEMA: Final = re.compile(r"\d+\.\d+\.\d+")
#: Of the plugin itself: hook -> its arguments after self.
_HOOKS: Final = {"init": [], "destroy": [], "set_config": ["config"], "get_metrics": []}
#: Falco's word for each capability, the mixin that stands for it, and the hooks it calls.
_CAPABILITIES: Final[tuple[tuple[Capability, type[Any], dict[str, list[str]]], ...]] = (
    ("source", EventSource, check_source.HOOKS),
    ("extract", FieldExtraction, {}),
    ("async", AsyncEvents, check_async_event.HOOKS),
    ("parse", EventParsing, check_parse.HOOKS),
    ("listen", CaptureListening, check_listen.HOOKS),
)


def check_plugin(
    plugin: type[Any], defaults: Defaults = _NO_DEFAULTS, paths: tuple[str, ...] = ()
) -> PluginMetadata:
    """Return the metadata of a class, which was imported from `paths`.

    Raises:
        PluginDefinitionError: the framework would refuse the class, or it could never work.

    """
    own = [name for name, mixin, _ in _CAPABILITIES if issubclass(plugin, mixin)]
    if not own:
        mixins = " or ".join(mixin.__name__ for _, mixin, _ in _CAPABILITIES)
        wrong(plugin, None, "has no capability", f"add {mixins} to its bases")
    every = {*_HOOKS, *(hook for *_, hooks in _CAPABILITIES for hook in hooks)}
    check_names.check_names(plugin, every)
    for hook, arguments in _HOOKS.items():
        check_hook(plugin, hook, arguments, Plugin)
    for _, mixin, hooks in _CAPABILITIES:
        for hook, arguments in hooks.items():
            check_hook(plugin, hook, arguments, mixin)
    name = _text(plugin, "name", defaults.name)
    version = _text(plugin, "version", defaults.version)
    description = _text(plugin, "description", defaults.description)
    contact = _text(plugin, "contact", defaults.contact)
    if not _NAME.fullmatch(name):
        hint = "lower case letters, digits, - and _, a letter first: my-plugin"
        wrong(plugin, "name", f"has the name {name!r}, which Falco's tools refuse", hint)
    if not _VERSION.fullmatch(version):
        hint = "write it as x.y.z: 0.1.0"
        wrong(plugin, "version", f"has the version {version!r}", hint)
    init_schema = _schema(plugin)
    # An async plugin parses its own events, by which it knows what the host has delivered.
    capabilities = (*own, *(("parse",) if "async" in own and "parse" not in own else ()))
    extract = check_extract.check_extract(plugin)
    source = check_source.check_source(plugin)
    async_event = check_async_event.check_async_event(plugin)
    parse = check_parse.check_parse(plugin, async_event)
    warnings = check_listen.check_listen(plugin, capabilities)
    has_nested, imports = check_tables.check_tables(plugin, capabilities)
    has_config = overrides(plugin, "set_config")
    # What is not here an older host simply does not ask for: metrics (3.6), dump_state (3.10), the
    # event schema (3.12), addOutput (3.8).
    features = {
        "log": (4, True),  # it gave the log its owner
        "set_config": (5, has_config),
        "nested tables": (5, has_nested),
        "imported tables": (5, imports),
        "capture listening": (7, "listen" in capabilities),
        "value offsets": (11, extract.has_offsets),
    }
    needed = {feature: minor for feature, (minor, is_used) in features.items() if is_used}
    file, line = locate(plugin)
    return PluginMetadata(
        name=name,
        version=version,
        description=description,
        contact=contact,
        init_schema=init_schema,
        has_config=has_config,
        has_metrics=overrides(plugin, "get_metrics"),
        capabilities=capabilities,
        async_event=async_event or AsyncEventMetadata(),
        extract=extract,
        source=source,
        parse=parse,
        warnings=warnings,
        has_nested_tables=has_nested,
        imports_tables=imports,
        required_api_version=_required_api(plugin, needed),
        required_event_schema_version=_event_schema(
            plugin, [*parse.event_types, *extract.event_types]
        ),
        file=file,
        line=line,
        executable=sys.executable,
        stdlib=sysconfig.get_path("stdlib"),
        paths=paths,
    )


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
        return check_parse.event_schema(codes)
    if not _SCHEMA.fullmatch(str(pinned)):
        what = f"requires the event schema {pinned!r}"
        wrong(plugin, "required_event_schema_version", what, 'write it as x.y.z: "4.0.0"')
    return str(pinned)
