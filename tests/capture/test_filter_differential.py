# SPDX-License-Identifier: Apache-2.0
"""Made conditions on stored events: falcokit and the real libsinsp agree on each.

FALCOKIT_CONDITIONS says how many, for a longer run than that of the suite.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from host_filters import ask_host
from made_conditions import Fields, conditions_on, made
from scap_builder import T0, Builder

from falcokit.capture import open_capture
from falcokit.capture.filter.compile import compile_filter
from falcokit.filter.errors import FilterError

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import RealHost

    from falcokit.capture.events.event import Event

pytestmark = pytest.mark.host

OPEN, GETCWD, CHMOD = 3, 93, 315
NAMES = ["tick", "tock", "Tick", "disk-usage", "dots.in.name", "10", "a/b", "\u00e9"]
DATA = [
    b"", b"hello", b"HELLO", b"tick", b"/etc/passwd", b"/usr/lib/x.so", b"aGVsbG8=", b"aGk",
    b"a b", b"quote'", "\u00e9\u4e2d".encode(), bytes(range(8)), b"line1\nline2", b"10", b"*",
    b"[a]", b"hello world", b"/etc//passwd/", b"tock", b"\xff\xfe", b"a\0b", b"x" * 300,
]  # fmt: skip
PATHS = [b"/etc/passwd", b"/usr/lib/x.so", b"/tmp/hello world", b"/etc", b"/tick"]
RESULTS = [0, 0, 1, 10, -2, -13, -1, -4095]

FIELDS = Fields(
    texts=[
        *("evt.asynctype", "evt.arg.data", "evt.arg.name", "evt.arg[1]", "evt.arg[2]"),
        *("evt.args", "evt.info", "evt.type", "evt.source", "evt.category", "evt.dir", "evt.res"),
        *("evt.arg.plugin_id", "syscall.type", "evt.io_dir", "evt.time.iso8601", "evt.arg.res"),
        *("evt.arg.filename", "evt.arg.mode", "evt.arg.sig", "evt.arg.path", "evt.arg.flags"),
        "evt.arg.event_data",
    ],
    numbers=[
        *("evt.num", "evt.cpu", "thread.tid", "evt.rawtime", "evt.rawtime.s", "evt.rawtime.ns"),
        *("evt.rawarg.plugin_id", "evt.rawres", "evt.buflen", "evt.type.is.open"),
        *("evt.rawarg.mode", "evt.rawarg.sig", "evt.rawarg.flags", "evt.rawarg.res"),
    ],
    bools=["evt.is_async", "evt.failed", "evt.is_io", "evt.is_wait", "evt.is_open_read"],
    others=[
        "evt.buffer",
        "evt.rawarg.name",
        "evt.no_such",
        "g.s",
        "evt.arg",
        "evt.arg.no_such",
    ],
)
WORDS = [
    *NAMES, *(data.decode("latin-1") for data in DATA if data.isascii() and 0 not in data),
    *(path.decode() for path in PATHS), "hell", "lo", "SUCCESS", "ENOENT", "open", "chmod", ">",
]  # fmt: skip


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Event]]:
    draw = random.Random(17)
    builder = Builder()
    # An event of another kind comes first: libsinsp shows no async event before one.
    blocks = [_opened(builder, b"/tmp", 3, 0)]
    for n in range(1, 80):
        ts, kind = T0 + n * draw.choice([1, 10**6, 10**9]), draw.randrange(9)
        cpu, tid = draw.randrange(3), draw.choice([1, 7, 70_000])
        head = {"ts": ts, "cpu": cpu, "tid": tid}
        path, result = draw.choice(PATHS), draw.choice(RESULTS)
        if kind == 0:
            blocks.append(_opened(builder, path, result, n, **head))
        elif kind == 1:
            params = [builder.pack("q", result), path + b"\0", builder.pack("I", n * 7)]
            blocks.append(builder.event(CHMOD, params, **head))
        elif kind == 2:
            blocks.append(builder.plugin_event(999, draw.choice(DATA), ts=ts))
        elif kind == 3:
            params = [builder.pack("q", result), path + b"\0"]
            blocks.append(builder.event(GETCWD, params, **head))
        else:
            name, data = draw.choice(NAMES).encode(), draw.choice(DATA)
            blocks.append(builder.async_event(name, data, plugin_id=draw.choice([0, 999]), ts=ts))
    path = tmp_path_factory.mktemp("differential") / "made.scap"
    path.write_bytes(builder.section() + b"".join(blocks))
    with open_capture(path) as capture:
        return path, list(capture)


def _opened(builder: Builder, path: bytes, fd: int, flags: int, **head: int) -> bytes:
    params = [builder.pack("q", fd), path + b"\0", builder.pack("I", flags), builder.pack("I", 0)]
    return builder.event(OPEN, [*params, builder.pack("I", 5), builder.pack("Q", 9)], **head)


def test_libsinsp_finds_the_same_events(
    real_host: RealHost, stored: tuple[Path, list[Event]], tmp_path: Path
) -> None:
    path, events = stored
    texts = made(conditions_on(FIELDS, WORDS))
    asked = ask_host(real_host, tmp_path, texts, "--plugin", real_host.baseline, "--scap", path)
    assert list(asked.events) == [event.number for event in events]
    differ = [
        (text, ours, theirs)
        for text, theirs in zip(texts, asked.conditions, strict=True)
        if (ours := _found(text, events)) != theirs.events
        # A stored event does not say which names the plugins have declared.
        and "unknown event type" not in theirs.error
    ]
    assert differ == []


def _found(condition: str, events: list[Event]) -> list[int] | None:
    """The numbers of the events that match, None if the condition is refused."""
    try:
        chosen = compile_filter(condition, sources={999: "baseline_src"})
    except FilterError:
        return None
    return [event.number for event in events if chosen.matches(event)]
