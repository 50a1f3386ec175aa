# SPDX-License-Identifier: Apache-2.0
"""Falco plugins in Python: the authors' API. `falcokit.testing` is its other half.

Imported inside the host too: nothing here, or behind it, may need more than the standard library.
"""

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
    RingFullError,
    TableError,
    UndeclaredEventError,
)
from falcokit.runtime.event import AsyncEvent, Event
from falcokit.runtime.logs import FATAL, NOTICE, TRACE
from falcokit.runtime.metrics import Metric
from falcokit.runtime.parsing import EventParsing
from falcokit.runtime.plugin import Plugin
from falcokit.runtime.producers import async_event
from falcokit.runtime.table_types import (
    Table,
    TableEntry,
    added,
    i8,
    i16,
    i32,
    i64,
    u8,
    u16,
    u32,
    u64,
)

__all__ = [
    "FATAL",
    "NOTICE",
    "TRACE",
    "AsyncCounters",
    "AsyncEvent",
    "AsyncEventHandler",
    "AsyncEvents",
    "BackgroundTask",
    "CaptureClosedError",
    "EmitError",
    "Event",
    "EventParsing",
    "EventRefusedError",
    "EventTooLargeError",
    "FutureTimestampError",
    "InvalidEventError",
    "Metric",
    "Plugin",
    "PluginError",
    "RingFullError",
    "Table",
    "TableEntry",
    "TableError",
    "UndeclaredEventError",
    "added",
    "async_event",
    "i8",
    "i16",
    "i32",
    "i64",
    "u8",
    "u16",
    "u32",
    "u64",
]
