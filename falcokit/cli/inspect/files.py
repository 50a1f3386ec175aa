# SPDX-License-Identifier: Apache-2.0
"""Writes events into other files: a table for analysis, or a smaller capture.

A file is finished or removed: no incomplete file is left behind.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from falcokit.capture.events.event_table import event_table
from falcokit.capture.format.errors import Notice
from falcokit.capture.format.text import safe_text
from falcokit.cli.inspect.output import warn
from falcokit.errors import ConfigError, FalcokitError
from falcokit.toolchain.cache import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from falcokit.capture.events.event import Event
    from falcokit.capture.events.pairing import Mismatch
    from falcokit.capture.reader import Capture
    from falcokit.capture.writer import CaptureWriter

__all__ = ["cut_events", "export_events"]


def export_events(
    events: Iterable[Event], target: Path, *, plugin: Path | None, init_config: str | None
) -> int:
    """Write a .csv or .parquet file, with a plugin's fields, and return how many events it has."""
    from falcokit.capture.summary.export import write_csv, write_parquet  # noqa: PLC0415 - an extra

    writers = {".csv": write_csv, ".parquet": write_parquet}
    write = writers.get(target.suffix.lower())
    if write is None:
        raise ConfigError(
            f"--export {safe_text(str(target))}: a table is a .csv or a .parquet file",
            hint="for instance --export events.csv",
        )
    with _replacing(target) as draft:
        if plugin is None:
            return write(events, draft)
        from falcokit.cli.inspect.extraction import extracting  # noqa: PLC0415

        with extracting(plugin, init_config) as extraction:
            return write(events, draft, extraction)


def cut_events(capture: Capture, events: Iterable[Event], target: Path) -> int:
    """Write a capture of `events` with the lists of their sections, and return their number.

    Warns if an exit event is written without the enter event that it needs.
    """
    from falcokit.capture.events.pairing import Pairing  # noqa: PLC0415 - only here
    from falcokit.capture.writer import CaptureWriter  # noqa: PLC0415

    count, pairing = 0, Pairing()
    big = any(section.byte_order == "big" for section in capture.sections)
    with (
        _replacing(target) as draft,
        CaptureWriter(
            draft, compress=target.suffix == ".gz", byte_order="big" if big else "little"
        ) as writer,
    ):
        head = _Head(capture, writer)
        for event in events:
            head.copy()
            pairing.section = capture.section_count
            pairing.add(event)
            writer.copy(event)
            count += 1
        head.copy()
    if pairing.first is not None:
        _warn_of(pairing.first, target)
    return count


def _warn_of(mismatch: Mismatch, target: Path) -> None:
    events = event_table()
    exits, enters = (events.get(c) for c in (mismatch.exit_code, mismatch.enter_code))
    text = (
        f"a replay of {target} stops where an exit event of {exits and exits.name} meets the enter"
        f" event of {enters and enters.name}: choose both halves of a call, or exit events only"
    )
    warn((Notice(kind="replay", message=text, offset=0),))


class _Head:
    """Copies what stands before the events of each section, once."""

    def __init__(self, capture: Capture, writer: CaptureWriter) -> None:
        self._capture, self._writer = capture, writer
        self._sections = self._copied = 0

    def copy(self) -> None:
        capture, writer = self._capture, self._writer
        if capture.section_count <= self._sections:
            return
        writer.section()
        if capture.machine is not None:
            writer.machine(capture.machine)
        if capture.lists is not None:
            writer.copy_lists(capture.lists, skip=self._copied)
            self._copied = len(capture.lists)
        self._sections = capture.section_count


@contextlib.contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    name = safe_text(str(target))
    target = target.resolve()  # the target of a link is replaced, not the link
    if target.exists() and not target.is_file():
        raise FalcokitError(
            f"{name} cannot be written: it is not a regular file", hint="take another name"
        )
    try:
        with replacing(target) as draft:
            yield draft
    except ValueError as e:  # from CaptureWriter, for instance for a file of two byte orders
        raise FalcokitError(f"{name} cannot be written: {e}") from e
    except OSError as e:
        raise FalcokitError(
            f"{name} cannot be written: {e.strerror or e}", hint="take another folder"
        ) from e
