# SPDX-License-Identifier: Apache-2.0
"""What the command line of `falcokit inspect` asks for, checked before any file is opened.

Made by `inspect`, read by `inspect_run`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from falcokit.capture.format.record import Record
from falcokit.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from falcokit.capture.render.buffers import BufferForm

__all__ = ["STDIN", "Wishes"]

STDIN: Final = "-"
#: Of these only one can be had at a time: each has its own output.
_ALONE: Final = ("processes", "fds", "users", "stats", "export", "cut", "diff", "jsonl")
_FOR_EVENTS: Final = ("limit", "tail", "follow", "plugin", "buffers")
_CHOICE: Final = ("filter", "types", "names", "sources", "tids", "time")
_LISTS: Final = ("events", *_FOR_EVENTS, *_CHOICE)
#: What each would have to leave out of account, and so refuses.
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
}
#: A document comes at the end, and is about the file as a whole.
_NO_DOCUMENT: Final = ("jsonl", "events", "tail", "follow", "buffers", "export", "cut")
_SPELT: Final = {"filter": "a filter", "as_json": "--json"} | {
    name: f"--{name.removesuffix('s')}" for name in _CHOICE[1:]
}


class Wishes(Record):
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
    buffers: BufferForm | None = None
    plugin: Path | None = None
    init_config: str | None = None
    load: bool = False
    jsonl: bool = False
    as_json: bool = False

    def __init__(self, **values: Any) -> None:
        """Take the options; raise ConfigError for some that do not go together."""
        super().__init__(**values)
        asked = [name for name in _ALONE if self._has(name)]
        if len(asked) > 1:
            raise _clash(asked[0], asked[1])
        for one, others in _CLASHES.items():
            for other in others:
                if self._has(one) and self._has(other):
                    raise _clash(one, other)
        # A plugin's fields are those of listed events.
        with_fields = self.plugin is not None and self.limit is None
        for name in (*_NO_DOCUMENT, *(("plugin",) if with_fields else ())):
            if self.as_json and self._has(name):
                hint = "--jsonl writes an event a line, --json -n N adds the first N"
                raise _clash("as_json", name, None if self._has_target else hint)
        if self.init_config is not None and not (self.is_listing or self.jsonl):
            raise ConfigError("--init-config is for the plugin whose fields are shown")
        if len(self.files) > 1 and (asked or self.is_listing or self.as_json):
            raise ConfigError("several files have their summaries shown, and nothing else")

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
        """The last word, if it is no file but reads like a condition."""
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
        return not (self.is_listing or any(map(self._has, _ALONE)))


def _clash(one: str, other: str, hint: str | None = None) -> ConfigError:
    names = [_SPELT.get(name, f"--{name}") for name in (one, other)]
    return ConfigError(f"{names[0]} and {names[1]} cannot be had at once", hint=hint)
