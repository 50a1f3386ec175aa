# SPDX-License-Identifier: Apache-2.0
"""The re-stated rules of the installers refuse what the installers refuse."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import pytest
from falcoctl_rules import RefusedError, extract, operator_extract

from falcokit.package.artifact.archive import Entry, write_tar_gz

if TYPE_CHECKING:
    from pathlib import Path


def member(name: str, kind: bytes = tarfile.REGTYPE, *, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = link
    info.size = 3 if kind == tarfile.REGTYPE else 0
    return info


def pack(
    path: Path,
    *infos: tarfile.TarInfo,
    pax: dict[str, str] | None = None,
    form: int = tarfile.PAX_FORMAT,
) -> Path:
    with tarfile.open(path, "w:gz", format=form, pax_headers=pax or {}) as tar:
        for info in infos:
            tar.addfile(info, io.BytesIO(b"abc") if info.size else None)
    return path


@pytest.fixture
def tar(tmp_path: Path) -> Path:
    return tmp_path / "a.tar.gz"


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    (tmp_path / "dest").mkdir()
    return tmp_path / "dest"


def test_files_and_folders_in_order_are_unpacked(tar: Path, dest: Path) -> None:
    pack(tar, member("liba.so"), member("a.rt", tarfile.DIRTYPE), member("a.rt/x"))
    assert extract(tar, dest) == [dest / "liba.so", dest / "a.rt" / "x"]
    assert (dest / "a.rt" / "x").read_bytes() == b"abc"


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_long_names_are_read_in_both_formats(tar: Path, dest: Path, form: int) -> None:
    name = "x" * 150
    pack(tar, member(name), form=form)
    assert extract(tar, dest) == [dest / name]


def test_what_falcokit_writes_is_unpacked(tar: Path, dest: Path) -> None:
    long = "f" * 90 + "/" + "n" * 90
    write_tar_gz(tar, [Entry(name="liba.so", data=b"1"), Entry(name=long, data=b"2")])
    assert extract(tar, dest) == [dest / "liba.so", dest / long]
    assert (dest / "liba.so").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    ("info", "said"),
    [
        (member("../a"), "relative"),
        (member("a..b"), "relative"),
        (member("/etc/a"), "leaves"),
        (member("./"), "leaves"),
        (member("a", tarfile.SYMTYPE, link="/etc/passwd"), "symlink"),
        (member("a", tarfile.LNKTYPE, link="b"), "hard link"),
        (member("a", tarfile.FIFOTYPE), "unknown type"),
        (member("a", tarfile.CHRTYPE), "unknown type"),
        (member("a.rt/x"), "no entry"),
    ],
    ids=lambda value: value.name if isinstance(value, tarfile.TarInfo) else "",
)
def test_falcoctl_refuses(tar: Path, dest: Path, info: tarfile.TarInfo, said: str) -> None:
    pack(tar, info)
    with pytest.raises(RefusedError, match=said):
        extract(tar, dest)


def test_falcoctl_refuses_global_headers_as_git_archive_writes(tar: Path, dest: Path) -> None:
    pack(tar, member("a"), pax={"comment": "0123"})
    with pytest.raises(RefusedError, match="b'g'"):
        extract(tar, dest)


def test_the_operator_takes_one_file_under_a_name_of_its_own(tar: Path, dest: Path) -> None:
    pack(tar, member("d", tarfile.DIRTYPE), member("d/liba.so"))
    assert operator_extract(tar, dest / "cr.so").read_bytes() == b"abc"


@pytest.mark.parametrize(
    "infos",
    [
        (member("a"), member("b")),
        (member("d", tarfile.DIRTYPE),),
        (member("a..so"),),
        (member("/a.so"),),
        (member("a"), member("b", tarfile.SYMTYPE, link="a")),
    ],
)
def test_the_operator_refuses(tar: Path, dest: Path, infos: tuple[tarfile.TarInfo, ...]) -> None:
    pack(tar, *infos)
    with pytest.raises(RefusedError):
        operator_extract(tar, dest / "cr.so")
