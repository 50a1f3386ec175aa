# SPDX-License-Identifier: Apache-2.0
"""Reading capture files (.scap): events as stored, and a summary of a whole file.

    with open_capture("ticker.scap") as capture:
        for event in capture:
            print(event.ts_ns, event.type, event.data)

Used by `falcokit inspect` and by authors' scripts and tests. Independent of the plugin
runtime: it reads captures of any writer, with any plugin or none.
"""

from __future__ import annotations

from falcokit.capture.errors import CaptureError, MalformedEventError, Notice
from falcokit.capture.event import Event
from falcokit.capture.reader import Capture, open_capture
from falcokit.capture.summarize import summarize
from falcokit.capture.summary import Summary

__all__ = [
    "Capture",
    "CaptureError",
    "Event",
    "MalformedEventError",
    "Notice",
    "Summary",
    "open_capture",
    "summarize",
]
