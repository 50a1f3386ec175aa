# SPDX-License-Identifier: Apache-2.0
"""A python-build-standalone archive, unpacked once into the cache folder by its digest.

The archive comes from the network, so every name and link in it is checked before anything is
written: `tarfile`'s own data filter, and in addition nothing is written through a link and no link
leads out of the folder, directly or not.
"""

from __future__ import annotations

import hashlib
import os
import re
import zlib
from functools import partial
from pathlib import Path, PurePosixPath

from falcokit.errors import ConfigError
from falcokit.package.safe_tarfile import tarfile
from falcokit.toolchain.cache import cached_folder

__all__ = ["archive_label", "is_archive", "unpack_archive"]

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_OTHER_ARCHIVES = (_ZSTD, b"BZh", b"\xfd7zXZ\x00", b"PK\x03\x04")
#: An install_only archive unpacks to about 0.2 GB, with debug symbols to 0.5 GB.
_MOST_BYTES = 2 << 30
_MOST_MEMBERS = 100_000
_WANTED = (
    "use cpython-3.*-unknown-linux-gnu-install_only_stripped.tar.gz from"
    " python-build-standalone's releases"
)
_NAME = re.compile(r"cpython-[\d.]+\+(\d{8})-.*?(install_only(?:_stripped)?)\.tar\.gz")


def is_archive(file: Path) -> bool:
    """Return whether `file` begins like an archive of any kind."""
    try:
        with file.open("rb") as opened:
            head = opened.read(8)
    except OSError as e:
        raise ConfigError(f"--runtime {file}: cannot be read: {e.strerror}") from e
    return head.startswith((_GZIP, *_OTHER_ARCHIVES))


def archive_label(file: Path) -> str:
    """Return a readable label for an archive."""
    found = _NAME.fullmatch(file.name)
    release = f" {found[1]} {found[2]}" if found else f", {file.name}"
    return f"python-build-standalone{release}"


def unpack_archive(file: Path) -> Path:
    """Return the prefix that `file` unpacks to, unpacking it the first time."""
    with file.open("rb") as opened:
        if not opened.read(len(_GZIP)) == _GZIP:
            raise ConfigError(f"--runtime {file.name} is not a .tar.gz archive", hint=_WANTED)
        opened.seek(0)
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    prefix = cached_folder(f"python-{digest[:16]}", partial(_extract, file)) / "python"
    if not (prefix / "bin" / "python3").exists():
        raise ConfigError(
            f"--runtime {file.name} has no python/bin/python3: not an install_only archive",
            hint=_WANTED,
        )
    return prefix


def _extract(file: Path, folder: Path) -> None:
    try:
        with tarfile.open(file, "r:gz") as archive:
            _extract_members(archive, folder, file.name)
    except (tarfile.TarError, EOFError, zlib.error, UnicodeError, ValueError) as e:
        raise ConfigError(f"--runtime {file.name} cannot be unpacked: {e}", hint=_WANTED) from e
    except OSError as e:  # a damaged gzip stream has no errno
        why = e.strerror or str(e)
        raise ConfigError(f"--runtime {file.name} cannot be unpacked: {why}", hint=_WANTED) from e
    root = folder.resolve()
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(parent) / name
            if path.is_symlink() and not _inside(path, root):
                raise _refusal(file.name, str(path.relative_to(folder)), "is a link out of it")


def _inside(link: Path, root: Path) -> bool:
    try:
        return link.resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # a loop
        return False


def _extract_members(archive: tarfile.TarFile, folder: Path, shown: str) -> None:
    links: set[PurePosixPath] = set()
    size = 0
    for count, member in enumerate(archive, 1):
        size += member.size
        if size > _MOST_BYTES or count > _MOST_MEMBERS:
            raise _refusal(shown, member.name, "makes it larger than any Python")
        name = PurePosixPath(member.name)
        if name.is_absolute() or ".." in name.parts:
            raise _refusal(shown, member.name, "is a path out of it")
        if not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
            raise _refusal(shown, member.name, "is neither a file, a folder nor a link")
        if name in links or any(parent in links for parent in name.parents):
            raise _refusal(shown, member.name, "would be written through a link")
        if member.issym():
            links.add(name)
        archive.extract(member, folder, filter="data")


def _refusal(shown: str, name: str, why: str) -> ConfigError:
    return ConfigError(f"--runtime {shown} cannot be trusted: its entry {name} {why}", hint=_WANTED)
