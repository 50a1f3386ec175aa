# SPDX-License-Identifier: Apache-2.0
"""The virtual environment of a project, where falcokit itself runs in another one.

A plugin is imported by the Python that builds it, and loaded with that Python's libpython and
packages: so a falcokit that was installed as a tool of its own (pipx, uv tool, the system) has to
use the project's environment. One that runs in an ordinary virtual environment was put there for
the project, and uses its own.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Environment", "is_tool", "project_environment"]

#: What pipx and uv write into the environment of a tool.
_RECEIPTS = ("pipx_metadata.json", "uv-receipt.toml")
#: Folders of theirs, for `pipx run` and `uvx`, whose environments have no such file.
_TOOL_FOLDERS = frozenset({"pipx", "uv"})


class Environment(NamedTuple):
    """A virtual environment."""

    prefix: Path
    origin: str
    """What names it: a variable, or the folder in the project."""

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.prefix / "bin" / "python"

    @property
    def has_falcokit(self) -> bool:
        """Whether falcokit is installed in it, from a wheel or in place."""
        return any(self.prefix.glob("lib/python3.*/site-packages/falcokit-*.dist-info"))


def is_tool(prefix: str = sys.prefix, base_prefix: str = sys.base_prefix) -> bool:
    """Return whether this Python is the environment of a tool, or none at all."""
    if prefix == base_prefix:
        return True
    if any(os.path.exists(f"{prefix}/{name}") for name in _RECEIPTS):  # noqa: PTH110 - at each start
        return True
    return bool(_TOOL_FOLDERS & set(prefix.split("/")[:-1])) and not prefix.endswith("/.venv")


def project_environment(root: Path) -> Environment | None:
    """Return the environment of the project in `root`, None if there is none.

    It is the active one ($VIRTUAL_ENV), else uv's ($UV_PROJECT_ENVIRONMENT), else `.venv`.
    """
    for origin in ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT"):
        if named := os.environ.get(origin):
            found = Environment((root / named).absolute(), f"${origin}")
            if _is_one(found):
                return found
    found = Environment(root / ".venv", ".venv of the project")
    return found if _is_one(found) else None


def _is_one(found: Environment) -> bool:
    return (found.prefix / "pyvenv.cfg").is_file() and os.access(found.python, os.X_OK)
