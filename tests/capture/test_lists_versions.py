# SPDX-License-Identifier: Apache-2.0
"""Lists of every version, in both byte orders, field by field."""

from __future__ import annotations

import pytest
from list_builder import Body, block_type, descriptors, processes, whole

from falcokit.capture.format.layout import BlockKind
from falcokit.capture.lists.descriptors import FileDescriptor
from falcokit.capture.lists.interfaces import decode_interfaces
from falcokit.capture.lists.processes import Process
from falcokit.capture.lists.users import Group, User, decode_users

BOTH_ORDERS = pytest.mark.parametrize("big_endian", [False, True], ids=["little", "big"])


@BOTH_ORDERS
@pytest.mark.parametrize("version", range(1, 10))
def test_every_version_of_a_process_has_the_fields_it_has(version: int, big_endian: bool) -> None:
    body = Body(big_endian=big_endian)
    (first, second), complete = processes(body, body.process(version) * 2, version)
    since = {
        1: {
            "tid": 11,
            "pid": 10,
            "parent_tid": 1,
            "comm": "cat",
            "exe": "/bin/cat",
            "args": ("-n", "file"),
            "cwd": "/home",
            "fd_limit": 1024,
            "flags": 3,
            "uid": 1000,
            "gid": 100,
        },
        2: {
            "vm_size_kb": 500,
            "vm_rss_kb": 400,
            "vm_swap_kb": 300,
            "major_faults": 2,
            "minor_faults": 1,
        },
        3: {"env": ("A=1", "B=\udcff")},
        4: {"virtual_tid": 5, "virtual_pid": 4, "cgroups": ("cpu=/a", "memory=/b")},
        5: {"root": "/jail"},
        6: {"session": 9},
        7: {"exe_path": "/usr/bin/cat"},
        8: {"virtual_group": 8},
    }
    fields = {}
    for added, values in since.items():
        fields |= values if added <= version else {}
    assert first == second == Process(**fields)
    assert complete is True


TAIL = (
    ("pid_namespace_start_ns", "Q", 1),
    ("tty", "I", 2),
    ("login_uid", "I", 3),
    ("exe_writable", "B", 1),
    ("cap_inheritable", "Q", 4),
    ("cap_permitted", "Q", 5),
    ("cap_effective", "Q", 6),
    ("exe_upper_layer", "B", 1),
    ("exe_inode", "Q", 7),
    ("exe_inode_ctime", "Q", 8),
    ("exe_inode_mtime", "Q", 9),
    ("exe_from_memfd", "B", 1),
    ("exe_lower_layer", "B", 1),
    ("group", "q", -5),
)
OLD_TAIL = TAIL[2:7]


@BOTH_ORDERS
@pytest.mark.parametrize(
    "fields",
    [TAIL[:n] for n in range(6, len(TAIL) + 1)] + [OLD_TAIL[:n] for n in range(6)],
    ids=lambda fields: str(len(fields)) + (fields[0][0][:1] if fields else ""),
)
def test_the_tail_of_a_process_grew_at_both_ends(fields, big_endian: bool) -> None:
    body = Body(big_endian=big_endian)
    tail = b"".join(body.pack(kind, value) for _, kind, value in fields)
    (process, plain), complete = processes(body, body.process(9, tail) + body.process(9), version=9)
    there = {name: value for name, _, value in fields}
    expected = {name: there.get(name, getattr(plain, name)) for name, _, _ in TAIL}
    assert {name: getattr(process, name) for name, _, _ in TAIL} == expected
    assert complete is True


def test_fields_that_a_newer_writer_appends_are_passed_over() -> None:
    body = Body()
    tail = b"".join(body.pack(kind, value) for _, kind, value in TAIL) + b"something new"
    (process, after), complete = processes(body, body.process(9, tail) + body.process(9), 9)
    assert (process.group, after.tid, complete) == (-5, 11, True)


FDS = (
    (0, b"", "unknown", ""),
    (1, "plain", "file", "plain"),
    (2, "/etc", "directory", "/etc"),
    (3, "v4", "ipv4", "127.0.0.1:80->10.0.0.1:4431"),
    (4, "v6", "ipv6", "::1:80->fe80::2:4431"),
    (5, "v4 server", "ipv4", "127.0.0.1:80"),
    (6, "v6 server", "ipv6", "::1:80"),
    (7, "pipe:[1]", "pipe", "pipe:[1]"),
    (8, "unix", "unix", "/run/x"),
    (16, "file", "file", "/tmp/f"),
    *((kind, "", None, "") for kind in (9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 21)),
)


