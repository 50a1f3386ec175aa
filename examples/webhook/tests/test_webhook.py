# SPDX-License-Identifier: Apache-2.0
"""The plugin without a host: what is posted comes out as events with fields."""

import http.client
import json
from pathlib import Path
from typing import Any

import pytest
from webhook import Webhook

from falcokit import PluginError
from falcokit.testing import start_plugin

TOKEN = "a-token-of-some-length"


@pytest.fixture
def config(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "token").write_text(TOKEN + "\n")
    return {"token_file": str(tmp_path / "token")}


def post(port: int, body: object) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    try:
        connection.request("POST", "/events", json.dumps(body), headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_what_is_posted_has_fields(config: dict[str, Any]) -> None:
    posted = {
        "action": "delete",
        "actor": {"name": "eve", "address": "2001:db8::7"},
        "target": "backups",
        "size": 12,
    }
    with start_plugin(Webhook, config=config) as running, running.open({"port": 0}) as source:
        source.next_batch()  # Falco has asked
        assert post(source.instance.port, [posted, {"action": 7}]) == 202
        full, odd = source.events(2)
        names = ("action", "actor", "address", "target", "size")
        assert [running.extract(f"hook.{name}", full) for name in names] == [
            *("delete", "eve", "2001:db8::7", "backups", 12),
        ]
        assert [running.extract(f"hook.{name}", odd) for name in names[1:]] == [None] * 4


def test_what_falco_does_not_take_is_refused_and_nothing_is_lost_unseen(
    config: dict[str, Any],
) -> None:
    with start_plugin(Webhook, config=config) as running, running.open({"port": 0}) as source:
        assert post(source.instance.port, [1, 2]) == 503
        source.next_batch()
        assert post(source.instance.port, [1, 2]) == 202
        assert [event.data for event in source.events(2)] == [b"1", b"2"]


def test_the_server_is_gone_when_the_source_is_closed(config: dict[str, Any]) -> None:
    with start_plugin(Webhook, config=config) as running:
        source = running.open({"port": 0})
        source.close()
        with pytest.raises(ConnectionRefusedError):
            post(source.instance.port, {})


def test_a_short_token_is_refused(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("short")
    with (
        start_plugin(Webhook, config={"token_file": str(tmp_path / "token")}) as running,
        pytest.raises(PluginError, match="a token of less than 16 bytes"),
    ):
        running.open({"port": 0})
