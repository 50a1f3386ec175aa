# SPDX-License-Identifier: Apache-2.0
"""The supervision of a producer by itself: pauses, what is published, and names in the metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from falcokit.runtime.async_event.producers import async_event
from falcokit.runtime.async_event.supervision import Supervision, metric_labels

if TYPE_CHECKING:
    import pytest


class _Class:
    @async_event("one", max_pause=8.0)
    def method(self) -> Any:
        yield b"x"


def _supervised(**changes: Any) -> tuple[Supervision, list[tuple[int, ...]]]:
    published: list[tuple[int, ...]] = []
    producer = _Class.method.__falcokit_producer__._replace(**changes)  # type: ignore[attr-defined]
    supervision = Supervision(producer, lambda *told: published.append(told))
    supervision.begin()
    return supervision, published


def test_the_pause_grows_to_its_limit_and_begins_anew_after_a_good_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [1000.0]
    monkeypatch.setattr("falcokit.runtime.async_event.supervision.time.monotonic", lambda: now[0])
    supervision, published = _supervised()
    pauses = []
    for lasted in (0.0, 1.0, 0.0, 2.0, 7.9, 8.0, 0.0):
        now[0] += lasted
        pause = supervision.failed(ValueError("x"))
        assert pause is not None
        assert supervision.state.state == "waiting"
        pauses.append(pause)
        now[0] += pause
        supervision.restarted()
        assert supervision.state.state == "failing"
    assert pauses == [1.0, 2.0, 4.0, 8.0, 8.0, 1.0, 2.0]
    now[0] += 8.0
    assert supervision.state[2:4] == ("running", 0)
    assert published[-1][:3] == (1, 7, 2)


def test_nothing_is_published_while_all_is_well() -> None:
    supervision, published = _supervised()
    assert len(published) == 2  # made, begun
    supervision.stopped()
    assert [told[0] for told in published] == [4, 0, 4]


def test_producers_are_told_apart_in_the_metrics() -> None:
    producer = _Class.method.__falcokit_producer__  # type: ignore[attr-defined]

    def other() -> None:
        pass

    given = [
        producer._replace(event="a-b"),
        producer._replace(event="c"),
        producer._replace(event="c", function=other),
    ]
    assert metric_labels(given) == ["a_b", "c_method", "c_other"]
