# SPDX-License-Identifier: Apache-2.0
"""The plugins of docs/recipes.md, each in thirty lines at the most, and what they survive."""

from __future__ import annotations

import json
import re
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from stand_in import Answer, Asked, serving
from taking import until

from falcokit import Plugin, make_event, sources
from falcokit.build.check_plugin import check_plugin
from falcokit.testing import start_plugin

_PAGE = Path(__file__).parent.parent.parent / "docs" / "recipes.md"
_BLOCKS = re.findall(r"^```python\n(.*?)^```$", _PAGE.read_text(), re.DOTALL | re.MULTILINE)
_LINES_MAX = 30


def recipe(name: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the plugin class of that name, as a build accepts it."""
    (code,) = (block for block in _BLOCKS if f"class {name}(Plugin" in block)
    module = types.ModuleType(f"recipe_{name}")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(code, str(_PAGE), "exec"), module.__dict__)
    plugin = getattr(module, name)
    assert issubclass(plugin, Plugin)
    check_plugin(plugin)
    return plugin


def test_there_are_five_and_each_is_short() -> None:
    assert len(_BLOCKS) == 5
    for code in _BLOCKS:
        assert sum(bool(line.strip()) for line in code.splitlines()) <= _LINES_MAX, code


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources.Backoff, "next", lambda _: 0.01)


def test_an_api_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    body = json.dumps({"status": {"indicator": "minor", "description": "slow"}}).encode()
    answers = iter([Answer(status=500), Answer(body), Answer(b"\xff" * 10)])

    def answer(_: Asked) -> Answer:
        return next(answers, Answer(body))

    with (
        serving(answer) as server,
        start_plugin(recipe("Status", monkeypatch)) as running,
        running.open({"url": server.url, "every_s": 0.01}) as source,
    ):
        good, bad, again = source.events(3)
        assert running.extract("status.level", good) == "minor"
        assert running.extract("status.text", bad) is None
        assert again.data == body
        assert running.metrics()["poll_failures"] == 1


def test_a_log_that_is_rotated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "access.json"
    line = {"method": "GET", "path": "/", "status": 200, "bytes": 7, "client": "192.0.2.1"}
    line |= {"user": {"name": "amy"}, "headers": {"user-agent": "curl"}, "host": "web1"}
    log.write_text(json.dumps(line) + "\nno JSON\n")
    with start_plugin(recipe("Access", monkeypatch)) as running:
        with running.open(str(log)) as source:
            whole, broken = source.events(2)
            fields = ("method", "path", "status", "size", "client", "user", "agent", "host")
            values = [running.extract(f"access.{name}", whole) for name in fields]
            assert values == ["GET", "/", 200, 7, "192.0.2.1", "amy", "curl", "web1"]
            assert running.extract("access.path", broken) is None
            until(lambda: source.next_batch() and running.plugin)
        log.rename(tmp_path / "access.json.1")
        with (tmp_path / "access.json.1").open("a") as file:
            file.write("while nobody looked\n")
        log.write_text("new\n")
        with running.open(str(log)) as source:
            data = [event.data for event in source.events(2)]
    assert data == [b"while nobody looked", b"new"]


def test_a_file_that_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "owners.yaml"
    file.write_text("nginx: team-web\n")
    event = make_event("<execve", exe="/usr/sbin/nginx")
    plugin = recipe("Owners", monkeypatch)
    with start_plugin(plugin, config=str(file)) as running:
        teams = []
        for text in ("nginx: team-web", "nginx: [", "17", None, "nginx: team-edge"):
            file.unlink(missing_ok=True)
            if text is not None:
                file.write_text(text)
            running.plugin.due, running.plugin.seen = 0.0, None
            teams.append(running.extract("owner.team", event))
        assert teams == [*["team-web"] * 4, "team-edge"]
        warnings = [message for message in running.logs if message.severity == "warning"]
        assert len(warnings) == 3


def test_a_docker_that_restarts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "docker.sock"
    event = {"Type": "container", "Action": "start", "Actor": {"Attributes": {"image": "nginx"}}}

    def stream(_: Asked) -> Answer:
        text = json.dumps(event).encode()
        return Answer(iter([text[:20], text[20:] + b"\n"]))

    with start_plugin(recipe("Docker", monkeypatch)) as running, running.open(str(path)) as source:
        source.next_batch()  # nothing listens yet
        for round_ in range(2):
            with serving(stream, path) as docker:
                (first, *_) = source.events(1)
                assert running.extract("docker.action", first) == "start"
                assert running.extract("docker.image", first) == "nginx"
                until(lambda d=docker: d.asked)  # type: ignore[misc]
                assert ("since=" in docker.asked[0].path) == bool(round_)
            path.unlink()
            while source.next_batch().events:
                pass


class Broker:
    """A stand-in for Redis, with what the recipe uses of it, that can be down."""

    def __init__(self) -> None:
        self.up = False
        self.waiting: list[bytes] = []
        self.taken: list[bytes] = []
        self.connections = 0

    def connect(self, host: str, socket_timeout: float) -> Broker:
        self.connections += 1
        return self

    def check(self) -> None:
        if not self.up:
            raise ConnectionError("connection refused")

    def blmove(self, first: str, second: str, timeout: float) -> bytes | None:
        self.check()
        if not self.waiting:
            return None
        self.taken.append(self.waiting.pop(0))
        return self.taken[-1]

    def lrem(self, key: str, count: int, value: bytes) -> None:
        self.check()
        self.taken.remove(value)

    def close(self) -> None:
        pass


def test_a_broker_that_goes_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker()
    redis = types.ModuleType("redis")
    redis.Redis = broker.connect  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "redis", redis)
    with start_plugin(recipe("Alerts", monkeypatch)) as running, running.open("") as source:
        source.next_batch()
        for text in (b"one", b"two"):
            until(lambda c=broker.connections: broker.connections > c + 2)  # type: ignore[misc]
            broker.waiting.append(text)
            broker.up = True
            assert [event.data for event in source.events(1)] == [text]
            until(lambda: broker.taken == [])  # it was committed
            broker.up = False
        metrics = running.metrics()
    assert metrics["alerts_messages"] == 2
    assert metrics["alerts_failures"] >= 6
