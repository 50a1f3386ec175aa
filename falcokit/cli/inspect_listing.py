# SPDX-License-Identifier: Apache-2.0
"""Lists events as lines, with the fields of a plugin behind them. Called by `inspect_run`."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Any

from falcokit.capture.text import safe_text
from falcokit.cli import console
from falcokit.cli.inspect_events import event_lines
from falcokit.errors import FalcokitError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from falcokit.capture.event import Event
    from falcokit.field_extraction import FieldInfo, Value

__all__ = ["list_events"]


def list_events(
    events: Iterable[Event], *, plugin: Path | None, init_config: str | None, at_once: bool
) -> None:
    """Write a line for each event; `at_once` has each line out before the next event is awaited."""
    on_screen = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if on_screen else None
    plugin = plugin or _project_plugin()
    if plugin is not None:
        _write(_with_fields(events, plugin, init_config), at_once=at_once)
    else:
        _write(event_lines(events, width=width), at_once=at_once)


def _write(lines: Iterable[str], *, at_once: bool) -> None:
    if not at_once:
        console.data_lines(lines)
        return
    for line in lines:
        console.data(line)


def _project_plugin() -> Path | None:
    """Return the library of the project in this folder, if it extracts fields."""
    from pathlib import Path  # noqa: PLC0415

    from falcokit.project import load_project  # noqa: PLC0415

    if not Path("pyproject.toml").is_file():
        return None
    try:
        project = load_project(Path())
        from falcokit.native.build import build, describe_project  # noqa: PLC0415 - cffi is slow

        if "extract" not in describe_project(project)["capabilities"]:
            return None
        return build(project).library
    except FalcokitError:
        return None  # a capture can be looked at beside a project that does not build


def _with_fields(events: Iterable[Event], plugin: Path, init_config: str | None) -> Iterator[str]:
    from falcokit.field_extraction import FieldExtraction  # noqa: PLC0415 - only with a plugin

    with FieldExtraction(plugin.absolute(), init_config=init_config) as extraction:
        for event, values in extraction.extract(events):
            (line,) = event_lines([event], width=None)
            yield line + _fields_text(extraction.columns, values)
        if extraction.failure:
            label = console.paint("warning:", "yellow", sys.stderr)
            console.message(
                f"{label} the plugin failed on an event: {safe_text(extraction.failure)}"
            )


def _fields_text(columns: Iterable[FieldInfo], values: tuple[Value, ...] | None) -> str:
    if values is None:
        return ""
    pairs = zip(columns, values, strict=True)
    shown = [f"{c.name}={_text(value)}" for c, value in pairs if value is not None]
    return "  " + " ".join(shown) if shown else ""


def _text(value: Any) -> str:
    if isinstance(value, list):
        return f"({','.join(map(_text, value))})"
    if isinstance(value, bool):
        return str(value).lower()
    return safe_text(str(value))
