# SPDX-License-Identifier: Apache-2.0
"""The loop behind `dev`, with a fake build and a fake child: no compiler, no terminal, no delay."""

from __future__ import annotations

import socket
import threading
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from falcokit.dev.supervisor import Supervisor
from falcokit.errors import BuildError, PluginDefinitionError, PluginFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from falcokit.runner.reports import Report

pytestmark = pytest.mark.python

OPEN = {"report": "open", "cycle": 1, "source": "syscall", "plugin_id": 0}
STATS = {"report": "stats", "elapsed_ms": 50, "async": {"tick": {"count": 1, "bytes": 5}}}
NO_STATS = {"report": "stats", "elapsed_ms": 50, "async": {"tick": {"count": 0, "bytes": 0}}}
INIT_ERROR = {"report": "error", "phase": "init", "plugin": "t", "rc": 1, "message": "no port"}


@dataclass
class Built:
    library: Path = Path("build/libticker.so")
    compiled: bool = False


class Mailbox:
    """Reports on their way, readable for select as long as there are some."""

    def __init__(self) -> None:
        self.reader, self.writer = socket.socketpair()
        self.waiting: list[Report] = []

    def put(self, report: Report) -> None:
        self.waiting.append(report)
        self.ring()

    def ring(self) -> None:
        self.writer.send(b"x")

    def take(self) -> list[Report]:
        if self.waiting:
            self.reader.recv(4096)
        taken, self.waiting = self.waiting, []
        return taken

    def close(self) -> None:
        self.reader.close()
        self.writer.close()


class FakeChild:
    """Says what it is told to say, until it is stopped."""

    def __init__(self, journal: list[str], number: int) -> None:
        self.journal = journal
        self.number = number
        self.pid = 1000 + number
        self.returncode: int | None = None
        self.said = Mailbox()
        self.last_words: list[Report] = []

    def __enter__(self) -> Self:
        self.journal.append(f"start {self.number}")
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
        self.said.close()

    @property
    def ended(self) -> bool:
        return self.returncode is not None and not self.said.waiting

    def fileno(self) -> int:
        return self.said.reader.fileno()

    def read(self, timeout: float | None = 0.0) -> list[Report]:
        return self.said.take()

    def stop(self, timeout: float = 2.0) -> None:
        if self.returncode is None:
            self.returncode = 0
            for report in self.last_words:
                self.said.put(report)
            self.journal.append(f"stop {self.number}")

    def die(self, returncode: int) -> None:
        self.returncode = returncode
        self.said.ring()


class World:
    """A supervisor with everything it touches."""

    def __init__(self, *, watch: bool = True, debounce: float = 0.0) -> None:
        self.journal: list[str] = []
        self.children: list[FakeChild] = []
        self.build_error: Exception | None = None
        self.start_error: Exception | None = None
        self.supervisor = Supervisor(
            build=self.build, start=self.start, watch=watch, debounce=debounce
        )

    def build(self) -> Built:
        self.journal.append("build")
        if self.build_error is not None:
            raise self.build_error
        return Built()

    def start(self, built: Any) -> FakeChild:
        if self.start_error is not None:
            raise self.start_error
        self.children.append(FakeChild(self.journal, len(self.children) + 1))
        return self.children[-1]

    @property
    def child(self) -> FakeChild:
        return self.children[-1]


def until(reports: Iterator[Report], kind: str) -> Report:
    for report in reports:
        if report["report"] == kind:
            return report
    raise AssertionError(f"the stream ended without {kind}")


def test_it_builds_then_starts_then_passes_reports_on() -> None:
    world = World()
    with closing(world.supervisor.reports()) as reports:
        assert until(reports, "build")["ok"] is True
        assert until(reports, "started")["run"] == 1
        world.child.said.put(OPEN)
        assert until(reports, "open") == OPEN
    assert world.journal == ["build", "start 1", "stop 1"]


def test_the_first_event_is_told_with_the_time_it_took_and_once() -> None:
    world = World()
    with closing(world.supervisor.reports()) as reports:
        until(reports, "started")
        for report in (NO_STATS, STATS, STATS, OPEN):
            world.child.said.put(report)
        kinds = []
        for report in reports:
            kinds.append(report["report"])
            if report["report"] == "reload":
                assert report["ms"] >= 0
                assert report["run"] == 1
            if report["report"] == "open":
                break
    assert kinds == ["stats", "stats", "reload", "stats", "open"]


