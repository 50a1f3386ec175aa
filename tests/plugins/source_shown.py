# SPDX-License-Identifier: Apache-2.0
"""Shows its events, its progress and its open params in the ways that its config names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from falcokit import Event, EventSource, Plugin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Config(msgspec.Struct):
    text: str = "good"
    progress: str = "a quarter"
    params: str = "two"


class Instance:
    def __init__(self, progress: str) -> None:
        self.how = progress

    def __iter__(self) -> Iterator[bytes]:
        yield b"one"
        yield b"two"

    def progress(self) -> Any:
        ways: dict[str, Callable[[], Any]] = {
            "a quarter": lambda: 0.25,
            "half": lambda: (0.5, "half"),
            "whole": lambda: (1, ""),
            "too large": lambda: 2.0,
            "nan": lambda: float("nan"),
            "failing": lambda: 1 / 0,
        }
        return ways[self.how]()


class P(Plugin, EventSource):
    plugin_id = 999
    event_source = "conform"
    config: Config

    def open(self, params: str) -> Instance:
        return Instance(self.config.progress)

    def event_to_string(self, event: Event) -> Any:
        if self.config.text == "failing":
            raise ValueError("it was to fail")
        return f"<{event.data.decode()}>" if self.config.text == "good" else 7

    def list_open_params(self) -> Any:
        ways: dict[str, list[Any]] = {
            "two": ["a", ("b", "what b is")],
            "none": [],
            "long": ["long" + "g" * 20_000],
            "an empty value": [("", "empty")],
            "a number": [7],
            "a number for desc": [("a", 7)],
        }
        return ways[self.config.params]
