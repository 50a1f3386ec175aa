# SPDX-License-Identifier: Apache-2.0
"""The archive: the same bytes each time, only what every installer takes, nothing half-written."""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from falcokit.errors import ConfigError, PackageError
from falcokit.package.artifact.archive import (
    DEFAULT_EPOCH,
    Entry,
    sha256_of,
    source_date_epoch,
    write_checksum,
    write_tar_gz,
)

FILES = (
    Entry(name="libx.so", data=b"\x7fELF" * 1000),
    Entry(name="x.rt-0123/lib/python313.zip", data=b"zip"),
    Entry(name="x.rt-0123/libpython3.13.so.1.0", data=b"python"),
)


@pytest.fixture(autouse=True)
def no_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)


def members(archive: Path) -> list[tarfile.TarInfo]:
    with tarfile.open(archive) as tar:
        return tar.getmembers()


def held(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


def test_one_library_gives_one_regular_file(tmp_path: Path) -> None:
    target = tmp_path / "dist" / "x-0.1.0-linux-x86_64.tar.gz"
    library = tmp_path / "libx.so"
    library.write_bytes(b"content")
    library.chmod(0o600)
    write_tar_gz(target, [Entry(name="libx.so", data=library)])
    (member,) = members(target)
    assert (member.name, member.type, member.mode) == ("libx.so", tarfile.REGTYPE, 0o755)
    assert (member.uid, member.gid, member.uname, member.gname) == (0, 0, "", "")
    assert member.mtime == DEFAULT_EPOCH
    with tarfile.open(target) as tar:
        content = tar.extractfile(member)
        assert content
        assert content.read() == b"content"
    assert target.stat().st_mode & 0o777 == 0o644
    assert held(target.parent) == [target.name]


def test_folders_come_ahead_of_their_files_and_the_plugin_first(tmp_path: Path) -> None:
    write_tar_gz(tmp_path / "a.tar.gz", FILES)
    found = [(m.name, m.isdir(), m.mode) for m in members(tmp_path / "a.tar.gz")]
    assert found == [
        ("libx.so", False, 0o755),
        ("x.rt-0123", True, 0o755),
        ("x.rt-0123/lib", True, 0o755),
        ("x.rt-0123/lib/python313.zip", False, 0o644),
        ("x.rt-0123/libpython3.13.so.1.0", False, 0o755),
    ]


def test_the_same_files_give_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tar_gz(tmp_path / "one.tar.gz", FILES)
    monkeypatch.setattr("time.time", lambda: 4e9)
    write_tar_gz(tmp_path / "two.tar.gz", FILES)
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()


def test_neither_header_holds_a_time_or_name_of_this_machine(tmp_path: Path) -> None:
    write_tar_gz(tmp_path / "a.tar.gz", FILES)
    packed = (tmp_path / "a.tar.gz").read_bytes()
    assert packed[3] == 0, "a gzip header with a name, a comment or an extra field"
    assert packed[4:8] == b"\0\0\0\0"
    plain = gzip.decompress(packed)
    kinds = {plain[at + 156 : at + 157] for at in range(0, len(plain), 512)
             if plain[at + 257 : at + 262] == b"ustar"}  # fmt: skip
    assert kinds == {b"0", b"5"}, "no PAX headers, no links"


def test_gnu_tar_reads_it_without_complaint(tmp_path: Path) -> None:
    write_tar_gz(tmp_path / "a.tar.gz", FILES)
    command = ["tar", "-xzf", "a.tar.gz", "--no-same-owner"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert (tmp_path / "x.rt-0123/lib/python313.zip").read_bytes() == b"zip"


def test_source_date_epoch_is_every_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    write_tar_gz(tmp_path / "a.tar.gz", FILES)
    assert {m.mtime for m in members(tmp_path / "a.tar.gz")} == {1700000000}


@pytest.mark.parametrize("text", ["yesterday", "-1", "1.5", "٣", "99999999999999"])
def test_a_wrong_source_date_epoch_is_told(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", text)
    with pytest.raises(ConfigError, match="SOURCE_DATE_EPOCH is"):
        source_date_epoch()


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x.so", "a/../x", "/etc/x", "./x", "a//b", "a/", "a/./b", "a..b", "a\\b",
     "a\nb", "a\0b", "\udcff"],
)  # fmt: skip
def test_names_that_installers_refuse_are_refused_here(name: str, tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="cannot be"):
        write_tar_gz(tmp_path / "a.tar.gz", [Entry(name=name, data=b"")])
    assert held(tmp_path) == []


def test_a_name_occurs_once(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"'libx\.so' twice"):
        write_tar_gz(tmp_path / "a.tar.gz", [FILES[0], FILES[0]])


def test_a_name_too_long_for_tar_is_told(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="name is too long"):
        write_tar_gz(tmp_path / "a.tar.gz", [Entry(name="n" * 101, data=b"")])
    write_tar_gz(tmp_path / "b.tar.gz", [Entry(name="d" * 100 + "/" + "n" * 100, data=b"")])
    assert members(tmp_path / "b.tar.gz")[1].name == "d" * 100 + "/" + "n" * 100


def test_names_are_utf_8_in_every_locale(tmp_path: Path) -> None:
    write_tar_gz(tmp_path / "a.tar.gz", [Entry(name="é.py", data=b"")])
    assert b"\xc3\xa9.py" in gzip.decompress((tmp_path / "a.tar.gz").read_bytes())


def test_a_file_that_went_away_leaves_the_old_artifact(tmp_path: Path) -> None:
    target = tmp_path / "a.tar.gz"
    target.write_bytes(b"old")
    with pytest.raises(PackageError, match=r"gone cannot be read: No such file"):
        write_tar_gz(target, [FILES[0], Entry(name="gone", data=tmp_path / "gone")])
    assert target.read_bytes() == b"old"
    assert held(tmp_path) == ["a.tar.gz"]


def test_a_full_disk_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    """/dev/full answers each write as a full disk does."""
    (tmp_path / f".{os.getpid()}.a.tar.gz").symlink_to("/dev/full")
    with pytest.raises(PackageError, match="No space left on device") as caught:
        write_tar_gz(tmp_path / "a.tar.gz", FILES)
    assert str(tmp_path) in caught.value.message
    assert "the disk is full" in (caught.value.hint or "")
    assert held(tmp_path) == []


def test_a_folder_that_cannot_be_written_is_told() -> None:
    """/proc takes no files, from root neither."""
    with pytest.raises(PackageError, match=r"a\.tar\.gz cannot be written to /proc/dist"):
        write_tar_gz(Path("/proc/dist/a.tar.gz"), FILES)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(PackageError, match="Permission denied") as caught:
        write_tar_gz(tmp_path / "a.tar.gz", FILES)
    assert "you may not write there" in (caught.value.hint or "")


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "dist").touch()
    with pytest.raises(PackageError, match="cannot be written to"):
        write_tar_gz(tmp_path / "dist" / "a.tar.gz", FILES)


def test_sha256sum_checks_what_is_written(tmp_path: Path) -> None:
    artifact = tmp_path / "a.tar.gz"
    write_tar_gz(artifact, FILES)
    digest = write_checksum(tmp_path / "a.tar.gz.sha256", artifact)
    assert digest == sha256_of(artifact) == hashlib.sha256(artifact.read_bytes()).hexdigest()
    command = ["sha256sum", "--strict", "-c", "a.tar.gz.sha256"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    artifact.write_bytes(b"other")
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 1
