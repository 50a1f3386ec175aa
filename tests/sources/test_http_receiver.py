# SPDX-License-Identifier: Apache-2.0
"""What the receiver answers to good and bad requests, and that nobody keeps others out."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import http.client
import json
import socket
import ssl
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from taking import reading, until

from falcokit import PluginError
from falcokit.sources import HttpReceiver, HttpRefusal, Signature, http_connections, whole_body

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "a-token-of-some-length"
GOOD = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    with HttpReceiver(path="/events", token=TOKEN, max_bytes=1000) as made:
        yield made


def post(
    receiver: HttpReceiver,
    body: Any,
    *,
    path: str = "/events",
    method: str = "POST",
    tls: ssl.SSLContext | None = None,
    **headers: str,
) -> tuple[int, str]:
    given = {**GOOD, **{name.replace("_", "-"): value for name, value in headers.items()}}
    connection = (
        http.client.HTTPSConnection("localhost", receiver.port, timeout=10, context=tls)
        if tls
        else http.client.HTTPConnection(receiver.host, receiver.port, timeout=10)
    )
    with contextlib.closing(connection):
        connection.request(method, path, body, given)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def raw(receiver: HttpReceiver, data: bytes) -> bytes:
    """Send bytes, and return the first line of the answer."""
    with socket.create_connection((receiver.host, receiver.port), 10) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(data)
        try:
            return connection.recv(1000).partition(b"\r\n")[0]
        except ConnectionError:
            return b""


def head(length: int | str, token: str = TOKEN) -> str:
    return (
        f"POST /events HTTP/1.1\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    )


def test_an_object_is_one_event_and_an_array_as_many_as_it_has(receiver: HttpReceiver) -> None:
    with reading(receiver) as events:
        assert post(receiver, b'{"a":1}') == (202, "1 events taken\n")
        assert post(receiver, b'[{"b":2}, 3]')[0] == 202
        assert post(receiver, b"[]")[0] == 202
    assert events == [b'{"a":1}', b'{"b":2}', b"3"]
    assert receiver.counters["events"] == 3


@pytest.mark.parametrize(
    ("status", "body", "options"),
    [
        (401, b"{}", {"Authorization": "Bearer wrong"}),
        (401, b"{}", {"Authorization": ""}),
        (401, b"{}", {"Authorization": f"Basic {TOKEN}"}),
        (404, b"{}", {"path": "/other"}),
        (405, b"", {"method": "GET"}),
        (501, b"{}", {"method": "BREW"}),
        (413, b"[" + b"1," * 1000 + b"1]", {}),
        (413, b"{}", {"Content_Length": "9" * 5000}),
        (415, b"{}", {"Content_Type": "text/plain"}),
        (400, b"{", {}),
        (400, b"17", {}),
        (400, b"\xff\xfe", {}),
        (400, b"[" * 1000, {}),
        (411, b"", {"Content_Length": "-1"}),
        (400, b"{}", {"Content_Length": "2", "Transfer_Encoding": "chunked"}),
    ],
)
def test_a_bad_request_is_refused(
    receiver: HttpReceiver, status: int, body: bytes, options: dict[str, str]
) -> None:
    with reading(receiver) as events:
        assert post(receiver, body, **options)[0] == status  # type: ignore[arg-type]
    assert events == []


def test_a_connection_may_send_more_than_one_request(receiver: HttpReceiver) -> None:
    with (
        reading(receiver) as events,
        contextlib.closing(http.client.HTTPConnection(receiver.host, receiver.port)) as connection,
    ):
        for number in range(3):
            connection.request("POST", "/events", f'{{"n": {number}}}', GOOD)
            assert connection.getresponse().read() == b"1 events taken\n"
    assert len(events) == 3


def test_a_body_in_chunks_is_taken(receiver: HttpReceiver) -> None:
    with reading(receiver) as events:
        assert post(receiver, iter([b'{"a"', b":1", b"}"]))[0] == 202
        assert post(receiver, iter([b"[" + b"1," * 300] * 3))[0] == 413
    assert events == [b'{"a":1}']


@pytest.mark.parametrize(
    ("chunks", "status"),
    [
        (b"zz\r\n", b"400"),
        (b"-1\r\n", b"400"),
        (b"\r\n", b"400"),
        (b"1\r\n" * 20_000, b"413"),
        ((b"1;" + b"x" * 900 + b"\r\n1\r\n") * 50, b"400"),
    ],
)
def test_odd_chunks_are_refused(receiver: HttpReceiver, chunks: bytes, status: bytes) -> None:
    begun = head(0).replace("Content-Length: 0", "Transfer-Encoding: chunked").encode()
    assert raw(receiver, begun + chunks).split()[1] == status


@pytest.mark.parametrize(
    ("sent", "statuses"),
    [
        (b"POST /events HTTP/1.1\r\n" + b"X: y\r\n" * 200, {b"431"}),
        (b"POST /events HTTP/1.1\r\nX: " + b"y" * 40_000 + b"\r\n", {b"431"}),
        (b"POST /" + b"x" * 100_000, {b"400", b"414"}),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", {b"400"}),
        (b"\0" * 1000 + b"\r\n", {b"400"}),
    ],
)
def test_an_odd_head_is_refused_before_it_takes_memory(
    receiver: HttpReceiver, sent: bytes, statuses: set[bytes]
) -> None:
    answer = raw(receiver, sent)
    # Where something of it was not read, the end of the connection may come before the answer.
    assert answer == b"" or answer.split()[1] in statuses


def test_a_request_is_answered_when_the_event_source_has_it(receiver: HttpReceiver) -> None:
    answers: list[tuple[int, str]] = []
    thread = threading.Thread(target=lambda: answers.append(post(receiver, b"[1, 2]")))
    thread.start()
    events = iter(receiver)
    assert [next(events), next(events)] == [b"1", b"2"]
    assert answers == []  # the second may not be in the queue yet
    with reading(receiver):
        thread.join(10)
    assert answers[0][0] == 202


def test_what_nobody_takes_is_to_be_sent_again() -> None:
    with HttpReceiver(path=None, answer_within=0.05) as receiver:
        assert post(receiver, b"[1, 2]") == (503, "Falco is behind: send it again\n")
        assert receiver.counters["busy"] == 1
        with reading(receiver) as events:
            assert post(receiver, b"{}")[0] == 202
    assert events == [b"{}"]  # what was refused is not kept


def test_the_end_of_the_source_refuses_what_waits() -> None:
    answers: list[int] = []
    with HttpReceiver(path=None, answer_within=30) as receiver:
        thread = threading.Thread(target=lambda: answers.append(post(receiver, b"{}")[0]))
        thread.start()
        assert receiver.read() == [b"{}"]
        receiver.close()
        assert receiver.read() == []
        thread.join(5)
    assert answers == [503]
    with pytest.raises(ConnectionRefusedError):
        post(receiver, b"{}")


@pytest.mark.parametrize("give", ["right", "wrong", "none"])
def test_a_signature_is_checked(give: str) -> None:
    key, body = b"secret", b'{"action": "deleted"}'
    signed = "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest()
    headers = {"right": {"X_Hub_Signature_256": signed}, "wrong": {"X_Hub_Signature_256": "é"}}
    with (
        HttpReceiver(path=None, signature=Signature(key=key)) as receiver,
        reading(receiver) as got,
    ):
        status, _ = post(receiver, body, **headers.get(give, {}))
    assert (status, got) == ((202, [body]) if give == "right" else (401, []))


def test_an_author_decides_what_events_are() -> None:
    def events(request: Any) -> list[Any]:
        if request.headers["X-Kind"] == "ping":
            raise HttpRefusal(204, "pong")
        if request.headers["X-Kind"] == "broken":
            raise KeyError("a mistake")
        return [{"from": request.address, **json.loads(request.body)}]

    with HttpReceiver(path=None, events=events) as receiver, reading(receiver) as got:
        assert post(receiver, b'{"a": 1}')[0] == 202
        assert post(receiver, b"{")[0] == 400
        assert post(receiver, b"{}", X_Kind="broken")[0] == 500
    assert got == [{"from": "127.0.0.1", "a": 1}]


def test_a_body_may_be_an_event_as_it_is() -> None:
    with HttpReceiver(path=None, events=whole_body) as receiver, reading(receiver) as got:
        assert post(receiver, b"any \0 bytes", Content_Type="text/plain")[0] == 202
    assert got == [b"any \0 bytes"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    files = folder / "cert.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-out", files[0], "-keyout", files[1]]
    subprocess.run(command, check=True, capture_output=True)
    return files


def test_tls_and_those_who_speak_none(certificate: tuple[Path, Path]) -> None:
    trust = ssl.create_default_context(cafile=certificate[0])
    with (
        HttpReceiver(path="/events", token=TOKEN, tls=certificate) as receiver,
        reading(receiver) as events,
        # A handshake that does not go on keeps nobody waiting.
        socket.create_connection((receiver.host, receiver.port)),
    ):
        assert post(receiver, b"{}", tls=trust)[0] == 202
        assert b"HTTP" not in raw(receiver, head(2).encode() + b"{}")
        assert post(receiver, b"{}", tls=trust)[0] == 202
    assert events == [b"{}"] * 2


def test_what_cannot_be_listened_on_is_told(receiver: HttpReceiver, tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=r"cannot listen on 127\.0\.0\.1:"):
        HttpReceiver(port=receiver.port)
    with pytest.raises(PluginError, match="can be guessed"):
        HttpReceiver(token="short")
    with pytest.raises(PluginError, match="the certificate cannot be used"):
        HttpReceiver(tls=(tmp_path / "none", tmp_path / "none"))


# ---- those who show no token ---------------------------------------------------------------------


@contextlib.contextmanager
def held(receiver: HttpReceiver, sent: str, sources: list[str]) -> Iterator[list[socket.socket]]:
    """Open a connection from each address that sends a part and then nothing."""
    with contextlib.ExitStack() as stack:
        found = []
        for source in sources:
            one = socket.create_connection((receiver.host, receiver.port), 10, (source, 0))
            found.append(stack.enter_context(one))
            one.sendall(sent.encode())
        yield found


def test_connections_of_one_address_that_show_no_token_keep_nobody_out(
    receiver: HttpReceiver,
) -> None:
    with (
        reading(receiver),
        held(receiver, "POST /events HTTP/1.1\r\nX: ", ["127.0.0.1"] * 64) as slow,
    ):
        assert [post(receiver, b"{}")[0] for _ in range(25)] == [202] * 25
        with contextlib.suppress(ConnectionResetError):
            assert slow[0].recv(1) in {b"", b"H"}  # the oldest had to go


def test_nor_do_those_of_many_addresses(
    receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_connections, "_UNPROVEN_MAX", 8)
    sources = [f"127.0.0.{number}" for number in range(2, 40)]
    with reading(receiver), held(receiver, "POST /ev", sources):
        assert [post(receiver, b"{}")[0] for _ in range(5)] == [202] * 5


def all_of(connection: socket.socket) -> bytes:
    """Read the answer while bytes are sent again and again."""
    connection.settimeout(0.02)
    answer = b""
    for _ in range(500):  # ends with the connection
        try:
            part = connection.recv(1000)
        except TimeoutError:
            part = None
        except ConnectionResetError:  # what was sent last nobody read
            part = b""
        if part == b"":
            return answer
        answer += part or b""
        with contextlib.suppress(OSError):
            connection.send(b"1")
    return pytest.fail("the connection is still open")


def test_a_request_has_so_long_and_no_longer_however_it_drips() -> None:
    with HttpReceiver(path="/events", token=TOKEN, request_seconds=0.3) as receiver:
        with held(receiver, head(999), ["127.0.0.1"]) as (slow,):
            assert all_of(slow).startswith(b"HTTP/1.1 408")
        with held(receiver, "POST /events HTTP/1.1\r\nX: ", ["127.0.0.1"]) as (slow,):
            assert not all_of(slow).startswith(b"HTTP/1.1 2")
        until(lambda: not receiver._server.connections)


def test_what_is_open_ends_with_the_source(receiver: HttpReceiver) -> None:
    with held(receiver, head(10), ["127.0.0.1"]) as (slow,):
        until(lambda: receiver.counters["requests"])
        begun = time.monotonic()
        receiver.close()
        assert slow.recv(12) == b"HTTP/1.1 408"
        assert time.monotonic() - begun < 2.0