def payload(body: Body, kind: int) -> bytes:
    v4 = bytes((127, 0, 0, 1)), bytes((10, 0, 0, 1))
    v6 = bytes(15) + b"\1", b"\xfe\x80" + bytes(13) + b"\2"
    built = {
        0: b"",
        3: b"".join(v4) + body.pack("HHB", 80, 4431, 2),
        4: b"".join(v6) + body.pack("HHB", 80, 4431, 3),
        5: v4[0] + body.pack("HB", 80, 2),
        6: v6[0] + body.pack("HB", 80, 3),
        8: body.pack("QQ", 3, 4) + body.text(b"/run/x"),
        16: body.pack("I", 4097) + body.text(b"/tmp/f"),
    }
    names = {1: b"plain", 2: b"/etc", 7: b"pipe:[1]"}
    return built.get(kind, body.text(names.get(kind, b"")))


@BOTH_ORDERS
@pytest.mark.parametrize("version", [1, 2])
def test_every_type_of_descriptor_in_both_versions(version: int, big_endian: bool) -> None:
    body = Body(big_endian=big_endian)
    data = body.pack("q", 42) + b"".join(
        body.fd(n, kind, payload(body, kind), version=version) for n, (kind, *_) in enumerate(FDS)
    )
    found, complete = descriptors(body, data, version)
    assert complete is True
    assert [(d.tid, d.fd, d.inode, d.type) for d in found] == [
        (42, n, 77, kind) for n, (kind, *_) in enumerate(FDS)
    ]
    assert [d.name for d in found] == [name for *_, name in FDS]
    named = [(d.kind, kind) for d, (_, _, kind, _) in zip(found, FDS, strict=True) if kind]
    assert all(kind == expected for kind, expected in named)
    by_type = {d.type: d for d in found}
    assert (by_type[3].protocol, by_type[6].protocol, by_type[8].protocol) == ("tcp", "udp", None)
    assert (by_type[8].source_pointer, by_type[8].destination_pointer) == (3, 4)
    assert (by_type[16].open_flags, by_type[16].dev) == (4097, None)


def test_a_device_counts_only_where_the_record_has_room_for_it() -> None:
    body = Body()
    file = payload(body, 16)
    data = (
        body.pack("q", 1) + body.fd(1, 16, file + body.pack("I", 9)) + body.fd(2, 16, file + b"1")
    )
    found, complete = descriptors(body, data, version=2)
    assert ([d.dev for d in found], complete) == ([9, None], True)


def test_a_type_from_the_future_is_passed_over_where_records_have_a_length() -> None:
    body = Body()
    new = body.fd(5, 25, b"whatever")
    found, complete = descriptors(body, body.pack("q", 1) + new + body.fd(6, 0, b""), version=2)
    assert ([(d.fd, d.kind) for d in found], complete) == (
        [(5, "unknown-25"), (6, "unknown")],
        True,
    )
    old = body.fd(5, 25, b"whatever", version=1) + body.fd(6, 0, b"", version=1)
    assert descriptors(body, body.pack("q", 1) + old, version=1) == ([], False)


def test_a_mapped_tuple_reads_as_a_replay_shows_it() -> None:
    one, two = "::ffff:1.2.3.4", "::ffff:5.6.7.8"
    mapped = FileDescriptor(
        tid=1, fd=3, type=4, source=one, source_port=5, destination=two, destination_port=6
    )
    assert mapped.name == "1.2.3.4:5->5.6.7.8:6"


@BOTH_ORDERS
@pytest.mark.parametrize("version", [1, 2])
def test_every_kind_of_interface_in_both_versions(version: int, big_endian: bool) -> None:
    body = Body(big_endian=big_endian)
    data = b""
    for kind, width, speed in ((1, 4, 100), (2, 16, 200), (3, 4, None), (4, 16, None)):
        record = body.pack("HH", kind, 3) + b"".join(
            bytes(width - 1) + bytes([n]) for n in (1, 2, 3)
        )
        record += (b"" if speed is None else body.pack("Q", speed)) + b"lo\0"
        data += body.counted(record, itself=False) if version == 2 else record
    block = block_type(BlockKind.INTERFACES, version)
    found, complete = whole(decode_interfaces(data, block, body.layout))
    assert complete is True
    assert [(i.name, i.ipv6, i.address, i.broadcast, i.link_speed) for i in found] == [
        ("lo", False, "0.0.0.1", "0.0.0.3", 100),
        ("lo", True, "::1", "::3", 200),
        ("lo", False, "0.0.0.1", "0.0.0.3", None),
        ("lo", True, "::1", "::3", None),
    ]


@BOTH_ORDERS
@pytest.mark.parametrize("version", [1, 2])
def test_users_and_groups_in_both_versions(version: int, big_endian: bool) -> None:
    body = Body(big_endian=big_endian)
    user = body.pack("BII", 0, 7, 8) + b"".join(map(body.text, (b"ann", b"/home/ann", b"/bin/sh")))
    group = body.pack("BI", 1, 8) + body.text(b"staff")
    data = body.counted(user) + body.counted(group) if version == 2 else user + group
    block = block_type(BlockKind.USERS, version)
    assert whole(decode_users(data, block, body.layout)) == (
        [
            User(uid=7, gid=8, name="ann", home="/home/ann", shell="/bin/sh"),
            Group(gid=8, name="staff"),
        ],
        True,
    )
