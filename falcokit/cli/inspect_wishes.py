# SPDX-License-Identifier: Apache-2.0
"""What the command line of `falcokit inspect` asks for, checked before any file is opened.

Made by `inspect`, read by `inspect_run`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from falcokit.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["STDIN", "Wishes"]

STDIN: Final = "-"
#: Of these only one can be had at a time: each has its own output.
_ALONE: Final = ("processes", "fds", "users", "stats", "export", "cut", "diff", "jsonl")
_FOR_EVENTS: Final = ("limit", "tail", "follow", "plugin")


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """The options, by their names."""

    words: tuple[str, ...]
    events: bool = False
    limit: int | None = None
    tail: int | None = None
    follow: bool = False
    types: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    tids: tuple[int, ...] = ()
    time: str | None = None
    processes: bool = False
    fds: bool = False
    users: bool = False
    stats: bool = False
    export: Path | None = None
    cut: Path | None = None
    diff: Path | None = None
    plugin: Path | None = None
    init_config: str | None = None
    jsonl: bool = False
    as_json: bool = False

    def __post_init__(self) -> None:
        asked = [name for name in _ALONE if getattr(self, name)]
        if len(asked) > 1:
            raise ConfigError(f"--{asked[0]} and --{asked[1]} cannot be had at once")
        if self.tail and (self.follow or self.limit):
            raise ConfigError("--tail goes with neither --limit nor --follow")
        if self.as_json and (self.jsonl or self.follow or self.tail):
            raise ConfigError("--json is one document at the end", hint="use --jsonl for a stream")
        if len(self.files) > 1 and (asked or self.is_listing or self.as_json):
            raise ConfigError("several files have their summaries shown, and nothing else")

    @property
    def files(self) -> tuple[str, ...]:
        """The words that are files: all but a filter at the end."""
        return self.words[:-1] if self.filter is not None else self.words

    @property
    def filter(self) -> str | None:
        """The last word, if it is no file but reads like a condition."""
        last = self.words[-1]
        if len(self.words) == 1 or last == STDIN or os.path.lexists(last):
            return None
        return last if any(mark in last for mark in " =<>(") else None

    @property
    def has_choice(self) -> bool:
        """Whether not all events are wanted."""
        chosen = (self.filter, self.types, self.names, self.sources, self.tids, self.time)
        return any(chosen)

    @property
    def is_listing(self) -> bool:
        """Whether events are to be listed; a filter alone asks for that, too."""
        asked = self.events or any(getattr(self, name) for name in _FOR_EVENTS)
        return asked or self.has_choice
