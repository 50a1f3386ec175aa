# SPDX-License-Identifier: Apache-2.0
"""What becomes of a host's signals: two are ignored where nobody handles them, and nothing else."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING

from author import plugin

if TYPE_CHECKING:
    from collections.abc import Callable

    from author import Author
    from conftest import Said

# Everything in it that a plugin can do to signals by importing and writing.
_PLUGIN = plugin("host_signals")
_LIFE = ("init", "set-handler", "parse-own=20", "clear-handler", "destroy", "unload")


def test_two_signals_are_ignored_and_no_other_is_touched(
    write_plugin: Callable[..., Author], tortured: Callable[..., Said]
) -> None:
    author = write_plugin(_PLUGIN)
    said = tortured("signals", f"load={author.library}", *_LIFE, "signals")
    before, after = (o["error"] for o in said.of("signals"))
    assert before == "caught 0 times;"
    assert after == "caught 0 times; Broken pipe is ignored File size limit exceeded is ignored"
    assert "told EPIPE EFBIG" in said.stderr


def test_a_handler_of_the_hosts_stays_and_is_called(
    write_plugin: Callable[..., Author], tortured: Callable[..., Said]
) -> None:
    author = write_plugin(_PLUGIN)
    handled = [f"catch={number}" for number in (2, 13, 15, 25)]
    said = tortured(*handled, f"load={author.library}", *_LIFE, "signals")
    times, _, after = said.one("signals")["error"].partition(";")
    assert int(times.split()[1]) >= 22  # in init twice, and before each of 20 events
    for name in ("Interrupt", "Broken pipe", "Terminated", "File size limit exceeded"):
        assert f" {name} is the host's" in after
    assert after.count(" is ") == 4
    assert "told EPIPE EFBIG" in said.stderr


def test_default_signals_given_back_by_the_host_are_ignored_again(
    write_plugin: Callable[..., Author], tortured: Callable[..., Said]
) -> None:
    author = write_plugin(_PLUGIN)
    said = tortured(f"load={author.library}", *_LIFE[:-1], "default=13", *_LIFE, "signals")
    assert "Broken pipe is ignored" in said.one("signals")["error"]


def test_hosts_here_start_with_every_signal_at_its_default() -> None:
    command = ["grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    settable = sum(1 << (number - 1) for number in signal.valid_signals())  # not libc's own two
    masks = [int(line.split()[1], 16) & settable for line in done.stdout.splitlines()]
    assert masks == [0, 0]
