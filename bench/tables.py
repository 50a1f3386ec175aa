# SPDX-License-Identifier: Apache-2.0
"""What another plugin pays for a table that falcokit exports.

Per event one entry is looked up, a number of it read and written, and the entry released, through
libsinsp. Baseline: a C plugin's table, an array without locks (tests/hosts/table_export.c).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import falcokit.native
from bench.host import build_plugin, plugin
from bench.table import Row
from falcokit.toolchain.command import run
from falcokit.toolchain.compiler import find_compiler

if TYPE_CHECKING:
    from bench.host import Host

__all__ = ["exported"]

_HOSTS = Path(__file__).parent.parent / "tests" / "hosts"
_TIMES = 3_000_000


def _compile(folder: Path) -> Path:
    target = folder / "libtable_c.so"
    sources = [str(_HOSTS / name) for name in ("table_plugin.c", "table_export.c")]
    include = f"-I{Path(falcokit.native.__file__).parent}"
    flags = ["-std=gnu11", "-O2", "-fPIC", "-shared", include]
    run([find_compiler().path, *flags, "-o", str(target), *sources])
    return target


def exported(host: Host, folder: Path, runs: int) -> list[Row]:
    """Use both tables from the same C plugin, in turns, and beside a busy Python thread."""
    user, owner, out = _compile(folder), build_plugin("owner", folder).library, folder / "out"
    use = f"b:{_TIMES}"
    commands = (
        f"{out} E T:ctable:8 f:value:8 c +:1 . T:ftable:8 f:count:8 {use}:count"
        f" T:ctable:8 {use}:value"
    )
    rows = []
    for busy in (False, True):
        rates: dict[str, list[float]] = {"count": [], "value": []}
        for _ in range(runs):
            mine = plugin(owner, {"busy": busy})
            user_options = ["--plugin", str(user), "--init", commands]
            host.run("sinsp", *mine, *user_options, "--pump", "100", "--secs", "1")
            for line in out.read_text().splitlines():
                if line.startswith("b:"):
                    command, _, ns = line.partition(" ")
                    rates[command.rpartition(":")[2]].append(1e9 / float(ns))
        name = "exported table, read and write" + (", busy Python thread" if busy else "")
        rows.append(Row(name, "events/s", rates["count"], rates["value"]))
    return rows
