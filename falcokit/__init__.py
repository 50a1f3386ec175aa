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
    UndeclaredEventError,
)
from falcokit.runtime.event import AsyncEvent, Event
from falcokit.runtime.logs import FATAL, NOTICE, TRACE
from falcokit.runtime.metrics import Metric
from falcokit.runtime.parsing import EventParsing
from falcokit.runtime.plugin import Plugin
from falcokit.runtime.producers import async_event

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
    "UndeclaredEventError",
    "async_event",
]
