# SPDX-License-Identifier: Apache-2.0
"""Who writes to the socket, and how: in pieces, without end, in crowds, or not at all."""

from __future__ import annotations

import os
import socket
import stat
from typing import TYPE_CHECKING

import pytest
from taking import reading, take, until

from falcokit import PluginError
from falcokit.sources import SocketListener

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sock"


@pytest.fixture
def peers() -> Iterator[list[socket.socket]]:
    made: list[socket.socket] = []
    yield made
    for one in made:
        one.close()


def connect(
    path: Path, peers: list[socket.socket], kind: int = socket.SOCK_STREAM
) -> socket.socket:
    peer = socket.socket(socket.AF_UNIX, kind)
    peers.append(peer)
    peer.settimeout(10)
    peer.connect(str(path))
    return peer


def test_lines_of_several_writers(path: Path, peers: list[socket.socket]) -> None:
    with SocketListener(path) as listener, reading(listener) as lines:
        one, two = connect(path, peers), connect(path, peers)
        one.sendall(b"on")
        two.sendall(b"two\n")
        until(lambda: lines == [b"two"])
        one.sendall(b"e\n\xff\0\nlast")
        one.close()
        until(lambda: lines == [b"two", b"one", b"\xff\0", b"last"])
    assert not path.exists()


def test_datagrams(path: Path, peers: list[socket.socket]) -> None:
    with SocketListener(path, kind="datagram") as listener:
        peer = connect(path, peers, socket.SOCK_DGRAM)
        peer.send(b"<13>one\ntwo\n")
        peer.send(b"")
        peer.send(b"three")
        assert take(listener, 3) == [b"<13>one", b"two", b"three"]


def test_a_line_without_end_is_cut(path: Path, peers: list[socket.socket]) -> None:
    with SocketListener(path, max_line=1000) as listener, reading(listener) as lines:
        peer = connect(path, peers)
        for _ in range(50):
            peer.sendall(b"x" * 10_000)
        peer.sendall(b"\nnext\n")
        until(lambda: lines == [b"x" * 1000, b"next"])
    assert listener.counters["cut"] == 1


def test_too_many_close_the_one_that_was_silent_longest(
    path: Path, peers: list[socket.socket]
) -> None:
    with SocketListener(path, connections=3) as listener, reading(listener) as lines:
        first, second, _ = (connect(path, peers) for _ in range(3))
        until(lambda: listener.counters["connections"] == 3)
        first.sendall(b"still here\n")
        until(lambda: lines)
        connect(path, peers)
        assert second.recv(1) == b""
        first.sendall(b"and now\n")
        until(lambda: len(lines) == 2)
    assert listener.counters["closed_for_others"] == 1


def test_who_writes_faster_than_it_is_read_waits(path: Path, peers: list[socket.socket]) -> None:
    with SocketListener(path) as listener:
        peer = connect(path, peers)
        peer.settimeout(0.05)
        with pytest.raises(TimeoutError):
            peer.sendall((b"x" * 999 + b"\n") * 1000)
        assert listener.read()[0] == b"x" * 999


def test_only_those_may_write_who_may(path: Path) -> None:
    before = os.umask(0)
    try:
        with SocketListener(path):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with SocketListener(path, mode=0o666):
            assert stat.S_IMODE(path.stat().st_mode) == 0o666
    finally:
        os.umask(before)


def test_a_dead_socket_is_replaced_and_nothing_else(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with SocketListener(path), pytest.raises(PluginError, match=r"no socket at .*in use"):
        SocketListener(path)
    path.write_text("precious")
    with pytest.raises(PluginError, match="something else is there"):
        SocketListener(path)
    assert path.read_text() == "precious"
    with pytest.raises(PluginError, match="No such file"):
        SocketListener(path.parent / "none" / "sock")


def test_the_socket_of_another_is_not_removed(path: Path) -> None:
    listener = SocketListener(path)
    path.unlink()
    path.write_text("new")
    listener.close()
    assert path.read_text() == "new"
