# SPDX-License-Identifier: Apache-2.0
"""What packaging costs: the command's time, the artifact's size, and the host that loads it.

The same plugin is loaded as the development build, as one file and in the dir layout; the C
baseline beside them shows the host without Python. Memory is read while a capture runs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.host import Host, plugin
from bench.table import Row
from falcokit.build.build_project import build
from falcokit.project.settings import load_project

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["packaging"]

_PROJECT = """\
[project]
name = "{name}"
dependencies = [{dependencies}]
[tool.falcokit]
plugin = "{name}:Beats"
"""
_CODE = """\
{imports}
from falcokit import AsyncEvents, Plugin, async_event


class Beats(Plugin, AsyncEvents):
    name, version, description, contact = "{name}", "0.1.0", "Beats.", "me@example.com"

    @async_event("beat", every=0.01)
    def beat(self):
        return {data}
"""
_SCIENCE = ("numpy", "orjson", "cryptography")
_USE = "Fernet(b'A' * 43 + b'=').encrypt(orjson.dumps(float(numpy.arange(9).sum())))"
_MB = 1e6
_SECONDS = "1"
_LOOK_EVERY = 0.05


@dataclass(frozen=True)
class _Seen:
    """One run of the host with a plugin."""

    init_ms: float
    rss_mb: float
    memfd_mb: float
    """Memory of open memfds that is resident in no process: nobody has it mapped."""


def packaging(host: Host, folder: Path, runs: int) -> list[Row]:
    """Package a plugin without dependencies and one with heavy ones, and load both."""
    trivial = _project(folder / "beats", "beats", data='b"0"')
    imports = "import numpy\nimport orjson\nfrom cryptography.fernet import Fernet\n"
    heavy = _project(folder / "science", "science", _SCIENCE, imports, _USE)
    return [
        *_times(trivial, runs),
        *_sizes(trivial, folder, "no dependencies", goal="<= 8"),
        *_loading(host, trivial, folder, runs),
        *_sizes(heavy, folder, "numpy, orjson, cryptography"),
        *_heavy_loading(host, folder, runs),
    ]


def _project(
    root: Path, name: str, dependencies: tuple[str, ...] = (), imports: str = "", data: str = ""
) -> Path:
    (root / "src").mkdir(parents=True)
    wanted = ", ".join(f'"{d}"' for d in dependencies)
    (root / "pyproject.toml").write_text(_PROJECT.format(name=name, dependencies=wanted))
    code = _CODE.format(name=name, imports=imports, data=data)
    (root / "src" / f"{name}.py").write_text(code)
    return root


def _package(root: Path, *options: str, env: Mapping[str, str] | None = None) -> tuple[dict, float]:
    """Run the command, and give what it tells and how long it took from outside, in seconds."""
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "falcokit", "package", "-C", str(root), "--json", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **(env or {})},
        check=False,
    )
    document = json.loads(done.stdout)
    if "error" in document:
        raise SystemExit(f"falcokit package: {document['error']['message']}")
    return document, time.perf_counter() - begin


def _times(root: Path, runs: int) -> list[Row]:
    cold, warm = [], []
    for _ in range(runs):
        for lock in root.glob("locks/*"):
            lock.unlink()
        with tempfile.TemporaryDirectory() as cache:
            env = {"XDG_CACHE_HOME": cache, "PIP_CACHE_DIR": str(Path.home() / ".cache" / "pip")}
            cold.append(_package(root, env=env)[1])
            warm.append(_package(root, env=env)[1])
    return [
        Row("falcokit package, verified, nothing cached", "s", cold, goal="<= 20"),
        Row("falcokit package, verified, again", "s", warm, goal="<= 5"),
    ]


def _sizes(root: Path, folder: Path, what: str, goal: str = "") -> list[Row]:
    """Package both layouts, unpack them beside each other, and tell how large the one file is."""
    rows = []
    for layout in ("file", "dir"):
        document, _ = _package(root, "--layout", layout, "--no-verify")
        with tarfile.open(document["artifact"]) as tar:
            tar.extractall(folder / f"{root.name}-{layout}", filter="data")
        if layout == "file":
            rows = [
                Row(f"artifact, {what}", "MB", [document["bytes"] / _MB], goal=goal),
                Row("  unpacked", "MB", [document["unpacked_bytes"] / _MB]),
            ]
    return rows


def _loading(host: Host, root: Path, folder: Path, runs: int) -> list[Row]:
    libraries = {
        "development build": build(load_project(root)).library,
        "one file": folder / "beats-file" / "libbeats.so",
        "dir layout": folder / "beats-dir" / "libbeats.so",
    }
    goals = {"one file": ("<= 40", "<= 20"), "dir layout": ("<= 40", "<= 10")}
    return _rows(host, libraries, goals, runs, "")


def _heavy_loading(host: Host, folder: Path, runs: int) -> list[Row]:
    libraries = {
        "one file": folder / "science-file" / "libscience.so",
        "dir layout": folder / "science-dir" / "libscience.so",
    }
    return _rows(host, libraries, {}, runs, ", numpy and the others")


def _rows(
    host: Host,
    libraries: Mapping[str, Path],
    goals: Mapping[str, tuple[str, str]],
    runs: int,
    suffix: str,
) -> list[Row]:
    seen: dict[str, list[tuple[_Seen, float]]] = {kind: [] for kind in libraries}
    for _ in range(runs):
        without = _look(host, plugin(host.baseline_async, {"async": 10})).rss_mb
        for kind, library in libraries.items():
            found = _look(host, plugin(library))
            seen[kind].append((found, found.rss_mb - without))
    rows = []
    for kind, values in seen.items():
        init, memory = goals.get(kind, ("", ""))
        what = f"{kind}{suffix}"
        rows += [
            Row(f"plugin_init, {what}", "ms", [s.init_ms for s, _ in values], goal=init),
            Row(f"RSS added to the host, {what}", "MB", [rss for _, rss in values], goal=memory),
        ]
        if kind == "one file":
            rows.append(Row("  and in memfds, mapped by nobody", "MB",
                            [s.memfd_mb for s, _ in values]))  # fmt: skip
    return rows


def _look(host: Host, options: list[str]) -> _Seen:
    """Run a capture and look at its process meanwhile; the fullest look counts."""
    command = [str(host.plughost), "sinsp", *options, "--pump", "1000", "--secs", _SECONDS, "--log"]
    looks = []
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        while process.poll() is None:
            looks.append(_memory(process.pid))
            time.sleep(_LOOK_EVERY)
        assert process.stdout is not None
        report = json.loads(process.stdout.read())
    if "error" in report:
        raise SystemExit(f"plughost: {report['error']}")
    rss, memfd = max(looks)
    return _Seen(report["plugins"][0]["init_ms"], rss / _MB, memfd / _MB)


def _memory(pid: int) -> tuple[int, int]:
    """Give the bytes that are resident, and those in memfds that are not mapped."""
    status: dict[str, int] = {}
    memfds: dict[int, int] = {}
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            key, _, value = line.partition(":")
            if value.endswith(" kB"):
                status[key] = int(value.removesuffix(" kB")) * 1024
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            if os.readlink(entry).startswith("/memfd:"):  # noqa: PTH115  it leads nowhere
                facts = entry.stat()
                memfds[facts.st_ino] = facts.st_blocks * 512
    except OSError:  # it ended, or closed the file
        pass
    unmapped = max(sum(memfds.values()) - status.get("RssShmem", 0), 0)
    return status.get("VmRSS", 0), unmapped
