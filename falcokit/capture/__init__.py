# SPDX-License-Identifier: Apache-2.0
"""Reading capture files (.scap): events as stored, and a summary of a whole file.

    with open_capture("ticker.scap") as capture:
        for event in capture:
            print(event.ts_ns, event.type, event.data)

Used by `falcokit inspect` and by authors' scripts and tests. Independent of the plugin
runtime: it reads captures of any writer, with any plugin or none.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from falcokit.capture.descriptors import FileDescriptor
    from falcokit.capture.errors import CaptureError, FilterError, MalformedEventError, Notice
    from falcokit.capture.event import Event
    from falcokit.capture.filter import Filter, compile_filter
    from falcokit.capture.histogram import EventHistogram
    from falcokit.capture.index import EventIndex, build_index
    from falcokit.capture.interfaces import Interface
    from falcokit.capture.processes import Process
    from falcokit.capture.reader import Capture, open_capture
    from falcokit.capture.render import args_text
    from falcokit.capture.selection import EventQuery, select
    from falcokit.capture.summarize import summarize
    from falcokit.capture.summary import Summary
    from falcokit.capture.users import Group, User
    from falcokit.capture.values import Arg, value, values
    from falcokit.capture.writer import CaptureWriter

__all__ = [
    "Arg",
    "Capture",
    "CaptureError",
    "CaptureWriter",
    "Event",
    "EventHistogram",
    "EventIndex",
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
    "build_index",
    "compile_filter",
    "open_capture",
    "select",
    "summarize",
    "value",
    "values",
]

#: Where each lies; loaded when it is asked for, so that a scan does not pay for the filters.
_PLACES: Final = {
    "FileDescriptor": "descriptors",
    "CaptureError": "errors",
    "FilterError": "errors",
    "MalformedEventError": "errors",
    "Notice": "errors",
    "Event": "event",
    "Filter": "filter",
    "compile_filter": "filter",
    "EventHistogram": "histogram",
    "EventIndex": "index",
    "build_index": "index",
    "Interface": "interfaces",
    "Process": "processes",
    "Capture": "reader",
    "open_capture": "reader",
    "args_text": "render",
    "EventQuery": "selection",
    "select": "selection",
    "summarize": "summarize",
    "Summary": "summary",
    "Group": "users",
    "User": "users",
    "Arg": "values",
    "value": "values",
    "values": "values",
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


class _Package(ModuleType):
    """Keeps modules with the name of a function of theirs from taking its place here."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _PLACES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
