# SPDX-License-Identifier: Apache-2.0
"""The numbers of delivery against what libsinsp saw, in each way that events take to it.

One plugin for all, and a neighbour that floods the same queue with events that look the same. In
each scenario the handler's counters, which the plugin logs in `destroy`, must be those of the host:
what it handed on, what it dropped, and what its queue still held when the last capture closed.
"""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from author import Author, plugin

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import RealHost

_AUTHOR = plugin("delivery_scenarios")


class _Scenario(NamedTuple):
    config: str
    made: int | None = None  # emissions that returned; None: as many as there are
    host: str = "--pump 100"  # 0 has the host ask without a pause, which takes a processor
    neighbour: str = ""
    lossless: bool = True
    left: bool = False  # something is left when the capture closes
    failed: dict[str, int] = {}  # noqa: RUF012  # never changed


_SCENARIOS = {
    "a producer": _Scenario("some", 500, "--pump 0"),
    "eight producers": _Scenario("some 8", 4000),
    "batches of four producers": _Scenario("many 4", 8000, "--pump 0"),
    "a batch with a bad one": _Scenario("many_and_a_bad_one", 201, failed={"too_large": 3}),
    "a slow host": _Scenario("some 4", 2000, "--pump 300"),
    "nodriver": _Scenario("some 8", 4000, "--nodriver"),
    "a host that is late": _Scenario("some 8", 4000, "--pump 0 --pause-ms 700"),
    "a busy source": _Scenario("some 4", 2000, "--open 1000000000,64"),
    "direct": _Scenario("direct", 1000, "--nodriver"),
    "direct, more than there is room for": _Scenario(
        "direct_endless 2", host="--pump 0 --pause-ms 100", lossless=False, left=True
    ),
    "a neighbour that floods with the same": _Scenario(
        "endless 2", None, "--pump 0", "direct_endless 2", lossless=False
    ),
    "a neighbour that is as lossless": _Scenario("some 4", 2000, "--pump 0", "some 4"),
    "captures that close and open": _Scenario(
        "endless 2", host="--nodriver --cycles 4", left=True
    ),
    "a stop while the ring is full": _Scenario("large_endless 4", host="--pump 2000", left=True),
    "times in the past": _Scenario("past", 1000, "--nodriver"),
    "times in the future": _Scenario("future", 2000, "--nodriver"),
    "times that never come": _Scenario(
        "too_far", 51, left=True, failed={"future_timestamp": 50}
    ),
    "the ring, direct and times": _Scenario("mixed 4", 4000, "--nodriver"),
    "every size": _Scenario("sizes", 24, failed={"too_large": 3}),
    "names and data that are refused": _Scenario(
        "wrong", 50, failed={"undeclared_name": 100, "invalid_data": 50}
    ),
    "from parse_event": _Scenario("then_echo", 600),
    "from a field": _Scenario("from_field", 300, "--pump 100 --fields p.emits"),
    "from metrics": _Scenario("from_metrics", 3, "--nodriver --cycles 3 --metrics", left=True),
    "from a routine": _Scenario("from_routine", 300),
    "beside a dump": _Scenario("from_dump", 1, "--pump 100 --write /dev/null"),
}  # fmt: skip


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {
        name: Author(tmp_path_factory.mktemp(name), _AUTHOR, name).library
        for name in ("counted", "neighbour")
    }


def _told(report: dict[str, Any], name: str) -> dict[str, Any]:
    (line,) = [text for text in report["log"] if text.startswith(f"{name}: told ")]
    told: dict[str, Any] = json.loads(line.partition("told ")[2])
    return told


@pytest.mark.host
@pytest.mark.parametrize("case", _SCENARIOS)
def test_each_number_is_what_the_host_saw(
    real_host: RealHost, libraries: dict[str, Path], case: str
) -> None:
    scenario = _SCENARIOS[case]
    plugins = [("counted", scenario.config)]
    plugins += [("neighbour", scenario.neighbour)] if scenario.neighbour else []
    options: list[Any] = []
    if "--open" in scenario.host:
        options += ["--plugin", real_host.baseline, "--init", '{"async":0}']
    for name, config in plugins:
        options += ["--plugin", libraries[name], "--init", config]
    endless = scenario.left or not scenario.lossless
    options += ["--secs", 0.15, *([] if endless else ["--drain-ms", 400])]
    done = subprocess.run(
        [str(x) for x in (real_host.plughost, "sinsp", "--log", *scenario.host.split(), *options)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    report: dict[str, Any] = json.loads(done.stdout)
    assert "error" not in report, report
    told = [_told(report, name) for name, _ in plugins]
    for numbers in told:
        assert numbers["unconfirmed"] == 0
        assert numbers["emitted"] == numbers["made"]
        assert numbers["emitted"] == numbers["sent"] + numbers["discarded"]
        assert numbers["sent"] == sum(numbers[k] for k in ("delivered", "lost", "undelivered"))
        assert numbers["refused"] == numbers["failed"]
        assert min(v for v in numbers.values() if isinstance(v, int)) >= 0
    shown = sum(
        kind["count"]
        for cycle in report["cycles"]
        for name, kind in cycle.get("async", {}).items()
        if name in {"a", "echo"}
    )
    dropped = report["log"].get("async event queue is full", 0)
    assert sum(n["delivered"] for n in told) == shown
    # What is neither: in the host's queue at the end, which has 4096 places.
    missing = sum(n["sent"] for n in told) - shown - dropped
    assert 0 <= missing <= 4096
    counted = told[0]
    if scenario.lossless:
        assert dropped == counted["lost"] == 0
        assert missing == sum(n["undelivered"] for n in told)
    if scenario.lossless and not scenario.left:
        assert counted["delivered"] == counted["emitted"]
    if scenario.made is not None:
        assert counted["emitted"] == scenario.made
    assert {k: v for k, v in counted["failed"].items() if k != "capture_closed"} == scenario.failed
