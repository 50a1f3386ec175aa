# SPDX-License-Identifier: Apache-2.0
"""Reading captures: the reader and `falcokit inspect` against sysdig on the same files.

Rates are megabytes of capture a second, the files are in the page cache, output goes nowhere.
sysdig is always a whole process; of falcokit that is said where it is, for Python has to start. The
command runs in a folder that is no project: beside one, a plugin's fields would be looked for. Its
modules are compiled before, as pip does where it installs a wheel: a working tree may have none.
"""

from __future__ import annotations

import compileall
import os
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from bench.capture_files import RARE_EVERY, RARE_TYPE, gzipped, plugin_like, syscall_like
from bench.table import Row
from falcokit.capture import open_capture
from falcokit.capture.events.pairing import Pairing
from falcokit.capture.native.scan import library
from falcokit.capture.native.selection import EventQuery, select
from falcokit.capture.summary.summarize import NativeTally, summarize

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["captures"]

_MB = 1e6
_SIZE = 200_000_000
_LARGE = 2_000_000_000
_LISTED = 20_000_000
#: The columns of `inspect --events`; what it lists as payload are evt.args here.
_LISTING = ["-p", "*%evt.num %evt.rawtime %evt.cpu %thread.tid %evt.dir %evt.type %evt.args"]
_RARE = f"evt.type={RARE_TYPE}"
_INFLATE_BYTES = 64 * 1024
#: Larger outputs would make zlib look slower: their memory comes anew from the kernel each time.
_OUTPUT_BYTES = 96 * 1024
_COMMAND = [str(Path(sys.executable).with_name("falcokit")), "inspect"]
_PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
sys.stdout.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
"""


def captures(runs: int) -> list[Row]:
    """Measure the walk, summaries, listings, compressed input and memory."""
    compileall.compile_dir(Path(__file__).parents[1] / "falcokit", quiet=1)
    syscalls, plugin = syscall_like(_SIZE), plugin_like(_SIZE)
    large, listed = syscall_like(_LARGE), syscall_like(_LISTED)
    rare = ["--events", "--type", RARE_TYPE]
    rare_there = [*_LISTING, _RARE]
    return [
        *_walks({"syscalls": syscalls, "plugin": plugin}, runs),
        _against(("summary of 200 MB of syscalls", ">= 3"), runs, syscalls, summarize, ["-q"]),
        _against(("the same, process", ">= 3"), runs, syscalls, _inspect(), ["-q"]),
        _against(("summary of 2 GB of syscalls, process", ">= 3"), 2, large, _inspect(), ["-q"]),
        _against(("summary of 200 MB of plugin events", ""), runs, plugin, summarize, ["-q"]),
        _against(("one event in 10 000 of 200 MB", ">= 5"), runs, syscalls, _select, rare_there),
        _against(("the same, process", ">= 5"), runs, syscalls, _inspect(*rare), rare_there),
        _against(
            ("the same as a filter, process", ">= 5"), runs, syscalls, _inspect(_RARE), rare_there
        ),
        _against(
            ("listing of 20 MB, process", ">= 1"), runs, listed, _inspect("--events"), _LISTING
        ),
        Row("start of the command", "ms", [_start() for _ in range(runs)], goal=""),
        _inflating(gzipped(syscalls), runs),
        *_memory({"200 MB": syscalls, "2 GB": large, "200 MB, gzip": gzipped(syscalls)}),
    ]


def _walks(files: dict[str, Path], runs: int) -> list[Row]:
    """Measure the C walk alone, over a file in memory, then with reading as `summarize` does."""
    loaded = library()
    if loaded is None:
        raise SystemExit("there is no C walk: is a compiler installed?")
    rows = []
    for name, path in files.items():
        content = path.read_bytes()
        rates = []
        for _ in range(runs):
            with open_capture(path) as capture:
                tally = NativeTally(loaded, Pairing())
                begin = time.perf_counter()
                tally(capture, content, capture.inflated_size, 0)
                rates.append(len(content) / (time.perf_counter() - begin) / 1e9)
        rows.append(Row(f"walk in C with all counts, {name}", "GB/s", rates, goal=">= 1"))
        summarize(path)
        rates = [len(content) / _seconds(lambda p=path: summarize(p)) / 1e9 for _ in range(runs)]
        rows.append(Row(f"summarize(), {name}", "GB/s", rates, goal=">= 1"))
    return rows


def _against(
    figure: tuple[str, str],
    runs: int,
    path: Path,
    ours: Callable[[Path], object],
    theirs: list[str],
) -> Row:
    """Compare `ours` with sysdig and its options, as rates; `figure` is the name and the goal."""
    default = Path.home() / ".cache" / "falcokit-host"
    sysdig = Path(os.environ.get("FALCOKIT_HOST_DIR") or default) / "sysdig"
    if not sysdig.exists():
        raise SystemExit(f"there is no sysdig in {sysdig.parent}: run tests/hosts/get-host.sh")
    name, goal = figure
    row = Row(name, "MB/s", [], goal=goal)
    size = path.stat().st_size / _MB
    for _ in range(runs):
        row.baseline.append(size / _seconds(lambda: _run([str(sysdig), "-r", str(path), *theirs])))
        row.ours.append(size / _seconds(lambda: ours(path)))
    return row


def _start() -> float:
    """Time the summary of a capture of a few events, which is little but the start."""
    small = syscall_like(RARE_EVERY)
    return _seconds(lambda: _run([*_COMMAND, str(small)])) * 1e3


def _inspect(*options: str) -> Callable[[Path], None]:
    return lambda path: _run([*_COMMAND, str(path), *options])


def _select(path: Path) -> None:
    with open_capture(path) as capture:
        found = sum(1 for _ in select(capture, EventQuery(names=frozenset({RARE_TYPE}))))
    if found != capture.event_count // RARE_EVERY:
        raise SystemExit(f"{found} rare events were found in {capture.event_count}")


def _inflating(path: Path, runs: int) -> Row:
    """Compare a summary of gzip input with zlib alone, as rates of stored bytes."""
    row = Row("summarize() of gzip input, to inflate alone", "MB/s", [], goal="about 1")
    size = path.stat().st_size / _MB
    for _ in range(runs):
        row.baseline.append(size / _seconds(lambda: _inflate(path)))
        row.ours.append(size / _seconds(lambda: summarize(path)))
    return row


def _inflate(path: Path) -> None:
    inflater = zlib.decompressobj(31)
    with path.open("rb") as file:
        while piece := file.read(_INFLATE_BYTES):
            while piece:
                inflater.decompress(piece, _OUTPUT_BYTES)
                piece = inflater.unconsumed_tail


def _memory(files: dict[str, Path]) -> list[Row]:
    """Measure the peak memory of whole `inspect` processes, from a small process of their own."""
    rows = []
    for name, path in files.items():
        command = [sys.executable, "-c", _PEAK, *_COMMAND, str(path)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        rows.append(Row(f"peak memory, {name}", "MB", [int(done.stdout) / 1024], goal="<= 100"))
    return rows


def _run(command: list[str]) -> None:
    subprocess.run(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=tempfile.gettempdir(),
        check=True,
    )


def _seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin
