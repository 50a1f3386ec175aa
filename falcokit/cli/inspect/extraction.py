# SPDX-License-Identifier: Apache-2.0
"""Runs the plugin of `--plugin` for the fields that it has for events of a capture."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from falcokit.capture.format.text import safe_text
from falcokit.cli import console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from falcokit.build.about import LibraryAbout
    from falcokit.runner.extract import ExtractionClient

__all__ = ["BATCH_BYTES", "BATCH_EVENTS", "about_plugin", "extracting"]

#: Events, and their bytes, on which conditions are evaluated at once.
BATCH_EVENTS: Final = 4096
BATCH_BYTES: Final = 1 << 24


@contextlib.contextmanager
def extracting(
    plugin: Path,
    init_config: str | None,
    fields: Sequence[str] | None = None,
    meanwhile: Callable[[], object] | None = None,
) -> Iterator[ExtractionClient]:
    """Run a plugin; its first failure on an event is reported at the end, and stops nothing.

    `fields` are those to extract, None for all that need no argument. `meanwhile` is called while
    the plugin starts.
    """
    from falcokit.cli.option_values import read_init_config  # noqa: PLC0415
    from falcokit.runner.extract import ExtractionClient  # noqa: PLC0415

    config = read_init_config(init_config)
    client = ExtractionClient(plugin.absolute(), fields, config, meanwhile=meanwhile)
    with client as extraction:
        yield extraction
        if extraction.failure:
            console.warning(f"the plugin failed on an event: {safe_text(extraction.failure)}")


def about_plugin(plugin: Path) -> LibraryAbout | None:
    """Return what a plugin says of itself; it is loaded if the file does not say it.

    Raises NotAPluginError if it cannot be loaded then.
    """
    from falcokit.build.about import read_about  # noqa: PLC0415 - only with a plugin

    with contextlib.suppress(OSError, ValueError):
        about = read_about(plugin)
        if about is not None:
            return about
    from falcokit.package.artifact.library_facts import library_facts  # noqa: PLC0415 - as above

    return library_facts(plugin, load=True).about
