# SPDX-License-Identifier: Apache-2.0
"""Commands end with all that they started, also from another thread."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from falcokit.toolchain.command import run_captured

if TYPE_CHECKING:
    from pathlib import Path

# In a process of its own: after `end_commands` nothing runs any more.
ENDED = """
import pathlib, sys, threading, time
from falcokit.errors import BuildError
from falcokit.toolchain.command import end_commands, run

file, seen = pathlib.Path(sys.argv[1]), []

def build():
    try:
        run(["sh", "-c", f"sleep 60 & echo $! >{file}; wait"])
    except BuildError as e:
        seen.append(str(e))

thread = threading.Thread(target=build)
thread.start()
while not (file.exists() and file.read_text().strip()):
    time.sleep(0.01)
end_commands()
thread.join(10)
assert not thread.is_alive()
build()
print(seen, file.read_text().strip())
"""


def test_a_command_and_its_own_children_end_at_once_and_so_does_a_later_one(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDED, tmp_path / "pid"],
        capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip
    assert done.stdout.count("sh failed with status -9") == 2


def test_a_command_that_takes_too_long_is_ended() -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        run_captured(["sh", "-c", "sleep 60 & wait"], timeout=0.1)


def test_text_goes_in_and_comes_out() -> None:
    done = run_captured(["cat"], text="text\n")
    assert (done.stdout, done.stderr, done.returncode) == ("text\n", "", 0)
