# SPDX-License-Identifier: Apache-2.0
"""Filters against the real libsinsp, which is sysdig's: it and falcokit find the same events.

libscap rewrites old events while it reads them, so most filters are compared on samples that
sysdig has read and written once: in those nothing is left to rewrite. On the samples as they are,
every difference has to be one that the rewriting explains.
"""

from __future__ import annotations

import functools
import gzip
import struct
import subprocess
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from host_filters import ask_host

from falcokit.capture import open_capture
from falcokit.capture.events.event_table import event_table
from falcokit.capture.filter.compile import compile_filter

if TYPE_CHECKING:
    from conftest import RealHost

    from falcokit.capture.events.event import Event

SAMPLES = Path(__file__).with_name("samples")
INTERFACES = {0x205, 0x8011ABCD, 0x219}
MANAGED = 0x1000  # the flag of event types that libscap's converter may rewrite
FORM = "*%evt.rawtime %thread.tid %evt.type %evt.dir %evt.num"
SOURCES = {999: "baseline_src"}

pytestmark = pytest.mark.host

ANY = [
    "evt.type=open",
    "evt.type == open",
    "evt.type!=open",
    "evt.type in (open, close, read)",
    "evt.type in open",
    "evt.type in ()",
    "evt.type intersects (open,'close')",
    "not evt.type=open",
    "not not evt.type=open",
    "not(evt.type=open)",
    "evt.dir=<",
    "evt.dir=> and evt.type!=switch",
    "evt.num<600",
    "evt.num in (610, 611, 0612)",
    "evt.num > 300 and evt.num <= 700",
    "evt.cpu=0",
    "evt.cpu!=0",
    "evt.cpu>0",
    "thread.tid=0",
    "thread.tid>5000",
    "thread.tid!=0 and (evt.type=open or evt.type=close)",
    "thread.tid exists",
    "evt.rawtime>=1424200000000000000",
    "evt.rawtime.s<1434650439",
    "evt.rawtime.ns<500000000",
    "evt.time contains 5",
    "evt.time.s startswith 1",
    "evt.datetime startswith 20",
    "evt.datetime.s endswith 9",
    "evt.time.iso8601 endswith 0",
    "evt.time.iso8601 contains .2",
    "evt.is_io=true",
    "evt.is_io_read=true",
    "evt.is_io_write!=true",
    "evt.is_io_write in (true)",
    "evt.io_dir=read",
    "evt.io_dir=write",
    "evt.io_dir exists",
    "evt.is_wait=true",
    "evt.failed=true",
    "evt.failed=false",
    "not evt.failed exists",
    "evt.res=SUCCESS",
    "evt.res=ENOENT",
    "evt.res!=SUCCESS",
    "evt.res startswith E",
    "evt.rawres<0",
    "evt.rawres>=0",
    "evt.rawres=-2",
    "evt.rawres in (3,4)",
    "evt.buffer contains HTTP",
    "evt.buffer startswith HTTP",
    "evt.buffer endswith '\\n'",
    "evt.buffer bcontains 48545450",
    "evt.buffer bstartswith 7f454C46",
    "evt.buffer exists",
    "evt.buffer!=x",
    "evt.arg.name contains ld.so",
    "evt.arg.name startswith /etc",
    "evt.arg.name endswith .so",
    "evt.arg.name glob *.so.[0-9]",
    "evt.arg.name glob '*/lib[^n]*'",
    "evt.arg.name glob '/e[[:alpha:]]c/*'",
    "evt.arg.name glob '/etc/l?.so.*'",
    "evt.arg.name iglob *.SO*",
    "evt.arg.name pmatch (/etc, /lib/x86_64-linux-gnu)",
    "evt.arg.name pmatch ('/usr/lib*', /proc)",
    "evt.arg.name pmatch (/)",
    "evt.arg.name icontains LIB",
    'evt.arg.name != "/etc/ld.so.cache"',
    "evt.arg.name exists",
    "not evt.arg.name exists",
    "evt.arg.name=''",
    "evt.arg.flags contains O_RDONLY",
    "evt.arg.flags exists",
    "evt.arg.mode=0",
    "evt.arg.data contains HTTP",
    'evt.arg.data contains "HTTP/1.1"',
    "evt.arg.data contains ELF....",
    "evt.arg.data=NULL",
    "evt.arg.data icontains http",
    "evt.arg.data startswith .ELF",
    "evt.arg.res=0",
    "evt.arg.res=ENOENT",
    "evt.arg[0]=0",
    "evt.arg[0]=ENOENT",
    "evt.arg[2] exists",
    "evt.arg[30] exists",
    "evt.rawarg.res<0",
    "evt.rawarg.res=0",
    "evt.rawarg.fd=3",
    "evt.rawarg.fd>=3",
    "evt.rawarg.fd exists",
    "evt.rawarg.name startswith /etc",
    "evt.rawarg.flags=1",
    "evt.rawarg.flags exists",
    "evt.rawarg.size>=832",
    "evt.arg.size=832",
    "evt.type.is.open=1",
    "evt.type.is.open=0",
    "syscall.type=open",
    "syscall.type exists",
    "evt.category=file and evt.type in (open, access, stat)",
    "evt.category=process",
    "evt.category in (net, IPC, memory) and not evt.is_io=true and not evt.buflen exists",
    "evt.category=scheduler",
    "evt.is_async=true",
    "evt.is_async=false",
    "evt.asynctype exists",
    "evt.source=syscall",
    "evt.source exists",
    "evt.is_open_read=true",
    "evt.is_open_write=true",
    "evt.is_open_exec=true",
    "evt.is_open_create=true",
    "evt.arg.tuple exists",
    "evt.arg.tuple contains 443",
    "evt.arg.path contains lib",
    "(evt.type=open or evt.type=close) and not (evt.dir=>)",
    "not(evt.type=open) and(evt.dir=<)or(evt.type=open)",
    "evt.type=open and evt.dir=< or evt.type=close and not evt.rawres=0",
    'evt.type="open"and evt.dir=<',
    "evt.around[1424197577000000000]=100000000000",
]
LIVE = [
    "evt.type=beat",
    "evt.type!=beat",
    "evt.type in (beat, pluginevent)",
    "evt.asynctype=beat",
    "evt.asynctype contains ea",
    "evt.is_async=true",
    "not evt.is_async=true",
    "evt.source=baseline_src",
    "evt.source=syscall",
    "not evt.source=syscall",
    "evt.type=beat and evt.arg.data contains 1",
    "evt.arg.data startswith 2",
    "evt.arg.data=7.",
    'evt.arg.data="7."',
    "evt.arg.name=beat",
    "evt.arg.plugin_id=999",
    "evt.rawarg.plugin_id=999",
    "evt.rawarg.plugin_id!=999",
    "evt.rawarg.name=beat",
    "evt.rawarg.name startswith b",
    "evt.rawarg.event_data exists",
    "evt.arg.event_data exists",
    "evt.arg.event_data contains ......",
    "evt.buffer contains 4",
    "evt.buffer bcontains 3400",
    "thread.tid=-1",
    "thread.tid exists",
    "evt.category=other",
    "evt.cpu=0",
    "evt.dir=>",
    "evt.res exists",
    "evt.args contains 'name=beat'",
    "evt.args startswith 'plugin_id=999'",
    "evt.info contains 'data=4'",
    "evt.rawtime.ns>0 and (evt.arg.data contains 3 or evt.type=pluginevent)",
    "evt.arg[1]=beat",
    "evt.arg[2] contains 4",
    "syscall.type exists",
]
# The host counts what it delivers, so evt.num differs in old captures.
OLD = [text for text in ANY if "evt.num" not in text]


