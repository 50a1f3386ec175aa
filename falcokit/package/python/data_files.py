# SPDX-License-Identifier: Apache-2.0
"""Whether a distribution reads files beside its code, and so must lie in a real folder."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["data_files", "reads_beside"]

#: What code that opens files beside itself contains.
_SIGNS: Final = (b"__file__", b"importlib.resources", b"importlib_resources", b"get_data",
                 b"pkg_resources", b"resources.files", b"importlib import resources")  # fmt: skip
_CODE: Final = frozenset({".py", ".so", ".pyi", ".pyc", ".pyx", ".pxd"})
_PROSE: Final = ("license", "licence", "copying", "notice", "authors", "readme", "changelog")


def data_files(names: Iterable[str]) -> list[str]:
    """Return those of a distribution's files that its code may read."""
    return [
        name
        for name in names
        if not _CODE & set(PurePosixPath(name).suffixes)
        and not name.partition("/")[0].endswith(".dist-info")
        and not PurePosixPath(name).name.lower().startswith(_PROSE)
    ]


def reads_beside(files: Mapping[str, Path]) -> bool:
    """Return whether one of the sources opens what lies beside it."""
    return any(
        sign in path.read_bytes()
        for name, path in files.items()
        if name.endswith(".py")
        for sign in _SIGNS
    )
