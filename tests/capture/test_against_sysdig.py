# SPDX-License-Identifier: Apache-2.0
"""Every parameter that a real host shows, beside what `args_text` makes of the stored bytes.

A replay converts old events: it drops enter events and appends their parameters to the exits, so
what is compared is each stored parameter of each delivered event. Events are found by time,
thread, type and direction.
"""

from __future__ import annotations

import collections
import os
import random
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from param_bytes import some_bytes
from scap_builder import T0, Builder

from falcokit.capture import open_capture
from falcokit.capture.events.event_table import event_table
from falcokit.capture.render.args import arg_texts, args_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from falcokit.capture.events.event import Event
    from falcokit.capture.events.event_table import EventType

pytestmark = pytest.mark.host

SAMPLES = Path(__file__).with_name("samples")
FORM = "*%evt.rawtime %thread.tid %evt.type %evt.dir %evt.args"

OLD, UNUSED = 0x200, 0x40
TOUCHES_STATE = 0x1 | 0x2 | 0x4 | 0x20  # creates, destroys or uses an fd, modifies state
#: What these types resolve to hangs on the state of the replay.
NEEDS_STATE = {"PT_FD", "PT_PID", "PT_UID", "PT_GID", "PT_FSPATH", "PT_FSRELPATH"}
#: The replay gives up at an empty number in these, which it looks into though they say not to.
NEVER_EMPTY = {
    "brk", "getrlimit", "mmap", "mmap2", "munmap", "renameat", "setrlimit", "unshare",
}  # fmt: skip
#: Not made up: they change what other events mean, or their data is of a form of its own.
NOT_MADE_UP = {
    "container", "drop", "groupadded", "groupdeleted", "infra", "notification", "pluginevent",
    "asyncevent", "procexit", "procinfo", "scapevent", "useradded", "userdeleted",
}  # fmt: skip
#: Enter events that the replay keeps until it can add them to their exits.
MERGED = {"open", "connect", "creat", "openat", "openat2"}
#: accept became accept4, the only event whose name an old code had otherwise.
NEW_CODES = {"accept4": ("accept4", "accept")}
#: Parameters that the replay drops or renames as it brings an old event to its current code.
CONVERTED = {(297, "res_or_fd"), (1, "ID"), (1, "nativeID")}


def newest_types() -> dict[tuple[str, str], EventType]:
    return {
        (event_type.name, event_type.dir): event_type
        for event_type in event_table().events
        if not event_type.flags & (OLD | UNUSED)
    }


def sysdig(host: Any, *arguments: str) -> str:
    env = os.environ | {"TZ": "UTC"}
    command = [str(host.sysdig), *arguments]
    done = subprocess.run(command, capture_output=True, timeout=60, check=True, env=env)
    return done.stdout.decode()


def split_args(text: str, names: list[str]) -> dict[str, str]:
    """Cut evt.args into its parameters, given their order; a host may know fewer of them."""
    found = []
    at = 0
    for name in names:
        match = re.compile(rf"(?:^| )({re.escape(name)}=)").search(text, at)
        if match:
            found.append((name, match.start(), match.end()))
            at = match.end()
    ends = [start for _, start, _ in found[1:]] + [len(text)]
    return {name: text[begin:end] for (name, _, begin), end in zip(found, ends, strict=False)}


def shows_the_same(event: Event, shown: dict[str, str]) -> Iterator[str]:
    """Assert that each stored parameter is shown as the host shows it; yield those compared."""
    assert event.event_type is not None
    for param, (name, raw, resolved) in zip(
        event.event_type.params, arg_texts(event), strict=False
    ):
        if (event.code, name) in CONVERTED:
            continue
        ours = f"{raw}({resolved})" if resolved else raw
        theirs = shown[name]
        if param.type in NEEDS_STATE and not resolved:
            theirs = re.sub(r"\(.*\)$", "", theirs)
        elif param.type == "PT_FDLIST":  # the type of each fd is state as well
            ours, theirs = (re.sub(r":.", ":?", text) for text in (ours, theirs))
        assert theirs == ours, (event.number, event.type, name)
        yield name


def compare(host: Any, path: Path, *more: str) -> tuple[int, int]:
    """Compare all that the host delivers; count the events and parameters."""
    stored: dict[tuple[str, ...], list[Event]] = collections.defaultdict(list)
    with open_capture(path) as capture:
        for event in capture:
            assert event.event_type is not None
            tid = -1 if event.tid is None else event.tid
            direction = event.event_type.dir
            stored[str(event.ts_ns), str(tid), event.type, direction].append(event)
    newest = newest_types()
    events = compared = 0
    for line in sysdig(host, *more, "-r", str(path), "-p", FORM).splitlines():
        ts, tid, name, direction, args = line.split(" ", 4)
        event = next(
            stored[ts, tid, old, direction].pop(0)
            for old in NEW_CODES.get(name, (name,))
            if stored[ts, tid, old, direction]
        )
        assert event.event_type is not None
        shown_as = newest.get((name, direction), event.event_type)
        names = [param.name for param in shown_as.params]
        events += 1
        compared += len(list(shows_the_same(event, split_args(args, names))))
    return events, compared


