# SPDX-License-Identifier: Apache-2.0
"""The options of `falcokit inspect`, and which of them can be combined."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from falcokit.cli.options import (
    EXPLAIN,
    INIT_CONFIG,
    JSON,
    PRIORITY,
    RULE_MATCHING,
    Options,
    argument,
    option,
)
from falcokit.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from falcokit.capture.render.buffers import BufferForm

__all__ = ["STDIN", "InspectOptions"]

STDIN: Final = "-"
#: Only one of these can be given: each has an output of its own.
_ALONE: Final = ("processes", "fds", "users", "stats", "export", "cut", "diff", "jsonl")
_FOR_EVENTS: Final = ("limit", "tail", "follow", "plugin", "buffers")
_CHOICE: Final = ("filter", "types", "names", "sources", "tids", "time")
_LISTS: Final = ("events", *_FOR_EVENTS, *_CHOICE)
#: What each would have to ignore, and so refuses.
_CLASHES: Final = {
    "processes": _LISTS,
    "fds": _LISTS,
    "users": _LISTS,
    "stats": ("events", *_FOR_EVENTS),
    "export": ("events", "follow", "buffers"),
    "cut": ("events", "follow", "plugin", "buffers"),
    "jsonl": ("buffers",),
    "diff": ("events", *_FOR_EVENTS),
    "tail": ("limit", "follow"),
    "rules": (
        *("processes", "fds", "users", "stats", "export", "cut", "diff"),
        *("events", "limit", "tail", "buffers"),
    ),
}
#: --json writes one document at the end, about the file as a whole.
_NO_DOCUMENT: Final = ("jsonl", "events", "tail", "follow", "buffers", "export", "cut")
_SPELT: Final = {"filter": "a filter", "as_json": "--json"} | {
    name: f"--{name.removesuffix('s')}" for name in _CHOICE[1:]
}


class InspectOptions(Options):
    """Options of `falcokit inspect`."""

    words: tuple[str, ...] = argument(
        "FILE... [FILTER]",
        "Captures, plain or gzip, - for standard input; or a plugin library or artifact."
        " Then a filter in Falco's syntax.",
        many=True,
    )
    events: bool = option("--events", "List the events.")
    limit: int | None = option("-n --limit", "List the first N.", kind="count", metavar="N")
    tail: int | None = option("--tail", "List the last N events.", kind="count", metavar="N")
    follow: bool = option("-f --follow", "List events as they are written.")
    types: tuple[str, ...] = option(
        "--type", "Only events of this type.", kind="text", metavar="NAME", many=True
    )
    names: tuple[str, ...] = option(
        "--name", "Only async events of this name.", kind="text", metavar="NAME", many=True
    )
    sources: tuple[str, ...] = option(
        "--source", "Only events of this event source.", kind="text", metavar="NAME", many=True
    )
    tids: tuple[int, ...] = option(
        "--tid", "Only events of this thread.", kind="number", metavar="TID", many=True
    )
    time: str | None = option(
        "--time",
        "Only events in this range: +1.5..+3 seconds, or times in UTC, or ns.",
        kind="text",
        metavar="FROM..TO",
    )
    processes: bool = option("--processes", "List the threads stored in the capture.")
    fds: bool = option("--fds", "List the open files stored in the capture.")
    users: bool = option("--users", "List the users and groups stored in the capture.")
    stats: bool = option("--stats", "Count the events that a filter matches.")
    export: Path | None = option(
        "--export", "Write the events as a table.", kind="path", metavar="FILE.csv|.parquet"
    )
    cut: Path | None = option(
        "--cut", "Write the events as a new capture.", kind="path", metavar="OUT.scap"
    )
    diff: Path | None = option(
        "--diff", "Compare with another capture.", kind="path", metavar="OTHER.scap"
    )
    buffers: BufferForm | None = option(
        "--buffers",
        "Show buffers and payloads whole, in this form.",
        choices=("hex", "hex-ascii", "ascii", "base64"),
    )
    plugin: Path | None = option(
        "--plugin", "Show this plugin's fields as columns.", kind="path", metavar="LIB.so"
    )
    init_config: str | None = INIT_CONFIG
    rules: tuple[Path, ...] = option(
        "--rules",
        "List the alerts that these rules give.",
        kind="path",
        metavar="FILE.yaml",
        many=True,
    )
    rule_matching: str = RULE_MATCHING
    priority: str = PRIORITY
    explain: bool = EXPLAIN
    load: bool = option(
        "--load", "Load the library to query it: its code runs with all your rights."
    )
    jsonl: bool = option("--jsonl", "Write one JSON object per event.")
    as_json: bool = JSON

    def __init__(self, **given: Any) -> None:
        """Take the options; raise ConfigError for some that do not go together."""
        super().__init__(**given)
        asked = [name for name in _ALONE if self._has(name)]
        if len(asked) > 1:
            raise _clash(asked[0], asked[1])
        for one, others in _CLASHES.items():
            for other in others:
                if other == "plugin" and self.has_choice:
                    continue  # its fields are what the filter reads
                if self._has(one) and self._has(other):
                    raise _clash(one, other)
        self._check_document()
        self._check_rules()
        if self.init_config is not None and not (self.is_listing or self.jsonl or self.rules):
            raise ConfigError("--init-config is for the plugin whose fields are shown")
        if len(self.files) > 1 and (asked or self.is_listing or self.as_json or self.rules):
            raise ConfigError("several files have their summaries shown, and nothing else")

    def _check_document(self) -> None:
        # A plugin's fields are those of listed events, or what rules read.
        is_read = self.limit is not None or bool(self.rules) or self.has_choice
        for name in (*_NO_DOCUMENT, *(() if is_read else ("plugin",))):
            if self.as_json and self._has(name):
                hint = "--jsonl writes an event a line, --json -n N adds the first N"
                raise _clash("as_json", name, None if self._has_target or self.rules else hint)

    def _check_rules(self) -> None:
        for name in () if self.rules else ("rule_matching", "priority", "explain"):
            if getattr(self, name) != self.table[name].default_value():
                raise ConfigError(f"--{name.replace('_', '-')} is for --rules")

    @property
    def _has_target(self) -> bool:
        return self.export is not None or self.cut is not None

    def _has(self, name: str) -> bool:
        return getattr(self, name) not in {None, False, ()}

    @property
    def files(self) -> tuple[str, ...]:
        """The words that are files: all but a filter at the end."""
        return self.words[:-1] if self.filter is not None else self.words

    @property
    def filter(self) -> str | None:
        """The last word, if it is not a file but reads like a condition."""
        last = self.words[-1]
        if len(self.words) == 1 or last == STDIN or os.path.lexists(last):
            return None
        return last if any(mark in last for mark in " =<>(") else None

    @property
    def has_choice(self) -> bool:
        """Whether not all events are wanted."""
        return any(map(self._has, _CHOICE))

    @property
    def is_listing(self) -> bool:
        """Whether events are to be listed; a filter alone asks for that, too."""
        return self.has_choice or any(map(self._has, ("events", *_FOR_EVENTS)))

    @property
    def for_library(self) -> bool:
        """Whether nothing is asked for that only a capture has."""
        return not (self.is_listing or self.rules or any(map(self._has, _ALONE)))


def _clash(one: str, other: str, hint: str | None = None) -> ConfigError:
    names = [_SPELT.get(name, f"--{name}") for name in (one, other)]
    return ConfigError(f"{names[0]} and {names[1]} cannot be combined", hint=hint)
