# SPDX-License-Identifier: Apache-2.0
"""Parameters as text: a golden text for each type, and what a resolver adds."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scap_builder import Builder
from test_values import TYPES, one_event

from falcokit.capture.events.event_table import Param, event_table
from falcokit.capture.events.flags import enum_names, flag_names, mode_names
from falcokit.capture.render.args import arg_texts, args_text
from falcokit.capture.render.state import Scene
from falcokit.capture.render.types import shower

if TYPE_CHECKING:
    from pathlib import Path

    from falcokit.capture.events.event import Event

OPEN, READ, OPENAT = 3, 7, 307

ONES = 2**64 - 1


def show(kind: str, raw: bytes, fmt: str = "PF_DEC", **more: str) -> tuple[str, str]:
    param = Param(name="p", type=kind, fmt=fmt, flags=more.get("flags"), dynamic=more.get("dyn"))
    return shower(param, "little", 80)(raw, None)


@pytest.mark.parametrize(
    ("kind", "number", "texts"),
    [
        # decimal, hexadecimal, octal, padded
        ("b PT_INT8", -2, ("-2", "FE", "0376", "-00000002")),
        ("h PT_INT16", -2, ("-2", "FFFE", "0177776", "-00000002")),
        ("i PT_INT32", -2, ("-2", "FFFFFFFE", "037777777776", "-00000002")),
        ("q PT_INT64", 10, ("10", "A", "012", "000000010")),
        ("B PT_UINT8", 200, ("-56", "C8", "0310", "-00000056")),
        ("H PT_UINT16", 80, ("80", "50", "0120", "000000080")),
        ("I PT_UINT32", 2**32 - 1, ("-1", "FFFFFFFF", "037777777777", "-00000001")),
        ("Q PT_UINT64", ONES, ("-1", "F" * 16, "01777777777777777777777", "-00000001")),
        ("Q PT_UINT64", 0, ("0", "0", "0", "000000000")),
    ],
)
def test_numbers_in_every_format(kind: str, number: int, texts: tuple[str, ...]) -> None:
    form, _, name = kind.partition(" ")
    formats = ("PF_DEC", "PF_HEX", "PF_OCT", "PF_10_PADDED_DEC")
    raw = struct.pack("<" + form, number)
    assert tuple(show(name, raw, fmt)[0] for fmt in formats) == texts
    assert show(name, raw, "PF_NA") == show(name, raw, "PF_ID") == (texts[0], "")


@pytest.mark.parametrize(
    ("kind", "raw", "texts"),
    [
        ("PT_CHARBUF", b"a b\0", ("a b", "")),
        ("PT_CHARBUF", b"(NULL)\0", ("<NA>", "")),
        ("PT_CHARBUF", b"x" * 70_000, ("x" * 65536 + "...", "")),
        ("PT_FSPATH", b"etc/passwd\0", ("etc/passwd", "")),
        ("PT_FSRELPATH", b"../x\0", ("../x", "")),
        ("PT_BYTEBUF", b"GET /\r\n\0\xff~", ("GET /....~", "")),
        ("PT_BYTEBUF", b"y" * 80, ("y" * 80, "")),
        ("PT_BYTEBUF", b"y" * 81, ("y" * 77 + "...", "")),
        ("PT_ERRNO", struct.pack("<q", 5), ("5", "")),
        ("PT_ERRNO", struct.pack("<q", -2), ("-2", "ENOENT")),
        ("PT_ERRNO", struct.pack("<q", -99999), ("-99999", "")),
        ("PT_SOCKADDR", bytes([2, 8, 8, 8, 8, 53, 0]), ("8.8.8.8:53", "")),
        ("PT_SOCKADDR", b"\x0a" + bytes(15) + b"\1\x35\0", ("::1:53", "")),
        ("PT_SOCKADDR", b"\x01/run/s\0", ("/run/s", "")),
        ("PT_SOCKADDR", b"\x10", ("family 16", "")),
        ("PT_SOCKADDR", b"\x02\1", ("<invalid 0201>", "")),
        (
            "PT_SOCKTUPLE",
            bytes([2, 10, 0, 0, 1, 1, 2, 10, 0, 0, 2, 80, 0]),
            ("10.0.0.1:513->10.0.0.2:80", ""),
        ),
        (
            "PT_SOCKTUPLE",
            b"\x0a" + bytes(15) + b"\1\1\0" + bytes(15) + b"\2\2\0",
            ("::1:1->::2:2", ""),
        ),
        ("PT_SOCKTUPLE", b"\x01" + struct.pack("<QQ", 0, 0xFF8) + b"/s\0", ("0->ff8 /s", "")),
        ("PT_FD", struct.pack("<q", 3), ("3", "")),
        ("PT_FD", struct.pack("<q", -100), ("-100", "AT_FDCWD")),
        ("PT_FD", struct.pack("<q", -9), ("-9", "EBADF")),
        ("PT_FD32", struct.pack("<i", 4), ("4", "")),
        ("PT_PID", struct.pack("<q", 17497), ("17497", "")),
        ("PT_PID32", struct.pack("<i", 7), ("7", "")),
        ("PT_FDLIST", struct.pack("<Hqhqh", 2, 4, 0x41, 5, -1), ("4:?41 5:?ffffffff", "")),
        ("PT_FDLIST", b"\0\0", ("", "")),
        ("PT_SYSCALLID", b"\x03\0", ("3", "read")),
        ("PT_SYSCALLID", b"\xff\xff", ("65535", "")),
        ("PT_SIGTYPE", b"\x09", ("9", "SIGKILL")),
        ("PT_SIGTYPE", b"\xc8", ("200", "")),
        ("PT_SIGSET", b"\x01\x01\0\0", ("SIGHUP SIGKILL", "")),
        ("PT_SIGSET", bytes(4), ("", "")),
        ("PT_RELTIME", struct.pack("<Q", 1_500_000_000), ("1500000000", "1.5s")),
        ("PT_RELTIME", struct.pack("<Q", 1), ("1", "1e-09s")),
        ("PT_RELTIME", struct.pack("<Q", ONES), ("none", "")),
        (
            "PT_ABSTIME",
            struct.pack("<Q", 86_400 * 10**9 + 7),
            ("1970-01-02 00:00:00.000000007", ""),
        ),
        ("PT_PORT", b"\x50\0", ("80", "")),
        ("PT_IPV4ADDR", bytes([10, 0, 0, 79]), ("10.0.0.79", "")),
        ("PT_IPV6ADDR", bytes(15) + b"\1", ("::1", "")),
        ("PT_BOOL", b"\1\0\0\0", ("1", "")),
        ("PT_DOUBLE", struct.pack("<d", 2.5), ("2.5", "")),
        ("PT_UID", struct.pack("<I", 1000), ("1000", "")),
        ("PT_UID", b"\xff" * 4, ("-1", "<NONE>")),
        ("PT_GID", b"\xfe\xff\xff\xff", ("-2", "")),
        ("PT_CHARBUFARRAY", b"a\0bc\0", ("a.bc", "")),
        ("PT_CHARBUF_PAIR_ARRAY", b"\0\1\2\3abcd", ("....abcd", "")),
        ("PT_IPV4NET", b"\1\2", ("<invalid 0102>", "")),
        ("PT_UINT32", bytes(40), ("<invalid " + "00" * 32 + "...>", "")),
    ],
)
def test_a_text_of_each_type(kind: str, raw: bytes, texts: tuple[str, str]) -> None:
    assert show(kind, raw) == texts


@pytest.mark.parametrize(
    ("kind", "flags", "value", "texts"),
    [
        ("PT_FLAGS32", "file_flags", 4097, ("4097", "O_RDONLY|O_CLOEXEC")),
        ("PT_FLAGS32", "file_flags", 3, ("3", "O_RDWR")),
        ("PT_FLAGS16", "prot_flags", 0, ("0", "PROT_NONE")),
        ("PT_FLAGS8", "prot_flags", 8, ("8", "PROT_SEM")),
        ("PT_FLAGS32", "prot_flags", 1 << 20, (str(1 << 20), "")),
        ("PT_FLAGS32", "no_such_table", 1, ("1", "")),
        ("PT_ENUMFLAGS32", "socket_families", 1, ("1", "AF_LOCAL|AF_UNIX")),
        ("PT_ENUMFLAGS8", "shutdown_how", 2, ("2", "SHUT_RDWR")),
        ("PT_ENUMFLAGS16", "lseek_whence", 9, ("9", "")),
        ("PT_MODE", "chmod_mode", 0o600, ("0600", "S_IWUSR|S_IRUSR")),
        ("PT_MODE", "mknod_mode", 0o20001, ("020001", "S_IXOTH|S_IFCHR")),
    ],
)
def test_flags_enumerations_and_modes(
    kind: str, flags: str, value: int, texts: tuple[str, str]
) -> None:
    width = 4 if kind == "PT_MODE" else int(kind[-2:].strip("S")) // 8
    assert show(kind, value.to_bytes(width, "little"), flags=flags) == texts


def test_flags_end_at_the_whole_value_and_modes_with_it() -> None:
    assert flag_names("futex_operations", 129) == "FUTEX_PRIVATE_FLAG|FUTEX_WAKE"
    assert flag_names("file_flags", 0) == "O_NONE"
    assert mode_names("mknod_mode", 0x8000) == "S_IFREG"
    # S_IFCHR (0o20000) stands before S_IFBLK (0o60000), which is the whole value.
    assert mode_names("mknod_mode", 0x6000) == "S_IFCHR|S_IFBLK"
    assert enum_names("prctl_options", 33) == "PR_MCE_KILL|PR_MCE_KILL"  # so it is listed


@pytest.mark.parametrize(
    ("table", "raw", "fmt", "texts"),
    [
        ("sockopt_dynamic_param", b"\0ab\xff", "PF_DEC", ("ab.", "")),
        ("sockopt_dynamic_param", b"\1" + b"\xff" * 8, "PF_DEC", ("-1", "EPERM")),
        ("sockopt_dynamic_param", b"\2\x0a\0\0\0", "PF_DEC", ("10", "")),
        ("sockopt_dynamic_param", b"\4" + struct.pack("<Q", 10**9), "PF_DEC", ("1000000000", "1s")),
        ("sockopt_dynamic_param", b"\0", "PF_DEC", ("", "")),
        ("sockopt_dynamic_param", b"\2", "PF_DEC", ("<NA>", "")),
        ("sockopt_dynamic_param", b"\x07\x01", "PF_DEC", ("<invalid 0701>", "")),
        ("ptrace_dynamic_param", b"\0" + struct.pack("<Q", 255), "PF_HEX", ("FF", "")),
        ("ptrace_dynamic_param", b"\1\x0b", "PF_HEX", ("11", "SIGSEGV")),
        ("bpf_dynamic_param", b"\0" + struct.pack("<q", 5), "PF_DEC", ("5", "")),
        ("keyctl_dynamic_param", b"\1key\0", "PF_HEX", ("key", "")),
        ("keyctl_dynamic_param", b"\0" + struct.pack("<q", -2), "PF_HEX", ("F" * 15 + "E", "")),
    ],
)
def test_a_dynamic_parameter_is_shown_as_what_it_holds(
    table: str, raw: bytes, fmt: str, texts: tuple[str, str]
) -> None:
    assert show("PT_DYN", raw, fmt, dyn=table) == texts


def test_the_line_of_an_event(tmp_path: Path) -> None:
    params = [struct.pack("<q", -2), b"/no\0", struct.pack("<I", 1), struct.pack("<I", 0)]
    event = one_event(tmp_path, Builder().event(OPEN, params))
    assert args_text(event) == "fd=-2(ENOENT) name=/no flags=1(O_RDONLY) mode=0"
    assert [text[:] for text in arg_texts(event)] == [
        ("fd", "-2", "ENOENT"),
        ("name", "/no", ""),
        ("flags", "1", "O_RDONLY"),
        ("mode", "0", ""),
    ]


def test_both_byte_orders_give_the_same_line(tmp_path: Path) -> None:
    lines = set()
    for big in (False, True):
        build = Builder(big_endian=big)
        address = bytes([2, 10, 0, 0, 1]) + build.pack("H", 80)
        params = [build.pack("q", -111), address + address[1:], build.pack("q", 3)]
        event = one_event(tmp_path, build.event(23, params), big_endian=big)
        lines.add(args_text(event))
    assert lines == {"res=-111(ECONNREFUSED) tuple=10.0.0.1:80->10.0.0.1:80 fd=3"}


def test_empty_parameters_are_null_or_not_available_by_their_type(tmp_path: Path) -> None:
    event = one_event(tmp_path, Builder().event(READ, [b"", b"", b"", b""]))
    assert args_text(event) == "res=<NA> data=NULL fd=<NA> size=<NA>"
    assert [text.raw for text in arg_texts(event)] == ["<NA>", "NULL", "<NA>", "<NA>"]


def test_what_the_table_does_not_know_is_shown_by_position(tmp_path: Path) -> None:
    event = one_event(tmp_path, Builder().event(999, [b"a\0b", b""]))
    assert args_text(event) == "param0=a.b param1=NULL"


def test_a_generic_system_call_has_no_arguments_to_show(tmp_path: Path) -> None:
    event = one_event(tmp_path, Builder().event(1, [b"\x03\0", b"\x05\0"]))
    assert args_text(event) == ""
    assert [text[:] for text in arg_texts(event)] == [("ID", "3", "read"), ("nativeID", "5", "")]


class State:
    """What a replay might know."""

    def fd_name(self, event: Event, fd: int) -> str | None:
        return f"<f>/fd/{event.tid}/{fd}" if fd == 3 else None

    def fd_type(self, event: Event, fd: int) -> str | None:
        return "f" if fd == 3 else None

    def process_name(self, tid: int) -> str | None:
        return "bash" if tid == 7 else None

    def user_name(self, event: Event, uid: int) -> str | None:
        return "root" if uid == 0 else None

    def group_name(self, event: Event, gid: int) -> str | None:
        return "wheel" if gid == 0 else None

    def absolute_path(self, event: Event, dirfd: int | None, path: str) -> str | None:
        return f"/cwd/{path}" if dirfd is None else f"/dir{dirfd}/{path}"


@pytest.mark.parametrize(
    ("kind", "raw", "texts"),
    [
        ("PT_FD", struct.pack("<q", 3), ("3", "<f>/fd/7/3")),
        ("PT_FD", struct.pack("<q", 4), ("4", "")),
        ("PT_PID", struct.pack("<q", 7), ("7", "bash")),
        ("PT_UID", bytes(4), ("0", "root")),
        ("PT_GID", bytes(4), ("0", "wheel")),
        ("PT_GID", b"\x09\0\0\0", ("9", "<NA>")),
        ("PT_FDLIST", struct.pack("<Hqhqh", 2, 3, 1, 4, 1), ("3:f1 4:?1", "")),
        ("PT_FSPATH", b"x\0", ("x", "/cwd/x")),
        ("PT_FSPATH", b"/x\0", ("/x", "")),
        ("PT_FSPATH", b"(NULL)\0", ("<NA>", "")),
        ("PT_FSPATH", b"\0", ("", "")),
    ],
)
def test_a_resolver_adds_what_only_the_state_knows(
    tmp_path: Path, kind: str, raw: bytes, texts: tuple[str, str]
) -> None:
    event = one_event(tmp_path, Builder().event(READ, [], tid=7))
    param = Param(name="p", type=kind, fmt="PF_DEC")
    assert shower(param, "little", 80)(raw, Scene(event, State())) == texts


def test_a_relative_path_starts_at_the_directory_that_another_parameter_names(
    tmp_path: Path,
) -> None:
    params = [struct.pack("<q", -2), struct.pack("<q", 5), b"x\0"]
    event = one_event(tmp_path, Builder().event(OPENAT, params))
    assert args_text(event, State()).endswith("dirfd=5 name=x(/dir5/x)")
    for nowhere in (b"", struct.pack("<q", -100), bytes(5000)):
        params[1] = nowhere
        event = one_event(tmp_path, Builder().event(OPENAT, params))
        assert args_text(event, State()).endswith("name=x(/cwd/x)")


@settings(max_examples=400, deadline=None)
@given(
    kind=st.sampled_from(TYPES),
    raw=st.binary(min_size=1, max_size=400),
    fmt=st.sampled_from(["PF_NA", "PF_DEC", "PF_HEX", "PF_OCT", "PF_10_PADDED_DEC"]),
    flags=st.sampled_from([None, "file_flags", "mknod_mode"]),
    limit=st.integers(0, 200),
)
def test_no_bytes_are_too_odd_to_show(
    kind: str, raw: bytes, fmt: str, flags: str | None, limit: int
) -> None:
    for dynamic in event_table().dynamic_tables if kind == "PT_DYN" else (None,):
        param = Param(name="p", type=kind, fmt=fmt, flags=flags, dynamic=dynamic)
        for order in ("little", "big"):
            text, resolved = shower(param, order, limit)(raw, None)
            # A polled fd of 10 bytes takes up to 32 characters, an escaped byte 4.
            assert len(text) + len(resolved) <= 4 * len(raw) + 400
            if kind == "PT_BYTEBUF":
                assert len(text) <= max(limit, 3)
