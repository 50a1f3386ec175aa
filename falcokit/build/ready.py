# SPDX-License-Identifier: Apache-2.0
"""What every build and run needs of falcokit's own C: carried by a wheel, or compiled at first."""

from __future__ import annotations

from falcokit.build.entry_library import blank_entry
from falcokit.build.glue_library import build_glue
from falcokit.runner.program import build_runner

__all__ = ["make_ready"]


def make_ready() -> None:
    """Compile what is not there yet, so that neither a build nor a run waits for it.

    Raises:
        BuildError: the compiler failed.
        ToolMissingError: there is no compiler, or no shared libpython.

    """
    blank_entry()
    build_glue()
    build_runner()
