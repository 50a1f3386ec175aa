# SPDX-License-Identifier: Apache-2.0
"""Capture listening, call by call: what each answers, and what the host is asked for."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from author import plugin

if TYPE_CHECKING:
    from collections.abc import Callable

    from author import Author
    from conftest import CompileC, WritePlugin

    Listen = Callable[..., list[str]]

LISTENER = plugin("listener")
LATE = """
from falcokit import CaptureListening
class P(Plugin, CaptureListening):
    def capture_open(self, capture):
        self.capture = capture
        self.routines = [capture.subscribe(print) for _ in range(70)]
"""


@pytest.fixture
def listen(compile_c: CompileC) -> Listen:
    program = compile_c("listener", [Path(__file__).parent / "listener.c"])

    def run(author: Author, *commands: str) -> list[str]:
        done = subprocess.run(
            [program, author.library, *commands],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
        first, *lines, last = done.stdout.splitlines()
        assert (first.rstrip(), last) == ("init 0", "end")
        return lines

    return run


def test_the_pool_is_given_back_what_it_was_given(
    write_plugin: WritePlugin, listen: Listen
) -> None:
    """L2, L4: one answers 0, one is unsubscribed by another, one goes on until the close."""
    for _ in range(2):
        assert listen(write_plugin(LISTENER), "O", "r 4", "c") == [
            *("o 0 3", "log ran", "r 4 1", "r 1 0", "r 1 0"),
            *("log close", "unsubscribe known", "c 0"),
        ]


def test_a_host_without_a_pool_is_asked_and_done_without(
    write_plugin: WritePlugin, listen: Listen
) -> None:
    """L2: the same, on threads of its own; and again."""
    one = ["o 0 0", "log ran", "log close", "c 0"]
    assert listen(write_plugin(LISTENER), "o", "w", "c", "o", "w", "c") == one * 2


def test_wrong_calls_do_no_harm(write_plugin: WritePlugin, listen: Listen) -> None:
    """L1, B6: NULL, closed unopened, opened twice, destroyed while open."""
    author = write_plugin(LISTENER)
    assert listen(author, "n", "c") == ["n 1 1 1 1", "c 0"]
    twice = ["o 0 0", "log ran", "log close", "o 0 0", "log ran", "log close"]
    assert listen(author, "o", "w", "o", "w", "d") == twice


def test_routines_are_bounded(write_plugin: WritePlugin, listen: Listen) -> None:
    """L1: what was begun is ended, and the reason is told where the host asks."""
    assert listen(write_plugin(LATE), "o") == ["o 1 0"]
