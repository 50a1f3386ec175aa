# SPDX-License-Identifier: Apache-2.0
"""examples/auth-log in real hosts: a brute force in a log fires its rules."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from example_rules import rules_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from example_rules import Built

pytestmark = pytest.mark.host

HEAD = "Nov 23 19:00:01 web1 sshd[1]: "
FAILED = HEAD + "Failed password for invalid user oracle from 203.0.113.7 port 5 ssh2\n"
ACCEPTED = HEAD + "Accepted password for root from 203.0.113.7 port 5 ssh2\n"


@pytest.fixture
def params(tmp_path: Path) -> str:
    (tmp_path / "auth.log").write_text(FAILED * 6 + "noise\n" + ACCEPTED)
    return json.dumps({"path": str(tmp_path / "auth.log"), "from_start": True, "follow": False})


def test_the_fields_of_a_brute_force(
    example: Built, params: str, plughost: Callable[..., dict[str, Any]]
) -> None:
    names = ("user", "address", "method", "result", "invalid_user", "recent_failures", "host")
    fields = ",".join(f"auth.{name}" for name in names)
    cycle = plughost("--plugin", example.library, "--open", params, "--fields", fields)
    assert cycle["by_source"]["auth_log"]["count"] == 7
    shown = {name: cycle["fields"][f"auth.{name}"]["samples"] for name in names}
    assert shown["user"][0] == "oracle"
    assert shown["address"][0] == "203.0.113.7"
    assert shown["result"][0] == "failure"


@pytest.mark.parametrize(
    ("rule", "users"),
    [
        ("Brute force login (auth-log)", ["oracle"]),
        ("Login after brute force (auth-log)", ["root"]),
        ("Root login by password (auth-log)", ["root"]),
    ],
)
def test_a_rule_fires(
    example: Built, params: str, real_host: Any, rule: str, users: list[str]
) -> None:
    condition = rules_of(example.root)[rule]["condition"]
    command = [real_host.sysdig, "-H", example.library, "-I", f"auth-log:{params}"]
    done = subprocess.run(
        [*command, "-p", "%auth.user", condition], capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == users, done.stderr
