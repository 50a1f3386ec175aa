# SPDX-License-Identifier: Apache-2.0
"""Writes to what nobody reads, and past a limit, on every thread."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from falcokit import (
    AsyncEventHandler,
    AsyncEvents,
    Event,
    EventParsing,
    EventSource,
    Plugin,
    async_event,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


def to_pipe() -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        os.write(write, b"x")
    finally:
        os.close(write)


def to_socket() -> None:
    near, far = socket.socketpair()
    far.close()
    with near:
        near.send(b"x")


def to_program() -> None:
    with subprocess.Popen(["true"], stdin=subprocess.PIPE) as program:
        assert program.stdin
        program.wait()
        program.stdin.write(b"x")
        program.stdin.flush()


def past_the_limit() -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, before[1]))
    try:
        with tempfile.TemporaryFile(buffering=0) as file:
            os.pwrite(file.fileno(), b"x", 1 << 30)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class Told(asyncio.Protocol):
    def __init__(self, lost: asyncio.Future[Exception | None]) -> None:
        self.lost = lost

    def connection_lost(self, error: Exception | None) -> None:
        self.lost.set_result(error)


class P(Plugin, EventSource, AsyncEvents, EventParsing):
    plugin_id, event_source = 999, "conform"
    async_events = ("loop", "call")
    parse_event_types = (322,)

    def write(self, where: str) -> None:
        for how in (to_pipe, to_socket, to_program, past_the_limit):
            try:
                with self.one:
                    how()  # a program just started holds the other's ends for a moment
            except OSError as e:
                self.told.add(f"{where} {how.__name__} {errno.errorcode[e.errno or 0]}")

    def init(self) -> None:
        self.told: set[str] = set()
        self.one = threading.Lock()
        self.write("init")

    def start_async(self, handler: AsyncEventHandler) -> None:
        self.thread = threading.Thread(target=self.write, args=("thread",))
        self.thread.start()

    @async_event("call", every=60)
    def call(self) -> None:
        self.write("producer")

    @async_event("loop")
    async def later(self) -> None:
        loop = asyncio.get_running_loop()
        read, write = os.pipe()
        lost = loop.create_future()
        to, _ = await loop.connect_write_pipe(lambda: Told(lost), os.fdopen(write, "wb", 0))
        os.close(read)
        to.write(b"x")
        await lost
        self.write("loop")

    def open(self, params: str) -> Iterator[bytes | str | None]:
        self.write("open")
        yield b"parse"
        self.write("source")
        end = time.monotonic() + 15
        while len(self.told) < 28 and time.monotonic() < end:
            yield None
        yield from sorted(self.told)
        told = Path("/proc/self/status").read_text()
        caught = int(told.partition("SigCgt:")[2].split()[0], 16)
        yield f"SIGINT caught {caught >> 1 & 1}"
        ignored = int(told.partition("SigIgn:")[2].split()[0], 16)
        yield f"ignored {ignored & 0x7FFFFFFF:x}"  # the next two are the C library's

    def parse_event(self, event: Event) -> None:
        if event.data == b"parse":
            self.write("parse_event")
