# SPDX-License-Identifier: Apache-2.0
"""The lists at the head of a capture: real ones, every version, and nonsense."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from list_builder import LIST_KINDS, Body, block_type, lists_of

from falcokit.capture.descriptors import FileDescriptor, decode_descriptors
from falcokit.capture.errors import Notices
from falcokit.capture.interfaces import Interface, decode_interfaces
from falcokit.capture.layout import BIG, BLOCK_TYPES, LITTLE, BlockKind
from falcokit.capture.lists import MAX_LIST_BYTES, Lists
from falcokit.capture.metadata import count_records
from falcokit.capture.processes import Process, decode_processes
from falcokit.capture.users import Group, User, decode_users

SAMPLES = Path(__file__).with_name("samples")
BOTH_ORDERS = pytest.mark.parametrize("big_endian", [False, True], ids=["little", "big"])

# threads, fds, interfaces, users and groups, as libscap counts them
KNOWN = {
    "curl_google": (54, 316, 5, 86),
    "test_ipv6_client": (58, 333, 5, 86),
    "falco-open-multiple-files": (128, 685, 8, 110),
    "falco-empty": (218, 883, 11, 122),
}

DECODERS = {
    BlockKind.PROCESSES: decode_processes,
    BlockKind.FDS: decode_descriptors,
    BlockKind.INTERFACES: decode_interfaces,
    BlockKind.USERS: decode_users,
}


def whole(decoding):
    """The records of a decoder, and whether it said that they were all."""
    records = []
    while True:
        try:
            records.append(next(decoding))
        except StopIteration as e:
            return records, e.value


def processes(body: Body, data: bytes, version: int):
    return whole(decode_processes(data, block_type(BlockKind.PROCESSES, version), body.layout))


def descriptors(body: Body, data: bytes, version: int):
    return whole(decode_descriptors(data, block_type(BlockKind.FDS, version), body.layout))


@pytest.mark.parametrize("name", KNOWN)
def test_the_lists_of_a_real_capture_are_decoded_to_the_last_record(name: str) -> None:
    lists = lists_of(SAMPLES / f"{name}.scap")
    kinds = (lists.processes(), lists.descriptors(), lists.interfaces(), lists.users())
    assert tuple(len(list(records)) for records in kinds) == KNOWN[name]
    assert {type(entry) for entry in lists.users()} == {User, Group}


def test_what_a_real_capture_says_of_a_process() -> None:
    cron = next(p for p in lists_of(SAMPLES / "curl_google.scap").processes() if p.tid == 1341)
    assert (cron.comm, cron.exe, cron.args, cron.cwd) == (
        "cron",
        "/usr/sbin/cron",
        ("-f",),
        "/var/spool/cron",
    )
    assert (cron.parent_tid, cron.virtual_pid, cron.vm_rss_kb, cron.root) == (1, 1341, 2352, "/")
    assert "memory=/system.slice/cron.service" in cron.cgroups
    assert cron.env[0] == "LANG=en_US.UTF-8"
    assert (cron.session, cron.login_uid) == (-1, 2**32 - 1)  # not in the fifth version


def test_what_real_captures_say_of_descriptors() -> None:
    old = {(d.tid, d.fd): d for d in lists_of(SAMPLES / "curl_google.scap").descriptors()}
    assert (old[3111, 3].kind, old[3111, 3].protocol, old[3111, 3].name) == (
        "ipv4",
        "tcp",
        "10.0.0.79:22->50.207.137.246:63740",
    )
    assert old[980, 6].name == "0.0.0.0:68"
    assert old[1182, 5].name == "fe80::ceb:feff:fe7d:6f7e:546"
    new = {(d.tid, d.fd): d for d in lists_of(SAMPLES / "falco-empty.scap").descriptors()}
    null = new[1, 0]
    assert (null.kind, null.name, null.open_flags, null.dev, null.inode) == (
        "file",
        "/dev/null",
        3,
        6,
        6,
    )
    assert (new[999, 9].kind, new[999, 9].name) == ("ipv6", ":::111")


def test_what_a_real_capture_says_of_interfaces_and_users() -> None:
    lists = lists_of(SAMPLES / "curl_google.scap")
    assert list(lists.interfaces())[1] == Interface(
        name="eth0",
        ipv6=False,
        address="10.0.0.79",
        netmask="255.255.255.0",
        broadcast="10.0.0.255",
        link_speed=0,
    )
    users = list(lists.users())
    assert users[0] == User(uid=0, gid=0, name="root", home="/root", shell="/bin/bash")
    assert users[-1] == Group(gid=1000, name="ubuntu")


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


@pytest.mark.parametrize("version", range(1, 10))
def test_a_list_that_is_cut_short_yields_the_records_before_the_cut(version: int) -> None:
    body = Body()
    record = body.process(version)
    for cut in range(len(record), 2 * len(record)):
        found, complete = processes(body, (record * 2)[:cut], version)
        assert len(found) == 1
        assert complete is (cut - len(record) < 4)  # as little as that is padding


def test_a_record_that_overruns_its_own_length_is_passed_over() -> None:
    body = Body()
    broken = body.counted(body.process(8)[:60])
    found, complete = processes(body, body.process(9) + broken + body.process(9), version=9)
    assert ([p.tid for p in found], complete) == ([11, 11], False)


LIST_BLOCKS = [block for block in BLOCK_TYPES.values() if block.kind in LIST_KINDS]
REAL = [
    (block, body, layout)
    for name in KNOWN
    for block, body, layout in itertools.islice(lists_of(SAMPLES / f"{name}.scap").blocks(), 5)
]


def decode_all(block, data: bytes, layout) -> None:
    records, complete = whole(DECODERS[block.kind](data, block, layout))
    assert (len(records), complete) == count_records(block, data, layout)
    assert len(records) <= len(data) // 4
    for record in records:
        assert repr(record)
        if isinstance(record, FileDescriptor):
            assert isinstance(record.name, str)
            assert isinstance(record.kind, str)
            assert isinstance(record.protocol, str | None)


@settings(max_examples=400, deadline=None)
@given(
    block=st.sampled_from(LIST_BLOCKS),
    data=st.binary(max_size=400),
    layout=st.sampled_from([LITTLE, BIG]),
)
def test_random_bodies_end_and_never_raise(block, data: bytes, layout) -> None:
    decode_all(block, data, layout)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    real=st.sampled_from(REAL),
    other=st.sampled_from(LIST_BLOCKS),
    edits=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=5),
)
def test_edited_real_bodies_end_and_never_raise(real, other, edits) -> None:
    block, body, layout = real
    data = bytearray(body[:3000])
    for at, value in edits:
        if data:
            data[at % len(data)] = value
    decode_all(block, bytes(data), layout)
    decode_all(other, bytes(data), layout)


def test_a_file_of_nothing_but_lists_does_not_fill_the_memory() -> None:
    notices = Notices()
    lists = Lists(notices)
    block, body = block_type(BlockKind.USERS, 2), bytes(1024 * 1024)
    for n in range(100):
        lists.add(block, body, LITTLE, n)
    assert sum(len(kept) for _, kept, _ in lists.blocks()) < MAX_LIST_BYTES
    (notice,) = notices.all()
    assert (notice.kind, notice.count + len(lists), notice.offset) == ("lists", 100, len(lists))
    empty = Lists(Notices())
    for _ in range(200_000):
        empty.add(block, b"", LITTLE, 0)
    assert len(empty) < 150_000
