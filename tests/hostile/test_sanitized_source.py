# SPDX-License-Identifier: Apache-2.0
"""Event sources under AddressSanitizer: large and small events, ends of all kinds, many threads."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from author import plugin

from falcokit.build.build_project import build
from falcokit.project.settings import load_project
from falcokit.toolchain.compiler import find_compiler

if TYPE_CHECKING:
    from collections.abc import Callable

    from author import Author
    from conftest import CompileC, RealHost

_HOSTS = Path(__file__).parent.parent / "hosts"
_SOURCE = plugin("sanitized_source")


@pytest.fixture
def asan() -> str:
    path = subprocess.run(
        [find_compiler().path, "-print-file-name=libasan.so"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    if not Path(path).is_absolute():
        pytest.skip("this compiler has no AddressSanitizer")
    return path


def test_no_memory_error_in_the_life_of_event_sources(
    write_plugin: Callable[..., Author], compile_c: CompileC, asan: str, tmp_path: Path
) -> None:
    once = [
        "@init", "open=refuse", "close",
        *("@open=steps", "@set-handler", "&metrics=200", "@next=300", "next=50", "join"),
        *("@close", "clear-handler", "open=later", "next=200", "close"),
        *("open=queue", "&metrics=200", "@next=300", "join", "close", "open=steps", "close"),
        *("open=queue", "next=3", "destroy", "unload"),
    ]  # fmt: skip
    torture(write_plugin(_SOURCE), compile_c, asan, tmp_path, once)


def test_no_memory_error_while_documents_are_split(
    write_plugin: Callable[..., Author], compile_c: CompileC, asan: str, tmp_path: Path
) -> None:
    """Also of four threads at once, and when the source closes in the middle of a document."""
    once = [
        *("@init", "@open=steps", "&metrics=200", "@next=300", "join", "@close"),
        *("open=later", "next=200", "close", "open=later", "next=1", "close"),
        *("open=queue", "&metrics=200", "@next=300", "join", "close"),
        *("open=queue", "next=3", "destroy", "unload"),
    ]
    torture(write_plugin(plugin("sanitized_documents")), compile_c, asan, tmp_path, once)


def torture(
    author: Author, compile_c: CompileC, asan: str, tmp_path: Path, once: list[str]
) -> None:
    """Do it three times, and find that nothing was wrong."""
    library = build(load_project(author.root), sanitize=True).library
    program = compile_c("torture_asan", sorted(_HOSTS.glob("torture*.c")), "-fsanitize=address")
    done = subprocess.run(
        [str(program), "repeat=3", f"load={library}", *once, "end"],
        cwd=tmp_path,
        env={**os.environ, "LD_PRELOAD": asan, "ASAN_OPTIONS": "detect_leaks=0"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert "Sanitizer" not in done.stderr, done.stderr[-4000:]
    last = json.loads(done.stdout.splitlines()[-1])
    assert (last["op"], last["stray"], last["malformed"]) == ("end", 0, 0), done.stdout


_BOTH = plugin("sanitized_both")


@pytest.mark.host
def test_an_event_that_libsinsp_keeps_over_a_close_is_still_there(
    write_plugin: Callable[..., Author], real_host: RealHost, asan: str
) -> None:
    """It holds one back while async events go first, and gives it after the next open."""
    library = build(load_project(write_plugin(_BOTH).root), sanitize=True).library
    done = subprocess.run(
        [real_host.plughost, "sinsp", "--plugin", library, "--open", "", "--cycles", "8",
         "--secs", "0.1"],
        env={**os.environ, "LD_PRELOAD": asan, "ASAN_OPTIONS": "detect_leaks=0"},
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert "Sanitizer" not in done.stderr, done.stderr[-4000:]
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(json.loads(done.stdout)["cycles"]) == 8
