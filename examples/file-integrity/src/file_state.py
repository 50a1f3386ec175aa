# SPDX-License-Identifier: Apache-2.0
"""What a file is right now: its hash, size, mode and owner. Knows nothing of Falco."""

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass

_PIECE = 1 << 16


@dataclass(frozen=True)
class FileState:
    """A regular file as it was found; sha256 is "" for one that is too large or cannot be read."""

    path: str
    sha256: str
    size: int
    mode: int  # permission bits
    uid: int


def read_state(path: str, *, max_bytes: int) -> FileState | None:
    """Return the state of a regular file, or None when there is none of that name."""
    try:
        # a link or a pipe put in the file's place is neither followed nor waited for
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except PermissionError:
        return _without_hash(path)
    except OSError:
        return None
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            return None
        digest = _sha256(fd) if found.st_size <= max_bytes else ""
    finally:
        os.close(fd)
    return FileState(path, digest, found.st_size, stat.S_IMODE(found.st_mode), found.st_uid)


def _sha256(fd: int) -> str:
    digest = hashlib.sha256()
    while piece := os.read(fd, _PIECE):
        digest.update(piece)
    return digest.hexdigest()


def _without_hash(path: str) -> FileState | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return FileState(path, "", found.st_size, stat.S_IMODE(found.st_mode), found.st_uid)


def files_below(path: str) -> Iterator[str]:
    """Yield `path` itself, or the files below it when it is a folder; links are not followed."""
    if not os.path.isdir(path):
        yield path
        return
    for folder, folders, files in os.walk(path):
        folders.sort()
        yield from (os.path.join(folder, name) for name in sorted(files))
