# SPDX-License-Identifier: Apache-2.0
"""How an artifact is unpacked where it is installed: falcoctl's rules, and the operator's.

Written from what the installers accept, for every version there is: the strictest wins, except for
folders, which falcoctl takes from 0.7 on when their own entry comes first. The headers are read
byte for byte: Python's tarfile would hide some of them.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["RefusedError", "extract", "members", "operator_extract"]

_BLOCK = 512
_PAX, _GNU_NAME = b"x", b"L"
_KINDS = {b"0": "file", b"\0": "file", b"5": "folder", b"1": "hard link", b"2": "symlink"}


class RefusedError(Exception):
    """An installer would refuse the archive."""


@dataclass(frozen=True, kw_only=True)
class Member:
    name: str
    kind: str
    mode: int
    data: bytes


def members(tar: Path) -> Iterator[Member]:
    """Give the members as they lie in the archive."""
    raw = gzip.decompress(tar.read_bytes())
    position, long_name = 0, None
    while position + _BLOCK <= len(raw):
        header = raw[position : position + _BLOCK]
        if not header.strip(b"\0"):
            return
        size = int(header[124:136].strip(b"\0 ") or b"0", 8)
        data = raw[position + _BLOCK : position + _BLOCK + size]
        position += _BLOCK + (size + _BLOCK - 1) // _BLOCK * _BLOCK
        kind = header[156:157]
        if kind == _PAX:
            long_name = _pax_path(data) or long_name
            continue
        if kind == _GNU_NAME:
            long_name = data.rstrip(b"\0").decode()
            continue
        if kind not in _KINDS:
            raise RefusedError(f"unknown type {kind!r}")
        name = header[:100].rstrip(b"\0").decode()
        prefix = header[345:500].rstrip(b"\0").decode() if header[257:263] == b"ustar\0" else ""
        name = long_name or (f"{prefix}/{name}" if prefix else name)
        long_name = None
        mode = int(header[100:108].strip(b"\0 ") or b"0", 8)
        yield Member(name=name, kind=_KINDS[kind], mode=mode, data=data)


def _pax_path(data: bytes) -> str | None:
    found = None
    while data:
        length, _, rest = data.partition(b" ")
        key, _, value = rest[: int(length) - len(length) - 2].partition(b"=")
        found = value.decode() if key == b"path" else found
        data = data[int(length) :]
    return found


def extract(tar: Path, dest: Path) -> list[Path]:
    """Unpack as falcoctl does, and return the files.

    Raises:
        RefusedError: a version of falcoctl in use would stop, or leave something out.

    """
    made: list[Path] = []
    for member in members(tar):
        if ".." in member.name:
            raise RefusedError(f"relative path: {member.name!r}")
        if "link" in member.kind:
            raise RefusedError(f"{member.kind}: {member.name!r}")
        target = dest / member.name.removesuffix("/")
        if not target.is_relative_to(dest) or target == dest:
            raise RefusedError(f"leaves the folder: {member.name!r}")
        if not target.parent.is_dir():
            raise RefusedError(f"no entry for the folder of {member.name!r}")
        if member.kind == "folder":
            target.mkdir(exist_ok=True)
            continue
        target.write_bytes(member.data)
        target.chmod(member.mode)
        made.append(target)
    return made


def operator_extract(tar: Path, dest_name: Path) -> Path:
    """Unpack as Falco Operator does: one regular file, whatever its name, to `dest_name`."""
    files = []
    for member in members(tar):
        if ".." in member.name or member.name.startswith("/"):
            raise RefusedError(f"relative or absolute path: {member.name!r}")
        if "link" in member.kind:
            raise RefusedError(f"{member.kind}: {member.name!r}")
        if member.kind == "file":
            files.append(member)
    if len(files) != 1:
        raise RefusedError(f"{len(files)} regular files")
    dest_name.write_bytes(files[0].data)
    return dest_name
