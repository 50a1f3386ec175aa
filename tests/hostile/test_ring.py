# SPDX-License-Identifier: Apache-2.0
"""Emission where waiting would be for ever, refusals that nobody was there to hear, odd errors."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from author import plugin

from falcokit.errors import PluginDefinitionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from author import Author
    from conftest import RealHost, Said


def _plughost(host: RealHost, *options: Any) -> dict[str, Any]:
    done = subprocess.run(
        [str(host.plughost), "sinsp", "--log", *map(str, options)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@pytest.mark.host
def test_parse_event_that_emits_into_a_full_ring_does_not_stop_the_host(
    write_plugin: Callable[..., Author], real_host: RealHost
) -> None:
    author = write_plugin(plugin("ring_echo"))
    cycle = _plughost(
        real_host, "--plugin", author.library, "--nodriver", "--secs", 3
    )["cycles"][0]  # fmt: skip
    assert cycle["async"]["flood"]["count"] > 1000
    assert cycle["max_gap_ms"] < 1000


def test_start_async_that_emits_more_than_can_wait_is_an_error_and_no_hang(
    write_plugin: Callable[..., Author], tortured: Callable[..., Said]
) -> None:
    author = write_plugin("""
        class P(Plugin, AsyncEvents):
            async_events = ("beat",)
            def start_async(self, handler):
                for n in range(100_000):
                    handler.emit("beat", bytes(100))
    """)
    failed = tortured(f"load={author.library}", "init", "set-handler", "destroy").one("set-handler")
    assert failed["rc"] == 1
    assert "the ring is full" in failed["error"]
    assert author.at("handler.emit(") in failed["error"]
    assert failed["ms"] < 2000


def test_a_refusal_that_no_emit_has_seen_is_raised_by_the_next_one(
    write_plugin: Callable[..., Author], tortured: Callable[..., Said]
) -> None:
    author = write_plugin("""
        class P(Plugin, AsyncEvents):
            async_events = ("beat",)
            config: str
            def start_async(self, handler):
                self.handler = handler
                for n in range(5):
                    handler.emit("beat", b"%d" % n)
            def set_config(self, config):
                self.handler.emit("beat", b"next")
    """)
    # The first is on its way when the host begins to refuse: the others wait in the ring.
    said = tortured(
        f"load={author.library}", "init", "set-handler", "mode=refuse", "sleep=2500", "mode=accept",
        "set-config=x", "set-config=x", "clear-handler", "destroy",
    )  # fmt: skip
    first, second = said.of("set-config")
    assert first["rc"] == 1
    assert "the host refused an async event" in first["error"]
    assert second["rc"] == 0


@pytest.mark.host
def test_emit_many_sends_what_a_slow_iterator_has_given(
    write_plugin: Callable[..., Author], real_host: RealHost
) -> None:
    author = write_plugin("""
        class P(Plugin, AsyncEvents):
            async_events = ("line",)
            def start_async(self, handler):
                threading.Thread(target=self.run, args=(handler,), daemon=True).start()
            def run(self, handler):
                def lines():
                    yield b"first"
                    time.sleep(30)
                try:
                    handler.emit_many("line", lines())
                except falcokit.EmitError:
                    pass
    """)
    report = _plughost(real_host, "--plugin", author.library, "--pump", 100, "--secs", 1)
    assert report["cycles"][0]["async"]["line"]["count"] == 1


def test_an_exception_without_a_text_is_told_and_the_producer_goes_on(
    write_plugin: Callable[..., Author], tortured: Callable[..., Said]
) -> None:
    author = write_plugin("""
        class Odd(Exception):
            def __str__(self):
                raise ValueError
        class P(Plugin, AsyncEvents):
            calls = 0
            @async_event("beat", every=0.005)
            def beat(self):
                self.calls += 1
                if self.calls < 3:
                    raise Odd
                return b"x"
    """)
    said = tortured(f"load={author.library}", "init", "set-handler", "parse-own=2", "clear-handler")
    assert said.one("parse-own")["rc"] == 0
    assert "Odd: its text is unavailable (ValueError)" in said.stderr


def test_a_path_and_a_file_that_are_not_ascii_are_read_as_in_the_authors_tests(
    write_plugin: Callable[..., Author], tortured: Callable[..., Said]
) -> None:
    author = write_plugin(
        """
        class P(Plugin, AsyncEvents):
            @async_event("beat", every=0.01)
            def beat(self):
                return b"x"
            def init(self):
                with open(os.path.join(os.path.dirname(__file__), "text.txt")) as file:
                    self.log.info("read %s", file.read())
    """
    )
    renamed = author.root.with_name("projekt-ü")
    author.root.rename(renamed)
    author.root = renamed
    author.file = renamed / "src" / author.file.name
    (renamed / "src" / "text.txt").write_text("grüße", encoding="utf-8")
    said = tortured(f"load={author.library}", "init", "destroy", env={"LC_ALL": "C", "LANG": "C"})
    assert said.one("init")["rc"] == 0, said.one("init")
    assert "read grüße" in said.stderr


def test_a_hook_without_its_capability_is_found_by_the_build(
    write_plugin: Callable[..., Author],
) -> None:
    author = write_plugin("""
        class P(Plugin, AsyncEvents):
            @async_event("beat", every=1)
            def beat(self):
                return b"x"
            def parse_event(self, event):
                pass
    """)
    with pytest.raises(PluginDefinitionError, match="does not inherit EventParsing"):
        _ = author.library


def test_a_module_named_like_one_of_the_standard_library_is_found_by_the_build(
    write_plugin: Callable[..., Author],
) -> None:
    author = write_plugin(
        "class P(Plugin, AsyncEvents):\n    @async_event('a', every=1)\n    def a(self): pass"
    )
    (author.root / "src" / "queue.py").write_text("mine = 1\n")
    with pytest.raises(PluginDefinitionError, match=r"queue\.py: module 'queue' has the name"):
        _ = author.library
