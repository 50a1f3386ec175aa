# SPDX-License-Identifier: Apache-2.0
"""Reading capture files (.scap): events as stored, and a summary of a whole file.

    with open_capture("ticker.scap") as capture:
        for event in capture:
            print(event.ts_ns, event.type, event.data)

Used by `falcokit inspect` and by authors' scripts and tests. Independent of the plugin
runtime: it reads captures of any writer, with any plugin or none.
"""

from __future__ import annotations

from falcokit.capture.descriptors import FileDescriptor
from falcokit.capture.errors import CaptureError, FilterError, MalformedEventError, Notice
from falcokit.capture.event import Event
from falcokit.capture.filter import Filter, compile_filter
from falcokit.capture.interfaces import Interface
from falcokit.capture.processes import Process
from falcokit.capture.reader import Capture, open_capture
from falcokit.capture.render import args_text
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
    "open_capture",
    "summarize",
    "value",
    "values",
]
