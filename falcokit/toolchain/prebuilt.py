# SPDX-License-Identifier: Apache-2.0
"""What an installed wheel carries compiled: it is not compiled again, and no compiler is needed.

`tools/wheels.py` puts it there. A clone and a source distribution have none: they compile at first
use. To look a file up is part of every start of falcokit.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["PREBUILT", "find_prebuilt", "find_prebuilt_glue", "prebuilt"]

#: Of the package falcokit; only wheels have it.
PREBUILT: Final = os.path.join("native", "prebuilt")  # noqa: PTH118 - pathlib takes 5 ms to load
_FOLDER: Final = os.path.join(os.path.dirname(os.path.dirname(__file__)), PREBUILT)  # noqa: PTH118, PTH120


def find_prebuilt(name: str) -> str | None:
    """Return the path of the file, None where it has to be compiled."""
    path = f"{_FOLDER}/{name}"
    return path if os.path.exists(path) else None  # noqa: PTH110


def prebuilt(name: str) -> Path | None:
    """Return `find_prebuilt` as a Path."""
    from pathlib import Path  # noqa: PLC0415 - see above

    found = find_prebuilt(name)
    return None if found is None else Path(found)


def find_prebuilt_glue(libpython: Path) -> Path | None:
    """Return the glue for a Python whose library has that name: it fits all of a minor version."""
    folder = prebuilt(libpython.name)
    return None if folder is None else next(folder.glob("libfalcokit_glue-*.so"), None)
