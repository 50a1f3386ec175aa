# SPDX-License-Identifier: Apache-2.0
"""What Docker and containerd tell of containers, over their unix sockets. Knows nothing of Falco.

An engine has `changes`, which yields whenever a container started or ended, and `describe`, which
says what is known of one.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, Protocol
from urllib.parse import quote

import msgspec

_TIMEOUT_S = 5.0
_LARGEST = 1 << 20  # bytes of a line of Docker, and of a message of containerd


class Container(msgspec.Struct):
    """A container; its id is the first 12 digits, as in Falco's own fields."""

    id: str
    engine: str = ""
    name: str = ""
    image: str = ""
    labels: dict[str, str] = {}


class Engine(Protocol):
    """What runs containers; its socket may come and go."""

    socket: str

    def changes(self) -> AsyncIterator[None]: ...

    async def describe(self, identity: str) -> Container | None: ...


class Docker:
    """Docker, or Podman, by the HTTP API that both have."""

    def __init__(self, socket: str) -> None:
        self.socket = socket

    async def changes(self) -> AsyncIterator[None]:
        """Yield for each container that starts or dies, until the engine closes the stream."""
        filters = json.dumps({"type": ["container"], "event": ["start", "die"]})
        async with self._get(f"/events?filters={quote(filters)}") as reply:
            while await reply.readline():
                yield

    async def describe(self, identity: str) -> Container | None:
        """Return what the engine knows of a container."""
        path = f"/containers/{identity}/json"
        try:
            async with asyncio.timeout(_TIMEOUT_S), self._get(path) as reply:
                found = json.loads(await _all(reply))
        except LookupError:
            return None
        config = found.get("Config") or {}
        return Container(
            id=identity[:12],
            engine="docker",
            name=str(found.get("Name", "")).removeprefix("/"),
            image=str(config.get("Image", "")),
            labels=config.get("Labels") or {},
        )

    @contextlib.asynccontextmanager
    async def _get(self, path: str) -> AsyncIterator[asyncio.StreamReader]:
        """Ask in HTTP 1.0, whose answers are not in chunks and end with the connection."""
        async with asyncio.timeout(_TIMEOUT_S):
            reader, writer = await asyncio.open_unix_connection(self.socket, limit=_LARGEST)
        try:
            writer.write(f"GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n".encode())
            async with asyncio.timeout(_TIMEOUT_S):
                status = (await reader.readline()).split()
                while (await reader.readline()).strip():
                    pass
            if status[1:2] == [b"404"]:
                raise LookupError(path)
            if status[1:2] != [b"200"]:
                raise ConnectionError(f"{self.socket} answers {b' '.join(status[:3])!r}")
            yield reader
        finally:
            writer.close()


class Containerd:
    """containerd, by gRPC: the few fields that are needed of its messages, read by hand."""

    def __init__(self, socket: str, namespaces: tuple[str, ...]) -> None:
        self.socket = socket
        self.namespaces = namespaces

    async def changes(self) -> AsyncIterator[None]:
        """Yield for each task that starts or ends, until the engine closes the stream."""
        async with self._channel() as channel:
            subscribe = channel.unary_stream("/containerd.services.events.v1.Events/Subscribe")
            async for _ in subscribe(_text_field(1, 'topic~="^/tasks/(start|exit|delete)$"')):
                yield

    async def describe(self, identity: str) -> Container | None:
        """Return what the engine knows of a container."""
        import grpc  # noqa: PLC0415 - takes 0.1 s, and only where there is a containerd

        asked = _text_field(1, identity)
        async with self._channel() as channel:
            get = channel.unary_unary("/containerd.services.containers.v1.Containers/Get")
            for namespace in self.namespaces:
                metadata = (("containerd-namespace", namespace),)
                try:
                    reply = await get(asked, metadata=metadata, timeout=_TIMEOUT_S)
                except grpc.aio.AioRpcError as error:
                    if error.code() is not grpc.StatusCode.NOT_FOUND:
                        raise
                else:
                    return self._container(identity, reply)
        return None

    def _container(self, identity: str, reply: bytes) -> Container:
        message = dict(_fields(reply))[1]
        labels = [dict(_fields(value)) for number, value in _fields(message) if number == 2]
        by_name = {entry.get(1, b"").decode(): entry.get(2, b"").decode() for entry in labels}
        return Container(
            id=identity[:12],
            engine="containerd",
            name=by_name.get("io.kubernetes.container.name", identity[:12]),
            image=dict(_fields(message)).get(3, b"").decode(),
            labels=by_name,
        )

    def _channel(self) -> Any:
        import grpc.aio  # noqa: PLC0415

        options = (("grpc.max_receive_message_length", _LARGEST),)
        return grpc.aio.insecure_channel(f"unix:{self.socket}", options=options)


async def _all(reply: asyncio.StreamReader) -> bytes:
    data = b""
    while piece := await reply.read(1 << 16):
        data += piece
        if len(data) > _LARGEST:
            raise ValueError(f"Docker's answer has more than {_LARGEST} bytes")
    return data


def _text_field(number: int, text: str) -> bytes:
    data = text.encode()
    if len(data) > 127:
        raise ValueError("a text of more than 127 bytes is not needed here")
    return bytes([number << 3 | 2, len(data)]) + data


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield number and value of the texts and messages in a message of protobuf."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == 0:
            _, at = _varint(message, at)
            continue
        size, at = _varint(message, at) if kind == 2 else ({1: 8, 5: 4}[kind], at)
        if at + size > len(message):
            raise ValueError("a message of containerd is cut off")
        if kind == 2:
            yield key >> 3, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        value |= (message[at] & 0x7F) << shift
        at += 1
        if message[at - 1] < 0x80:
            return value, at
    raise ValueError("a number in a message of containerd has no end")