def test_a_save_builds_before_the_old_child_is_stopped() -> None:
    world = World()
    with closing(world.supervisor.reports()) as reports:
        until(reports, "started")
        world.supervisor.saved(Path("src/ticker.py"))
        assert until(reports, "started") == {
            "report": "started",
            "run": 2,
            "pid": 1002,
            "changed": ["src/ticker.py"],
        }
    assert world.journal == ["build", "start 1", "build", "stop 1", "start 2", "stop 2"]


def test_several_saves_at_once_are_one_restart() -> None:
    world = World(debounce=0.2)
    with closing(world.supervisor.reports()) as reports:
        until(reports, "started")
        for name in ("b.py", "a.py", "b.py"):
            world.supervisor.saved(name)
        assert until(reports, "started")["changed"] == ["a.py", "b.py"]
    assert world.journal.count("build") == 2


def test_reports_go_on_while_an_editor_is_still_saving() -> None:
    world = World(debounce=0.2)
    with closing(world.supervisor.reports()) as reports:
        until(reports, "started")
        world.supervisor.saved("a.py")
        world.child.said.put(OPEN)
        assert next(reports) == OPEN
        assert next(reports)["report"] == "building"


def test_a_failed_build_keeps_the_old_child_running_and_says_where() -> None:
    world = World()
    with closing(world.supervisor.reports()) as reports:
        until(reports, "started")
        world.build_error = PluginDefinitionError("invalid syntax", file="src/t.py", line=12)
        world.supervisor.saved("src/t.py")
        report = until(reports, "build")
        assert report["ok"] is False
        assert report["running"] is True
        assert report["error"]["file"] == "src/t.py"
        assert report["error"]["line"] == 12
        assert report["error"]["exit"] == 4
        assert report["error"]["message"] == "src/t.py:12: invalid syntax"
        world.child.said.put(OPEN)
        assert until(reports, "open") == OPEN
        world.build_error = None
        world.supervisor.saved("src/t.py")
        assert until(reports, "started")["run"] == 2


def test_a_first_build_that_fails_waits_for_the_next_save() -> None:
    world = World()
    world.build_error = BuildError("cc failed", command=["cc"], output="x.c:1")
    with closing(world.supervisor.reports()) as reports:
        report = until(reports, "build")
        assert (report["ok"], report["running"]) == (False, False)
        world.build_error = None
        world.supervisor.saved("src/t.py")
        assert until(reports, "started")["run"] == 1


def test_without_watch_a_failed_build_ends_the_stream_with_its_error() -> None:
    world = World(watch=False)
    world.build_error = BuildError("cc failed", command=["cc"], output="")
    assert [r["report"] for r in world.supervisor.reports()] == ["building", "build"]
    assert world.supervisor.failure is world.build_error


def test_a_crash_is_told_with_its_signal_and_waits_for_the_next_save() -> None:
    world = World()
    with closing(world.supervisor.reports()) as reports:
        until(reports, "started")
        world.child.die(-11)
        ended = until(reports, "ended")
        assert ended["ok"] is False
        assert ended["status"] == "killed by signal 11 (SIGSEGV)"
        world.supervisor.saved("src/t.py")
        assert until(reports, "started")["run"] == 2
        assert world.supervisor.failure is None


def test_without_watch_a_crash_ends_the_stream_with_an_error() -> None:
    world = World(watch=False)
    reports = world.supervisor.reports()
    until(reports, "started")
    world.child.die(-6)
    assert [r["report"] for r in reports] == ["ended"]
    assert isinstance(world.supervisor.failure, PluginFailedError)
    assert "SIGABRT" in world.supervisor.failure.message


def test_without_watch_a_plugin_error_ends_the_stream_with_the_last_error() -> None:
    world = World(watch=False)
    reports = world.supervisor.reports()
    until(reports, "started")
    world.child.said.put(INIT_ERROR)
    world.child.die(1)
    assert [r["report"] for r in reports] == ["error", "ended"]
    assert isinstance(world.supervisor.failure, PluginFailedError)
    assert world.supervisor.failure.message == "plugin t failed in init: no port"


