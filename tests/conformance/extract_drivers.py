# SPDX-License-Identifier: Apache-2.0
"""The hosts of the drivers, asked for fields: each reads one capture and gives rows of text.

The events are those of the C baseline's event source (322), and async events (402).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from capture.scap_builder import Builder

from falcokit.capture import open_capture
from falcokit.runner.extract import ExtractionClient
from falcokit.runtime.event.event import Event
from falcokit.testing import start_plugin

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pytest
    from author import Author
    from conftest import RealHost

__all__ = ["ALL", "Asked", "as_text", "asked", "capture_of"]

SOURCE_ID, SOURCE = 999, "baseline_src"
ALL = ("in_process", "runner", "plughost", "sysdig")


class Asked(NamedTuple):
    """An event of the capture: its payload, and the name of an async one."""

    data: bytes
    name: str | None = None


def capture_of(folder: Path, events: Sequence[Asked]) -> Path:
    build = Builder()
    blocks = [
        build.plugin_event(SOURCE_ID, event.data)
        if event.name is None
        else build.event(
            402, [SOURCE_ID.to_bytes(4, "little"), event.name.encode() + b"\0", event.data]
        )
        for event in events
    ]
    file = folder / "asked.scap"
    file.write_bytes(b"".join([build.section(), build.machine(), *blocks]))
    return file


def as_text(value: Any) -> str:
    """Write a value as the framework does."""
    if isinstance(value, list):
        return f"({','.join(map(as_text, value))})"
    if isinstance(value, bool):
        return str(value).lower()
    return "<NA>" if value is None else str(value)


def _in_process(author: Author, events: Sequence[Asked], fields: Sequence[str]) -> list[list[str]]:
    rows = []
    with start_plugin(author.plugin, source=SOURCE, plugin_id=SOURCE_ID) as running:
        for number, asked_for in enumerate(events, 1):
            event = Event(
                asked_for.data, ts_ns=1, type=402 if asked_for.name else 322, name=asked_for.name,
                source=SOURCE, number=number, plugin_id=SOURCE_ID,
            )  # fmt: skip
            row = []
            for field in fields:
                try:
                    row.append(as_text(running.extract(field, event)))
                except Exception:
                    row.append("<NA>")
            rows.append(row)
    return rows


def _runner(author: Author, file: Path, fields: Sequence[str]) -> list[list[str]]:
    with ExtractionClient(author.library, fields) as extraction, open_capture(file) as capture:
        return [
            [as_text(value) for value in values or [None] * len(fields)]
            for _, values in extraction.extract(capture)
        ]


def asked(
    driver: str,
    request: pytest.FixtureRequest,
    author: Author,
    events: Sequence[Asked],
    fields: Sequence[str],
) -> list[list[str]]:
    """Return, for each event, what the host shows for each field; "<NA>" for no value."""
    if driver == "in_process":
        return _in_process(author, events, fields)
    folder: Path = request.getfixturevalue("tmp_path")
    file = capture_of(folder, events)
    if driver == "runner":
        return _runner(author, file, fields)
    host: RealHost = request.getfixturevalue("real_host")
    form = "*" + " / ".join(["%evt.num", *(f"%{field}" for field in fields)])
    if driver == "plughost":
        plugins = ("--plugin", host.baseline, "--plugin", author.library)
        answer = request.getfixturevalue("plughost").raw(
            *plugins, "--scap", file, "--print", len(events), "--format", form
        )
        assert "error" not in answer, answer
        shown = answer["stderr"]
    else:
        shown, said, status = request.getfixturevalue("sysdig").raw(
            "-r", file, "-H", host.baseline, "-H", author.library, "-p", form
        )
        assert status == 0, said
    rows = [line.split(" / ")[1:] for line in shown.splitlines()]
    return [row for row in rows if len(row) == len(fields)]