class Replay(NamedTuple):
    """A capture's stored events, which the host delivers, and those that each condition finds."""

    events: list[Event]
    delivered: Counter[str]
    found: dict[str, Counter[str]]


def ask(host: RealHost, folder: Path, path: Path, conditions: list[str]) -> Replay:
    options = ("--plugin", host.baseline, "--scap", path, "--format", FORM)
    events, answers = ask_host(host, folder, conditions, *options)
    found = {
        condition: Counter(events[number] for number in answer.events or [])
        for condition, answer in zip(conditions, answers, strict=True)
        if not answer.error
    }
    return Replay(stored(path), Counter(events.values()), found)


def line(event: Event, *, numbered: bool = True) -> str:
    assert event.event_type is not None
    tid = -1 if event.tid is None else event.tid
    text = f"{event.ts_ns} {tid} {event.type} {event.event_type.dir}"
    return f"{text} {event.number}" if numbered else text


def without_interfaces(path: Path, out: Path) -> Path:
    """Sysdig 0.41 writes interface lists that it cannot read again."""
    data, at, kept = gzip.decompress(path.read_bytes()), 0, []
    while at < len(data):
        code, total = struct.unpack_from("<II", data, at)
        assert total >= 12
        if code not in INTERFACES:
            kept.append(data[at : at + total])
        at += total
    out.write_bytes(b"".join(kept))
    return out


