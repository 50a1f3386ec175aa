# SPDX-License-Identifier: Apache-2.0
"""BackgroundTask: its ticks, how soon it stops, and what is told when it ends by itself."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest
from author import plugin

from falcokit import BackgroundTask

if TYPE_CHECKING:
    from conftest import WritePlugin
    from drivers import Drive

RAISING = plugin("task_raising")


@pytest.mark.alone
def test_four_ticks_in_450_ms_at_an_interval_of_100_ms() -> None:
    """A12"""
    ticks: list[float] = []
    begun = time.monotonic()
    task = BackgroundTask.spawn(lambda: ticks.append(time.monotonic() - begun), every=0.1)
    while time.monotonic() - begun < 0.45:
        assert task.thread is not None
        task.thread.join(0.45 - (time.monotonic() - begun))
    task.stop()
    assert len(ticks) == 4
    assert all(tick >= 0.1 * n for n, tick in enumerate(ticks, 1))


def test_stop_wakes_it_from_its_wait() -> None:
    """A12"""
    task = BackgroundTask.spawn(lambda: None, every=60)
    begun = time.monotonic()
    task.stop()
    assert time.monotonic() - begun < 0.1
    assert task.thread is None


def test_stop_waits_for_the_work_under_way() -> None:
    entered, release, done = threading.Event(), threading.Event(), []

    def work() -> None:
        entered.set()
        release.wait(5)
        done.append(1)

    task = BackgroundTask()
    task.start(work)
    assert entered.wait(5)
    with pytest.raises(TimeoutError, match=r"'falcokit-task' did not end in 0\.01 s"):
        task.stop(timeout=0.01)
    release.set()
    task.stop()
    assert done == [1]


def test_an_error_ends_it_and_stop_raises_it_once() -> None:
    called = threading.Event()

    def fail() -> None:
        called.set()
        raise ValueError("broken")

    task = BackgroundTask.spawn(fail, every=0.001)
    assert called.wait(5)
    with pytest.raises(ValueError, match="broken"):
        task.stop()
    task.stop()


def test_it_may_be_started_again_but_not_twice_at_once() -> None:
    task, runs = BackgroundTask(), []

    def work() -> None:
        runs.append(1)
        while task.should_keep_running(10):
            pass

    for _ in range(3):
        task.start(work)
        with pytest.raises(RuntimeError, match="is running already"):
            task.start(work)
        task.stop()
    assert len(runs) == 3


def test_stop_without_a_start_does_nothing() -> None:
    BackgroundTask().stop()


def test_stop_within_the_work_only_asks() -> None:
    task, runs = BackgroundTask(), []

    def work() -> None:
        assert not task.stopping
        task.stop()
        assert task.stopping
        runs.append(task.should_keep_running(60))

    task.start(work)
    assert task.thread is not None
    task.thread.join(5)
    task.stop()
    assert runs == [False]
    assert task.thread is None


def test_a_thread_that_cannot_be_started_leaves_nothing_to_wait_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    task = BackgroundTask()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            task.start(lambda: None)
    task.stop()
    task.start(lambda: None)
    task.stop()


@pytest.mark.drivers("in_process", "runner", "plughost")
def test_an_error_is_logged_when_it_happens(drive: Drive, write_plugin: WritePlugin) -> None:
    """B12"""
    author = write_plugin(RAISING)
    out = drive(author)
    assert out.data == [b"both have ended"]
    assert not out.error
    where = author.at('ValueError("a stone")')
    (told,) = out.said("a stone")
    assert told.text == f"{where}: background task 'digger': ValueError: a stone"
    assert out.said("stopped by itself")
    assert not out.said("cannot join")
    if drive.name == "runner":
        kinds = [r["report"] for r in out.raw if r["report"] == "event" or "stone" in str(r)]
        assert kinds == ["log", "event"]


@pytest.mark.drivers("in_process", "runner", "plughost")
def test_one_that_nobody_stops_ends_with_its_capture_without_a_word(
    drive: Drive, write_plugin: WritePlugin
) -> None:
    """A4, A12"""
    author = write_plugin("""
        class P(Plugin, AsyncEvents):
            async_events = ("one",)
            def start_async(self, handler):
                self.task = BackgroundTask.spawn(lambda: handler.emit("one", b"x"), every=0.001)
            def destroy(self):
                self.task.thread.join(5)
                self.log.info("alive %s", self.task.thread.is_alive())
    """)
    out = drive(author, limit=5)
    assert out.said("alive False")
    assert not out.said("CaptureClosedError")
    assert not out.error
