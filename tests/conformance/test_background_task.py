# SPDX-License-Identifier: Apache-2.0
"""BackgroundTask: its ticks, and how soon it stops. In process: no host is involved."""

from __future__ import annotations

import threading
import time

import pytest

from falcokit import BackgroundTask


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
