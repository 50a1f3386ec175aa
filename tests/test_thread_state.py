# SPDX-License-Identifier: Apache-2.0
"""What a replay keeps of threads: calls that older hosts do not follow, bounds, hostile events."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from capture.param_bytes import some_bytes
from replay_capture import write_busy

from falcokit.capture import CaptureWriter, Process, open_capture
from falcokit.capture.events.event_table import event_table
from falcokit.capture.state import thread_table
from falcokit.capture.state.thread_state import ThreadState
from falcokit.runner.replay_feed import MAX_GAP_S, _Pace
from falcokit.runner.thread_changes import ThreadChanges
from tools.template_capture import event_params

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Follow = Callable[..., ThreadState]

_O_CLOEXEC = 1 << 12
_EXECVE, _OPENAT, _CLOSE_RANGE, _EVENTFD2, _CLONE, _READ = 293, 307, 451, 397, 223, 7


def state() -> ThreadState:
    return ThreadState(ThreadChanges(["tid", "pid", "comm"], ["fd", "name"]))


@pytest.fixture
def follow(tmp_path: Path) -> Follow:
    """Follow events given as (code, thread, parameters) in a section with thread 5."""

    def run(*events: tuple[int, int, dict[str, Any]]) -> ThreadState:
        file = tmp_path / "x.scap"
        with CaptureWriter(file, compress=False) as writer:
            for number, (code, tid, given) in enumerate(events, 1):
                writer.event(code, event_params(code, **given), ts_ns=number * 10**9, tid=tid)
        followed = state()
        followed.table.begin([Process(tid=5, pid=5, parent_tid=0, comm="five")], [])
        with open_capture(file) as capture:
            for event in capture:
                followed.apply(event)
        return followed

    return run


def test_execve_closes_what_is_marked_for_it(follow: Follow) -> None:
    opened: dict[str, Any] = {"dirfd": -100, "name": "/x"}
    after = follow(
        (_OPENAT, 5, {**opened, "fd": 3, "flags": _O_CLOEXEC}),
        (_OPENAT, 5, {**opened, "fd": 4, "flags": 1}),
        (_EXECVE, 5, {"res": 0, "exe": "e", "tid": 5, "pid": 5, "comm": "e"}),
    )
    assert set(after.table.threads[5].fds) == {4}


def test_close_range_closes_or_marks(follow: Follow) -> None:
    opened = [(_EVENTFD2, 5, {"res": fd, "flags": 0}) for fd in (3, 4, 5)]
    after = follow(
        *opened,
        (_CLOSE_RANGE, 5, {"res": 0, "first": 3, "last": 4, "flags": 0}),
        (_CLOSE_RANGE, 5, {"res": 0, "first": 5, "last": 9, "flags": 4}),
    )
    assert after.table.threads[5].fds == {5: {"type": 9, "open_flags": _O_CLOEXEC}}


def test_what_is_kept_has_a_bound(follow: Follow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread_table, "_MAX_THREADS", 3)
    monkeypatch.setattr(thread_table, "_MAX_DESCRIPTORS", 2)
    monkeypatch.setattr(thread_table, "_MAX_TEXT", 200)
    opened = [(_EVENTFD2, 5, {"res": fd, "flags": 0}) for fd in range(10)]
    seen = [(_READ, tid, {"res": 0}) for tid in range(100, 120)]
    texts = (_EXECVE, 5, {"res": 0, "tid": 5, "pid": 5, "args": b"a" * 60_000 + b"\0"})
    after = follow(*opened, *seen, texts)
    assert len(after.table.threads) == 3
    assert len(after.table.threads[5].fds) == 2
    assert after.table.refused == 8 + 18 + 1


def test_events_of_any_content_do_no_harm(tmp_path: Path) -> None:
    chance = random.Random(7)
    busy, file = tmp_path / "busy.scap", tmp_path / "any.scap"
    write_busy(busy)
    with open_capture(busy) as capture:
        stored = [(event.code, list(event.params), event.tid or 0) for event in capture]
    with CaptureWriter(file, compress=False) as writer:
        for number in range(6000):
            if number % 2:
                code, params, tid = chance.choice(stored)
                params = list(params)
                if params and chance.random() < 0.6:
                    at = chance.randrange(len(params))
                    params[at] = chance.choice(
                        [
                            b"",
                            chance.randbytes(chance.randrange(1, 20)),
                            b"\xff" * 8,
                            params[at] * 3,
                        ]
                    )
                if code in {322, 402} or chance.random() < 0.8:
                    params = params[: len(params) if code in {322, 402} else None]
                else:
                    params = params[: chance.randrange(len(params) + 1)]
            else:
                entry = chance.choice(event_table().events)
                if entry.id in {322, 402}:
                    continue
                code, tid = entry.id, chance.choice([1, 100, 200, 2**63 + 1])
                params = [some_bytes(param, chance) or b"" for param in entry.params]
            if code in {322, 402} and (len(params[0]) != 4 or params[1][-1:] != b"\0"):
                continue
            writer.event(code, params, ts_ns=number, tid=tid)
    followed = state()
    size = 0
    with open_capture(file) as capture:
        for event in capture:
            followed.apply(event)
            size += sum(map(len, followed.table._changes.take()))
    assert size > 10_000
    table = followed.table
    assert table._fd_count == sum(len(thread.fds) for thread in table.threads.values())
    assert table._text == sum(thread.text for thread in table.threads.values())
    assert all(tid == thread.tid for tid, thread in table.threads.items())
    assert all(group <= set(table.threads) for group in table.groups.values())


def test_long_lists_come_in_parts() -> None:
    changes = ThreadChanges(["tid", "env"], [])
    for tid in range(100):
        changes.new_thread(tid, {"tid": tid})
        changes.set_list(tid, "env", [("x" * 60_000,)])
    parts = changes.take()
    assert [len(part) < 1_200_000 for part in parts] == [True] * len(parts)
    assert len(parts) >= 5
    assert sum(map(len, parts)) > 6_000_000
    assert changes.take() == []


def test_a_replay_keeps_the_pace_of_the_capture(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("falcokit.runner.replay_feed.time.monotonic", lambda: now)
    pace = _Pace(2.0)
    assert pace.delay(None) == 0
    assert pace.delay(10**18) == 0
    assert pace.delay(10**18 + 4 * 10**9) == 2
    assert pace.delay(10**18 - 1) < 0.1
    assert pace.delay(2**63) == MAX_GAP_S
    now += MAX_GAP_S
    assert pace.delay(2**63 + 10**9) == 0.5
