# SPDX-License-Identifier: Apache-2.0
"""Lists events, as lines or as JSON, with the fields of a plugin."""

from __future__ import annotations

import contextlib
import gc
import os
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from falcokit.capture.format.text import json_text, safe_text
from falcokit.capture.native.scan import NATIVE_FROM_BYTES, library
from falcokit.cli import console
from falcokit.cli.inspect.choice import decides_alone, query_of, select_events
from falcokit.cli.inspect.extraction import extracting
from falcokit.cli.inspect.output import screen_width
from falcokit.errors import FalcokitError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from falcokit.capture.events.event import Event
    from falcokit.capture.reader import Capture
    from falcokit.capture.render.buffers import BufferForm
    from falcokit.cli.inspect.choice import Wanted
    from falcokit.cli.inspect.options import InspectOptions
    from falcokit.runner.extract import ExtractionClient, FieldInfo, Value

    _WithFields: TypeAlias = tuple[Event, dict[str, Value]]

__all__ = ["Listing", "add_fields", "named_values", "project_plugin"]

#: An event is not cut below this, for its fields: all up to its type.
_LEAST_CELLS: Final = 72
_ROWS_UNTIL_COLLECTION: Final = 200_000


class Listing:
    """How events are listed: with which plugin's fields, and whether each is written at once."""

    def __init__(self, options: InspectOptions) -> None:
        self._plugin = options.plugin
        self._init_config = options.init_config
        self._at_once = options.follow
        self._buffers = options.buffers

    def write_lines(self, events: Iterable[Event]) -> None:
        """Write a line for each event; a project in this folder shows its plugin's fields."""
        width = screen_width()
        plugin = self._plugin or project_plugin()
        if plugin is None:
            from falcokit.cli.inspect.events import event_lines  # noqa: PLC0415 - not needed where C writes all lines

            self._write(event_lines(events, width=width, buffers=self._buffers))
        else:
            found = self._with_fields(events, plugin)
            self._write(_lines_with_fields(found, width, self._buffers))

    def write_all_lines(self, capture: Capture, wanted: Wanted, limit: int | None) -> None:
        """Write a line for each event that is wanted, at most `limit`; in C where that suffices."""
        if not self._at_once and self._buffers is None and screen_width() is None:
            self._plugin = self._plugin or project_plugin()
            if self._plugin is not None and capture.size >= NATIVE_FROM_BYTES and library():
                self._write_with_plugin(capture, wanted, limit, self._plugin)
                return
            if self._plugin is None and decides_alone(wanted):
                from falcokit.capture.native.lines import write_lines  # noqa: PLC0415

                write_lines(
                    capture,
                    line=_line,
                    write=console.data,
                    limit=limit,
                    query=None if wanted is None else query_of(wanted),
                    matches=None if wanted is None else wanted.matches,
                )
                return
        self.write_lines(islice(select_events(capture, wanted), limit))

    def _write_with_plugin(
        self, capture: Capture, wanted: Wanted, limit: int | None, plugin: Path
    ) -> None:
        """Write lines that C makes, with the fields of a plugin."""
        from falcokit.cli.inspect.plugin_filter import PluginFilter, shown_fields  # noqa: PLC0415

        read = wanted.columns if isinstance(wanted, PluginFilter) else {}
        shown = shown_fields(plugin)
        columns = list(dict.fromkeys([*read, *shown]))
        heads = [(f" {safe_text(name)}=", columns.index(name)) for name in shown]

        def started(stack: contextlib.ExitStack) -> ExtractionClient:
            client = extracting(plugin, self._init_config, columns or None, meanwhile=_load)
            return stack.enter_context(client)

        with contextlib.ExitStack() as stack:
            # Rows of values are without cycles: to look for some takes a sixth of the time.
            stack.callback(gc.set_threshold, *gc.get_threshold())
            gc.set_threshold(_ROWS_UNTIL_COLLECTION)
            extraction = started(stack)
            from falcokit.capture.native.lines import write_lines  # noqa: PLC0415
            from falcokit.cli.inspect.plugin_scan import PluginScan  # noqa: PLC0415

            scan = PluginScan(extraction, wanted, lambda: started(stack))
            if limit is None:
                capture.read_ahead()

            def fields(row: tuple[Value, ...] | None) -> str:
                if row is None:
                    return ""
                found = [
                    head + (value if type(value) is str and value.isprintable() else _text(value))
                    for head, at in heads
                    if (value := row[at]) is not None
                ]
                return f" {''.join(found)}" if found else ""

            write_lines(
                capture,
                line=lambda event: _line(event) + fields(scan.values_of(event)),
                write=console.data,
                limit=limit,
                query=scan.query(),
                matches=scan.matches,
                more=lambda number: fields(scan.values(number)),
                native=True,
            )
            scan.settle()

    def write_json(self, events: Iterable[Event]) -> None:
        """Write one JSON object per line; with a plugin, those of its events have `fields`."""
        from falcokit.capture.render.event_document import event_object  # noqa: PLC0415

        if self._plugin is None:
            self._write(json_text(event_object(event)) for event in events)
            return
        found = self._with_fields(events, self._plugin)
        self._write(
            json_text(event_object(event) | ({"fields": fields} if fields else {}))
            for event, fields in found
        )

    def _with_fields(self, events: Iterable[Event], plugin: Path) -> Iterator[_WithFields]:
        with extracting(plugin, self._init_config) as extraction:
            # It answers in batches: when it was given many events, or the last one.
            portions = ((event,) for event in events) if self._at_once else (events,)
            for portion in portions:
                for event, values in extraction.extract(portion):
                    yield event, named_values(extraction.columns, values)

    def _write(self, lines: Iterable[str]) -> None:
        if not self._at_once:
            console.data_lines(lines)
            return
        for line in lines:
            console.data(line)


