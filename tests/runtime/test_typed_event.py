# SPDX-License-Identifier: Apache-2.0
"""Events made from the names of their types and parameters, and as JSON, both ways."""

from __future__ import annotations

import datetime as dt
import json
import random
import re
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from capture.param_bytes import some_bytes

from falcokit import Event, constants, event_from_json, event_to_json, make_event
from falcokit.capture import CaptureWriter, open_capture
from falcokit.capture import event_to_json as stored_to_json
from falcokit.capture.events.event_json import plugin_event
from falcokit.capture.events.event_table import event_table
from falcokit.runtime.event.event_encoding import encode_value
from falcokit.runtime.event.event_params import raw_event, split_params
from falcokit.runtime.event.event_types import ParamType, event_code, event_type
from falcokit.runtime.event.socket_values import Address, OtherFamily, SocketPair, UnixPair
from falcokit.runtime.event.typed_event import params_to_json
from tools.event_table_text import NAMES_MODULE, names_module_text

pytestmark = pytest.mark.python

SAMPLES = sorted((Path(__file__).parents[1] / "capture" / "samples").glob("*.scap"))
CODES = [kind.id for kind in event_table().events if kind.name != "NA"]
ORDER = sys.byteorder
PAIR = SocketPair(Address("1.2.3.4", 5), Address("6.7.8.9", 10))


def test_the_names_are_those_of_the_shipped_table() -> None:
    assert NAMES_MODULE.read_text() == names_module_text()
    assert constants.Errno.ENOENT == 2
    assert constants.Signals.SIGKILL == 9
    assert constants.Syscalls.openat == next(
        number for number, name in event_table().ppm_sc.items() if name == "openat"
    )
    made = constants.FileFlags.O_CREAT | constants.FileFlags.O_RDONLY
    assert made == 5
    assert constants.FileFlags(5) == made
    assert constants.BpfCommands["BPF_PROG_LOAD"] == 5
    assert len(list(constants)) == len(event_table().flags_tables) + 3
    with pytest.raises(AttributeError, match="there are no constants 'Nothing'"):
        constants.Nothing  # noqa: B018


def test_an_event_has_the_parameters_that_are_given_and_defaults() -> None:
    event = make_event("<openat", fd=3, name="/etc/passwd", flags="O_RDONLY|O_CREAT", tid=42)
    assert dict(event.params) == {
        "fd": 3, "dirfd": -100, "name": "/etc/passwd", "flags": 5, "mode": 0, "dev": 0, "ino": 0,
    }  # fmt: skip
    assert (event.type, event.tid, event.ts_ns, event.source) == (307, 42, None, "syscall")
    assert event.raw == Event.from_bytes(event.raw).raw
    assert make_event("<openat").params["name"] is None
    assert make_event("<openat", {"fd": 1}, fd=2, ts_ns=9, number=7).params["fd"] == 2


def test_a_thread_is_the_parameter_tid_too() -> None:
    assert make_event("<execve", tid=5).params["tid"] == 5
    assert make_event("<execve", {"tid": 6}, tid=5).params["tid"] == 6


def test_every_type_is_made_by_name_or_by_code() -> None:
    for code in CODES:
        make_by_name_and_code(code)


def make_by_name_and_code(code: int) -> None:
    kind = event_type(code)
    assert kind is not None
    event = make_event(code)
    assert event.type == code
    if not kind.old:
        assert len(event.params) == len(kind.params)
    newest = make_event(f"{kind.direction}{kind.name}")
    found = event_type(newest.type)
    assert found is not None
    assert (found.name, found.direction) == (kind.name, kind.direction)
    assert newest.type == event_code(kind.direction + kind.name)
    # The exit event of a type is the next code after its enter event.
    exits = event_type(newest.type + 1)
    if kind.direction == ">" and exits is not None and exits.name == kind.name:
        assert event_code("<" + kind.name) == newest.type + 1


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("openat", 307), (">openat", 306), ("accept", 247), (">accept", 246), ("procexit", 186),
     ("container", 324), ("bpf", 369), ("select", 83)],
)  # fmt: skip
def test_a_name_is_the_newest_version_that_drivers_write(name: str, wanted: int) -> None:
    assert event_code(name) == wanted


