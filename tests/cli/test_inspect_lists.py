# SPDX-License-Identifier: Apache-2.0
"""The state at the head of a capture as tables and as JSON."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from falcokit.capture import open_capture
from falcokit.capture.lists.descriptors import FileDescriptor
from falcokit.capture.lists.interfaces import Interface
from falcokit.capture.lists.processes import Process
from falcokit.capture.lists.users import Group, User
from falcokit.capture.writer import CaptureWriter
from falcokit.cli.inspect import lists as inspect_lists
from falcokit.cli.inspect.lists import (
    fd_objects,
    fd_table,
    process_objects,
    process_table,
    user_objects,
    user_table,
)
from falcokit.cli.inspect.output import report_lines
from falcokit.cli.inspect.report import Report
from falcokit.cli.inspect.screen import show

if TYPE_CHECKING:
    from falcokit.capture.lists.lists import Lists

NASTY = "a\x1b[31m\udcff\n" + "x" * 90


@pytest.fixture
def lists(tmp_path: Path) -> Lists:
    path = tmp_path / "state.scap"
    with CaptureWriter(path) as writer:
        writer.users([User(uid=7, gid=8, name="ann", home="/home/ann"), Group(gid=8, name="staff")])
        writer.interfaces(
            [
                Interface(
                    name="lo",
                    ipv6=False,
                    address="127.0.0.1",
                    netmask="255.0.0.0",
                    broadcast="127.0.0.1",
                    link_speed=0,
                )
            ]
        )
        writer.processes(
            [
                Process(
                    tid=11,
                    pid=10,
                    parent_tid=1,
                    comm="cat",
                    exe="/bin/cat",
                    args=("-n", "f"),
                    uid=7,
                    vm_rss_kb=2000,
                ),
                Process(tid=12, pid=12, comm=NASTY, uid=9),
            ]
        )
        writer.descriptors(
            11,
            [
                FileDescriptor(tid=11, fd=3, type=5, source="0.0.0.0", source_port=22, l4=2),
                FileDescriptor(tid=11, fd=4, type=9),
            ],
        )
        writer.descriptors(99, [FileDescriptor(tid=99, fd=0, type=1, path=NASTY)])
    with open_capture(path, lists=True) as capture:
        assert list(capture) == []
        assert capture.lists is not None
        return capture.lists


def test_threads_are_shown_with_their_users(lists: Lists) -> None:
    table = process_table(lists)
    assert [column.title for column in table.columns][-1] == "command line"
    first, second = table.rows
    assert first == ("11", "10", "1", "ann", "2.05 MB", "cat", "/bin/cat -n f")
    assert second[:4] == ("12", "12", "-1", "9")
    assert second[-1] == "-"


def test_descriptors_are_shown_with_their_threads(lists: Lists) -> None:
    table = fd_table(lists)
    assert table.rows[:2] == (
        ("11", "cat", "3", "ipv4", "tcp", "0.0.0.0:22"),
        ("11", "cat", "4", "event", "-", "-"),
    )
    assert table.rows[2][:5] == ("99", "-", "0", "file", "-")


def test_users_and_groups_are_shown(lists: Lists) -> None:
    assert user_table(lists).rows == (
        ("user", "7", "8", "ann", "/home/ann", "-"),
        ("group", "8", "-", "staff", "-", "-"),
    )


def test_no_text_of_the_file_reaches_a_terminal_raw_or_widens_a_table(lists: Lists) -> None:
    for table in (process_table(lists), fd_table(lists)):
        assert all(cell.isprintable() for row in table.rows for cell in row)
    name = process_table(lists).rows[1][5]
    assert name.startswith(r"a\x1b[31m\xff\nxxx")
    assert name.endswith("x...")
    assert len(name) == 64
    assert len(fd_table(lists).rows[2][-1]) > 90  # the last column of a table is whole


def test_a_table_is_bounded_and_says_so(lists: Lists, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspect_lists, "MAX_ROWS", 2)
    assert process_table(lists).title == "Threads"
    table = fd_table(lists)
    assert table.title == "File descriptors (the first 2; --json has all)"
    assert len(table.rows) == 2


def test_tables_fit_both_views(lists: Lists) -> None:
    tables = (process_table(lists), fd_table(lists), user_table(lists))
    report = Report(title="state.scap", facts=(("File", "x"),), tables=tables)
    assert any("0.0.0.0:22" in line for line in report_lines(report))
    file = io.StringIO()
    show(report, Console(file=file, width=60, height=24, markup=False, highlight=False))
    shown = file.getvalue().splitlines()
    assert any("cat" in line for line in shown)
    assert all(len(line) <= 60 for line in shown)


def test_json_has_every_field_and_no_raw_bytes(lists: Lists) -> None:
    first, second = process_objects(lists)
    assert first["args"] == ["-n", "f"]
    assert set(first) == set(Process.field_names)
    assert second["comm"] == NASTY.replace("\udcff", r"\xff")
    assert list(user_objects(lists)) == [
        {"kind": "user", "uid": 7, "gid": 8, "name": "ann", "home": "/home/ann", "shell": ""},
        {"kind": "group", "gid": 8, "name": "staff"},
    ]
    server, event, file = fd_objects(lists)
    assert (server["kind"], server["name"], server["protocol"]) == ("ipv4", "0.0.0.0:22", "tcp")
    assert set(event) == {"tid", "fd", "type", "inode", "path", "kind", "name"}
    assert json.dumps([first, second, server, event, file]).isprintable()


@pytest.mark.parametrize("name", ["curl_google", "falco-empty"])
def test_the_tables_of_a_real_capture(name: str) -> None:
    path = Path(__file__).parent.parent / "capture" / "samples" / f"{name}.scap"
    with open_capture(path, lists=True) as capture:
        held = capture.lists
    assert held is not None
    threads = process_table(held)
    assert len(threads.rows) == {"curl_google": 54, "falco-empty": 218}[name]
    assert {row[3] for row in threads.rows} >= {"root", "syslog"}
    assert not {"-"} & {row[1] for row in fd_table(held).rows}  # every thread is in the lists
