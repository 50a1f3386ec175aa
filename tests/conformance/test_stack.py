# SPDX-License-Identifier: Apache-2.0
"""Deep recursion is an error with a line, on small stacks and with a raised limit too."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from author import plugin

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import RealHost, WritePlugin

pytestmark = pytest.mark.host

PLUGIN = plugin("deep_recursion")


def _run(host: RealHost, library: Path, kib: int, fields: str, *options: Any) -> dict[str, Any]:
    done = subprocess.run(
        ["sh", "-c", 'ulimit -s "$1" && shift && exec "$@"', "sh", str(kib), host.plughost,
         "sinsp", "--plugin", library, *map(str, options), "--open", "", "--secs", "20", "--log",
         "--fields", fields],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.returncode, done.stderr[-2000:])
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["cycles"][0]["end"] == "eof"
    return report


@pytest.mark.parametrize("kib", [192, 8192])
def test_recursion_is_an_error_on_every_thread_whatever_the_stack(
    write_plugin: WritePlugin, real_host: RealHost, kib: int
) -> None:
    """B12"""
    author = write_plugin(PLUGIN)
    report = _run(real_host, author.library, kib, "deep.compared,deep.attribute,deep.none")
    log = "\n".join(report["log"])
    assert "told init init loop loop producer producer source source task task" in log
    present = {name: f["present"] for name, f in report["cycles"][0]["fields"].items()}
    assert present == {"deep.compared": 0, "deep.attribute": 0, "deep.none": 1}
    for name in ("compared", "attribute"):
        assert f"field deep.{name}: RecursionError" in log, log


def test_json_has_a_limit_of_its_own(write_plugin: WritePlugin, real_host: RealHost) -> None:
    """B12, A5"""
    author = write_plugin(PLUGIN)
    report = _run(real_host, author.library, 8192, "deep.none", "--init", '{"limit":1000000}')
    log = "\n".join(report["log"])
    what = "emit: the data of an async event is bytes, str or what JSON can hold"
    assert f"{what}: it is nested too deeply" in log
    assert "json: JSON is nested too deeply" in log
