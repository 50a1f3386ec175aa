# SPDX-License-Identifier: Apache-2.0
"""A Docker and a containerd that answer as the real ones, and folders in place of cgroups."""

import json
import queue
import socket
import threading
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc

WEB = "3f2a" + "0" * 60
DB = "b7c1" + "0" * 60
POD = "c0de" + "0" * 60


class Cgroups:
    """What the kernel shows of containers."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, identity: str) -> str:
        return f"/system.slice/docker-{identity}.scope"

    def start(self, identity: str) -> None:
        (self.root / self.path(identity)[1:]).mkdir(parents=True)

    def end(self, identity: str) -> None:
        (self.root / self.path(identity)[1:]).rmdir()


class DockerStandIn:
    """Answers `/containers/ID/json` by `known`, and `/events` with what `tell` is given."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.known: dict[str, dict[str, Any]] = {}
        self._events: queue.Queue[bytes | None] = queue.Queue()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def tell(self, action: str, identity: str) -> None:
        event = {"Type": "container", "Action": action, "Actor": {"ID": identity}}
        self._events.put(json.dumps(event).encode() + b"\n")

    def close_stream(self) -> None:
        self._events.put(None)

    def stop(self) -> None:
        self.close_stream()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.path.unlink()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rwb") as stream:
            _, target, _ = stream.readline().split()
            while stream.readline().strip():
                pass
            known = self.known.get(target.decode().split("/")[2]) if b"/json" in target else None
            if target.startswith(b"/events"):
                stream.write(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n")
                stream.flush()
                while line := self._events.get():
                    stream.write(line)
                    stream.flush()
            elif known is None:
                stream.write(b"HTTP/1.0 404 Not Found\r\n\r\n{}")
            else:
                stream.write(b"HTTP/1.0 200 OK\r\n\r\n" + json.dumps(known).encode())


def text_field(number: int, data: bytes) -> bytes:
    size, prefix = len(data), bytearray([number << 3 | 2])
    while size > 127:
        prefix.append(size & 127 | 128)
        size >>= 7
    return bytes(prefix) + bytes([size]) + data


def container_message(identity: str, image: str, labels: dict[str, str]) -> bytes:
    """A GetContainerResponse, with a number and a time beside what is read."""
    entries = b"".join(
        text_field(2, text_field(1, key.encode()) + text_field(2, value.encode()))
        for key, value in labels.items()
    )
    created = text_field(8, b"\x08\x96\x01")
    return text_field(1, text_field(1, identity.encode()) + entries + created
                      + text_field(3, image.encode()))  # fmt: skip


class ContainerdStandIn(grpc.GenericRpcHandler):
    """Knows containers of the namespace k8s.io, as gRPC on a unix socket."""

    def __init__(self, path: Path) -> None:
        self.known: dict[str, bytes] = {}
        self._events: queue.Queue[bytes | None] = queue.Queue()
        self._server = grpc.server(futures.ThreadPoolExecutor(4), handlers=[self])
        self._server.add_insecure_port(f"unix:{path}")
        self._server.start()

    def tell(self, identity: str) -> None:
        task = text_field(1, identity.encode()) + b"\x10\x2a"
        any_event = text_field(1, b"containerd.events.TaskStart") + text_field(2, task)
        envelope = text_field(2, b"k8s.io") + text_field(3, b"/tasks/start")
        self._events.put(envelope + text_field(4, any_event))

    def stop(self) -> None:
        self._events.put(None)
        self._server.stop(None).wait(10)

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        if details.method == "/containerd.services.events.v1.Events/Subscribe":
            return grpc.unary_stream_rpc_method_handler(self._subscribe)
        if details.method == "/containerd.services.containers.v1.Containers/Get":
            return grpc.unary_unary_rpc_method_handler(self._get)
        return None

    def _subscribe(self, request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        while (event := self._events.get()) is not None:
            yield event

    def _get(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        namespace = dict(context.invocation_metadata()).get("containerd-namespace")
        known = self.known.get(request[2:].decode())
        if namespace != "k8s.io" or known is None:
            context.abort(grpc.StatusCode.NOT_FOUND, "not found")
        return known or b""
