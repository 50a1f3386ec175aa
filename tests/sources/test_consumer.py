# SPDX-License-Identifier: Apache-2.0
"""Brokers and streams that break, come back, and say nothing."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from stand_in import Answer, serving
from taking import reading, take, until

from falcokit.sources import Consumer, HttpLines, SocketLines

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

FAST: Any = {"first_pause": 0.01, "max_pause": 0.02}


def test_a_connection_that_breaks_is_made_again() -> None:
    connections = iter(range(100))

    def messages() -> Iterator[str | None]:
        number = next(connections)
        if number == 1:
            raise ConnectionRefusedError("the broker is gone")
        yield f"{number} a"
        yield None  # nothing now
        yield f"{number} b"
        if number == 0:
            raise TimeoutError

    with Consumer(messages, **FAST) as consumer:
        assert take(consumer, 4) == ["0 a", "0 b", "2 a", "2 b"]
        counters = consumer.counters
        assert (counters["messages"], counters["failures"]) == (4, 2)


def test_a_message_is_committed_when_the_next_is_asked_for() -> None:
    committed: list[int] = []

    def messages() -> Iterator[int]:
        for number in range(2):
            yield number
            committed.append(number)
        yield 9

    with Consumer(messages) as consumer:
        items = iter(consumer)
        assert (next(items), committed) == (0, [])
        assert (next(items), committed) == (1, [0])


def test_the_end_does_not_wait_for_a_pause() -> None:
    def messages() -> Iterator[str]:
        raise OSError("never")
        yield ""

    consumer = Consumer(messages, first_pause=60)
    with reading(consumer):
        until(lambda: consumer.counters["failures"])


class Blocking:
    """A client that waits for ever, until it is closed."""

    def __init__(self) -> None:
        self.closed = threading.Event()
        self.waits = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        self.waits.set()
        self.closed.wait()
        return iter(())

    def close(self) -> None:
        self.closed.set()


def test_a_client_that_waits_is_closed_at_the_end() -> None:
    client = Blocking()
    consumer = Consumer(lambda: client)
    with reading(consumer):
        client.waits.wait(10)
    assert client.closed.is_set()


def test_async_clients_are_iterated_in_asyncio() -> None:
    connections = iter(range(100))

    class Client:
        closed = 0

        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"one"
            await asyncio.sleep(0)
            raise ConnectionError("gone")

        async def close(self) -> None:
            Client.closed += 1

    async def connect() -> Client:
        if next(connections) == 1:
            raise OSError("not yet")
        return Client()

    async def main() -> list[bytes]:
        found = []
        async for message in Consumer(connect, **FAST):
            found.append(message)
            if len(found) == 3:
                break
        return found

    assert asyncio.run(main()) == [b"one"] * 3
    assert Client.closed >= 2


def test_other_clients_too_and_a_mistake_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> list[Any]:
        found = []
        async for message in Consumer(lambda: iter([b"1", None, b"2"]), **FAST):
            found.append(message)
            if len(found) == 3:
                break
        return found

    assert asyncio.run(main())[:2] == [b"1", b"2"]

    async def wrong() -> AsyncIterator[bytes]:
        yield b""

    consumer = Consumer(wrong, **FAST)
    with reading(consumer):
        until(lambda: consumer.counters["failures"])
    assert "async for" in caplog.text


# ---- streams by HTTP -----------------------------------------------------------------------------


def test_a_stream_is_taken_up_again_where_it_ended(tmp_path: Path) -> None:
    def lines() -> Iterator[bytes]:
        yield b'{"n": '
        yield b"1}\n{"
        yield b'"n": 2}\n'

    seen: list[bytes] = []

    def url() -> str:
        return f"http://docker/events?since={len(seen)}"

    with serving(lambda _: Answer(lines()), tmp_path / "docker.sock") as server:
        stream = HttpLines(url, unix_socket=str(tmp_path / "docker.sock"), **FAST)
        with stream:
            for line in stream:
                seen.append(line)
                if len(seen) == 4:
                    break
        assert seen == [b'{"n": 1}', b'{"n": 2}'] * 2
        assert [asked.path for asked in server.asked][1] == "/events?since=2"


def test_a_server_that_goes_and_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "sock"
    stream = HttpLines("http://docker/", unix_socket=str(path), **FAST)
    with reading(stream) as got:
        until(lambda: stream.counters["failures"])
        for number in (1, 2):
            with serving(lambda _, n=number: Answer(b"%d\n" % n), path):  # type: ignore[misc]
                until(lambda n=number: b"%d" % n in got)  # type: ignore[misc]
            path.unlink()


def quiet(seconds: float) -> Iterator[bytes]:
    yield b"first\n"
    time.sleep(seconds)
    yield b"second\n"


@pytest.mark.python  # urllib's own way to the socket
def test_silence_may_last_or_not() -> None:
    with serving(lambda _: Answer(quiet(0.4))) as server:
        with HttpLines(server.url, timeout=0.1, **FAST) as patient:
            assert take(patient, 2) == [b"first", b"second"]
            assert patient.counters["failures"] == 0
        with HttpLines(server.url, silence=0.05, **FAST) as impatient:
            assert take(impatient, 2) == [b"first", b"first"]


def test_the_end_does_not_wait_for_a_stream_that_says_nothing() -> None:
    with serving(lambda _: Answer(quiet(3))) as server:
        stream = HttpLines(server.url)
        with reading(stream) as got:
            until(lambda: got)


# ---- Unix sockets that others listen on ----------------------------------------------------------


def test_lines_of_a_socket_that_others_listen_on(tmp_path: Path) -> None:
    path = tmp_path / "sock"
    lines = SocketLines(path, greeting=b"hello\n", **FAST)
    with reading(lines) as got:
        until(lambda: lines.counters["failures"])
        for number in (b"1", b"2"):
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(str(path))
                server.listen()
                peer, _ = server.accept()
                with contextlib.closing(peer):
                    assert peer.recv(100) == b"hello\n"
                    peer.sendall(number + b"\nrest")
            path.unlink()
            until(lambda n=number: n in got and got[-1] == b"rest")  # type: ignore[misc]
    assert got == [b"1", b"rest", b"2", b"rest"]
