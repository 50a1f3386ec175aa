# SPDX-License-Identifier: Apache-2.0
"""What the tests of the writer write, and how they read it back."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from list_builder import lists_of
from scap_builder import T0

from falcokit.capture import open_capture
from falcokit.capture.format.sections import Machine
from falcokit.capture.lists.descriptors import FileDescriptor
from falcokit.capture.lists.interfaces import Interface
from falcokit.capture.lists.processes import Process
from falcokit.capture.lists.users import Group, User
from falcokit.capture.writer import CaptureWriter

SAMPLES = Path(__file__).with_name("samples")
NAMES = ("curl_google", "test_ipv6_client", "falco-open-multiple-files", "falco-empty")

# Whole blocks that the framework's own reader accepts.
SHB = "0a0d0d0a1c0000004d3c2b1a01000200ffffffffffffffff1c000000"
PLUGIN = (
    "2102000038000000000015cd853dfe9c9717ffffffffffffffff29000000420102000000"
    "0400000003000000070000006162630038000000"
)
ASYNC = (
    "21020000400000000000ffffffffffffffff010000000000000032000000920103000000"
    "040000000500000003000000000000007469636b007b7d0040000000"
)
CLOSE = (
    "170200004000000001000100000015cd853dfe9c97172a000000000000002e000000050002000000"
    "08000800000000000000000003000000000000004000"
    "0000"
)
GOLDEN_TS = 1700000000123456789

MACHINE = Machine(hostname="box", cpus=4, memory_bytes=1 << 34, max_pid=99, boot_ts_ns=T0)
INTERFACES = (
    Interface(
        name="eth0",
        ipv6=False,
        address="10.0.0.2",
        netmask="255.0.0.0",
        broadcast="10.255.255.255",
        link_speed=1000,
    ),
    Interface(name="lo", ipv6=True, address="::1", netmask="ffff::", broadcast="::", link_speed=0),
    Interface(name="old", ipv6=True, address="fe80::1", netmask="::", broadcast="::"),
)
USERS = (
    User(uid=7, gid=8, name="ann", home="/home/ann", shell="/bin/sh"),
    Group(gid=8, name="st\udcffaff"),
)
PROCESSES = (
    Process(
        tid=11,
        pid=10,
        parent_tid=1,
        comm="cät",
        args=("-n", ""),
        env=("A=1",),
        cgroups=("cpu=/",),
        root="/",
        exe_writable=True,
        exe_inode=3,
        cap_effective=2**64 - 1,
        group=-1,
    ),
    Process(tid=12, pid=10),
)
FDS = (
    FileDescriptor(tid=11, fd=1, type=16, inode=2, path="/dev/null", open_flags=3, dev=9),
    FileDescriptor(tid=11, fd=2, type=16, path="/x", open_flags=0),
    FileDescriptor(
        tid=11,
        fd=3,
        type=3,
        source="127.0.0.1",
        source_port=80,
        destination="10.0.0.1",
        destination_port=4431,
        l4=2,
    ),
    FileDescriptor(tid=11, fd=4, type=6, source="::1", source_port=53, l4=3),
    FileDescriptor(tid=11, fd=5, type=8, path="/s", source_pointer=1, destination_pointer=2),
    FileDescriptor(tid=11, fd=6, type=7, path="pipe:[1]"),
    FileDescriptor(tid=11, fd=7, type=0),
)


def rows(path: Path) -> list[tuple[Any, ...]]:
    with open_capture(path) as capture:
        found = [
            (e.code, e.ts_ns, e.tid, e.cpu, e.dump_flags, e.stored_params, e.params)
            for e in capture
        ]
        assert capture.notices == ()
    return found


def rewrite(source: Path, target: Path, *, decoded: bool) -> None:
    """Read a capture and write it again, its lists as stored or through their records."""
    lists = lists_of(source)
    with open_capture(source) as capture, CaptureWriter(target) as writer:
        if capture.machine:
            writer.machine(capture.machine)
        if decoded:
            for tid, group in itertools.groupby(lists.descriptors(), key=lambda d: d.tid):
                writer.descriptors(tid, group)
            writer.processes(lists.processes())
            writer.users(lists.users())
            writer.interfaces(lists.interfaces())
        else:
            writer.copy_lists(lists)
        for event in capture:
            writer.copy(event)
