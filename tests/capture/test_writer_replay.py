# SPDX-License-Identifier: Apache-2.0
"""Written captures replayed by a real host, beside the originals."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from scap_builder import T0
from written import FDS, MACHINE, NAMES, SAMPLES, USERS, rewrite, rows

from falcokit.capture.lists.processes import Process
from falcokit.capture.writer import CaptureWriter

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.host

SHOWN = (
    "*%evt.num %evt.rawtime %evt.cpu %evt.type %evt.args | %fd.type %fd.name"
    " | %proc.name %proc.cmdline %proc.cwd %proc.pname %user.name"
)


def replay(host: Any, path: Path, *, form: str = SHOWN, plugin: bool = False) -> list[str]:
    command = [str(host.sysdig), *(["-H", str(host.baseline)] if plugin else [])]
    command += ["-r", str(path), "-p", form]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return [line for line in done.stdout.splitlines() if line.strip()]


@pytest.mark.parametrize("decoded", [False, True], ids=["as stored", "through records"])
@pytest.mark.parametrize("name", NAMES[:3])  # a replay shows no event of the fourth
def test_a_real_host_replays_a_written_capture_as_the_original(
    real_host: Any, tmp_path: Path, name: str, decoded: bool
) -> None:
    source, target = SAMPLES / f"{name}.scap", tmp_path / "again.scap"
    rewrite(source, target, decoded=decoded)
    expected = replay(real_host, source)
    assert len(expected) > 30
    assert replay(real_host, target) == expected


@pytest.mark.parametrize("decoded", [False, True], ids=["as stored", "through records"])
def test_a_recording_of_a_plugin_written_again_replays_the_same(
    real_host: Any, tmp_path: Path, decoded: bool
) -> None:
    source, target = tmp_path / "live.scap", tmp_path / "again.scap.gz"
    config = '{"async":50,"async_delay_us":200}'
    command = [str(real_host.sysdig), "-H", f"{real_host.baseline}:{config}"]
    command += ["-I", "baseline:300,1,32,500", "-w", str(source)]
    subprocess.run(command, capture_output=True, timeout=60, check=True)
    rewrite(source, target, decoded=decoded)
    assert rows(target) == rows(source)
    form = "*%evt.num %evt.rawtime %evt.type %evt.plugininfo %evt.args"
    expected = replay(real_host, source, form=form, plugin=True)
    assert len(expected) > 300
    assert replay(real_host, target, form=form, plugin=True) == expected


def test_a_real_host_knows_what_the_lists_told(real_host: Any, tmp_path: Path) -> None:
    path = tmp_path / "made.scap"
    with CaptureWriter(path) as writer:
        writer.machine(MACHINE)
        writer.users(USERS[:1])
        writer.processes([Process(tid=11, pid=11, comm="cat", exe="cat", args=("-n",), uid=7)])
        writer.descriptors(11, FDS)
        for descriptor in FDS:
            fd = descriptor.fd.to_bytes(8, "little")
            # read, exit: res, data, fd, size
            params = ((3).to_bytes(8, "little"), b"abc", fd, (3).to_bytes(4, "little"))
            writer.event(7, params, ts_ns=T0, tid=11)
    form = "%proc.name %proc.args %user.name %fd.num %fd.type %fd.name"
    shown = replay(real_host, path, form=form)
    assert shown == [f"cat -n ann {d.fd} {d.kind} {d.name}" for d in FDS if d.kind != "unknown"]
