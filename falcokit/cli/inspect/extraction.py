# SPDX-License-Identifier: Apache-2.0
"""Runs the plugin of `--plugin` for the fields that it has for events of a capture."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from falcokit.capture.format.text import safe_text
from falcokit.cli import console

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from falcokit.runner.extract import ExtractionClient

__all__ = ["extracting"]


@contextlib.contextmanager
def extracting(
    plugin: Path, init_config: str | None, fields: Sequence[str] | None = None
) -> Iterator[ExtractionClient]:
    """Run a plugin; its first failure on an event is reported at the end, and stops nothing.

    `fields` are those to extract, None for all that need no argument.
    """
    from falcokit.runner.extract import ExtractionClient  # noqa: PLC0415

    with ExtractionClient(plugin.absolute(), fields, init_config) as extraction:
        yield extraction
        if extraction.failure:
            console.warning(f"the plugin failed on an event: {safe_text(extraction.failure)}")
