# SPDX-License-Identifier: Apache-2.0
"""A packaged plugin's TLS trusts the authorities of the system, wherever that keeps them."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.python

#: As the host does it: before ssl is imported, or after.
PROGRAM = """
import sys
from pathlib import Path
moment, port, places = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
if moment == "after":
    import ssl
from falcokit.runtime.host import certificates
certificates._FILES = places
certificates.trust_system()
import socket, ssl
found = ssl.get_default_verify_paths()
ssl.get_default_verify_paths = lambda: found._replace(
    openssl_cafile="/nowhere/cert.pem", openssl_capath="/nowhere/certs")
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.load_default_certs()
with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
    with context.wrap_socket(plain, server_hostname="localhost") as connection:
        print(connection.recv(10).decode())
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate that is its own authority, and its key."""
    folder = tmp_path_factory.mktemp("authority")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return certificate, key


@pytest.fixture(scope="module")
def server(authority: tuple[Path, Path]) -> Iterator[int]:
    """The port of a server with that certificate, which says hello."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            with plain:
                try:
                    with context.wrap_socket(plain, server_side=True) as connection:
                        connection.send(b"hello")
                except OSError:
                    continue

    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def connect(server: int, moment: str, *places: Any, **environment: str) -> Any:
    kept = {k: v for k, v in os.environ.items() if k not in {"SSL_CERT_FILE", "SSL_CERT_DIR"}}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, moment, str(server), *map(str, places)],
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("place", "moment"), [*((place, "before") for place in range(5)), (0, "after")]
)
def test_each_place_is_looked_at(
    server: int, authority: tuple[Path, Path], tmp_path: Path, place: int, moment: str
) -> None:
    (tmp_path / "empty.pem").write_text("")
    places: list[Any] = [tmp_path / f"{number}.pem" for number in range(5)]
    if place:
        places[0] = tmp_path / "empty.pem"  # a file without any certificate is no answer
    places[place] = authority[0]
    done = connect(server, moment, *places)
    assert (done.returncode, done.stdout.strip()) == (0, "hello"), done.stderr


def test_without_any_nothing_is_trusted_and_the_variable_comes_first(
    server: int, authority: tuple[Path, Path], tmp_path: Path
) -> None:
    done = connect(server, "before", tmp_path / "none.pem")
    assert done.returncode == 1
    assert "CERTIFICATE_VERIFY_FAILED" in done.stderr
    other = connect(server, "before", authority[0], SSL_CERT_FILE=str(tmp_path / "none.pem"))
    assert "CERTIFICATE_VERIFY_FAILED" in other.stderr
    told = connect(server, "before", tmp_path / "none.pem", SSL_CERT_FILE=str(authority[0]))
    assert told.stdout.strip() == "hello", told.stderr
