# SPDX-License-Identifier: Apache-2.0
"""Fields beside Python threads that want the GIL all the time.

The GIL is kept for the host between its calls (python/gil.c): each value is right, and all
others get their turns, whether the host is busy or away.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from author import plugin

if TYPE_CHECKING:
    from conftest import CompileC, WritePlugin

pytestmark = pytest.mark.alone
_KEEPS = sys.version_info < (3, 12)  # falcokit builds for the Python it runs in
_BUSY = plugin("busy_threads")


@pytest.mark.parametrize(("hosts", "busy"), [(1, 1), (1, 3), (3, 1)])
def test_values_and_turns_beside_busy_threads(
    write_plugin: WritePlugin, compile_c: CompileC, tmp_path: Path, hosts: int, busy: int
) -> None:
    program = compile_c("asker", [Path(__file__).parent / "asker.c"])
    library = write_plugin(_BUSY).library
    counter = tmp_path / "counter"
    counter.write_bytes(bytes(8))
    config = json.dumps({"counter": str(counter), "busy": busy})
    keeper = ["falcokit-keeper"] if _KEEPS else []
    done = subprocess.run(
        [program, library, config, counter, str(hosts), *keeper],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "end\n"), done.stdout + done.stderr