@pytest.mark.parametrize(
    ("kind", "given", "wanted"),
    [
        ("PT_ERRNO", "ENOENT", -2), ("PT_FD", "EACCES", -13), ("PT_FD", "AT_FDCWD", -100),
        ("PT_SIGTYPE", "SIGKILL", 9), ("PT_SIGSET", ["SIGHUP", 3], 5), ("PT_SIGSET", "SIGHUP", 1),
        ("PT_SYSCALLID", "openat", constants.Syscalls.openat),
        ("PT_UID", -1, 2**32 - 1), ("PT_RELTIME", -1, 2**64 - 1), ("PT_BOOL", True, 1),
        ("PT_RELTIME", dt.timedelta(seconds=1.5), 1_500_000_000),
        ("PT_ABSTIME", "1970-01-01T00:00:01.123456789Z", 1_123_456_789),
        ("PT_ABSTIME", dt.datetime(1970, 1, 1, 0, 0, 2, tzinfo=dt.UTC), 2_000_000_000),
        ("PT_FSPATH", Path("/a/b"), "/a/b"), ("PT_CHARBUF", "", ""), ("PT_CHARBUF", None, None),
        ("PT_BYTEBUF", "text", b"text"), ("PT_BYTEBUF", ["-c", "x"], b"-c\0x\0"),
        ("PT_BYTEBUF", bytearray(b"\0x"), b"\0x"),
        ("PT_SOCKADDR", "10.0.0.1:80", Address("10.0.0.1", 80)),
        ("PT_SOCKADDR", "[::1]:80", Address("::1", 80)),
        ("PT_SOCKADDR", Address("::1", 80), Address("::1", 80)),
        ("PT_SOCKADDR", "/run/x.sock", "/run/x.sock"),
        ("PT_SOCKADDR", OtherFamily(16), OtherFamily(16)),
        ("PT_SOCKADDR", {"family": "AF_NETLINK"}, OtherFamily(16)),
        ("PT_SOCKTUPLE", "1.2.3.4:5->6.7.8.9:10", PAIR),
        ("PT_SOCKTUPLE", "::1:5->::2:10", SocketPair(Address("::1", 5), Address("::2", 10))),
        ("PT_SOCKTUPLE", (("1.2.3.4", 5), ("6.7.8.9", 10)), PAIR),
        ("PT_SOCKTUPLE", "ff->1a /run/x", UnixPair(255, 26, "/run/x")),
        ("PT_SOCKTUPLE", "/run/x", UnixPair(0, 0, "/run/x")),
        ("PT_FDLIST", [(3, "POLLIN|POLLOUT"), {"fd": 4, "flags": 0}], ((3, 5), (4, 0))),
        ("PT_CHARBUFARRAY", ["a", "b"], ("a", "b")),
        ("PT_CHARBUF_PAIR_ARRAY", {"a": "1", "b": "2"}, (("a", "1"), ("b", "2"))),
        ("PT_IPV4ADDR", "1.2.3.4", "1.2.3.4"), ("PT_IPV6ADDR", "::1", "::1"),
        ("PT_DOUBLE", 1.5, 1.5),
    ],
)  # fmt: skip
def test_what_a_value_may_be(kind: str, given: Any, wanted: Any) -> None:
    from falcokit.runtime.event.event_values import decoder

    for order in ("little", "big"):
        raw = encode_value(ParamType("p", kind), given, order)
        assert (decoder(kind, order)(raw) if raw else None) == wanted


