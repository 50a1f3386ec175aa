# SPDX-License-Identifier: Apache-2.0
"""Opens and closes captures in libsinsp, several at once, with every kind of producer running.

    python tests/hostile/soak.py [OPENS]      2000 by default, in a few minutes; prints the figures

2000 opens took 125 s on two cores: 13 descriptors and 49 threads from the first third to the
last, and 45.2, 48.3 and 52.7 MB; the host's own records of 2000 opens of a C plugin take 20 MB.

The host's signals are at their defaults.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["INSPECTORS", "PLUGIN", "Soaked", "soak"]

INSPECTORS = 4

PLUGIN = Path(__file__).parent.parent / "plugins" / "soak.py"


@dataclass
class Soaked:
    """What a run left: the exit status, plughost's report, and samples of its process over time."""

    status: int
    report: dict[str, Any]
    seconds: float
    rss_kb: list[int] = field(default_factory=list)
    fds: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)

    @property
    def cycles(self) -> list[dict[str, Any]]:
        """Each open and close."""
        return [c for inspector in self.report["inspectors"] for c in inspector["cycles"]]

    def growth(self, samples: list[int]) -> int:
        """How much more the last third has than the middle one: medians, past the start."""
        third = len(samples) // 3
        middle, last = samples[third : 2 * third], samples[-third:]
        return sorted(last)[third // 2] - sorted(middle)[third // 2] if third else 0


def _sample(pid: int, soaked: Soaked) -> None:
    try:
        told = dict(
            line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        )
        fds = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    except (OSError, ValueError):
        return  # it has just ended
    if "VmRSS" in told:
        soaked.rss_kb.append(int(told["VmRSS"].split()[0]))
        soaked.threads.append(int(told["Threads"]))
        soaked.fds.append(fds)


def soak(plughost: Path, library: Path, opens: int, *, timeout: float) -> Soaked:
    """Open and close so many captures, over INSPECTORS inspectors at once."""
    command = [plughost, "sinsp", "--plugin", library, "--pump", 0, "--secs", 0.05, "--log",
               "--inspectors", INSPECTORS, "--cycles", opens // INSPECTORS]  # fmt: skip
    soaked, begin = Soaked(0, {}, 0.0), time.monotonic()
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(list(map(str, command)), stdout=out, stderr=subprocess.DEVNULL)
        try:
            while process.poll() is None:
                _sample(process.pid, soaked)
                time.sleep(0.05)
                if time.monotonic() - begin > timeout:
                    raise TimeoutError(f"not done after {timeout:g} s")
        finally:
            process.kill()
            soaked.status = process.wait()
        soaked.seconds = time.monotonic() - begin
        out.seek(0)
        soaked.report = json.loads(out.read() or "{}")
    return soaked


def _main() -> None:
    sys.path.insert(0, str(Path(__file__).parent.parent / "conformance"))
    from author import Author

    opens = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    default = Path.home() / ".cache" / "falcokit-host"
    host = Path(os.environ.get("FALCOKIT_HOST_DIR") or default) / "plughost"
    with tempfile.TemporaryDirectory() as folder:
        library = Author(Path(folder), PLUGIN, "soak").library
        done = soak(host, library, opens, timeout=3600)
    if done.status:
        sys.exit(f"the host died: {done.status}")
    events = sum(c["events"]["count"] for c in done.cycles)
    show = [f"{len(done.cycles)} opens in {done.seconds:.0f} s, {events} events, status 0"]
    for name in ("rss_kb", "fds", "threads"):
        samples = getattr(done, name)
        third = len(samples) // 3
        parts = [samples[:third], samples[third : 2 * third], samples[-third:]]
        medians = [sorted(part)[third // 2] for part in parts]
        show.append(f"{name}: medians of three thirds {medians}, at most {max(samples)}")
    show.append(f"at the end: {done.report['after_all']}")
    show += [f"log: {line} ({count})" for line, count in _logs(done).items()]
    sys.stdout.write("\n".join(show) + "\n")


def _logs(done: Soaked) -> dict[str, int]:
    logs: dict[str, int] = {}
    for inspector in done.report["inspectors"]:
        logs |= inspector.get("log", {})
    return logs


if __name__ == "__main__":
    _main()
