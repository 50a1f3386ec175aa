# SPDX-License-Identifier: Apache-2.0
"""Hooks that raise what nobody should raise, everywhere: a return code with its line."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from author import plugin

if TYPE_CHECKING:
    from collections.abc import Callable

    from author import Author
    from conftest import RealHost, Said

pytestmark = pytest.mark.python

_KINDS = (
    *("ValueError", "SystemExit", "KeyboardInterrupt", "GeneratorExit", "RecursionError"),
    *("MemoryError", "StopIteration", "Unspeakable"),
)
_SOURCE = plugin("hostile_source")


def _said_at(author: Author, text: str, hook: str, kind: str) -> bool:
    """Tell whether there is a line of the plugin's file, then the hook and the kind of error."""
    return any(
        str(author.file) + ":" in line and f"{hook}: {kind}" in line for line in text.splitlines()
    )


def test_a_source_that_raises_anything_fails_with_its_line(
    write_plugin: Callable[..., Author], tortured: Callable[..., Said]
) -> None:
    author = write_plugin(_SOURCE)
    # A generator turns StopIteration into RuntimeError; from __next__ it is the end.
    named = {kind: kind.replace("StopIteration", "RuntimeError") for kind in _KINDS}
    tries = [(place, kind) for place in ("first", "later", "iterator") for kind in _KINDS]
    operations = [f"open=open {kind}" for kind in _KINDS]
    for place, kind in tries:
        operations += [f"open={place} {kind}", "next=200", "close"]
    said = tortured(f"load={author.library}", "init", *operations, "open=good", "next=50", "close",
                    "destroy", "unload")  # fmt: skip
    opens, nexts = said.of("open"), said.of("next")
    for kind, attempt in zip(_KINDS, opens, strict=False):
        assert attempt["rc"] == 1
        assert _said_at(author, attempt["error"], "open", kind), attempt
    for (place, kind), attempt in zip(tries, nexts, strict=False):
        if (place, kind) == ("iterator", "StopIteration"):
            assert attempt["rc"] == 2
            continue
        assert attempt["rc"] == 1, (place, kind, attempt)
        wanted = kind if place == "iterator" else named[kind]
        assert _said_at(author, attempt["error"], "next_batch", wanted), (place, attempt)
    assert nexts[-1]["rc"] == 2
    # What runs is left to end; nothing else may be.
    assert said.of("unload")[0]["threads"] <= opens[0]["threads"]


def test_a_source_that_raises_at_its_end_is_logged_with_its_line(
    write_plugin: Callable[..., Author], tortured: Callable[..., Said]
) -> None:
    author = write_plugin(_SOURCE)
    for place in ("end", "close"):
        # Raising GeneratorExit is how a generator ends well.
        kinds = [kind for kind in _KINDS if (place, kind) != ("end", "GeneratorExit")]
        operations = [o for kind in kinds for o in (f"open={place} {kind}", "next=3", "close")]
        said = tortured(f"load={author.library}", "init", *operations, "open=good", "next=50",
                        "close", "destroy", "unload")  # fmt: skip
        assert {o["rc"] for o in said.of("close")} == {0}
        for kind in kinds:
            told = "RuntimeError" if (place, kind) == ("end", "StopIteration") else kind
            assert _said_at(author, said.stderr, "close", told), (place, kind, said.stderr)
        assert said.of("next")[-1]["rc"] == 2


def test_what_open_and_its_iterator_give_is_checked(
    write_plugin: Callable[..., Author], tortured: Callable[..., Said]
) -> None:
    author = write_plugin(_SOURCE)
    wrong = {"None": "NoneType", "int": "int", "text": "str", "self": "P"}
    yields = {"number": 1, "object": 1, "large": 0}  # the last is dropped, and counted
    said = tortured(
        f"load={author.library}", "init", *(f"open=returns {kind}" for kind in wrong),
        *(o for kind in yields for o in (f"open=yields {kind}", "next=20", "close")),
        "destroy", "unload",
    )  # fmt: skip
    for kind, attempt in zip(wrong.values(), said.of("open"), strict=False):
        assert attempt["rc"] == 1
        assert f"open returned {kind}" in attempt["error"]
    for (kind, rc), attempt in zip(yields.items(), said.of("next"), strict=True):
        assert attempt["rc"] == rc, (kind, attempt)
        assert not rc or str(author.file) in attempt["error"]
    assert "9000000 bytes was dropped" in said.stderr


