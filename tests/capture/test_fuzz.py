# SPDX-License-Identifier: Apache-2.0
"""Three thousand damaged captures, read the same with and without C; some under sanitizers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fuzz_harness import fuzz

from falcokit.capture.native.scan import library, sources
from falcokit.toolchain.command import run
from falcokit.toolchain.compiler import find_compiler

if TYPE_CHECKING:
    from capture.conftest import Sanitized

HARNESS = Path(__file__).with_name("fuzz_harness.py")
#: Half as many again as those in which the harness finds every mistake below.
RUNS = 3000
PARTS = 2


@pytest.mark.parametrize("part", range(PARTS))
def test_damaged_captures_are_read_the_same_both_ways(part: int) -> None:
    assert library() is not None
    fuzz(seed=20_261_123, first=part * RUNS // PARTS, runs=RUNS // PARTS)


def build(target: Path, change: tuple[str, str]) -> Path:
    """Compile the C code with one change, which a harness is to find."""
    folder = target.parent / target.stem
    folder.mkdir()
    changed = 0
    for source in sources():
        text = source.read_text()
        changed += text.count(change[0])
        (folder / source.name).write_text(text.replace(*change))
    assert changed == 1
    shape = ["-std=c11", "-O0", "-fPIC", "-shared"]  # to optimize it takes longer than to run it
    files = [str(file) for file in folder.glob("*.c")]
    run([find_compiler().path, *shape, "-o", str(target), *files])
    return target


def harness(library_path: Path, runs: int, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(HARNESS), "--runs", str(runs), "--library", str(library_path)]
    return subprocess.run(
        command,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


@pytest.mark.parametrize(
    "change",
    [
        ("e->ts != 0 && ", ""),
        ("if (length < header || length > size - lead) return false;", ""),
        ("s->leading = leading;", ""),
        ("if ((mark & 0xffff) == code->enter) return;", ""),
        ("stream->last_size = p->size;", ""),
    ],
    ids=["zero-time", "length", "leading", "pairing", "last-size"],
)
def test_the_harness_finds_a_mistake_in_c(tmp_path: Path, change: tuple[str, str]) -> None:
    done = harness(build(tmp_path / "wrong.so", change), 2000)
    assert done.returncode != 0
    assert done.returncode < 0 or "seed 1, run " in done.stderr, done.stderr


def test_the_c_code_makes_no_memory_error_on_damaged_captures(sanitized: Sanitized) -> None:
    done = harness(sanitized.library, 100, **sanitized.env)
    assert (done.returncode, done.stderr) == (0, "")
    assert "read the same both ways" in done.stdout
