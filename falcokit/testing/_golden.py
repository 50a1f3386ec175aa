# SPDX-License-Identifier: Apache-2.0
"""Golden files: what a run gave, compared with what is stored beside the test.

A text is stored as it is, all else as JSON: events as `falcokit.event_to_json` writes them, bytes
as text where they are UTF-8.
"""

from __future__ import annotations

import base64
import difflib
import json
import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from falcokit.runtime.event.event import Event
from falcokit.runtime.event.typed_event import event_to_json
from falcokit.testing._replay import ReplayedEvent

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

__all__ = ["Golden", "GoldenMismatchError"]

_FOLDER: Final = "golden"
_MOST_LINES: Final = 60


class GoldenMismatchError(AssertionError):
    """What a run gave is not what the golden file has."""


class Golden:
    """Compares values with files; made by the fixture `golden`."""

    def __init__(self, test_file: Path, test_name: str, *, update: bool) -> None:
        self._folder = test_file.parent / _FOLDER / test_file.stem
        self._test = re.sub(r"[^\w.-]+", "-", test_name).strip("-")
        self._update = update
        self._count = 0

    def __call__(
        self, value: object, name: str | None = None, *, ignore: Collection[str] = ()
    ) -> None:
        """Compare a value with its file, or write the file with --update-golden.

        Args:
            value: Text, or what JSON can hold; also events, `ReplayedEvent`, bytes, and lists of
                them.
            name: Of the file; None: the test's, with a number from the second value on.
            ignore: Keys that are left out at any depth, such as "ts_ns".

        Raises:
            GoldenMismatchError: the file has something else, or there is none.

        """
        __tracebackhide__ = True  # pytest shows the test's own lines
        self._count += 1
        number = f"-{self._count}" if self._count > 1 else ""
        stem = name or f"{self._test}{number}"
        if isinstance(value, str):
            file, text = self._folder / f"{stem}.txt", value
        else:
            file = self._folder / f"{stem}.json"
            plain = _plain(value, frozenset(ignore))
            text = json.dumps(plain, indent=2, ensure_ascii=False) + "\n"
        if self._update:
            _write(file, text)
            return
        try:
            stored = file.read_text(encoding="utf-8", errors="surrogateescape")
        except FileNotFoundError:
            raise GoldenMismatchError(
                f"there is no golden file {file}; pytest --update-golden writes it"
            ) from None
        if stored != text:
            raise GoldenMismatchError(_difference(file, stored, text))


def _write(file: Path, text: str) -> None:
    data = text.encode("utf-8", "surrogateescape")
    if file.is_file() and file.read_bytes() == data:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    temporary.write_bytes(data)
    temporary.replace(file)


def _difference(file: Path, stored: str, text: str) -> str:
    lines = list(
        difflib.unified_diff(
            stored.splitlines(), text.splitlines(), str(file), "this run", lineterm="", n=2
        )
    )
    if len(lines) > _MOST_LINES:
        lines[_MOST_LINES:] = [f"and {len(lines) - _MOST_LINES} more lines"]
    head = "this run gave something else than the golden file; pytest --update-golden rewrites it"
    return "\n".join([head, *lines])


def _plain(value: Any, ignore: frozenset[str]) -> Any:  # noqa: PLR0911
    """Return a value as JSON has it."""
    if isinstance(value, ReplayedEvent):
        return {**_plain(value.event, ignore), "fields": _plain(value.fields, ignore)}
    if isinstance(value, Event):
        return _plain(event_to_json(value), ignore)
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, Mapping):
        kept = {str(key): each for key, each in value.items() if key not in ignore}
        return {key: _plain(each, ignore) for key, each in kept.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        ordered = sorted(value, key=repr) if isinstance(value, (set, frozenset)) else value
        return [_plain(each, ignore) for each in ordered]
    return value
