# SPDX-License-Identifier: Apache-2.0
"""Work that does not stop, emission at the wrong time, and captures that come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from author import plugin

if TYPE_CHECKING:
    from collections.abc import Callable

    from author import Author
    from conftest import Said

pytestmark = pytest.mark.python

_STUBBORN_HOOK = plugin("stubborn_hook")
_STUBBORN_PRODUCER = """
    class P(Plugin, AsyncEvents):
        @async_event("beat", every=0.01)
        def beat(self):
            while True:
                time.sleep(60)  # deaf
"""
_KEEPS_THE_GIL = """
    import ctypes
    class P(Plugin, AsyncEvents):
        async_events = ("beat",)
        def start_async(self, handler):
            pass
        def stop_async(self):
            # PyDLL holds the GIL while the C function sleeps
            ctypes.PyDLL(None).usleep(8_000_000)
"""


@pytest.mark.parametrize(
    ("text", "limit_ms", "place"),
    [
        (_STUBBORN_HOOK, 6000, "self.thread.join()"),
        (_STUBBORN_PRODUCER, 6000, "time.sleep(60)"),
        (_KEEPS_THE_GIL, 7500, None),
    ],
    ids=["stop_async_hangs", "producer_is_deaf", "gil_is_kept"],
)
def test_close_returns_in_bounded_time_with_the_place_in_the_log(
    write_plugin: Callable[..., Author],
    tortured: Callable[..., Said],
    text: str,
    limit_ms: int,
    place: str | None,
) -> None:
    author = write_plugin(text)
    said = tortured(
        f"load={author.library}", "init", "set-handler", "pump=0", "clear-handler", "destroy"
    )
    closing = said.one("clear-handler")
    # FAILURE would poison the plugin in the framework; the log tells instead.
    assert closing["rc"] == 0
    assert closing["ms"] < limit_ms
    expected = author.at(place) if place else "does not release the GIL"
    assert any(expected in line for line in _logged(said)), _logged(said)
    assert said.status == 0, "the handler was called after it was taken back"


def test_emission_after_stop_and_after_destroy_raises_and_never_reaches_the_host(
    write_plugin: Callable[..., Author], tortured: Callable[..., Said], tmp_path
) -> None:
    notes = tmp_path / "notes"
    author = write_plugin(plugin("late_emission"))
    said = tortured(
        f"load={author.library}", f"init={notes}", "set-handler", "pump=1", "clear-handler",
        "destroy", "unload", "sleep=1500",
    )  # fmt: skip
    assert said.status == 0
    lines = notes.read_text().splitlines()
    assert len(lines) > 10
    assert all("is closed" in line for line in lines), set(lines)


_EIGHT_THREADS = plugin("eight_threads")


def test_eight_threads_emit_while_the_capture_closes_and_reopens_two_hundred_times(
    write_plugin: Callable[..., Author], tortured: Callable[..., Said]
) -> None:
    author = write_plugin(_EIGHT_THREADS)
    said = tortured(f"load={author.library}", "init", "churn=200", "destroy", "unload")
    assert said.one("churn")["rc"] == 0
    assert said.status == 0


def test_a_plugin_that_lost_its_library_is_loaded_again_fifty_times_on_other_threads(
    write_plugin: Callable[..., Author], tortured: Callable[..., Said]
) -> None:
    author = write_plugin("""
        class P(Plugin, AsyncEvents):
            @async_event("beat", every=0.001)
            def beat(self):
                return b"x"
    """)
    said = tortured(
        "repeat=50",
        f"load={author.library}", "@init", "@set-handler", "parse-own=3", "@clear-handler",
        "@destroy", "unload",
        "end",
    )  # fmt: skip
    assert said.status == 0
    assert [o["rc"] for o in said.of("init")] == [0] * 50
    assert [o["rc"] for o in said.of("clear-handler")] == [0] * 50
    ends = said.of("unload")
    assert len(ends) == 50
    assert ends[-1]["threads"] <= ends[0]["threads"]
    assert ends[-1]["rss_kb"] - ends[9]["rss_kb"] < 4000


def _logged(said: Said) -> list[str]:
    return said.stderr.splitlines()
