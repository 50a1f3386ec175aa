# SPDX-License-Identifier: Apache-2.0
"""Reading capture files (.scap): events as stored, and a summary of a whole file.

    with open_capture("ticker.scap") as capture:
        for event in capture:
            print(event.ts_ns, event.type, event.data)

For scripts and tests as well as `falcokit inspect`. Independent of the plugin runtime: it reads
captures of any writer, with any plugin or none.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from falcokit.capture.events.event import Event
    from falcokit.capture.events.event_json import event_to_json
    from falcokit.capture.events.values import Arg, value, values
    from falcokit.capture.filter.compile import Filter, compile_filter
    from falcokit.capture.format.errors import (
        CaptureError,
        FilterError,
        MalformedEventError,
        Notice,
    )
    from falcokit.capture.lists.descriptors import FileDescriptor
    from falcokit.capture.lists.interfaces import Interface
    from falcokit.capture.lists.processes import Process
    from falcokit.capture.lists.users import Group, User
    from falcokit.capture.native.selection import EventQuery, select
    from falcokit.capture.reader import Capture, open_capture
    from falcokit.capture.render.args import args_text
    from falcokit.capture.summary.histogram import EventHistogram
    from falcokit.capture.summary.summarize import summarize
    from falcokit.capture.summary.summary import Summary
    from falcokit.capture.writer import CaptureWriter

__all__ = [
    "Arg",
    "Capture",
    "CaptureError",
    "CaptureWriter",
    "Event",
    "EventHistogram",
    "EventQuery",
    "FileDescriptor",
    "Filter",
    "FilterError",
    "Group",
    "Interface",
    "MalformedEventError",
    "Notice",
    "Process",
    "Summary",
    "User",
    "args_text",
    "compile_filter",
    "event_to_json",
    "open_capture",
    "select",
    "summarize",
    "value",
    "values",
]

#: Where each lies; loaded when it is asked for, so that a scan does not pay for the filters.
_PLACES: Final = {
    "FileDescriptor": "lists.descriptors",
    "CaptureError": "format.errors",
    "FilterError": "format.errors",
    "MalformedEventError": "format.errors",
    "Notice": "format.errors",
    "Event": "events.event",
    "event_to_json": "events.event_json",
    "Filter": "filter.compile",
    "compile_filter": "filter.compile",
    "EventHistogram": "summary.histogram",
    "Interface": "lists.interfaces",
    "Process": "lists.processes",
    "Capture": "reader",
    "open_capture": "reader",
    "args_text": "render.args",
    "EventQuery": "native.selection",
    "select": "native.selection",
    "summarize": "summary.summarize",
    "Summary": "summary.summary",
    "Group": "lists.users",
    "User": "lists.users",
    "Arg": "events.values",
    "value": "events.values",
    "values": "events.values",
    "CaptureWriter": "writer",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