_HOOKS = plugin("hostile_hooks")


def _plughost(host: RealHost, author: Author, config: str, *options: Any) -> dict[str, Any]:
    done = subprocess.run(
        [host.plughost, "sinsp", "--plugin", author.library, "--init", config, "--open", "",
         "--fields", "h.n,h.declared", "--print", "1000", "--format", "*%evt.num|%evt.plugininfo|",
         "--secs", "20", "--log", *map(str, options)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode in {0, 1}, (done.returncode, done.stderr[-2000:])
    report: dict[str, Any] = json.loads(done.stdout)
    return {**report, "stderr": done.stderr}


@pytest.mark.host
@pytest.mark.parametrize("hook", ["parse_event", "event_to_string", "field h.n", "routine"])
def test_a_hook_that_raises_anything_stops_nothing(
    write_plugin: Callable[..., Author], real_host: RealHost, hook: str
) -> None:
    author = write_plugin(_HOOKS)
    report = _plughost(real_host, author, hook)
    (cycle,) = report["cycles"]
    assert cycle["end"] == "eof"
    assert cycle["by_type"]["322:pluginevent"]["count"] == 400
    assert cycle["fields"]["h.declared"]["present"] == 400
    assert cycle["fields"]["h.n"]["present"] == (0 if hook == "field h.n" else 400)
    assert report["stderr"].count("|text|") == (0 if hook == "event_to_string" else 400)
    log = "\n".join(report["log"])
    for kind in _KINDS:
        if (hook, kind) != ("routine", "SystemExit"):  # so it is told to end
            assert _said_at(author, log, hook, kind), (kind, log)
    assert max(report["log"].values()) == 1


@pytest.mark.host
@pytest.mark.parametrize("kind", _KINDS)
def test_a_capture_open_that_raises_anything_is_told(
    write_plugin: Callable[..., Author], real_host: RealHost, kind: str
) -> None:
    author = write_plugin(_HOOKS)
    report = _plughost(real_host, author, f"capture_open {kind}")
    said = [report.get("error", ""), *report["log"]]
    assert _said_at(author, "\n".join(said), "capture_open", kind), report


@pytest.mark.host
def test_a_capture_close_that_raises_anything_is_told(
    write_plugin: Callable[..., Author], real_host: RealHost
) -> None:
    author = write_plugin(_HOOKS)
    report = _plughost(real_host, author, "capture_close", "--cycles", len(_KINDS))
    assert [cycle["end"] for cycle in report["cycles"]] == ["eof"] * len(_KINDS)
    for kind in _KINDS:
        assert _said_at(author, "\n".join(report["log"]), "capture_close", kind), report


def test_names_of_metrics_that_change_take_no_memory(
    write_plugin: Callable[..., Author], tortured: Callable[..., Said]
) -> None:
    author = write_plugin("""
        class P(Plugin, AsyncEvents):
            asked = 0
            @async_event("beat", every=0.01)
            def beat(self):
                return b"x"
            def get_metrics(self):
                self.asked += 1
                return [Metric(f"{self.asked}_{n}_" + "name" * 10, 1) for n in range(100)]
    """)
    asked = ("metrics=100", "@metrics=100", "metrics=1500", "@metrics=1500")
    said = tortured(f"load={author.library}", "init", *asked, "destroy")
    first, _, *later = said.of("metrics")
    # 300,000 names; each was kept, and all of them compared, at every call.
    assert all(op["rss_kb"] - first["rss_kb"] < 4000 for op in later), said.of("metrics")
