# SPDX-License-Identifier: Apache-2.0
"""A write to what nobody reads, or past a limit, is an OSError in every host, on every thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import WritePlugin
    from source_drivers import Read

# The hosts are started with every signal at its default, as Python's subprocess does it.
PLUGIN = """
import errno, resource, signal, socket, subprocess, tempfile

def to_pipe():
    read, write = os.pipe()
    os.close(read)
    try: os.write(write, b"x")
    finally: os.close(write)

def to_socket():
    near, far = socket.socketpair()
    far.close()
    with near: near.send(b"x")

def to_program():
    with subprocess.Popen(["true"], stdin=subprocess.PIPE) as program:
        program.wait()
        program.stdin.write(b"x")
        program.stdin.flush()

def past_the_limit():
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, before[1]))
    try:
        with tempfile.TemporaryFile(buffering=0) as file: os.pwrite(file.fileno(), b"x", 1 << 30)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

class Told(asyncio.Protocol):
    def __init__(self, lost): self.lost = lost
    def connection_lost(self, error): self.lost.set_result(error)

class P(Plugin, EventSource, AsyncEvents, EventParsing):
    plugin_id, event_source = 999, "conform"
    async_events = ("loop", "call")
    parse_event_types = (322,)
    def write(self, where):
        for how in (to_pipe, to_socket, to_program, past_the_limit):
            try:
                with self.one: how()  # a program just started holds the other's ends for a moment
            except OSError as e: self.told.add(f"{where} {how.__name__} {errno.errorcode[e.errno]}")
    def init(self):
        self.told, self.one = set(), threading.Lock()
        self.write("init")
    def start_async(self, handler):
        self.thread = threading.Thread(target=self.write, args=("thread",))
        self.thread.start()
    @async_event("call", every=60)
    def call(self): self.write("producer")
    @async_event("loop")
    async def later(self):
        loop = asyncio.get_running_loop()
        read, write = os.pipe()
        lost = loop.create_future()
        to, _ = await loop.connect_write_pipe(lambda: Told(lost), os.fdopen(write, "wb", 0))
        os.close(read)
        to.write(b"x")
        await lost
        self.write("loop")
    def open(self, params: str):
        self.write("open")
        yield b"parse"
        self.write("source")
        end = time.monotonic() + 15
        while len(self.told) < 28 and time.monotonic() < end: yield None
        yield from sorted(self.told)
        told = open("/proc/self/status").read()
        yield "SIGINT caught %d" % (int(told.partition("SigCgt:")[2].split()[0], 16) >> 1 & 1)
        ignored = int(told.partition("SigIgn:")[2].split()[0], 16)
        yield "ignored %x" % (ignored & 0x7fffffff)  # the next two are the C library's
    def parse_event(self, event):
        if event.data == b"parse": self.write("parse_event")
"""
_PLACES = ("init", "loop", "open", "parse_event", "producer", "source", "thread")
_WAYS = {"to_pipe": "EPIPE", "to_socket": "EPIPE", "to_program": "EPIPE", "past_the_limit": "EFBIG"}
_PIPE_AND_XFSZ = "ignored 1001000"  # bits 12 and 24, of signals 13 and 25


@pytest.mark.drivers("runner", "plughost", "sysdig")
def test_a_write_that_cannot_be_is_an_error_and_not_the_end(
    read: Read, write_plugin: WritePlugin
) -> None:
    """B12"""
    out = read(write_plugin(PLUGIN), seconds=25)
    told = [data.decode() for data in out.data]
    wanted = {f"{place} {way} {error}" for place in _PLACES for way, error in _WAYS.items()}
    assert set(told[1:-2]) == wanted, out
    # The runner has no more to say about SIGPIPE than Falco: who ignores it is falcokit.
    assert told[-1] == _PIPE_AND_XFSZ
    # plughost leaves SIGINT at its default, which the import of `signal` would change.
    assert told[-2] == f"SIGINT caught {int(read.name != 'plughost')}"