@pytest.mark.parametrize(
    ("name", "events", "parameters"),
    [
        ("curl_google", 624, 1243),
        ("test_ipv6_client", 35, 94),
        ("falco-open-multiple-files", 44, 90),
        ("falco-empty", 0, 0),  # only process information, of which a replay delivers nothing
    ],
)
def test_the_parameters_of_real_captures_are_shown_as_by_a_real_host(
    real_host: Any, name: str, events: int, parameters: int
) -> None:
    assert compare(real_host, SAMPLES / f"{name}.scap") == (events, parameters)


def known_to(host: Any) -> dict[tuple[str, str], int]:
    """How many parameters each event of the host's table has, generic system calls left out."""
    listed = re.findall(r"^([<>]) (\w+)\((.*)\)$", sysdig(host, "-L"), re.MULTILINE)
    return {
        (name, direction): len(params.split(", ")) if params else 0
        for direction, name, params in listed
        if not params.startswith("SYSCALLID ID")
    }


def made_up(
    event_type: EventType, count: int, chance: random.Random, *, empty: bool
) -> list[bytes] | None:
    params = []
    for param in event_type.params[:count]:
        raw = some_bytes(param, chance)
        if raw is None:
            return None
        may_be_empty = empty and param.type not in {"PT_FD", "PT_PID"}
        params.append(b"" if may_be_empty and chance.random() < 0.1 else raw)
    return params


@pytest.mark.parametrize("seed", range(3))
def test_made_up_events_of_all_current_codes_are_shown_as_by_a_real_host(
    real_host: Any, tmp_path: Path, seed: int
) -> None:
    chance, build, known = random.Random(seed), Builder(), known_to(real_host)
    blocks = [build.section(), build.machine()]
    for event_type in [*newest_types().values()] * 4:
        count = known.get((event_type.name, event_type.dir))
        merged = event_type.dir == ">" and event_type.name in MERGED
        if count is None or merged or event_type.name in NOT_MADE_UP:
            continue
        empty = not event_type.flags & TOUCHES_STATE and event_type.name not in NEVER_EMPTY
        params = made_up(event_type, count, chance, empty=empty)
        if params is not None:
            number = len(blocks)  # a thread for each, so that none changes another's state
            blocks.append(build.event(event_type.id, params, ts=T0 + number, tid=1000 + number))
    path = tmp_path / "current.scap"
    path.write_bytes(b"".join(blocks))
    events, parameters = compare(real_host, path)
    assert events == len(blocks) - 2 > 600
    assert parameters > 2900


def test_made_up_events_of_old_codes_are_shown_as_by_a_real_host(
    real_host: Any, tmp_path: Path
) -> None:
    chance, build = random.Random(7), Builder()
    blocks = [build.section(), build.machine()]
    old = [
        event_type
        for event_type in event_table().events
        if event_type.flags & (OLD | UNUSED) == OLD
        and event_type.dir == "<"
        and event_type.name not in NOT_MADE_UP
    ]
    for event_type in old * 4:
        params = made_up(event_type, 99, chance, empty=False)
        assert params is not None
        number = len(blocks)
        blocks.append(build.event(event_type.id, params, ts=T0 + number, tid=1000 + number))
    path = tmp_path / "old.scap"
    path.write_bytes(b"".join(blocks))
    events, parameters = compare(real_host, path)
    assert events == len(blocks) - 2
    assert parameters > 800


def test_plugin_and_async_events_are_shown_as_by_a_real_host(
    real_host: Any, tmp_path: Path
) -> None:
    path = tmp_path / "live.scap"
    plugin = f'{real_host.baseline}:{{"async":50,"async_delay_us":200}}'
    sysdig(real_host, "-H", plugin, "-I", "baseline:300,1,32,500", "-w", str(path))
    shown = sysdig(real_host, "-H", plugin, "-r", str(path), "-p", "*%evt.num %evt.args")
    with open_capture(path) as capture:
        events = [event for event in capture if not event.leading]
        ours = [f"{event.number} {args_text(event)}" for event in events]
    assert shown.splitlines() == ours
    # The source may end before the last of the 50 async events has come.
    types = [event.type for event in events]
    assert types.count("pluginevent") == 300
    assert len(types) > 310
