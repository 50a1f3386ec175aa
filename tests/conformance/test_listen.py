# SPDX-License-Identifier: Apache-2.0
"""Capture listening and routines, in every host; those without a pool included (L1-L4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from drivers import build_error

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import WritePlugin
    from drivers import Drive, Plughost

HEAD = """
from falcokit import CaptureListening
class P(Plugin, AsyncEvents, CaptureListening):
    async_events = ("said",)
    config: str
    def start_async(self, handler):
        self.handler = handler
    def stop_async(self):
        self.log.info("stop_async")
"""
HOOKS = (
    HEAD
    + """
    def capture_open(self, capture):
        self.capture = capture
        self.handler.emit("said", f"open {threading.current_thread() is self.thread}")
    def init(self):
        self.thread = threading.current_thread()
    def capture_close(self, capture):
        same = capture is self.capture and threading.current_thread() is self.thread
        self.log.info("capture_close %s %s", capture.closing, same)
        try:
            capture.subscribe(lambda: False)
        except RuntimeError as e:
            self.log.info("refused: %s", e)
"""
)
AGAIN = (
    HEAD
    + """
    count = 0
    def capture_open(self, capture):
        self.capture = capture
        self.one = capture.subscribe(self.tick)
        capture.subscribe(self.once)
        capture.subscribe(self.fails)
        self.third = capture.subscribe(self.ends_itself)
    def tick(self):
        self.count += 1
        self.handler.emit("said", f"tick {self.count}")
        self.capture.wait(0.005)
    def once(self):
        self.handler.emit("said", "once")
        return False
    def fails(self):
        self.handler.emit("said", "fails")
        raise KeyError("of a routine")
    def ends_itself(self):
        self.third.unsubscribe()
        self.handler.emit("said", "unsubscribes")
    def capture_close(self, capture):
        self.log.info("closed after %s", self.count)
"""
)
STUCK = (
    HEAD
    + """
    def capture_open(self, capture):
        capture.subscribe(self.spin)
        capture.subscribe(self.waits_for_close)
        self.capture = capture
    def waits_for_close(self):
        self.handler.emit("said", "waits")
        while not self.capture.wait(5.0):
            pass
        self.log.info("seen closing")
    def spin(self):
        self.handler.emit("said", "spins")
        try:
            while True:
                time.sleep(0.001)
        finally:
            self.log.info("interrupted")
"""
)
FAILING = (
    HEAD
    + """
    def capture_open(self, capture):
        self.capture = capture
        if self.config in ("open", "open late"):
            if self.config == "open late":
                capture.subscribe(self.tick)
            raise ValueError("not today")
        self.handler.emit("said", "opened")
    def tick(self):
        if self.capture.wait(30.0):
            print("told", file=sys.stderr)
    def capture_close(self, capture):
        if self.config == "close":
            raise ValueError("no end")
        self.log.info("capture_close ran")
