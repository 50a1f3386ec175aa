# SPDX-License-Identifier: Apache-2.0
"""A packaged plugin under kernels and limits that refuse it what it asks for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from staging import Stage, live

if TYPE_CHECKING:
    from conftest import CompileC, Packaged

_HOSTS = Path(__file__).parent.parent / "hosts"


@pytest.fixture(scope="module")
def stage(compile_c: CompileC) -> Path:
    return compile_c(
        "stage", [_HOSTS / "stage.c", _HOSTS / "torture_host.c", _HOSTS / "torture_lies.c"]
    )


@pytest.fixture(scope="module")
def refuse(compile_c: CompileC) -> Path:
    return compile_c("refuse_memfd", [_HOSTS / "refuse_memfd.c"])


@pytest.fixture
def cache(tmp_path: Path) -> dict[str, str]:
    """The environment with a cache folder that is not this machine's; it is made when needed."""
    return {"FALCOKIT_CACHE": str(tmp_path / "cache")}


@pytest.mark.parametrize("how", ["EPERM", "EACCES", "ENOSYS"])
def test_a_kernel_without_memory_files_has_the_cache_folder(
    refuse: Path, stage: Path, ticker: Packaged, cache: dict[str, str], how: str
) -> None:
    with Stage(refuse, how, stage, env=cache) as host:
        live(host, ticker.library)
        last = live(host, ticker.library)
        assert host("maps=memfd").rc == 0
        assert host(f"maps={cache['FALCOKIT_CACHE']}").rc > 20
        assert last.fds < 10


def test_a_kernel_before_6_3_has_memory_files(
    refuse: Path, stage: Path, ticker: Packaged, cache: dict[str, str]
) -> None:
    with Stage(refuse, "old", stage, env=cache) as host:
        live(host, ticker.library)
        assert host("maps=memfd:falcokit").rc > 20
    assert not Path(cache["FALCOKIT_CACHE"]).exists()


@pytest.mark.parametrize("how", ["EPERM", "ENOSYS"])
def test_the_dir_layout_needs_none(
    refuse: Path, stage: Path, ticker_folder: Packaged, cache: dict[str, str], how: str
) -> None:
    with Stage(refuse, how, stage, env=cache) as host:
        live(host, ticker_folder.library)
    assert not Path(cache["FALCOKIT_CACHE"]).exists()


def test_neither_memory_files_nor_the_library_s_own_file(
    refuse: Path, stage: Path, ticker: Packaged, cache: dict[str, str], tmp_path: Path
) -> None:
    library = tmp_path / "libgone.so"
    library.write_bytes(ticker.library.read_bytes())
    with Stage(refuse, "EPERM", stage, env=cache) as host:
        assert host(f"load={library}").rc == 0
        library.unlink()
        answer = host("init")
        assert answer.rc == 1
        assert "cannot read the packaged plugin's own file" in answer.error
        assert host("destroy", "unload").rc == 0
        live(host, ticker.library)


@pytest.fixture(params=["file", "folder"])
def library(request: pytest.FixtureRequest, ticker: Packaged, ticker_folder: Packaged) -> Path:
    return ticker.library if request.param == "file" else ticker_folder.library


@pytest.mark.parametrize("files", [3, 4, 6, 12])
def test_too_few_open_files_are_said_and_enough_of_them_mend_it(
    stage: Path, library: Path, cache: dict[str, str], files: int
) -> None:
    with Stage(stage, env=cache) as host:
        answer = host(f"load={library}", f"files={files}", "init")
        if list(library.parent.glob("*.rt-*")) and files > 3:  # it has one open at a time, or two
            assert answer.rc == 0 or "Too many open files" in answer.error, answer.error
        else:
            assert "Too many open files" in answer.error
        if "cannot import falcokit.runtime" in answer.error:  # and nothing has been moved
            assert answer.error.startswith("the process has no file descriptor left (its limit is")
        host("files=")
        assert host("destroy", "unload").rc == 0
        live(host, library)
    assert not Path(cache["FALCOKIT_CACHE"]).exists()


@pytest.mark.parametrize("megabytes", [12, 20, 24, 28, 40, 44, 48, 56, 72])
def test_too_little_memory_is_an_error_and_the_host_lives(
    stage: Path, library: Path, cache: dict[str, str], megabytes: int
) -> None:
    with Stage(stage, env=cache) as host:
        short = host(f"load={library}", f"memory={megabytes}", "init")
        assert short.rc == 0 or short.error
        assert "was changed" not in short.error
        assert host("destroy", "memory=", "unload").rc == 0
        again = host(f"load={library}", "init")
        if "of the packaged plugin: " in short.error:  # so Python was not started then
            assert again.rc == 0, (short.error, again.error)
        assert again.rc == 0 or again.error
    assert not Path(cache["FALCOKIT_CACHE"]).exists()