def test_without_watch_the_end_of_a_source_is_no_error() -> None:
    world = World(watch=False)
    reports = world.supervisor.reports()
    until(reports, "started")
    world.child.die(0)
    assert next(reports)["ok"] is True
    assert list(reports) == []
    assert world.supervisor.failure is None


def test_a_child_that_cannot_be_started_is_told() -> None:
    world = World()
    world.start_error = PluginFailedError("the runner is missing")
    with closing(world.supervisor.reports()) as reports:
        ended = until(reports, "ended")
        assert (ended["ok"], ended["status"]) == (False, "the runner is missing")
        world.start_error = None
        world.supervisor.saved("src/t.py")
        until(reports, "started")


def test_last_words_of_a_stopped_child_are_not_taken_for_the_new_ones() -> None:
    world = World()
    with closing(world.supervisor.reports()) as reports:
        until(reports, "started")
        old = world.child
        old.said.put(OPEN)
        old.said.put(OPEN)
        assert next(reports) == OPEN
        world.supervisor.saved("a.py")
        until(reports, "started")
        assert old.returncode == 0
        world.child.said.put(STATS)
        assert next(reports)["report"] == "stats"


def test_quit_and_duration_end_the_stream_and_stop_the_child() -> None:
    world = World()
    reports = world.supervisor.reports()
    until(reports, "started")
    world.child.last_words = [{"report": "closed"}]
    world.supervisor.quit()
    assert list(reports) == [{"report": "closed"}]
    assert world.journal[-1] == "stop 1"

    world = World()
    assert [r["report"] for r in world.supervisor.reports(0.05)] == ["building", "build", "started"]
    assert world.journal[-1] == "stop 1"


@pytest.mark.parametrize(("duration", "reason"), [(0.05, "duration"), (None, "signal")])
def test_a_run_that_its_time_has_ended_says_so(duration: float | None, reason: str) -> None:
    world = World()
    reports = world.supervisor.reports(duration)
    until(reports, "started")
    world.child.last_words = [{"report": "closed", "reason": "signal"}]
    if duration is None:
        world.supervisor.quit()
    assert list(reports)[-1] == {"report": "closed", "reason": reason}


def test_an_event_that_is_reported_itself_is_the_first_one() -> None:
    world = World()
    with closing(world.supervisor.reports()) as reports:
        until(reports, "started")
        world.child.said.put({"report": "event", "number": 1})
        assert until(reports, "reload")["run"] == 1


def test_an_error_in_the_last_words_is_the_failure_of_the_run() -> None:
    world = World()
    reports = world.supervisor.reports()
    until(reports, "started")
    world.child.last_words = [
        {"report": "error", "phase": "record", "plugin": None, "message": "No space left"},
        {"report": "closed", "reason": "error"},
    ]
    world.supervisor.quit()
    assert [r["report"] for r in reports] == ["error", "closed"]
    assert str(world.supervisor.failure) == "the events could not be recorded: No space left"


def test_quit_is_heard_while_an_editor_is_saving() -> None:
    world = World(debounce=60.0)
    reports = world.supervisor.reports()
    until(reports, "started")
    world.supervisor.saved("a.py")
    world.supervisor.quit()
    assert list(reports) == []
    assert world.journal == ["build", "start 1", "stop 1"]


def test_an_interruption_of_a_build_leaves_no_child() -> None:
    world = World()
    reports = world.supervisor.reports()
    until(reports, "started")
    world.build_error = KeyboardInterrupt()  # type: ignore[assignment]
    world.supervisor.saved("a.py")
    with pytest.raises(KeyboardInterrupt):
        list(reports)
    assert world.journal[-1] == "stop 1"


def test_a_save_during_a_build_is_not_lost() -> None:
    world = World()
    first = True
    build = world.supervisor._build

    def building() -> Any:
        nonlocal first
        if first:
            first = False
            saver = threading.Thread(target=world.supervisor.saved, args=("late.py",))
            saver.start()
            saver.join()
        return build()

    world.supervisor._build = building
    with closing(world.supervisor.reports()) as reports:
        assert until(reports, "started")["run"] == 1
        assert until(reports, "started")["changed"] == ["late.py"]
