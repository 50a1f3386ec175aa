# SPDX-License-Identifier: Apache-2.0
"""A folder for the packages that open files beside their code, of a packaged plugin.

All other code is imported out of an archive in memory, and writes nothing. These packages are
unpacked once into the first safe place, under the hash of all of them; a further start, and another
process, finds them there. In the dir layout they lie beside the library, and are only checked.

Whoever can change them can run code in Falco. So the folder belongs to the user that Falco runs as,
only that user may write to it, and nobody else can replace it or a folder above it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import sys
import tempfile
import zipfile
from typing import Final

import _falcokit_hot

from falcokit.runtime.base.errors import PluginError

__all__ = ["MANIFEST", "find_packages"]

#: What the item of the payload is called in the dir layout: the hashes of the files beside it.
MANIFEST: Final = "packages.json"
_BESIDE: Final = "packages"
_VARIABLE: Final = "FALCOKIT_CACHE"
_ROOTS: Final = ("/var/cache/falcokit", "/run/falcokit")
_PRIVATE, _SHARED_WRITE = 0o700, 0o022
_PIECE: Final = 1 << 20

_found: dict[int, str] = {}  # item -> its folder


def find_packages(item: int, names: str) -> None:
    """Have the packages of an item of the payload imported; `names` is for errors.

    Raises:
        PluginError: there is no place for them, or they were changed.

    """
    if item in _found:
        return
    path, _ = _falcokit_hot.payload_place(item)
    if os.path.basename(path) == MANIFEST:
        folder = os.path.join(os.path.dirname(path), _BESIDE)
        _check(path, folder)
    else:
        try:
            folder = _unpacked(path, names)
        finally:
            _falcokit_hot.payload_displace(item)  # its memory
    _found[item] = folder
    sys.path.append(folder)


def _check(manifest: str, folder: str) -> None:
    with open(manifest, encoding="utf-8") as file:
        wanted: dict[str, str] = json.load(file)
    for name, digest in wanted.items():
        try:
            with open(os.path.join(folder, name), "rb") as file:
                same = hashlib.file_digest(file, "sha256").hexdigest() == digest
        except OSError as e:
            raise PluginError(f"{folder}/{name} of the packaged plugin: {e.strerror}") from None
        if not same:
            raise PluginError(f"{folder}/{name} was changed after the plugin was packaged")


def _unpacked(archive: str, names: str) -> str:
    with open(archive, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    refused = []
    for place in _places():
        try:
            return _in_place(place, archive, digest)
        except OSError as e:
            refused.append(f"{place} ({e.strerror or e})")
    raise PluginError(
        f"the plugin carries files of {names} that need a folder, and there is no safe place for"
        f" one: {', '.join(refused)}; set {_VARIABLE} in Falco's environment to a folder of mode"
        " 0700, or package with --layout dir"
    )


def _places() -> list[str]:
    given = os.environ.get(_VARIABLE)
    if given:
        return [given]
    own = f"falcokit-{os.geteuid()}"
    return [*_ROOTS, f"/dev/shm/{own}", os.path.join(tempfile.gettempdir(), own)]  # noqa: S108


def _in_place(place: str, archive: str, digest: str) -> str:
    """Return the folder with the files, below `place`.

    Raises:
        OSError: that place cannot be used.

    """
    if not os.path.isabs(place):
        raise OSError("it is not an absolute path")
    os.makedirs(place, mode=_PRIVATE, exist_ok=True)
    # Not its target: in a sticky folder, as /tmp, a link of another user's may lead anywhere.
    if not stat.S_ISDIR(os.lstat(place).st_mode):
        raise OSError("it is a symbolic link")
    _refuse_foreign(place)
    real = os.path.realpath(place)
    _refuse_replaceable(real)
    folder = os.path.join(real, digest)
    with zipfile.ZipFile(archive) as files:
        if _is_whole(folder, files):
            return folder
        draft = tempfile.mkdtemp(prefix=".new-", dir=real)
        try:
            files.extractall(draft)
            if os.path.lexists(folder):
                os.rename(folder, os.path.join(draft, ".old"))
            os.rename(draft, folder)
        except OSError:
            shutil.rmtree(draft, ignore_errors=True)
            if not _is_whole(folder, files):  # else another process was faster
                raise
        shutil.rmtree(os.path.join(folder, ".old"), ignore_errors=True)
    return folder


def _refuse_foreign(folder: str) -> None:
    """Refuse a folder of another user's, or one that others can write to."""
    facts = os.lstat(folder)
    if facts.st_uid not in {os.geteuid(), 0} or facts.st_mode & _SHARED_WRITE:
        raise OSError("others can write to it")


def _refuse_replaceable(real: str) -> None:
    """Refuse a folder that others can replace, by a folder above it."""
    above = real
    while above != "/":
        above = os.path.dirname(above)
        facts = os.lstat(above)
        foreign = facts.st_uid not in {os.geteuid(), 0}
        if foreign or (facts.st_mode & _SHARED_WRITE and not facts.st_mode & stat.S_ISVTX):
            raise OSError(f"it can be replaced: others can write to {above}")


def _is_whole(folder: str, files: zipfile.ZipFile) -> bool:
    """Return whether all files are there, with their sizes: nobody else could have changed them."""
    try:
        facts = os.lstat(folder)
        if not stat.S_ISDIR(facts.st_mode) or facts.st_uid not in {os.geteuid(), 0}:
            return False
        return all(
            os.lstat(os.path.join(folder, entry.filename)).st_size == entry.file_size
            for entry in files.infolist()
            if not entry.is_dir()
        )
    except OSError:
        return False
