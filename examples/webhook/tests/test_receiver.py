# SPDX-License-Identifier: Apache-2.0
"""What the server answers to good requests and to every kind of bad one."""

import contextlib
import http.client
import socket
import threading
from collections.abc import Iterator

import connections
import pytest
import receiver as receiver_module
from receiver import Receiver

TOKEN = "a-token-of-some-length"
GOOD = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}


class Sink:
    """Takes `room` events."""

    def __init__(self) -> None:
        self.events: list[bytes] = []
        self.room = 100

    def take(self, event: bytes) -> bool:
        if len(self.events) >= self.room:
            return False
        self.events.append(event)
        return True


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def receiver(sink: Sink) -> Iterator[Receiver]:
    server = Receiver(
        ("127.0.0.1", 0), path="/events", token=TOKEN.encode(), max_bytes=1000, take=sink.take
    )
    yield server
    server.stop()


def post(
    receiver: Receiver, body: bytes, *, path: str = "/events", method: str = "POST", **headers: str
) -> tuple[int, str]:
    given = {**GOOD, **{name.replace("_", "-"): value for name, value in headers.items()}}
    connection = http.client.HTTPConnection(*receiver.server_address[:2], timeout=10)
    try:
        connection.request(method, path, body, given)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_an_object_is_one_event_and_an_array_as_many_as_it_has(
    receiver: Receiver, sink: Sink
) -> None:
    assert post(receiver, b'{"a":1}')[0] == 202
    assert post(receiver, b'[{"b":2}, 3]')[0] == 202
    assert sink.events == [b'{"a":1}', b'{"b":2}', b"3"]


@pytest.mark.parametrize(
    ("status", "body", "options"),
    [
        (401, b"{}", {"Authorization": "Bearer wrong"}),
        (401, b"{}", {"Authorization": ""}),
        (404, b"{}", {"path": "/other"}),
        (405, b"{}", {"method": "PUT"}),
        (413, b"[" + b"1," * 1000 + b"1]", {}),
        (415, b"{}", {"Content_Type": "text/plain"}),
        (400, b"{", {}),
        (400, b"17", {}),
        (400, b"\xff\xfe", {}),
        (400, b"[" * 1000, {}),
        (411, b"", {"Content_Length": "-1"}),
    ],
)
def test_a_bad_request_is_refused(
    receiver: Receiver, sink: Sink, status: int, body: bytes, options: dict[str, str]
) -> None:
    assert post(receiver, body, **options)[0] == status
    assert sink.events == []


def test_what_nobody_takes_is_to_be_sent_again(receiver: Receiver, sink: Sink) -> None:
    sink.room = 1
    assert post(receiver, b"[1, 2]") == (503, "1 of 2 events taken\n")


def test_a_connection_that_breaks_does_not_end_the_server(receiver: Receiver, sink: Sink) -> None:
    with socket.create_connection(receiver.server_address[:2]) as broken:
        broken.sendall(b"POST /events HTTP/1.1\r\nContent-Le")
    assert post(receiver, b"{}")[0] == 202


HEAD = (
    "POST /events HTTP/1.1\r\nAuthorization: Bearer {token}\r\n"
    "Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
)


@contextlib.contextmanager
def held(receiver: Receiver, sent: str, sources: list[str]) -> Iterator[list[socket.socket]]:
    """Open a connection from each source that sends a part and then nothing."""
    with contextlib.ExitStack() as stack:
        found = []
        for source in sources:
            one = socket.create_connection(receiver.server_address[:2], 10, (source, 0))
            found.append(stack.enter_context(one))
            one.sendall(sent.encode())
        yield found


@contextlib.contextmanager
def dripping(slow: list[socket.socket]) -> Iterator[None]:
    """Send a byte on each of them again and again."""
    done = threading.Event()

    def drip() -> None:
        while not done.wait(0.05):
            for one in slow:
                with contextlib.suppress(OSError):
                    one.send(b"x")

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_connections_of_one_address_that_show_no_token_keep_nobody_out(receiver: Receiver) -> None:
    begun = "POST /events HTTP/1.1\r\nX: "
    with held(receiver, begun, ["127.0.0.1"] * 64) as slow, dripping(slow):
        assert [post(receiver, b"{}")[0] for _ in range(25)] == [202] * 25
        with contextlib.suppress(ConnectionResetError):
            assert slow[0].recv(1) in {b"", b"H"}  # the oldest had to go


def test_nor_do_those_of_many_addresses(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_UNPROVEN_MAX", 8)
    sources = [f"127.0.0.{number}" for number in range(2, 40)]
    with held(receiver, "POST /ev", sources):
        assert [post(receiver, b"{}")[0] for _ in range(5)] == [202] * 5


def test_a_request_has_so_long_and_no_longer_however_it_drips(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_REQUEST_S", 0.3)
    for sent in (HEAD.format(token=TOKEN, length=999), "POST /events HTTP/1.1\r\n"):
        with held(receiver, sent, ["127.0.0.1"]) as (slow,):
            slow.settimeout(0.02)
            answer = b""
            for _ in range(500):  # ends with the connection
                try:
                    part = slow.recv(1000)
                except TimeoutError:
                    part = None
                except ConnectionResetError:  # what was sent last nobody read
                    part = b""
                if part == b"":
                    break
                answer += part or b""
                with contextlib.suppress(OSError):
                    slow.send(b"1")
            else:
                pytest.fail("the connection is still open")
        assert answer.startswith(b"HTTP/1.0 408" if TOKEN in sent else b"HTTP/1.0 401")


def test_senders_with_the_token_have_slots_of_their_own(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver_module, "_SLOTS", 1)
    server = Receiver(
        ("127.0.0.1", 0), path="/events", token=TOKEN.encode(), max_bytes=1000, take=sink.take
    )
    with contextlib.closing(contextlib.ExitStack()) as stack:
        stack.callback(server.stop)
        with held(server, HEAD.format(token=TOKEN, length=10), ["127.0.0.1"]) as (slow,):
            while server.slots._value:  # noqa: SLF001  # until the request has it
                pass
            assert post(server, b"{}") == (503, "too many requests: come again\n")
            slow.sendall(b"1234567890")
            assert slow.recv(12) == b"HTTP/1.0 400"
        while not server.slots._value:  # noqa: SLF001
            pass
        assert post(server, b"{}")[0] == 202


def test_what_is_open_ends_with_the_server(sink: Sink) -> None:
    server = Receiver(
        ("127.0.0.1", 0), path="/events", token=TOKEN.encode(), max_bytes=1000, take=sink.take
    )
    with held(server, HEAD.format(token=TOKEN, length=10), ["127.0.0.1"]) as (slow,):
        while server.slots._value == receiver_module._SLOTS:  # noqa: SLF001
            pass
        server.stop()
        assert slow.recv(12) == b"HTTP/1.0 408"
