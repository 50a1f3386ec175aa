# SPDX-License-Identifier: Apache-2.0
"""Compiled files kept by the hash of what they are made from: the runner and the glue.

Called by the builds. The folder is the user's own ($XDG_CACHE_HOME/falcokit, mode 0700): a library
that root will load must not lie where another user can write, so a folder that belongs to somebody
else or lets others write is refused.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from falcokit.errors import ToolMissingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["cache_folder", "cached", "key_of"]

_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def key_of(parts: Iterable[bytes | str]) -> str:
    """Return 16 hex digits that name the inputs `parts`, each with its length."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        digest.update(len(raw).to_bytes(8, "little"))
        digest.update(raw)
    return digest.hexdigest()[:16]


def cache_folder() -> Path:
    """Return the cache folder, made and checked."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "falcokit"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        facts = folder.lstat()
    except OSError as e:
        raise _unusable(folder, e) from e
    if not stat.S_ISDIR(facts.st_mode) or not _is_ours(facts):
        raise ToolMissingError(
            f"the cache folder {folder} can be written by others, or is not yours",
            hint=f"remove it: rm -r {folder}",
        )
    for parent in folder.resolve().parents:
        above = parent.stat()
        sticky = above.st_mode & stat.S_ISVTX  # as in /tmp: only owners rename
        if above.st_uid not in {0, os.getuid()} or (above.st_mode & _OTHERS and not sticky):
            raise ToolMissingError(
                f"somebody else can replace the cache folder {folder}: {parent} is not yours alone",
                hint="set XDG_CACHE_HOME to a folder that only you can write to",
            )
    return folder


def _unusable(folder: Path, error: OSError) -> ToolMissingError:
    return ToolMissingError(
        f"the cache folder {folder} cannot be written: {error.strerror}",
        hint="free some space there, or set XDG_CACHE_HOME to a folder that you can write to",
    )


def _is_ours(facts: os.stat_result) -> bool:
    return facts.st_uid == os.getuid() and not facts.st_mode & _OTHERS


def cached(name: str, key: str, make: Callable[[Path], None]) -> Path:
    """Return the file for `name` and `key`, letting `make` write it where it is not there yet.

    `make` gets a path of its own; the finished file is moved into place, so that two builds at the
    same time never see half of one.
    """
    stem, dot, suffix = name.partition(".")
    target = cache_folder() / f"{stem}-{key}{dot}{suffix}"
    if target.is_file() and not target.is_symlink() and _is_ours(target.lstat()):
        return target
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".making-") as folder:
            made = Path(folder) / name
            make(made)
            made.replace(target)
    except OSError as e:
        raise _unusable(target.parent, e) from e
    return target
