# SPDX-License-Identifier: Apache-2.0
"""Fields of processes, descriptors and users: what is not certain is unknown; hostile files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from falcokit.capture import CaptureWriter, Process, User, open_capture
from falcokit.capture.state.fields import state_reader
from falcokit.capture.state.moments import CaptureState
from falcokit.filter.batch import UNKNOWN
from tools.template_capture import event_params

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Values = Callable[..., list[Any]]

OPENAT, READ, EXECVE, SOCKET, ACCEPT4, CLOSE, FCNTL = 307, 7, 293, 19, 389, 5, 151
USER_ADDED = 354
FIVE = Process(tid=5, pid=5, parent_tid=1, comm="five", exe="/bin/five", cwd="/home", uid=7)
ONE = Process(tid=1, pid=1, parent_tid=0, comm="one", cwd="/")


@pytest.fixture
def values(tmp_path: Path) -> Values:
    """Return a field's value at each event, given as (code, thread, parameters)."""

    def read(
        field: str,
        *events: tuple[int, int, dict[str, Any]],
        processes: tuple[Process, ...] = (ONE, FIVE),
        users: tuple[User, ...] = (User(uid=7, gid=7, name="seven"),),
    ) -> list[Any]:
        file = tmp_path / "x.scap"
        with CaptureWriter(file, compress=False) as writer:
            writer.processes(processes)
            writer.users(users)
            for number, (code, tid, given) in enumerate(events, 1):
                kept = {name: value for name, value in given.items() if name != "cut"}
                params = event_params(code, **kept)[: given.get("cut")]
                writer.event(code, params, ts_ns=number * 10**9, tid=tid)
        name, bracket, argument = field.partition("[")
        reader = state_reader(name, argument[:-1] if bracket else None)
        assert reader is not None
        with open_capture(file, lists=True) as capture:
            state = CaptureState(capture)
            moments = []
            for event in capture:
                state.apply(event)
                moments.append(state.moment(event))
        return [reader(moment) for moment in moments]  # when the state has long gone on

    return read


def opened(fd: int, name: str = "a/b", **more: Any) -> tuple[int, int, dict[str, Any]]:
    return OPENAT, 5, {"fd": fd, "dirfd": -100, "name": name, "flags": 1, **more}


def test_a_moment_stays_when_the_state_goes_on(values: Values) -> None:
    run = {"res": 0, "exe": "e", "tid": 5, "pid": 5, "comm": "new", "args": b"x\0y\0"}
    events = ((READ, 5, {"res": 0, "fd": 9}), (EXECVE, 5, run), (READ, 5, {"res": 0, "fd": 9}))
    assert values("proc.name", *events) == ["five", "new", "new"]
    assert values("proc.cmdline", *events) == ["five", "new x y", "new x y"]
    assert values("proc.args[1]", *events) == ["", "y", "y"]
    assert values("proc.pname", *events) == ["one", "one", "one"]


def test_descriptors_have_the_names_of_their_files(values: Values) -> None:
    events = (
        opened(3),
        (READ, 5, {"res": 1, "fd": 3}),
        (CLOSE, 5, {"res": 0, "fd": 3}),
        opened(-2),
    )
    assert values("fd.name", *events) == ["/home/a/b"] * 4
    assert values("fd.directory", *events) == ["/home/a"] * 4
    assert values("fd.filename", *events) == ["b", "b", "b", None]
    assert values("fd.type", *events) == ["file", "file", "file", None]
    assert values("fd.num", *events) == [3, 3, 3, -1]


def test_what_is_not_followed_is_unknown(values: Values) -> None:
    socket = (SOCKET, 5, {"fd": 4, "domain": 2, "type": 1, "proto": 0})
    accepted = (ACCEPT4, 5, {"fd": 3})
    read = (READ, 5, {"res": 1, "fd": 3})
    events = (opened(3), (CLOSE, 5, {"res": -9, "fd": 3}), accepted, read, socket)
    assert values("fd.name", *events)[2:] == [UNKNOWN, UNKNOWN, UNKNOWN]
    assert values("fd.type", *events)[2:] == [UNKNOWN, UNKNOWN, "ipv4"]
    assert values("fd.num", *events)[2:] == [3, 3, 4]
    run = {"res": 0, "exe": "e", "tid": 5, "pid": 5, "comm": "new", "cut": 20}
    assert values("proc.exepath", (EXECVE, 5, run)) == [UNKNOWN]


def test_copies_of_fcntl_have_the_same_file(values: Values) -> None:
    copied = (FCNTL, 5, {"res": 8, "fd": 3, "cmd": 1})
    events = (opened(3), copied, (READ, 5, {"res": 1, "fd": 8}))
    assert values("fd.name", *events)[2] == "/home/a/b"


def test_events_of_no_thread_and_of_no_descriptor_have_none(values: Values) -> None:
    assert values("fd.name", (EXECVE, 5, {"res": -2, "exe": "e"})) == [None]
    assert values("proc.name", (READ, 99, {"res": 0, "fd": 1})) == ["<NA>"]
    assert values("proc.ppid", (READ, 99, {"res": 0, "fd": 1})) == [None]


def test_users_are_those_of_the_capture(values: Values) -> None:
    read = (READ, 5, {"res": 0, "fd": 1})
    added = (USER_ADDED, 0, {"uid": 8, "gid": 8, "name": "eight"})
    assert values("user.name", read) == ["seven"]
    assert values("user.name", read, users=()) == [UNKNOWN]  # a host takes its own
    assert values("user.name", added, read)[1] == "seven"  # part of the state at the head
    assert values("user.name", read, added, read)[2] is UNKNOWN
    assert values("user.loginname", read) == ["<NA>"]
    assert values("group.name", (READ, 1, {"res": 0, "fd": 1}), processes=(ONE,)) == ["root"]


def test_parents_in_a_ring_and_long_chains_end(values: Values) -> None:
    ring = tuple(Process(tid=n, pid=n, parent_tid=n % 3 + 4, comm=f"c{n}") for n in (4, 5, 6))
    chain = tuple(Process(tid=n, pid=n, parent_tid=n + 1, comm=f"c{n}") for n in range(5, 1500))
    read = (READ, 5, {"res": 0, "fd": 1})
    (found,) = values("proc.aname[64]", read, processes=ring)
    assert found is UNKNOWN or found in {None, "c4", "c5", "c6"}
    assert values("proc.aname[60]", read, processes=chain) == ["c65"]
    assert values("proc.aname[64]", read, (READ, 40, {"res": 0}), processes=chain)[0] == "c69"
    both = values("proc.aname[60]", read, (READ, 40, {"res": 0}), processes=chain)
    assert both[1] in {"c100", UNKNOWN}


def test_other_fields_and_arguments_are_none_of_these() -> None:
    for name, argument in (("proc.nothing", None), ("proc.aname", "x"), ("proc.aname", "65")):
        assert state_reader(name, argument) is None
