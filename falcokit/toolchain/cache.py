# SPDX-License-Identifier: Apache-2.0
"""Compiled files kept by the hash of what they are made from: the runner, the glue, and others.

The folder is the user's own ($XDG_CACHE_HOME/falcokit, mode 0700): a library that root will load
must not lie where another user can write, so a folder that belongs to somebody else or lets others
write is refused.

A file is kept for 30 days from its last use, which its time of change records. Removing one that is
in use does no harm: a library that is loaded stays, and what is missing is made again.

Looking a file up is part of every start of falcokit, so what only making one needs is imported
there.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from typing import TYPE_CHECKING

from falcokit.errors import ToolMissingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

__all__ = [
    "cache_folder",
    "cached",
    "cached_folder",
    "find_cached",
    "key_of",
    "mark_used",
    "replacing",
    "telling",
]

_DAY = 86400.0
_KEPT = 30 * _DAY
_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_listeners: list[Callable[[str], None]] = []


@contextlib.contextmanager
def telling(listener: Callable[[str], None]) -> Iterator[None]:
    """Tell `listener` what is being made, before each thing for which a person has to wait."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def key_of(parts: Iterable[bytes | str]) -> str:
    """Return 16 hex digits that name the inputs `parts`, each with its length."""
    import hashlib  # noqa: PLC0415 - loads OpenSSL

    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        digest.update(len(raw).to_bytes(8, "little"))
        digest.update(raw)
    return digest.hexdigest()[:16]


def cache_folder() -> Path:
    """Return the cache folder, made and checked."""
    from pathlib import Path  # noqa: PLC0415 - see above

    folder = _folder()
    try:
        os.makedirs(os.path.dirname(folder), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder, mode=0o700)  # noqa: PTH102
        facts = os.lstat(folder)
    except OSError as e:
        raise _unusable(folder, e) from e
    _check(folder, facts)
    return Path(folder)


def find_cached(name: str, key: str) -> str | None:
    """Return the path of the file for `name` and `key`, None where it is not there yet."""
    folder = _folder()
    path = f"{folder}/{_file_name(name, key)}"
    try:
        facts, about = os.lstat(folder), os.lstat(path)
    except OSError:
        return None
    _check(folder, facts)
    if not stat.S_ISREG(about.st_mode) or not _is_ours(about):
        return None
    if time.time() - about.st_mtime > _DAY:
        mark_used(path)
    return path


def mark_used(path: str | Path) -> None:
    """Record that a file or folder of the cache is used now."""
    with contextlib.suppress(OSError):
        os.utime(path)


def _folder() -> str:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111
    return f"{base}/falcokit"


def _check(folder: str, facts: os.stat_result) -> None:
    """Raise ToolMissingError if somebody else could put files into the folder."""
    if not stat.S_ISDIR(facts.st_mode) or not _is_ours(facts):
        raise ToolMissingError(
            f"the cache folder {folder} can be written by others, or is not yours",
            hint=f"remove it: rm -r {folder}",
        )
    for parent in _parents(os.path.realpath(folder)):
        above = os.stat(parent)  # noqa: PTH116
        sticky = above.st_mode & stat.S_ISVTX  # as in /tmp: only owners rename
        if above.st_uid not in {0, os.getuid()} or (above.st_mode & _OTHERS and not sticky):
            raise ToolMissingError(
                f"somebody else can replace the cache folder {folder}: {parent} is not yours alone",
                hint="set XDG_CACHE_HOME to a folder that only you can write to",
            )


def _parents(folder: str) -> Iterator[str]:
    while (parent := os.path.dirname(folder)) != folder:  # noqa: PTH120
        yield parent
        folder = parent


def _file_name(name: str, key: str) -> str:
    stem, dot, suffix = name.partition(".")
    return f"{stem}-{key}{dot}{suffix}"


def _unusable(folder: str | Path, error: OSError) -> ToolMissingError:
    return ToolMissingError(
        f"the cache folder {folder} cannot be written: {error.strerror}",
        hint="free some space there, or set XDG_CACHE_HOME to a folder that you can write to",
    )


def _is_ours(facts: os.stat_result) -> bool:
    return facts.st_uid == os.getuid() and not facts.st_mode & _OTHERS


def cached(name: str, key: str, make: Callable[[Path], None], *, what: str = "") -> Path:
    """Return the file for `name` and `key`, letting `make` write it where it is not there yet.

    `make` gets a path of its own; the finished file is moved into place, so that two builds at the
    same time never see half of one. Of several that need the same file at once, one makes it and
    the others wait. `what` is told to those who are waiting for it.
    """
    import fcntl  # noqa: PLC0415 - see above
    import tempfile  # noqa: PLC0415
    from pathlib import Path  # noqa: PLC0415

    target = cache_folder() / _file_name(name, key)
    if (found := find_cached(name, key)) is not None:
        return Path(found)
    for listener in _listeners if what else ():
        listener(what)
    try:
        with (target.parent / f".lock-{target.name}").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # let go of by its process's end too
            if (found := find_cached(name, key)) is not None:
                return Path(found)
            with tempfile.TemporaryDirectory(dir=target.parent, prefix=".making-") as folder:
                made = Path(folder) / name
                make(made)
                made.replace(target)
        os.utime(target)
        _prune(target.parent)
    except OSError as e:
        raise _unusable(target.parent, e) from e
    return target


def cached_folder(name: str, make: Callable[[Path], None]) -> Path:
    """Return the folder `name` of the cache, letting `make` fill it where it is not there yet.

    `make` gets an empty folder, alone in one that is removed. If another run finishes first, its
    folder is taken.
    """
    import tempfile  # noqa: PLC0415 - see above
    from pathlib import Path  # noqa: PLC0415

    target = cache_folder() / name
    if not target.is_dir():
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".making-") as folder:
            made = Path(folder) / "made"
            made.mkdir(mode=0o700)
            make(made)
            try:
                made.rename(target)
            except OSError:
                if not target.is_dir():
                    raise
    mark_used(target)
    return target


@contextlib.contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yield the path of a draft beside `target` that replaces it at the end; an error removes it.

    So no reader sees half a file, and a library in use is never written into. An OSError about the
    draft names the target.
    """
    draft = target.with_name(f".{os.getpid()}.{target.name}")
    try:
        yield draft
        draft.replace(target)
    except OSError as e:
        for attribute in ("filename", "filename2"):
            if str(getattr(e, attribute)) == str(draft):
                setattr(e, attribute, str(target))
        raise
    finally:
        draft.unlink(missing_ok=True)


def _prune(folder: Path) -> None:
    """Remove what was not used for 30 days; it looks once a day at most."""
    import re  # noqa: PLC0415 - see above
    import shutil  # noqa: PLC0415

    # Names with a key, and what a build that was killed has left.
    ours = re.compile(r"\.making-.*|.*-[0-9a-f]{16}(\..*)?")
    stamp = folder / ".pruned"
    now = time.time()
    with contextlib.suppress(OSError):
        if 0 <= now - stamp.stat().st_mtime < _DAY:
            return
    with contextlib.suppress(OSError):
        stamp.touch(mode=0o600)
        for entry in os.scandir(folder):
            old = now - entry.stat(follow_symlinks=False).st_mtime > _KEPT
            if not old or not ours.fullmatch(entry.name):
                continue
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                os.unlink(entry.path)  # noqa: PTH108