def _load() -> None:
    """Load what a large capture is listed with."""
    from falcokit.capture.native import lines  # noqa: F401, PLC0415
    from falcokit.cli.inspect import plugin_scan  # noqa: F401, PLC0415

    library()


def _line(event: Event, buffers: BufferForm | None = None) -> str:
    from falcokit.cli.inspect.events import event_lines  # noqa: PLC0415 - not needed where C writes all lines

    (line,) = event_lines((event,), width=None, buffers=buffers)
    return line


def _lines_with_fields(
    found: Iterable[_WithFields], width: int | None, buffers: BufferForm | None
) -> Iterator[str]:
    from falcokit.cli.inspect.events import cut_line, event_lines  # noqa: PLC0415 - not needed where C writes all lines

    if width is not None:
        yield from event_lines((), width=width)
    for event, fields in found:
        line = _line(event, buffers)
        more = "".join(f" {safe_text(name)}={_text(value)}" for name, value in fields.items())
        more = more and f" {more}"
        if width is None or "\n" in line:
            yield line + more if width is None else cut_line(line + more, width)
        else:  # the event is cut, not the fields that were asked for
            yield cut_line(cut_line(line, max(width - len(more), _LEAST_CELLS)) + more, width)


def project_plugin() -> Path | None:
    """Return the library of the project in this folder, if it extracts fields."""
    if not os.path.isfile("pyproject.toml"):  # noqa: PTH113 - pathlib takes 5 ms
        return None
    from pathlib import Path  # noqa: PLC0415 - see above

    from falcokit.project.settings import load_project  # noqa: PLC0415

    try:
        project = load_project(Path())
        from falcokit.build.build_project import build, describe_project  # noqa: PLC0415 - cffi is slow

        if "extract" not in describe_project(project).capabilities:
            return None
        return build(project).library
    except FalcokitError:
        return None  # a project that does not build must not prevent reading a capture


def _text(value: Any) -> str:
    if isinstance(value, str):
        return safe_text(value)
    if isinstance(value, list):
        return f"({','.join(map(_text, value))})"
    if isinstance(value, bool):
        return str(value).lower()
    return safe_text(str(value))


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
