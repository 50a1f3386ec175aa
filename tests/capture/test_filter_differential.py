# SPDX-License-Identifier: Apache-2.0
"""Generated conditions over generated events: falcokit and sysdig's filter agree on each.

FALCOKIT_CONDITIONS says how many, for a longer run than that of the suite.
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scap_builder import T0, Builder

from falcokit.capture import open_capture
from falcokit.capture.filter.compile import compile_filter
from falcokit.filter.errors import FilterError
from falcokit.filter.tree import quoted

if TYPE_CHECKING:
    from pathlib import Path

    from falcokit.capture.events.event import Event

pytestmark = pytest.mark.host

CONDITIONS = int(os.environ.get("FALCOKIT_CONDITIONS", "60"))
OPEN = 3
NAMES = ["tick", "tock", "Tick", "disk-usage", "dots.in.name", "10", "a/b", "\u00e9"]
DATA = [
    b"", b"hello", b"HELLO", b"tick", b"/etc/passwd", b"/usr/lib/x.so", b"aGVsbG8=", b"aGk",
    b"a b", b"quote'", "\u00e9\u4e2d".encode(), bytes(range(8)), b"line1\nline2", b"10", b"*",
    b"[a]", b"hello world", b"/etc//passwd/", b"tock",
]  # fmt: skip
TEXTS = [
    "evt.asynctype", "evt.arg.data", "evt.arg.name", "evt.arg[1]", "evt.arg[2]", "evt.args",
    "evt.info", "evt.source", "evt.category", "evt.dir", "evt.res", "evt.rawarg.name",
    "evt.arg.plugin_id", "syscall.type", "evt.io_dir", "evt.time.iso8601",
]  # fmt: skip
NUMBERS = [
    "evt.num", "evt.cpu", "thread.tid", "evt.rawtime", "evt.rawtime.s", "evt.rawtime.ns",
    "evt.rawarg.plugin_id", "evt.rawres", "evt.buflen", "evt.type.is.open",
]  # fmt: skip
BOOLS = ["evt.is_async", "evt.failed", "evt.is_io", "evt.is_wait", "evt.is_open_read"]
OTHERS = ["evt.buffer", "evt.no_such", "g.s"]
WORDS = [*NAMES, *(data.decode("latin-1") for data in DATA if data.isascii()), "hell", "lo", "/etc"]
DIGITS = ["0", "1", "2", "10", "-1", "+3", "007", "18446744073709551615", "18446744073709551616",
          "4294967296", "-65535", "1.5", "1e3", "0x10", "1700000000", str(T0 + 5)]  # fmt: skip
GLOBS = ["*", "t?ck", "T*", "*.so", "/etc/*", "[ht]*", "[!t]*", "[[:digit:]]*", "a?b", "*o*", "\\*"]
#: None that RE2 refuses: sysdig 0.41 takes these, Falco 0.45 does not, as recorded.
REGEXES = [
    "t.ck", "hell*o", "[a-z]+", "(tick|tock)", "^/etc.*$", ".*", "", "line1.line2", "h(e|l)*o",
    "[[:alpha:]]+", "..", "\\*", "line1$", "[^a]+",
]  # fmt: skip

fields = st.one_of(*map(st.sampled_from, (TEXTS, TEXTS, NUMBERS, BOOLS, OTHERS)))
transformed = st.builds(
    "{}({})".format, st.sampled_from(["tolower", "toupper", "b64", "basename", "len"]), fields
)
lefts = st.one_of(
    fields, fields, fields, transformed, transformed.map(lambda inner: f"tolower({inner})")
)
values = st.one_of(
    st.sampled_from(WORDS).map(quoted),
    st.sampled_from(WORDS).map(quoted),
    st.sampled_from(DIGITS),
    st.sampled_from(["true", "false", "<NA>", "NULL"]),
)
rights = st.one_of(fields.map("val({})".format), transformed)
lists = st.one_of(
    st.lists(values, max_size=4).map(lambda items: f"({', '.join(items)})"),
    st.sampled_from(["tick", "(tick,", "tick)", "( 'a' 'b')"]),
)
COMPARED = ["=", "==", "!=", "contains", "icontains", "startswith", "endswith", "bcontains",
            "bstartswith"]  # fmt: skip
ORDER = ["<", "<=", ">", ">="]
LISTED = ["in", "intersects", "pmatch"]
checks = st.one_of(
    st.builds("{} {} {}".format, lefts, st.sampled_from(COMPARED), st.one_of(values, rights)),
    st.builds(
        "{} {} {}".format,
        lefts,
        st.sampled_from(ORDER),
        st.one_of(st.sampled_from(DIGITS), rights),
    ),
    st.builds("{} {} {}".format, lefts, st.sampled_from(LISTED), st.one_of(lists, lists, rights)),
    st.builds(
        "{} {} {}".format,
        lefts,
        st.sampled_from(["glob", "iglob"]),
        st.sampled_from(GLOBS).map(quoted),
    ),
    st.builds("{} regex {}".format, lefts, st.sampled_from(REGEXES).map(quoted)),
    lefts.map("{} exists".format),
)
conditions = st.recursive(
    checks,
    lambda inner: st.one_of(
        inner.map("not ({})".format),
        inner.map("not {}".format),
        st.lists(inner, min_size=2, max_size=3).map(" and ".join),
        st.lists(inner, min_size=2, max_size=3).map(" or ".join),
        inner.map("({})".format),
    ),
    max_leaves=4,
)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Event]]:
    builder = Builder()
    # An event of another kind comes first: sysdig shows no async event before one.
    params = [builder.pack("q", 3), b"/tmp\0", builder.pack("I", 1), builder.pack("I", 0)]
    blocks = [builder.event(OPEN, params, ts=T0)]
    for n, data in enumerate(DATA * 2):
        name = NAMES[n * 7 % len(NAMES)].encode()
        blocks.append(builder.async_event(name, data, plugin_id=0, ts=T0 + n + 1))
    path = tmp_path_factory.mktemp("differential") / "made.scap"
    path.write_bytes(builder.section() + b"".join(blocks))
    with open_capture(path) as capture:
        return path, list(capture)[1:]


@settings(
    max_examples=CONDITIONS,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(condition=conditions)
def test_sysdig_finds_the_same_events(
    real_host: Any, stored: tuple[Path, list[Event]], condition: str
) -> None:
    path, events = stored
    command = [str(real_host.sysdig), "-r", str(path), "-p", "*%evt.rawtime", condition]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    theirs = set(done.stdout.split()) - {str(T0).encode()} if done.returncode == 0 else None
    assert _found(condition, events) == theirs, done.stderr.decode(errors="replace")[-300:]


def _found(condition: str, events: list[Event]) -> set[bytes] | None:
    """The times of the events that match, None if the condition is refused."""
    try:
        chosen = compile_filter(condition)
    except FilterError:
        return None
    return {str(event.ts_ns).encode() for event in events if chosen.matches(event)}
