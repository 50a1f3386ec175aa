# SPDX-License-Identifier: Apache-2.0
"""What the tests of field extraction share: captures with the events of hosts/extract_plugin.c."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from capture.scap_builder import Builder

from falcokit.capture import open_capture
from falcokit.runner.extract import ExtractionClient

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from falcokit.capture import Event

__all__ = ["DEADLINE", "PLUGIN", "WORDS_ID", "events_of", "start", "write_words"]

PLUGIN = Path(__file__).parent / "hosts" / "extract_plugin.c"
WORDS_ID = 998
DEADLINE = 1.0


def write_words(folder: Path, *texts: str) -> Path:
    """Make a capture with a plugin event for each of these texts."""
    build = Builder()
    file = folder / "words.scap"
    blocks = [build.plugin_event(WORDS_ID, text.encode()) for text in texts]
    file.write_bytes(b"".join([build.section(), build.machine(), *blocks]))
    return file


def events_of(file: Path) -> Iterator[Event]:
    with open_capture(file) as capture:
        yield from capture


def start(library: Path, fields: Sequence[str] | None = None, config: str = "") -> ExtractionClient:
    return ExtractionClient(library, fields, config, deadline=DEADLINE)
