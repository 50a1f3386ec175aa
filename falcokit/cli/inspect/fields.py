# SPDX-License-Identifier: Apache-2.0
"""A plugin's fields of the events that are shown or written, extracted in a child process."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

from falcokit.capture.format.text import safe_text
from falcokit.cli import console

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from falcokit.capture.events.event import Event
    from falcokit.runner.extract import ExtractionClient, FieldInfo, Value

__all__ = ["add_fields", "extracting", "named_values"]


@contextlib.contextmanager
def extracting(plugin: Path, init_config: str | None) -> Iterator[ExtractionClient]:
    """Run a plugin; its first failure on an event is reported at the end, and stops nothing."""
    from falcokit.runner.extract import ExtractionClient  # noqa: PLC0415

    with ExtractionClient(plugin.absolute(), init_config=init_config) as extraction:
        yield extraction
        if extraction.failure:
            label = console.paint("warning:", "yellow", sys.stderr)
            console.message(
                f"{label} the plugin failed on an event: {safe_text(extraction.failure)}"
            )


def named_values(
    columns: tuple[FieldInfo, ...], values: tuple[Value, ...] | None
) -> dict[str, Value]:
    """Name the values that an event has."""
    if values is None:
        return {}
    pairs = zip(columns, values, strict=True)
    return {column.name: value for column, value in pairs if value is not None}


def add_fields(
    objects: Iterable[dict[str, Any]],
    events: Iterable[Event],
    plugin: Path,
    init_config: str | None,
) -> None:
    """Add `fields` to the objects of those events that have any."""
    with extracting(plugin, init_config) as extraction:
        for found, (_, values) in zip(objects, extraction.extract(events), strict=True):
            if fields := named_values(extraction.columns, values):
                found["fields"] = fields
