# SPDX-License-Identifier: Apache-2.0
"""The plugin without a host: what it makes of a log, and its fields."""

import json
from pathlib import Path

from auth_log import AuthLog
from failures import RecentFailures

from falcokit.testing import start_plugin

FAILED = "Nov 23 19:00:01 web1 sshd[1]: Failed password for root from 203.0.113.7 port 5 ssh2\n"
ACCEPTED = "Nov 23 19:00:01 web1 sshd[1]: Accepted password for root from 203.0.113.7 port 5 ssh2\n"


def test_failures_are_counted_by_address_and_forgotten_in_time() -> None:
    now = 0.0
    failures = RecentFailures(10.0, lambda: now)
    assert [failures.count("a", failed=True) for _ in range(3)] == [1, 2, 3]
    assert failures.count("b", failed=False) == 0
    now = 10.0
    assert failures.count("a", failed=False) == 0


def test_a_log_becomes_events_with_fields(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.write_text(FAILED * 2 + "Nov 23 19:00:01 web1 cron[1]: session opened\n" + ACCEPTED)
    params = {"path": str(log), "from_start": True, "follow": False}
    with start_plugin(AuthLog) as running, running.open(params) as source:
        events = source.events()
        names = ("user", "address", "method", "result", "invalid_user", "recent_failures", "host")
        rows = [tuple(running.extract(f"auth.{name}", e) for name in names) for e in events]
        metrics = running.metrics()
    assert (metrics["tail_lines"], metrics["logins"]) == (4, 3)
    address = "203.0.113.7"
    assert rows == [
        ("root", address, "password", "failure", False, 1, "web1"),
        ("root", address, "password", "failure", False, 2, "web1"),
        ("root", address, "password", "success", False, 2, "web1"),
    ]


def test_a_rotation_while_it_follows_loses_nothing(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.write_text("")
    with start_plugin(AuthLog) as running, running.open({"path": str(log)}) as source:
        with log.open("a") as file:
            file.write(FAILED)
        (first,) = source.events(1)
        log.rename(tmp_path / "auth.log.1")
        with (tmp_path / "auth.log.1").open("a") as file:
            file.write(FAILED)
        log.write_text(ACCEPTED)
        second, third = source.events(2)
    assert [e.json["result"] for e in (first, second, third)] == ["failure", "failure", "success"]
    assert json.loads(third.data)["recent_failures"] == 2