@functools.cache
def stored(path: Path) -> list[Event]:
    with open_capture(path) as capture:
        return list(capture)


@pytest.fixture(scope="module")
def rewritten(real_host: RealHost, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Replay]:
    folder = tmp_path_factory.mktemp("rewritten")
    replays = {}
    for name in ("curl_google", "test_ipv6_client"):
        plain = without_interfaces(SAMPLES / f"{name}.scap", folder / f"{name}.old.scap")
        new = folder / f"{name}.scap"
        command = [str(real_host.sysdig), "-r", str(plain), "-w", str(new)]
        subprocess.run(command, capture_output=True, timeout=60, check=True)
        replays[name] = ask(real_host, folder, new, ANY)
    return replays


@pytest.fixture(scope="module")
def live(real_host: RealHost, tmp_path_factory: pytest.TempPathFactory) -> Replay:
    folder = tmp_path_factory.mktemp("live")
    path = folder / "live.scap"
    plugin = f'{real_host.baseline}:{{"async":50,"async_delay_us":200}}'
    command = [str(real_host.sysdig), "-H", plugin, "-I", "baseline:300,1,32,500", "-w", str(path)]
    subprocess.run(command, capture_output=True, timeout=60, check=True)
    return ask(real_host, folder, path, LIVE)


@pytest.fixture(scope="module")
def old(real_host: RealHost, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Replay]:
    folder = tmp_path_factory.mktemp("old")
    return {
        name: ask(real_host, folder, SAMPLES / f"{name}.scap", OLD)
        for name in ("curl_google", "test_ipv6_client")
    }


def differences(condition: str, replay: Replay) -> tuple[list[str], list[str]]:
    """What falcokit misses, and what it finds too much."""
    chosen = compile_filter(condition, sources=SOURCES)
    lines = Counter(line(event) for event in replay.events if chosen.matches(event))
    ours, theirs = lines & replay.delivered, replay.found[condition]
    return sorted(theirs - ours), sorted(ours - theirs)


@pytest.mark.parametrize("condition", ANY)
def test_system_calls(rewritten: dict[str, Replay], condition: str) -> None:
    for replay in rewritten.values():
        assert replay.delivered.total() > 30
        assert differences(condition, replay) == ([], [])


@pytest.mark.parametrize("condition", LIVE)
def test_plugin_and_async_events(live: Replay, condition: str) -> None:
    assert live.delivered.total() > 300  # an async event before the first other is not shown
    assert differences(condition, live) == ([], [])


@pytest.mark.parametrize("condition", OLD)
@pytest.mark.parametrize("name", ["curl_google", "test_ipv6_client"])
def test_old_events_differ_only_where_libscap_rewrites_them(
    old: dict[str, Replay], name: str, condition: str
) -> None:
    replay = old[name]
    replayed = [text.rpartition(" ")[0] for text in replay.delivered]
    theirs = Counter(text.rpartition(" ")[0] for text in replay.found[condition])
    chosen = compile_filter(condition)
    ours = Counter(line(event, numbered=False) for event in replay.events if chosen.matches(event))
    ours &= Counter(replayed)
    differ = (ours - theirs) | (theirs - ours)
    for event in replay.events if differ else ():
        if line(event, numbered=False) in differ:
            assert event_table().events[event.code].flags & MANAGED, event
