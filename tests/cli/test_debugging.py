# SPDX-License-Identifier: Apache-2.0
"""A debugger, breakpoint() and coverage reach the author's code on each thread of a host."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from falcokit.project.scaffold import generate_project

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 60.0
CODE = (Path(__file__).parents[1] / "plugins" / "debugged.py").read_text()
TEST = """
from debugged import P
from falcokit.testing import start_plugin


def test_it(make_async):
    with start_plugin(P) as running:
        running.next_event(timeout=10.0)
        running.parse(make_async("tick", b"x"))
        assert running.plugin.seen
"""

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def debugged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = generate_project("debugged", root=tmp_path_factory.mktemp("debug") / "debugged").root
    (root / "src" / "debugged.py").write_text(CODE)
    settings = root / "pyproject.toml"
    settings.write_text(settings.read_text().replace("debugged:Debugged", "debugged:P"))
    for rules in (root / "rules").iterdir():
        rules.unlink()
    (test,) = (root / "tests").glob("test_*.py")
    test.write_text(TEST)
    return root


def line_of(text: str) -> int:
    return next(number for number, line in enumerate(CODE.splitlines(), 1) if text in line)


class Client:
    """What an editor does with a debugger: the Debug Adapter Protocol over a socket."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
        self._stream = self._socket.makefile("rwb")
        self._number = 0
        self._seen: list[dict[str, Any]] = []

    def send(self, command: str, **arguments: Any) -> int:
        self._number += 1
        message = {"seq": self._number, "type": "request", "command": command}
        body = json.dumps({**message, "arguments": arguments}).encode()
        self._stream.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._stream.flush()
        return self._number

    def wait(self, **wanted: Any) -> dict[str, Any]:
        """Return the next message with these values, of those that were not waited for yet."""
        while True:
            for message in self._seen:
                if wanted.items() <= message.items():
                    self._seen.remove(message)
                    return message
            size = 0
            while line := self._stream.readline().strip():
                size = int(line.partition(b":")[2])
            assert size, "the debugger has closed the connection"
            self._seen.append(json.loads(self._stream.read(size)))

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        number = self.send(command, **arguments)
        answer = self.wait(type="response", request_seq=number)
        assert answer["success"], answer
        return dict(answer.get("body") or {})

    def close(self) -> None:
        self._stream.close()
        self._socket.close()


@pytest.fixture
def dev(debugged: Path) -> Iterator[tuple[int, Iterator[dict[str, Any]]]]:
    """`dev --debug` and its reports, on a port that was free."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    command = [sys.executable, "-m", "falcokit", "dev", "-C", debugged, "--json", "--debug", port]
    child = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE)
    with child:
        assert child.stdout is not None
        yield port, map(json.loads, child.stdout)
        child.terminate()
        child.stdout.read()
    assert child.returncode == 143


def test_a_debugger_stops_on_the_host_s_thread(
    debugged: Path, dev: tuple[int, Iterator[dict[str, Any]]]
) -> None:
    port, reports = dev
    wanted = f"a debugger can attach to 127.0.0.1:{port}"
    assert any(wanted in report.get("message", "") for report in reports)
    with contextlib.closing(Client(port)) as client:
        client.ask("initialize", adapterID="test", clientID="test", pathFormat="path")
        client.send("attach", justMyCode=False)
        client.wait(event="initialized")
        source, line = str(debugged / "src" / "debugged.py"), line_of("self.seen += 1")
        client.ask("setBreakpoints", source={"path": source}, breakpoints=[{"line": line}])
        client.ask("configurationDone")
        for _ in range(2):
            stopped = client.wait(event="stopped")["body"]
            thread = stopped["threadId"]
            frame = client.ask("stackTrace", threadId=thread)["stackFrames"][0]
            assert (frame["name"], frame["line"]) == ("parse_event", line)
            client.ask("continue", threadId=thread)
        client.ask("disconnect")
    deadline = time.monotonic() + SECONDS
    for report in reports:  # it runs on
        if report["report"] == "stats" and report["async"]["tick"]["count"] > 2:
            break
        assert time.monotonic() < deadline


def test_a_breakpoint_without_a_terminal_says_what_to_do(debugged: Path) -> None:
    code = debugged / "src" / "debugged.py"
    text = CODE.replace("return b", "breakpoint(); return b")
    code.write_text(text)
    command = [sys.executable, "-m", "falcokit", "run", "-C", debugged, "--json", "-n", "3"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=SECONDS)
    finally:
        code.write_text(CODE)
    said = [r["message"] for r in map(json.loads, done.stdout.splitlines()) if r["report"] == "log"]
    (told,) = [message for message in said if "breakpoint()" in message]
    assert told.startswith(f"{code}:{line_of('return b')}: breakpoint() has no terminal")
    assert "falcokit test -s" in told


def test_coverage_sees_the_hooks_of_each_thread(debugged: Path, tmp_path: Path) -> None:
    """On falcokit's worker (init), a thread of Python (tick), the test's own (parse_event)."""
    environment = {**os.environ, "COVERAGE_FILE": str(tmp_path / "coverage")}
    coverage = [sys.executable, "-m", "coverage"]
    for arguments in (
        ["run", "--source", "src", "-m", "pytest", "-q"],
        ["json", "-o", str(tmp_path / "found.json")],
    ):
        done = subprocess.run(
            [*coverage, *arguments], cwd=debugged, env=environment, capture_output=True, text=True,
            check=False, timeout=SECONDS,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "found.json").read_text())["files"]["src/debugged.py"]
    assert found["missing_lines"] == []


def test_a_profile_has_the_lines_of_the_author(debugged: Path, tmp_path: Path) -> None:
    code = debugged / "src" / "debugged.py"
    code.write_text(CODE.replace("return b", "sum(range(3_000_000)); return b"))
    command = [sys.executable, "-m", "falcokit", "run", "-C", debugged, "-n", "20", "--profile"]
    try:
        done = subprocess.run(
            [*command, tmp_path / "p.txt"], capture_output=True, text=True, check=True,
            timeout=SECONDS,
        )  # fmt: skip
    finally:
        code.write_text(CODE)
    assert f"wrote {tmp_path / 'p.txt'}" in done.stderr
    assert f"tick (debugged.py:{line_of('return b')})" in (tmp_path / "p.txt").read_text()
    refused = subprocess.run(
        [*command, "p.png"], capture_output=True, text=True, check=False, timeout=SECONDS
    )
    assert refused.returncode == 3
    assert "the name must end in .svg (flamegraph)" in refused.stderr
