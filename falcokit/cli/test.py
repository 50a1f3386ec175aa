# SPDX-License-Identifier: Apache-2.0
"""`falcokit test`: build the plugin, then become pytest."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

from falcokit.cli import console
from falcokit.errors import ToolMissingError, system_error
from falcokit.project.settings import load_project

if TYPE_CHECKING:
    from falcokit.cli.options import TestOptions

__all__ = ["test"]


def test(options: TestOptions) -> None:
    """Build, and replace this process by pytest in the project's folder, with the same Python."""
    project = load_project(options.project)
    if find_spec("pytest") is None:
        raise ToolMissingError(
            f"there is no pytest in the Python that runs falcokit ({sys.executable})",
            hint=f"install it: {sys.executable} -m pip install pytest",
        )
    from falcokit.build.build_project import build  # noqa: PLC0415  cffi is slow to load

    result = build(project)
    for warning in result.metadata.warnings:
        console.warning(warning)
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.chdir(project.root)
        os.execv(  # noqa: S606  # no shell
            sys.executable, [sys.executable, "-m", "pytest", *options.arguments]
        )
    except OSError as e:
        raise system_error(e, "pytest cannot be started") from e


test.__test__ = False  # type: ignore[attr-defined]  # it is no test of falcokit's own
