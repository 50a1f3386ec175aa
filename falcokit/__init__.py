# SPDX-License-Identifier: Apache-2.0
"""Falco plugins in Python: the authors' API. `falcokit.testing` is its other half.

Imported inside the host too: nothing here, or behind it, may need more than the standard library.
A name is loaded when it is asked for, so that the command line does not pay for the runtime.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from falcokit.runtime.async_events import AsyncCounters, AsyncEventHandler, AsyncEvents
    from falcokit.runtime.background import BackgroundTask
    from falcokit.runtime.errors import (
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
    from falcokit.runtime.event import AsyncEvent, Event
    from falcokit.runtime.event_queue import EventQueue
    from falcokit.runtime.exported_table import ExportedTable, export_table
    from falcokit.runtime.extraction import (
        AbsTime,
        FieldExtraction,
        FieldValue,
        IpAddr,
        IpNet,
        RelTime,
        field,
    )
    from falcokit.runtime.json_fields import JsonField, json_field
    from falcokit.runtime.json_operators import (
        all_of,
        any_of,
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
    from falcokit.runtime.listening import Capture, CaptureListening, Routine
    from falcokit.runtime.logs import FATAL, NOTICE, TRACE
    from falcokit.runtime.metrics import Metric
    from falcokit.runtime.parsing import EventParsing
    from falcokit.runtime.plugin import Plugin
    from falcokit.runtime.producers import async_event
    from falcokit.runtime.source import EventSource
    from falcokit.runtime.supervision import ProducerState
    from falcokit.runtime.table_types import (
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
    from falcokit.runtime.tables import import_table

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
    "FieldExtraction",
    "FieldValue",
    "FutureTimestampError",
    "InvalidEventError",
    "IpAddr",
    "IpNet",
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
    "async_event",
    "coalesce",
    "const",
    "event",
    "export_table",
    "field",
    "here",
    "i8",
    "i16",
    "i32",
    "i64",
    "import_table",
    "json_field",
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

#: The modules of `falcokit.runtime`, and what they have for authors.
_USUAL: Final = {
    "async_events": ("AsyncCounters", "AsyncEventHandler", "AsyncEvents"),
    "background": ("BackgroundTask",),
    "errors": (
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
    "event": ("AsyncEvent", "Event"),
    "listening": ("Capture", "CaptureListening", "Routine"),
    "logs": ("FATAL", "NOTICE", "TRACE"),
    "metrics": ("Metric",),
    "parsing": ("EventParsing",),
    "plugin": ("Plugin",),
    "producers": ("async_event",),
}
#: Those that cost an init something and that most plugins do not use. Their names are for the body
#: of a class or a module, so these are not loaded later either.
_ASKED_FOR: Final = {
    "event_queue": ("EventQueue",),
    "exported_table": ("ExportedTable", "export_table"),
    "extraction": (
        *("AbsTime", "FieldExtraction", "FieldValue", "IpAddr", "IpNet", "RelTime", "field"),
    ),
    "json_fields": ("JsonField", "json_field"),
    "json_operators": (
        *("all_of", "any_of", "coalesce", "const", "event", "here"),
        *("outer", "path", "root", "switch", "template", "when"),
    ),
    "source": ("EventSource",),
    "supervision": ("ProducerState",),
    "table_types": (
        *("Table", "TableEntry", "added"),
        *("i8", "i16", "i32", "i64", "readonly", "u8", "u16", "u32", "u64"),
    ),
    "tables": ("import_table",),
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
