# SPDX-License-Identifier: Apache-2.0
"""Filtered listings in C: the same lines as in Python, for filters that C decides and others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from falcokit.capture import compile_filter, open_capture
from falcokit.capture.native.lines import write_lines
from falcokit.capture.native.scan import library
from falcokit.cli.inspect.choice import query_of
from falcokit.cli.inspect.events import event_lines

if TYPE_CHECKING:
    from falcokit.capture import Event

SAMPLES = sorted((Path(__file__).parent / "samples").glob("*.scap"))
#: Each with whether C alone decides on some of its events.
FILTERS = {
    "evt.type=open": True,
    "evt.type in (open, close, read)": True,
    "evt.type=open and evt.dir=<": True,
    "evt.type!=open": True,
    "not evt.type in (open, close)": True,
    "evt.dir=>": True,
    "evt.category=file or evt.category=net": True,
    "evt.is_io=true": True,
    "evt.cpu=0": False,
    "evt.num<50": False,
    "evt.type=open and evt.num<500": False,
    "evt.type=open or evt.num<20": True,
    "thread.tid={tid}": True,
    "thread.tid in ({tid}, 1)": False,
    "thread.tid!={tid}": False,
    "not thread.tid={tid}": False,
    "thread.tid={tid} and evt.dir=<": True,
    "thread.tid={tid} or evt.dir=<": True,
    "(thread.tid={tid} and evt.type=read) or (thread.tid=1 and evt.type=open)": False,
    "thread.tid=-1": False,
    "thread.tid=4294967296": False,
    "evt.rawtime>={ts}": True,
    "evt.rawtime<{ts} and evt.type=close": True,
    "evt.rawtime!={ts}": False,
    "evt.rawtime in ({ts}, 5)": False,
    "not evt.rawtime>={ts}": False,
    "evt.rawtime<-1": True,  # the number wraps
    "evt.rawtime>99999999999999999999": False,
    "evt.around[{ts}]=5": True,
    "evt.type=open and evt.arg.name contains lib": False,
    "evt.asynctype=tick or evt.type=close": True,
}


def line(event: Event) -> str:
    (text,) = event_lines((event,), width=None)
    return text


def in_the_middle(sample: Path) -> Event:
    with open_capture(sample) as capture:
        events = [event for event in capture if event.ts_ns and event.tid]
    return events[len(events) // 2]


@pytest.mark.skipif(library() is None, reason="there is no compiler")
@pytest.mark.parametrize("text", FILTERS)
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.stem)
def test_the_lines_are_the_same(sample: Path, text: str) -> None:
    middle = in_the_middle(sample)
    wanted = compile_filter(text.format(tid=middle.tid, ts=middle.ts_ns))
    with open_capture(sample) as capture:
        expected = [line(event) for event in capture if wanted.matches(event)]
    by_python = 0

    def matches(event: Event) -> bool:
        nonlocal by_python
        found = wanted.matches(event)
        by_python += found
        return found

    for limit in (3, None):
        by_python = 0
        pieces: list[str] = []
        with open_capture(sample) as capture:
            write_lines(
                capture,
                line=line,
                write=pieces.append,
                limit=limit,
                query=query_of(wanted),
                matches=matches,
                native=True,
            )
        assert "\n".join(pieces).splitlines() == expected[:limit]
    if FILTERS[text] and len(expected) > 50:
        assert by_python < len(expected)
    assert bool(query_of(wanted).sure) == FILTERS[text]
