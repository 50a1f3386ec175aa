# SPDX-License-Identifier: Apache-2.0
"""The bytes of an async event: the same from Python's encoder, from C's, and in recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from drivers import RunnerDrive, build_error

from falcokit.capture import open_capture
from falcokit.errors import PluginDefinitionError
from falcokit.runtime.event.event import AsyncEvent, encode_async

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Call, WritePlugin
    from drivers import Drive, Plughost, Sysdig

#: What is emitted: name, data, ts_ns, tid.
EVENTS = [
    ("ab", b"XYZ", None, None),
    ("ab", b"", None, None),
    ("a", b"", None, None),
    ("n" * 31, b"at most 31 bytes of name", None, None),
    ("zw\u00f6lf", "h\u00e9".encode(), None, None),
    ("ab", b"nul\0inside\0", None, None),
    ("ab", b"\xff\xfe no \x80 UTF-8", None, None),
    ("ab", bytes(range(256)) * 300, None, None),
    ("ab", bytes(range(256)) * 4096, None, None),
    ("ab", b"its own", 1_700_000_000_123_456_789, None),
]
AUTHOR = f"""
EVENTS = {EVENTS[:7]!r} + [
    ("ab", bytes(range(256)) * 300, None, None),
    ("ab", bytes(range(256)) * 4096, None, None),
    {EVENTS[9]!r},
]
class P(Plugin, AsyncEvents):
    async_events = tuple(dict.fromkeys(e[0] for e in EVENTS))
    config: str
    def start_async(self, handler):
        for name, data, ts_ns, tid in EVENTS:
            if self.config == "object":
                handler.emit(AsyncEvent(name, data, ts_ns, tid))
            else:
                handler.emit(name, data, ts_ns=ts_ns, tid=tid, direct=self.config == "direct")
    def dump_state(self, handler):
        handler.emit("ab", b"XYZ", ts_ns=5, tid=6, plugin_id=0x01020304)
"""
GOLDEN = (
    "ffffffffffffffff ffffffffffffffff 30000000 9201 03000000"
    " 04000000 03000000 03000000 00000000 616200 58595a"
)
DUMPED = (
    "0500000000000000 0600000000000000 30000000 9201 03000000"
    " 04000000 03000000 03000000 04030201 616200 58595a"
)


def test_the_python_encoder_writes_the_golden_vector() -> None:
    """A5"""
    assert encode_async(AsyncEvent("ab", b"XYZ")) == bytes.fromhex(GOLDEN)
    assert encode_async(AsyncEvent("ab", b"XYZ", 5, 6, 0x01020304)) == bytes.fromhex(DUMPED)


@pytest.mark.parametrize("config", ["", "object", "direct"])
def test_the_c_encoder_writes_what_the_python_encoder_writes(
    write_plugin: WritePlugin, call: Call, config: str
) -> None:
    """A5"""
    lines = call(write_plugin(AUTHOR), f"i:{config}", "h", f"w:{len(EVENTS)}", "D", "g", "n", "d")
    written = [bytes.fromhex(line[2:]) for line in lines if line[0] == "g"]
    assert written[:-1] == [encode_async(AsyncEvent(*event)) for event in EVENTS]
    assert written[0] == bytes.fromhex(GOLDEN)
    assert written[-1] == bytes.fromhex(DUMPED)


@pytest.mark.drivers("in_process", "runner", "plughost")
def test_names_and_data_arrive_unchanged(drive: Drive, write_plugin: WritePlugin) -> None:
    """A5"""
    out = drive(write_plugin(AUTHOR), "", limit=len(EVENTS))
    # The one with an old timestamp may go before those without any.
    assert sorted((e.type, e.data) for e in out.events) == sorted((e[0], e[1]) for e in EVENTS)
    assert [e.ts_ns for e in out.events if e.data == b"its own"] == [EVENTS[9][2]]


def _stored(file: Path) -> list[tuple[str | None, bytes]]:
    with open_capture(file) as capture:
        events = [e for e in capture if e.code == 402 and e.async_name != "beat"]
    for event in events:
        assert event.params[1] == (event.async_name or "").encode() + b"\0"
        assert event.size == 26 + 12 + sum(map(len, event.params))
    return sorted((e.async_name, e.data) for e in events if e.ts_ns != 5)


def test_captures_of_the_runner_hold_them(write_plugin: WritePlugin, tmp_path: Path) -> None:
    """A5"""
    file = tmp_path / "out.scap"
    RunnerDrive()(write_plugin(AUTHOR), "", limit=len(EVENTS), record=file)
    assert _stored(file) == sorted((e[0], e[1]) for e in EVENTS)


@pytest.mark.host
def test_captures_of_libsinsp_hold_them(
    plughost: Plughost, write_plugin: WritePlugin, tmp_path: Path
) -> None:
    """A5"""
    plughost(write_plugin(AUTHOR), "", limit=len(EVENTS))
    assert _stored(tmp_path / "plughost.scap") == sorted((e[0], e[1]) for e in EVENTS)


@pytest.mark.host
def test_captures_of_sysdig_hold_them(
    sysdig: Sysdig, write_plugin: WritePlugin, tmp_path: Path
) -> None:
    """A5"""
    file = tmp_path / "out.scap"
    sysdig.raw(
        *sysdig.beside(write_plugin(AUTHOR), ""), "-n", len(EVENTS), "-w", file,
        "evt.is_async=true",
    )  # fmt: skip
    assert _stored(file) == sorted((e[0], e[1]) for e in EVENTS)


@pytest.mark.parametrize("name", ["n" * 32, "\u00f6" * 16, "", "nul\0"])
def test_a_name_that_the_framework_would_cut_is_refused_at_build(
    write_plugin: WritePlugin, name: str
) -> None:
    """A5"""
    author = write_plugin(f"""
        class P(Plugin, AsyncEvents):
            async_events = ("ok", {name!r})
            def start_async(self, handler): pass
    """)
    error = build_error(author)
    assert isinstance(error, PluginDefinitionError)
    assert f"{author.at('async_events')}: P declares the async event {name!r}" in str(error)
