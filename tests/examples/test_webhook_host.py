# SPDX-License-Identifier: Apache-2.0
"""examples/webhook in a real host: what is posted while it runs fires its rules."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest
from example_rules import rules_of

if TYPE_CHECKING:
    from pathlib import Path

    from example_rules import Built

pytestmark = pytest.mark.host

TOKEN = "a-token-of-some-length"
POSTED = [
    {"action": "delete", "actor": {"name": "eve", "address": "192.0.2.1"}, "target": "backups"},
    {"action": "export", "actor": {"name": "bob"}, "target": "db", "size": 2_000_000_000},
    {"action": "login", "actor": {"name": "amy"}},
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def post(port: int, body: object, deadline: float) -> int:
    while True:  # the host takes a moment to start
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        try:
            connection.request("POST", "/events", json.dumps(body), headers)
            return connection.getresponse().status
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, "nothing listens"
        finally:
            connection.close()


def hang_up(port: int, times: int, deadline: float) -> None:
    """Ask, without a token, and leave without reading the answer: its sender gets a SIGPIPE."""
    for _ in range(times):
        while True:
            try:
                client = socket.create_connection(("127.0.0.1", port), timeout=10)
                break
            except ConnectionRefusedError:
                assert time.monotonic() < deadline, "nothing listens"
        with client, contextlib.suppress(ConnectionError):
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("Something was deleted (webhook)", "eve 192.0.2.1 backups <NA>"),
        ("Large export (webhook)", "bob <NA> db 2000000000"),
    ],
)
def test_a_post_fires_a_rule_though_others_do_not_read_their_answers(
    example: Built, tmp_path: Path, real_host: Any, rule: str, expected: str
) -> None:
    (tmp_path / "token").write_text(TOKEN)
    port = free_port()
    init = json.dumps({"token_file": str(tmp_path / "token")})
    condition = rules_of(example.root)[rule]["condition"]
    shown = "*%hook.actor %hook.address %hook.target %hook.size"
    command = [real_host.sysdig, "-H", f"{example.library}:{init}", "-I"]
    command += [f"webhook:{json.dumps({'port': port})}", "--unbuffered", "-p", shown, condition]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as p:
        try:
            hang_up(port, 30, time.monotonic() + 30)
            assert post(port, POSTED, time.monotonic() + 30) == 202
            assert p.stdout is not None
            assert p.stdout.readline().rstrip() == expected
        finally:
            p.terminate()
