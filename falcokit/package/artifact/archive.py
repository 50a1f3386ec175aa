# SPDX-License-Identifier: Apache-2.0
"""The artifact's tar.gz: the same bytes for the same files, and nothing that an installer refuses.

Regular files and the folders that hold them, in the given order, each folder before its files
because falcoctl 0.7 to 0.13 creates none itself. No links, no PAX headers, no owner, one fixed
time.
"""

from __future__ import annotations

import errno
import hashlib
import os
import tarfile
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader, BytesIO
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Final

import deflate

from falcokit.errors import ConfigError, PackageError
from falcokit.toolchain.cache import replacing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Entry", "sha256_of", "source_date_epoch", "write_checksum", "write_tar_gz", "writing"]

#: 2020-01-01T00:00:00Z. Not 0: some tools read 1970 as "no time", and zip begins at 1980.
DEFAULT_EPOCH: Final = 1577836800
#: The last second that tar's octal field of eleven digits can hold.
_LAST_EPOCH: Final = 8**11 - 1
#: libdeflate's: 5 % smaller than zlib's best, in less time.
LEVEL = 10
_FILE_MODE, _PROGRAM_MODE = 0o644, 0o755
_ADVICE: Final = {
    errno.ENOSPC: "the disk is full: free some space, or use another folder",
    errno.EDQUOT: "your quota is used up: free some space, or use another folder",
    errno.EROFS: "the file system is read-only: use another folder",
    errno.EACCES: "you may not write there: change its permissions, or use another folder",
    errno.EPERM: "you may not write there: change its permissions, or use another folder",
}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One regular file of an archive: its name there, and its content or where to find it."""

    name: str
    data: Path | bytes


def source_date_epoch() -> int:
    """Return the time to write into everything: SOURCE_DATE_EPOCH, or a fixed one.

    Raises:
        ConfigError: the variable is not a number of seconds.

    """
    text = os.environ.get("SOURCE_DATE_EPOCH")
    if not text:
        return DEFAULT_EPOCH
    if not (text.isascii() and text.isdigit()) or int(text) > _LAST_EPOCH:
        raise ConfigError(
            f"SOURCE_DATE_EPOCH is {text!r}, which is not a number of seconds since 1970",
            hint="export SOURCE_DATE_EPOCH=$(git log -1 --format=%ct), or unset it",
        )
    return int(text)


def write_tar_gz(target: Path, files: Sequence[Entry]) -> None:
    """Write the archive next to `target` and rename it; a failure leaves nothing behind.

    Raises:
        PackageError: an entry's name, or the folder cannot be written.

    """
    epoch = source_date_epoch()
    folders: set[str] = set()
    plain = BytesIO()
    with tarfile.open(
        fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT, encoding="utf-8"
    ) as tar:
        seen: set[str] = set()
        for entry in files:
            _check_name(entry.name, seen)
            for parent in reversed(PurePosixPath(entry.name).parents[:-1]):
                if str(parent) not in folders:
                    folders.add(str(parent))
                    tar.addfile(_member(f"{parent}/", epoch, folder=True))
            _add(tar, entry, epoch)
    with writing(target) as out:  # the header that it writes has neither a time nor a name
        out.write(deflate.gzip_compress(plain.getbuffer(), LEVEL))


def _check_name(name: str, seen: set[str]) -> None:
    path = PurePosixPath(name)
    plain = name.isprintable() and "\\" not in name and str(path) == name
    if not plain or name in {"", "."} or path.is_absolute():
        raise PackageError(f"{name!r} cannot be the name of a file in an artifact")
    if ".." in name:
        raise PackageError(
            f"{name!r} cannot be in an artifact: falcoctl refuses every name with '..'",
            hint="rename the file, or leave it out with [tool.falcokit.package] exclude",
        )
    if name in seen:
        raise PackageError(f"the artifact would hold {name!r} twice")
    seen.add(name)


def _member(name: str, epoch: int, *, folder: bool = False) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = tarfile.DIRTYPE if folder else tarfile.REGTYPE
    is_library = PurePosixPath(name).suffix == ".so" or ".so." in PurePosixPath(name).name
    info.mode = _PROGRAM_MODE if folder or is_library else _FILE_MODE
    info.mtime = epoch
    return info


def _add(tar: tarfile.TarFile, entry: Entry, epoch: int) -> None:
    info = _member(entry.name, epoch)
    try:
        if isinstance(entry.data, bytes):
            info.size = len(entry.data)
            tar.addfile(info, BytesIO(entry.data))
            return
        with _source(entry.data) as source:
            info.size = os.fstat(source.fileno()).st_size
            tar.addfile(info, source)
    except ValueError as e:  # USTAR: 100 bytes, or 155 + 100 at a slash
        raise PackageError(
            f"{entry.name!r} cannot be in an artifact: {e}", hint="use a shorter name"
        ) from e


def _source(path: Path) -> BufferedReader:
    try:
        return path.open("rb")
    except OSError as e:
        raise PackageError(f"{path} cannot be read: {e.strerror}") from e


@contextmanager
def writing(target: Path) -> Iterator[IO[bytes]]:
    """Yield a file next to `target` that replaces it on success.

    Raises:
        PackageError: the folder cannot be made or written; says what to do about it.

    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as draft, draft.open("wb") as out:
            yield out
            os.fchmod(out.fileno(), _FILE_MODE)
    except OSError as e:
        advice = _ADVICE.get(e.errno or 0, "use another folder")
        raise PackageError(
            f"{target.name} cannot be written to {target.parent}: {e.strerror or e}", hint=advice
        ) from e


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with _source(path) as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def write_checksum(target: Path, artifact: Path) -> str:
    """Write what `sha256sum -c` reads for `artifact`, and return the digest."""
    digest = sha256_of(artifact)
    with writing(target) as out:
        out.write(f"{digest}  {artifact.name}\n".encode())
    return digest
