# SPDX-License-Identifier: Apache-2.0
"""A packaged plugin where memory files are refused: the cache folder, and what is said without."""

from __future__ import annotations

import json
import shutil
import stat
from typing import TYPE_CHECKING, Any

import pytest
from roots import EmptyRoot, Ran, sysdig_root

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Packaged, RealHost

pytestmark = pytest.mark.host

_CACHE = "var/cache/falcokit"
NO_PROC: dict[str, Any] = {"proc": False}
#: This kernel's own switch against executable memory files, for the namespaces of one program.
NO_MEMFD: dict[str, Any] = {"sysctl": "vm/memfd_noexec=2"}


@pytest.fixture(scope="module")
def made(real_host: RealHost, tmp_path_factory: pytest.TempPathFactory) -> EmptyRoot:
    return sysdig_root(real_host, tmp_path_factory.mktemp("empty") / "root")


@pytest.fixture
def root(made: EmptyRoot) -> Iterator[EmptyRoot]:
    yield made
    for name in ("var", "tmp"):
        shutil.rmtree(made.folder / name)
        (made.folder / name).mkdir()


def _plughost(root: EmptyRoot, plugin: Packaged, **options: Any) -> dict[str, Any]:
    library = root.put(plugin.library)
    arguments = ("--plugin", library, "--pump", 200, "--events", 3, "--secs", 10)
    done = root.run("/plug/plughost.bin", "sinsp", *arguments, **options)
    answer: dict[str, Any] = json.loads(done.out)
    return answer


def _sysdig(root: EmptyRoot, plugin: Packaged, **options: Any) -> Ran:
    source = '/plug/libbaseline.so:{"async":0}'
    arguments = ("-H", source, "-H", root.put(plugin.library), "-I", "baseline:1,1,8,10000")
    return root.run("/usr/bin/sysdig", *arguments, "-n", 1, "evt.type=tick", **options)


def _emitted(answer: dict[str, Any]) -> int:
    count: int = answer["cycles"][0]["by_source"]["syscall"]["count"]
    return count


def _cached(root: EmptyRoot) -> dict[str, tuple[int, int]]:
    return {
        path.name: (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in (root.folder / _CACHE).iterdir()
    }


@pytest.mark.parametrize("refusal", [NO_PROC, NO_MEMFD], ids=["no proc", "memfd_noexec"])
def test_the_cache_folder_is_filled_once_and_what_is_wrong_in_it_is_replaced(
    root: EmptyRoot, ticker: Packaged, refusal: dict[str, Any]
) -> None:
    assert _emitted(_plughost(root, ticker, **refusal)) == 3
    folder = root.folder / _CACHE
    assert stat.filemode(folder.stat().st_mode) == "drwx------"
    first = _cached(root)
    for path in folder.iterdir():
        assert stat.filemode(path.stat().st_mode) == "-r-x------"
        assert path.stat().st_uid == folder.stat().st_uid
    assert _emitted(_plughost(root, ticker, **refusal)) == 3
    assert _cached(root) == first

    changed, open_to_all, cut, linked = sorted(first)[:4]
    for name in (changed, cut):
        (folder / name).chmod(0o700)
    with (folder / changed).open("r+b") as file:
        file.seek(5000)
        file.write(b"changed")
    (folder / open_to_all).chmod(0o722)
    (folder / cut).write_bytes(b"")
    (folder / linked).rename(root.folder / "tmp" / "elsewhere")
    (folder / linked).symlink_to("/tmp/elsewhere")
    assert _emitted(_plughost(root, ticker, **refusal)) == 3
    again = _cached(root)
    assert again.keys() == first.keys()
    assert {n for n in first if first[n] != again[n]} == {changed, open_to_all, cut, linked}
    assert not (folder / linked).is_symlink()


def test_falcokit_cache_names_another_folder(root: EmptyRoot, ticker: Packaged) -> None:
    environ = {"FALCOKIT_CACHE": "/tmp/own"}
    assert _emitted(_plughost(root, ticker, environ=environ, **NO_PROC)) == 3
    # At least libpython, the glue, msgspec, and cffi's backend with libffi.
    assert len(list((root.folder / "tmp/own").iterdir())) >= 5
    assert list((root.folder / "var").iterdir()) == []


def test_a_cache_folder_below_a_sticky_one_is_taken(root: EmptyRoot, ticker: Packaged) -> None:
    (root.folder / "tmp").chmod(0o1777)
    environ = {"FALCOKIT_CACHE": "/tmp/own"}
    assert _emitted(_plughost(root, ticker, environ=environ, **NO_PROC)) == 3


def test_a_link_on_the_way_to_the_cache_folder_cannot_be_turned(
    root: EmptyRoot, ticker: Packaged
) -> None:
    """Libraries are loaded by the path without links: where these lead may change later."""
    (root.folder / "tmp" / "real").mkdir(mode=0o777)
    (root.folder / "tmp" / "real").chmod(0o777)
    (root.folder / "var" / "link").symlink_to("/tmp/real")
    said = _sysdig(root, ticker, environ={"FALCOKIT_CACHE": "/var/link/own"}, **NO_PROC)
    assert said.status == 1
    assert "folder /var/link/own can be replaced by others: /tmp/real belongs" in said.err


def test_a_cache_folder_that_depends_on_the_working_directory_is_refused(
    root: EmptyRoot, ticker: Packaged
) -> None:
    said = _sysdig(root, ticker, environ={"FALCOKIT_CACHE": "tmp/own"}, **NO_PROC)
    assert said.status == 1
    assert "the cache folder tmp/own cannot be used: it is not an absolute path" in said.err


@pytest.mark.parametrize("refusal", [NO_PROC, NO_MEMFD], ids=["no proc", "memfd_noexec"])
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("open to all", "cache folder /var/cache/falcokit can be written by others"),
        (
            "below one open to all",
            "cache folder /var/cache/falcokit can be replaced by others: /var/cache belongs",
        ),
        ("link", "cache folder /var/cache/falcokit cannot be used: it is a symbolic link"),
        ("file", "cache folder /var/cache/falcokit cannot be used: Not a directory"),
        ("read-only", "cache folder /var/cache/falcokit cannot be used: Read-only file system"),
        ("noexec", "cache folder /var/cache/falcokit is mounted noexec"),
        ("full", "cannot unpack lib"),
    ],
)
def test_a_cache_folder_that_is_none_is_refused_by_its_name(
    root: EmptyRoot, ticker: Packaged, refusal: dict[str, Any], kind: str, words: str
) -> None:
    folder = root.folder / _CACHE
    folder.parent.mkdir()
    mounts: tuple[tuple[str, str, str], ...] = ()
    if kind == "open to all":
        folder.mkdir()
        folder.chmod(0o777)
    elif kind == "below one open to all":  # as an emptyDir of Kubernetes is
        folder.mkdir(mode=0o700)
        folder.parent.chmod(0o777)
    elif kind == "link":
        (root.folder / "tmp" / "elsewhere").mkdir(mode=0o700)
        folder.symlink_to("/tmp/elsewhere")
    elif kind == "file":
        folder.write_text("")
    else:
        options = {"read-only": "ro", "noexec": "noexec,mode=0700", "full": "size=1m,mode=0700"}
        place = "/var" if kind == "read-only" else f"/{_CACHE}"
        mounts = (("tmpfs", options[kind], place),)
    said = _sysdig(root, ticker, mounts=mounts, **refusal)
    assert said.status == 1
    assert words in said.err
    assert "Python" not in said.err
    assert kind == "full" or "set FALCOKIT_CACHE to a folder" in said.err
    assert not said.out