"""
)


LATE = "routines can only be subscribed in capture_open"
OPEN = "    def capture_open(self, capture): ..."


def test_the_hooks_are_called_in_order_on_the_plugins_thread(
    drive: Drive, write_plugin: WritePlugin
) -> None:
    """L1."""
    out = drive(write_plugin(HOOKS), "x")
    assert [e.data for e in out.events] == [b"open True"]
    if drive.name != "sysdig":  # it does not show the log
        said = [log.text for log in out.logs if "cap" in log.text or log.text == "stop_async"]
        order = ["stop_async", "capture_close True True", f"refused: {LATE}"]
        assert (sorted(said) if drive.name == "plughost" else said) == (
            sorted(order) if drive.name == "plughost" else order  # it sorts them
        )


def test_routines_run_until_they_say_otherwise(drive: Drive, write_plugin: WritePlugin) -> None:
    """L2, L4."""
    out = drive(write_plugin(AGAIN), "x", limit=20)
    data = [e.data.decode() for e in out.events]
    ticks = [text for text in data if text.startswith("tick")]
    assert ticks == [f"tick {n}" for n in range(1, len(ticks) + 1)]
    assert sorted(set(data) - set(ticks)) == ["fails", "once", "unsubscribes"]
    assert len(data) == len(set(data)) == 20  # nothing but the first ran twice
    if drive.name != "sysdig":
        (failed,) = out.said("of a routine")
        assert "KeyError" in failed.text
        assert ".py:" in failed.text
        assert out.said("closed after")


def test_a_routine_that_stays_is_told_then_interrupted(
    drive: Drive, write_plugin: WritePlugin
) -> None:
    """L3."""
    out = drive(write_plugin(STUCK), "x", limit=2)
    assert sorted(e.data for e in out.events) == [b"spins", b"waits"]
    assert not out.error
    if drive.name != "sysdig":
        assert out.said("seen closing")
        assert out.said("interrupted")
        assert not out.said("does not return")


@pytest.mark.parametrize("config", ["open", "open late"])
def test_a_failed_open_fails_the_capture(
    drive: Drive, write_plugin: WritePlugin, config: str
) -> None:
    """L1."""
    out = drive(write_plugin(FAILING), config)
    assert not out.events
    assert "ValueError: not today" in out.error
    if drive.name != "in_process":
        assert "capture_open" in out.error
    assert not out.said("capture_close ran")


@pytest.mark.drivers("runner", "plughost", "sysdig")
def test_a_failed_close_is_logged_and_harms_nobody(drive: Drive, write_plugin: WritePlugin) -> None:
    """L1."""
    out = drive(write_plugin(FAILING), "close")
    assert [e.data for e in out.events] == [b"opened"]
    assert not out.error
    if drive.name != "sysdig":
        assert any(log.severity in {None, "error"} for log in out.said("ValueError: no end"))


@pytest.mark.host
def test_a_capture_file_is_listened_to_as_well(
    write_plugin: WritePlugin, plughost: Plughost, tmp_path: Path
) -> None:
    """L1, A10: no handler is set there, and the hooks are called."""
    author = write_plugin(
        HEAD.replace("(Plugin, AsyncEvents,", "(Plugin, AsyncEvents, EventParsing,")
        + """
    parse_event_types = (402,)
    def parse_event(self, event):
        pass
    def capture_open(self, capture):
        self.capture = capture
        capture.subscribe(self.tick)
        if hasattr(self, "handler"):
            self.handler.emit("said", "live")
    def tick(self):
        self.capture.wait(0.001)
    def capture_close(self, capture):
        self.log.info("closed, closing %s", capture.closing)
"""
    )
    file = tmp_path / "live.scap"
    given = ("--plugin", author.library, "--init", "x")
    plughost.raw(*given, "--open", "5", "--events", 1, "--write", file, "--pump", 200, "--secs", 5)
    replayed = plughost.raw(*given, "--scap", file, "--debug")
    assert any("closed, closing True" in line for line in replayed["log"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("class P(Plugin, CaptureListening):\n    pass", "neither capture_open nor"),
        (
            "class P(Plugin, CaptureListening):\n    def capture_open(self): ...",
            "defines capture_open, which Falco cannot call",
        ),
        (
            "class P(Plugin, AsyncEvents):\n    def capture_open(self, capture): ...",
            "defines capture_open but does not inherit CaptureListening",
        ),
        (
            "class P(Plugin, CaptureListening):\n    required_api_version = '3.6.0'\n" + OPEN,
            "has capture listening",
        ),
    ],
)
def test_wrong_declarations_are_found(write_plugin: WritePlugin, text: str, said: str) -> None:
    """L1."""
    error = build_error(write_plugin("from falcokit import CaptureListening\n" + text))
    assert said in str(error)


def test_a_plugin_that_only_listens_is_built_with_a_warning(write_plugin: WritePlugin) -> None:
    """L1."""
    author = write_plugin(
        "from falcokit import CaptureListening\n"
        "class P(Plugin, CaptureListening):\n    def capture_open(self, capture): ..."
    )
    (warning,) = author.built.metadata.warnings
    assert "loaded but unused" in warning
    assert author.built.metadata.required_api_version == "3.7.0"
