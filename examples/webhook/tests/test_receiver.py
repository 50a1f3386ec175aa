# SPDX-License-Identifier: Apache-2.0
"""What the server answers to good requests and to every kind of bad one."""

import http.client
import socket
from collections.abc import Iterator

import pytest
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
