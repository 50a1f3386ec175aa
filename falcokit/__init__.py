# SPDX-License-Identifier: Apache-2.0
"""Falco plugins in Python: the authors' API. `falcokit.testing` is its other half.

Imported inside the host too: nothing here, or behind it, may need more than the standard library.
A name is loaded when it is asked for, so that the command line does not pay for the runtime.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from falcokit.runtime.async_event.background import BackgroundTask
    from falcokit.runtime.async_event.capability import (
        AsyncCounters,
        AsyncEventHandler,
        AsyncEvents,
    )
    from falcokit.runtime.async_event.producers import async_event
    from falcokit.runtime.async_event.supervision import ProducerState
    from falcokit.runtime.base.errors import (
        CaptureClosedError,
        EmitError,
        EventRefusedError,
        EventTooLargeError,
        FutureTimestampError,
        InvalidEventError,
        PluginError,
        QueueFullError,
        RingFullError,
        SourceClosedError,
        TableError,
        UndeclaredEventError,
    )
    from falcokit.runtime.base.logs import FATAL, NOTICE, TRACE
    from falcokit.runtime.base.metrics import Metric
    from falcokit.runtime.base.plugin import Plugin
    from falcokit.runtime.event.constants import constants
    from falcokit.runtime.event.event import AsyncEvent, Event
    from falcokit.runtime.event.typed_event import event_from_json, event_to_json, make_event
    from falcokit.runtime.extract.capability import (
        AbsTime,
        FieldExtraction,
        FieldValue,
        IpAddr,
        IpNet,
        RelTime,
        field,
    )
    from falcokit.runtime.json.expressions import Expression
    from falcokit.runtime.json.field import JsonField, json_field
    from falcokit.runtime.json.operators import (
        all_of,
        any_of,
        arg_given,
        coalesce,
        const,
        event,
        here,
        outer,
        path,
        root,
        switch,
        template,
        when,
    )
    from falcokit.runtime.listen.capability import Capture, CaptureListening, Routine
    from falcokit.runtime.parse.capability import EventParsing
    from falcokit.runtime.source.capability import EventSource
    from falcokit.runtime.source.event_queue import EventQueue
    from falcokit.runtime.source.json_documents import JsonDocuments
    from falcokit.runtime.tables.exported_table import ExportedTable, export_table
    from falcokit.runtime.tables.table_types import (
        Table,
        TableEntry,
        added,
        i8,
        i16,
        i32,
        i64,
        readonly,
        u8,
        u16,
        u32,
        u64,
    )
    from falcokit.runtime.tables.tables import import_table

__all__ = [
    "FATAL",
    "NOTICE",
    "TRACE",
    "AbsTime",
    "AsyncCounters",
    "AsyncEvent",
    "AsyncEventHandler",
    "AsyncEvents",
    "BackgroundTask",
    "Capture",
    "CaptureClosedError",
    "CaptureListening",
    "EmitError",
    "Event",
    "EventParsing",
    "EventQueue",
    "EventRefusedError",
    "EventSource",
    "EventTooLargeError",
    "ExportedTable",
    "Expression",
    "FieldExtraction",
    "FieldValue",
    "FutureTimestampError",
    "InvalidEventError",
    "IpAddr",
    "IpNet",
    "JsonDocuments",
    "JsonField",
    "Metric",
    "Plugin",
    "PluginError",
    "ProducerState",
    "QueueFullError",
    "RelTime",
    "RingFullError",
    "Routine",
    "SourceClosedError",
    "Table",
    "TableEntry",
    "TableError",
    "UndeclaredEventError",
    "added",
    "all_of",
    "any_of",
    "arg_given",
    "async_event",
    "coalesce",
    "const",
    "constants",
    "event",
    "event_from_json",
    "event_to_json",
    "export_table",
    "field",
    "here",
    "i8",
    "i16",
    "i32",
    "i64",
    "import_table",
    "json_field",
    "make_event",
    "outer",
    "path",
    "readonly",
    "root",
    "switch",
    "template",
    "u8",
    "u16",
    "u32",
    "u64",
    "when",
]

__version__ = "0.1.0"

#: The modules of `falcokit.runtime`, and what they have for authors.
_USUAL: Final = {
    "async_event.capability": ("AsyncCounters", "AsyncEventHandler", "AsyncEvents"),
    "async_event.background": ("BackgroundTask",),
    "base.errors": (
        "CaptureClosedError",
        "EmitError",
        "EventRefusedError",
        "EventTooLargeError",
        "FutureTimestampError",
        "InvalidEventError",
        "PluginError",
        "QueueFullError",
        "RingFullError",
        "SourceClosedError",
        "TableError",
        "UndeclaredEventError",
    ),
    "event.event": ("AsyncEvent", "Event"),
    "listen.capability": ("Capture", "CaptureListening", "Routine"),
    "base.logs": ("FATAL", "NOTICE", "TRACE"),
    "base.metrics": ("Metric",),
    "parse.capability": ("EventParsing",),
    "base.plugin": ("Plugin",),
    "async_event.producers": ("async_event",),
}
#: Those that cost an init something and that most plugins do not use. Their names are for the body
#: of a class or a module, so these are not loaded later either.
_ASKED_FOR: Final = {
    "event.constants": ("constants",),
    "event.typed_event": ("event_from_json", "event_to_json", "make_event"),
    "source.event_queue": ("EventQueue",),
    "tables.exported_table": ("ExportedTable", "export_table"),
    "extract.capability": (
        *("AbsTime", "FieldExtraction", "FieldValue", "IpAddr", "IpNet", "RelTime", "field"),
    ),
    "json.expressions": ("Expression",),
    "json.field": ("JsonField", "json_field"),
    "json.operators": (
        *("all_of", "any_of", "arg_given", "coalesce", "const", "event", "here"),
        *("outer", "path", "root", "switch", "template", "when"),
    ),
    "source.capability": ("EventSource",),
    "source.json_documents": ("JsonDocuments",),
    "async_event.supervision": ("ProducerState",),
    "tables.table_types": (
        *("Table", "TableEntry", "added"),
        *("i8", "i16", "i32", "i64", "readonly", "u8", "u16", "u32", "u64"),
    ),
    "tables.tables": ("import_table",),
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - not for the command line

    # The usual ones all at once: the host's threads never come here in the middle of an event.
    asked = {module: names for module, names in _ASKED_FOR.items() if name in names}
    for module, names in (asked or _USUAL).items():
        loaded = import_module(f"falcokit.runtime.{module}")
        globals().update({each: getattr(loaded, each) for each in names})
    return globals()[name]


def __dir__() -> list[str]:
    return [*__all__, *globals()]
