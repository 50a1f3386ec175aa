# SPDX-License-Identifier: Apache-2.0
"""The lists at the head of real captures, and how much of lists is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from list_builder import block_type, lists_of

from falcokit.capture.format.errors import Notices
from falcokit.capture.format.layout import LITTLE, BlockKind
from falcokit.capture.lists.interfaces import Interface
from falcokit.capture.lists.lists import MAX_LIST_BYTES, Lists
from falcokit.capture.lists.users import Group, User

pytestmark = pytest.mark.python

SAMPLES = Path(__file__).with_name("samples")

# threads, fds, interfaces, users and groups, as libscap counts them
KNOWN = {
    "curl_google": (54, 316, 5, 86),
    "test_ipv6_client": (58, 333, 5, 86),
    "falco-open-multiple-files": (128, 685, 8, 110),
    "falco-empty": (218, 883, 11, 122),
}


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