@pytest.mark.parametrize(
    ("wanted", "params", "said"),
    [
        ("<openat", {"fd": 2**63}, "<openat: fd: 9223372036854775808 is not a number from"),
        ("<openat", {"fd": 1.5}, "fd: it takes an int, not 1.5"),
        ("<openat", {"fd": "ENOTHING"}, "'ENOTHING' is not the name of an error"),
        ("<openat", {"flags": "O_CRAET"}, "'O_CRAET' is not one of file_flags: O_CREAT"),
        ("<openat", {"flags": -1}, "flags: -1 is not a number from 0 to 4294967295"),
        ("<openat", {"name": 3}, "name: it takes a str, not 3"),
        ("<openat", {"name": "a\0b"}, "has a NUL"),
        ("<openat", {"name": "x" * 65535}, "name has 65536 bytes; at most 65535 fit"),
        ("<openat", {"name": "\ud800"}, "cannot be UTF-8"),
        ("<openat", {"nam": "x"}, "has no parameter 'nam': name?"),
        (">setsid", {"x": "x"}, ">setsid has no parameter 'x'"),
        ("<opnat", {}, "there is no event '<opnat': openat"),
        (9999, {}, "no event with the code 9999"),
        ("<connect", {"addr": "1.2.3.4:70000"}, "70000 is not a port"),
        ("<connect", {"tuple": "1.2.3:4->1.2.3.4:5"}, "does not appear to be an IPv4 or IPv6"),
        ("<connect", {"tuple": 3}, "both ends of a connection, not 3"),
        ("<ppoll", {"fds": "3"}, "a list of"),
        ("<ppoll", {"fds": [(3, "POLLX")]}, "'POLLX' is not one of poll_flags"),
        ("<ppoll", {"timeout": "1s"}, "timeout: it takes ns as an int, or a timedelta"),
        ("<ppoll", {"sigmask": ["SIGX"]}, "'SIGX' is not a signal"),
        ("<ptrace", {"addr": 3}, '{"uint64": ...}, {"sigtype": ...}'),
        ("<ptrace", {"addr": {"fd": 3}}, "one of uint64, sigtype, not fd"),
        ("<execve", {"exe_ino_ctime": "2026-01-01"}, "has no time zone"),
        ("<execve", {"exe_ino_ctime": "soon"}, "'soon' is not a time"),
        ("<execve", {"args": {"base64": "!"}}, "base64 is damaged"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_one_sentence(
    wanted: str | int, params: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        make_event(wanted, params)


def test_a_parameter_of_several_types_says_which_it_has() -> None:
    for given, name, wanted in (
        (3, "fd", 3), (-2, "errno", -2), ("ENOENT", "errno", -2), ({"fd": -2}, "fd", -2),
    ):  # fmt: skip
        event = make_event(297, res_or_fd=given)  # an older bpf
        assert event.params["res_or_fd"] == wanted
        assert event.params.variant("res_or_fd") == name  # type: ignore[attr-defined]
        assert event_to_json(event)["args"] == {"res_or_fd": {name: wanted}}
    texts = make_event("<keyctl", arg2="text", arg3=5, operation="KEYCTL_READ")
    assert [texts.params[name] for name in ("operation", "arg2", "arg3")] == [11, "text", 5]
    times = make_event("<setsockopt", val={"reltime": dt.timedelta(seconds=1)})
    assert times.params["val"] == 1_000_000_000
    assert times.params.variant("fd") is None  # type: ignore[attr-defined]


def test_parameters_go_to_json_and_back_without_loss() -> None:
    for code in CODES:
        to_json_and_back(code)


def to_json_and_back(code: int) -> None:
    kind = event_table().events[code]
    chance = random.Random(code)
    for _ in range(8):
        params = [
            chance.choice([some_bytes(param, chance) or b"", b"", chance.randbytes(at)])
            for at, param in enumerate(kind.params)
        ]
        if code in (322, 402):
            params[0] = chance.randbytes(4)
        else:
            params = params[: chance.randint(0, len(params))]
        event = Event.from_bytes(raw_event(code, params, ts_ns=5, tid=chance.choice([None, 7])))
        document = json.loads(json.dumps(event_to_json(event)))
        back = event_from_json(document)
        assert back.raw == event.raw
        assert split_params(code, back.raw) == params
        assert (back.ts_ns, back.tid, back.source, back.number) == (5, event.tid, event.source, 0)


def test_what_json_cannot_say_is_kept_as_bytes() -> None:
    event = make_event("<openat", name="x")
    for raw in (event.raw, raw_event(9999, [b"new"], ts_ns=None, tid=None),
                raw_event(307, [b"x"] * 9, ts_ns=None, tid=None)):  # fmt: skip
        more = Event.from_bytes(raw)
        assert event_from_json(event_to_json(more)).raw == raw
    assert params_to_json(307, [b"x" * 3], ORDER) == {"fd": {"base64": "eHh4"}}
    ends = {"family": 10, "source": "1.2.3.4:5", "destination": "6.7.8.9:1"}
    mapped = make_event("<connect", tuple=ends)
    assert event_to_json(mapped)["args"]["tuple"]["family"] == 10


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "an event is an object"),
        ({"type": "openat", "args": []}, "were damaged"),
        ({"type": "openat", "malformed": "x"}, "were damaged"),
        ({"type": "write", "args": {"data": {"size": 9, "text": "x"}}}, "data was shortened"),
        ({"type": "write", "args": {"data": {"size": 9, "base64": "eHh4"}}}, "it was shortened"),
        ({"code": 322, "data": "x", "data_size": 9}, "1 bytes of 9"),
        ({"code": 322, "data_base64": 3}, "base64 is damaged"),
        ({"raw_base64": "eA=="}, "a header of 26 bytes"),
        ({}, "there is no event ''"),
    ],
)  # fmt: skip
def test_an_object_that_is_no_event_is_refused(document: Any, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        event_from_json(document)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_the_events_of_a_real_capture_go_to_json_and_back(sample: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.scap"
    with open_capture(sample) as capture, CaptureWriter(again) as written:
        stored = list(capture)[:3000]
        for event in stored:
            document = json.loads(json.dumps(stored_to_json(event)))
            written.add(document)
            if event.code not in (322, 402):
                given = plugin_event(event, "syscall")
                assert event_from_json(event_to_json(given)).raw == given.raw
    with open_capture(again) as capture:
        for old, new in zip(stored, capture, strict=True):
            assert new.params == old.params
            assert (new.code, new.ts_ns, new.tid, new.cpu, new.dump_flags, new.comments) == (
                old.code, old.ts_ns, old.tid, old.cpu, old.dump_flags, old.comments,
            )  # fmt: skip


def test_a_capture_goes_through_json_as_the_manual_says(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "capture-writer.md").read_text()
    part = page[page.index("## As JSON") : page.index("## What is refused")]
    code = textwrap.dedent(part[part.index("    import json") :])
    copy = tmp_path / "out.scap"
    code = code.replace("in.scap", str(SAMPLES[0])).replace("out.scap", str(copy))
    names = {"open_capture": open_capture, "CaptureWriter": CaptureWriter}
    exec(code, {**names, "event_to_json": stored_to_json})
    with open_capture(SAMPLES[0]) as source, open_capture(copy) as written:
        assert [event.params for event in written] == [event.params for event in source]


def test_the_writer_takes_names_and_events(tmp_path: Path) -> None:
    path = tmp_path / "x.scap"
    made = make_event("<openat", fd=3, name="/etc/passwd", tid=42)
    with CaptureWriter(path) as capture:
        capture.event("<openat", {"fd": 3, "name": "/etc/passwd"}, ts_ns=9, tid=42)
        capture.event(307, {"fd": 3, "name": "/etc/passwd"}, ts_ns=9, tid=42)
        capture.add(made, ts_ns=9)
        capture.add(event_to_json(make_event("<openat", fd=3, name="/etc/passwd", tid=42, ts_ns=9)))
        capture.event("<execve", {"exe": "/bin/sh"}, ts_ns=9, tid=42)
        capture.add(Event(b"\xff", plugin_id=999, ts_ns=9))
        with pytest.raises(ValueError, match="<openat: fd: "):
            capture.event("<openat", {"fd": "x"}, ts_ns=9)
    with CaptureWriter(tmp_path / "big.scap", byte_order="big") as big:
        big.event("<openat", {"fd": 3}, ts_ns=9)
        with pytest.raises(ValueError, match="byte order"):
            big.add(made)
    with open_capture(path) as capture:
        first, *same, execve, plugin = capture
        assert all(event.params == first.params for event in same)
        assert plugin_event(first, "syscall") == make_event(
            "<openat", fd=3, name="/etc/passwd", tid=42, ts_ns=9, number=1
        )
        assert plugin_event(execve, "syscall").params["tid"] == 42
        assert (plugin.plugin_id, plugin.data) == (999, b"\xff")
