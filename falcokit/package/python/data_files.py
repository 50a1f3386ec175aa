# SPDX-License-Identifier: Apache-2.0
"""Whether a distribution reads files beside its code, and so must lie in a real folder."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["data_files", "needs_folder", "opens_by_path"]

#: What code contains that opens files beside itself: by their path, or as resources, which works
#: out of an archive too, but slowly, and not for libraries that need a file.
_PATH: Final = b"__file__"
_SIGNS: Final = (_PATH, b"importlib.resources", b"importlib_resources", b"get_data",
                 b"pkg_resources", b"resources.files", b"importlib import resources")  # fmt: skip
#: What is tested out of the archive: their data is for compilers.
_WITHOUT: Final = frozenset({"numpy", "pycparser"})
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


def needs_folder(name: str, files: Mapping[str, Path]) -> bool:
    """Return whether a distribution has data, and code that opens what lies beside it."""
    return name not in _WITHOUT and bool(data_files(files)) and _contain(files, _SIGNS)


def opens_by_path(files: Mapping[str, Path]) -> bool:
    """Return whether one of the author's sources may open what lies beside it by its path."""
    return _contain(files, (_PATH,))


def _contain(files: Mapping[str, Path], signs: tuple[bytes, ...]) -> bool:
    return any(
        sign in path.read_bytes()
        for name, path in files.items()
        if name.endswith(".py")
        for sign in signs
    )
