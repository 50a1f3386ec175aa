# SPDX-License-Identifier: Apache-2.0
"""A packaged plugin that writes to what nobody reads, in real hosts with default signals."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
from author import plugin

if TYPE_CHECKING:
    from conftest import Packaged, PackagePlugin, RealHost

_PLUGIN = plugin("package_signals")
_TOLD = "BrokenPipeError BrokenPipeError"


@pytest.fixture(scope="module")
def writer(package_plugin: PackagePlugin) -> Packaged:
    return package_plugin(_PLUGIN, "writer")


@pytest.mark.host
@pytest.mark.once
def test_a_closed_pipe_is_an_error_in_libsinsp(writer: Packaged, real_host: RealHost) -> None:
    done = subprocess.run(
        [real_host.plughost, "sinsp", "--plugin", writer.library, "--pump", "200", "--events", "3",
         "--secs", "20", "--print", "3", "--format", "*%evt.arg.data"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.returncode, done.stderr)
    assert json.loads(done.stdout)["cycles"][0]["async"]["tick"]["count"] == 3
    assert done.stderr.count(_TOLD) == 3


@pytest.mark.host
@pytest.mark.once
def test_a_closed_pipe_is_an_error_in_sysdig(writer: Packaged, real_host: RealHost) -> None:
    silent = f'{real_host.baseline}:{{"async":0}}'
    done = subprocess.run(
        [real_host.sysdig, "-H", silent, "-H", writer.library, "-I", "baseline:1,1,8,20000",
         "-n", "3", "-p", "%evt.arg.data", "evt.is_async=true"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.returncode, done.stderr)
    assert done.stdout.splitlines() == [_TOLD] * 3
