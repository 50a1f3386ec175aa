# SPDX-License-Identifier: Apache-2.0
"""The event source that a class declares: id, name, open."""

from __future__ import annotations

import inspect
import re
from typing import Any, Final

from falcokit.build.check import overrides, wrong
from falcokit.build.metadata import SourceMetadata
from falcokit.runtime.base.config import init_schema
from falcokit.runtime.source.capability import EventSource
from falcokit.runtime.source.event_queue import declared_documents
from falcokit.runtime.source.open_source import params_type

__all__ = ["HOOKS", "check_source"]

#: Hook -> its arguments after self.
HOOKS: Final = {
    "open": ["params"],
    "close": ["instance"],
    "list_open_params": [],
    "event_to_string": ["event"],
}
_SOURCE: Final = re.compile(r"[a-z][a-z0-9_-]*")
_MAX_ID: Final = 2**32 - 1
_MAX_SIZE: Final = 1 << 26
#: Sources that Falco has itself.
_RESERVED: Final = frozenset({"syscall"})


def check_source(plugin: type[Any]) -> SourceMetadata | None:
    """Return ID, event source and the optional hooks of a class; None: it has no event source.

    Raises:
        PluginDefinitionError: the framework would refuse it, or it could never be opened.

    """
    if not issubclass(plugin, EventSource):
        for attribute in declared_documents(plugin):
            what = f"declares the documents {attribute} but does not inherit EventSource"
            wrong(plugin, attribute, what, "add EventSource to the bases of the class")
        return None
    _check_identity(plugin)
    size = plugin.max_event_size
    if not isinstance(size, int) or isinstance(size, bool) or not 0 < size <= _MAX_SIZE:
        what = f"has the max_event_size {size!r}"
        wrong(plugin, "max_event_size", what, "a number of bytes from 1 to 64 MiB")
    _check_open(plugin)
    _check_documents(plugin)
    return SourceMetadata(
        plugin_id=plugin.plugin_id,
        event_source=plugin.event_source,
        has_list_open_params=overrides(plugin, "list_open_params"),
        has_event_to_string=overrides(plugin, "event_to_string"),
    )


def _check_identity(plugin: type[Any]) -> None:
    number, name = plugin.plugin_id, plugin.event_source
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= _MAX_ID:
        hint = "999 while developing, then the one of Falco's registry of plugins"
        wrong(plugin, "plugin_id", f"has the plugin_id {number!r}", hint)
    if not isinstance(name, str) or (name and not _SOURCE.fullmatch(name)):
        hint = "lower case letters, digits, - and _, a letter first: my_source"
        wrong(plugin, "event_source", f"has the event_source {name!r}", hint)
    if name in _RESERVED:
        hint = "it is Falco's own; without plugin_id and event_source a plugin gives its events"
        wrong(plugin, "event_source", f"has the reserved event source {name!r}", hint)
    if number and not name:
        hint = 'event_source = "my_source": rules name it'
        wrong(plugin, "plugin_id", f"has the plugin_id {number} and no event_source", hint)
    if name and not number:
        hint = "plugin_id = 999 while developing"
        wrong(plugin, "event_source", f"has the event_source {name!r} and no plugin_id", hint)


def _check_documents(plugin: type[Any]) -> None:
    names = list(declared_documents(plugin))
    if len(names) > 1:
        what = f"has JsonDocuments twice: {names[0]} and {names[1]}"
        wrong(plugin, names[1], what, "a source has one kind of documents")
    if names and not plugin.plugin_id:
        what = "declares JsonDocuments, and gives system events"
        wrong(plugin, names[0], what, "documents are of a source with plugin_id and event_source")


def _check_open(plugin: type[Any]) -> None:
    if not overrides(plugin, "open"):
        hint = "def open(self, params): ..., which yields or returns the events"
        wrong(plugin, None, "has no open", hint)
    try:
        kind = params_type(plugin)
        if inspect.isclass(kind) and kind not in {str, int, float, bool, list, dict}:
            init_schema(kind)
    except (TypeError, NameError) as e:
        hint = "annotate params with str, a msgspec.Struct, a dataclass, or nothing"
        wrong(plugin, "open", f"has open params that JSON cannot describe: {e}", hint)
