# SPDX-License-Identifier: Apache-2.0
"""Conditions in C choose the events that Python chooses, and C decides on the usual ones alone."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from condition_harness import SOURCES, choose_both, run
from scap_builder import NOT_SET, T0, Builder
from test_fuzz import build

from falcokit.capture.filter.compile import compile_filter

if TYPE_CHECKING:
    from capture.conftest import Sanitized

HARNESS = Path(__file__).with_name("condition_harness.py")
RUNS = 60
OPEN, CLOSE, READ, CONNECT, CHMOD = 3, 5, 7, 23, 315


def events(build: Builder) -> bytes:
    """Events of several kinds: the first of each kind of block is always Python's."""

    def opened(path: bytes, result: int, flags: int, **head: int) -> bytes:
        params = [build.pack("q", result), path, *(build.pack("I", n) for n in (flags, 0, 5))]
        return build.event(OPEN, [*params, build.pack("Q", 9)], **head)

    def read(result: int, data: bytes) -> bytes:
        return build.event(READ, [build.pack("q", result), data, build.pack("qI", 3, 9)[:8]])

    blocks = [
        build.event(CLOSE, [build.pack("q", 0), build.pack("q", 3)]),
        build.plugin_event(7, b"first"),
        opened(b"/etc/passwd\0", 3, 1, tid=7),
        opened(b"/etc//passwd/x\0", -2, 2, tid=NOT_SET),
        opened("/tmp/\u00fc\u4e2d\0".encode(), 12, 3, cpu=2),
        opened(b"/tmp/\xff\0", -13, 1),
        opened(b"(NULL)\0", -22, 0x4001, ts=NOT_SET),
        opened(b"\0", 0, 0, ts=T0 + 5_000_000_007),
        opened(b"", -4095, 0, ts=T0 + 1),
        read(9, b"GET /index.html HTTP/1.1"),
        read(3, b"a\0b"),
        read(0, b""),
        build.event(CHMOD, [build.pack("q", 1), b"/bin/sh\0", build.pack("I", 0o755)]),
        build.event(CONNECT, [build.pack("q", -111)]),
        build.event(1, [build.pack("H", 9), build.pack("H", 5)]),
        build.plugin_event(7, b'{"a": 1}'),
        build.plugin_event(999, b""),
        build.async_event(b"tick", b"hello.world", plugin_id=7),
        build.async_event("d\u00fcsk".encode(), b"", plugin_id=12),
    ]
    return build.section() + build.machine() + b"".join(blocks)


CONDITIONS = """
evt.rawres > 10
evt.rawres in (3, -2, 9)
evt.rawres exists
evt.res = ENOENT
evt.res != SUCCESS
evt.res in (EACCES, EINVAL)
evt.failed = true
evt.buflen >= 3
evt.num < 9 and not evt.num = 5
evt.cpu = 2
thread.tid = -1
thread.tid != 7
evt.rawtime >= 1700000000000000001
evt.rawtime.s = 1700000005
evt.rawtime.ns = 7
evt.type = tick
evt.type startswith d
evt.type contains oneof (ea, clo)
syscall.type exists
evt.asynctype in (tick, tock)
evt.source = seven
evt.source = 12 or evt.source = syscall
evt.source != other
evt.dir = < and evt.is_io = true
evt.category = file
evt.arg.name startswith /etc
evt.arg.name endswith /x
evt.arg.name = <NA>
evt.arg.name contains "\u00fc"
evt.arg.name icontains PASSWD
evt.arg.name pmatch (/etc/passwd, /usr)
evt.arg.name < 5
evt.arg.name >= 5
evt.arg[1] exists
evt.arg.data contains index
evt.arg.data contains .html
evt.arg.data startswith GET
evt.arg.data icontains "get /"
evt.arg.data in (a.b, NULL, hello.world)
evt.arg.event_data contains 1
evt.arg.plugin_id = 7
evt.arg.flags contains O_RDWR
evt.arg.mode contains S_IXUSR
evt.arg.res in (ENOENT, 3)
evt.arg.fd = 3
evt.rawarg.res < 0
evt.rawarg.flags = 2
evt.rawarg.fd >= 0
evt.rawarg.filename = /bin/sh
evt.rawarg.name contains etc
evt.buffer bcontains 6e64
evt.buffer startswith GET
evt.buffer exists
evt.args contains "fd=3"
evt.args contains "O_RDONLY"
evt.args = ""
evt.info startswith "plugin_id=7"
evt.is_open_read = true
evt.is_open_write = true
evt.arg.name contains anyof (sh, etc) and not (evt.arg.name endswith x or evt.rawres < 0)
evt.arg.name startswith allof (/, /e)
evt.arg.name != anyof (/etc/passwd, x)
""".strip().splitlines()


@pytest.mark.parametrize("big_endian", [False, True], ids=["little", "big"])
def test_c_decides_on_usual_events_alone(big_endian: bool) -> None:
    content = events(Builder(big_endian=big_endian))
    chosen = 0
    for condition in CONDITIONS:
        wanted = compile_filter(condition, sources=SOURCES)
        found = choose_both(content, wanted)
        assert found is not None
        # Python has the first event of both kinds of blocks, and what is not UTF-8.
        assert found.asked <= 3, condition
        assert 0 < len(found.numbers) < 19 or condition.endswith("exists"), condition
        chosen += len(found.numbers)
    assert chosen > 3 * len(CONDITIONS)


def test_a_condition_as_large_as_any_is_still_evaluated() -> None:
    content = events(Builder())
    for size in (400, 3000):
        paths = " or ".join(f"evt.arg.name = /p{n}" for n in range(size))
        found = choose_both(content, compile_filter(f"{paths} or evt.arg.name = /bin/sh"))
        assert found is not None
        assert found.numbers == []
    nested = "not (" * 8 + "evt.rawres = 3" + ")" * 8
    found = choose_both(content, compile_filter(nested))
    assert found is not None
    assert len(found.numbers) == 2


def test_made_conditions_choose_the_same_on_made_and_damaged_captures() -> None:
    chosen = asked = total = 0
    for number in range(RUNS):
        rng = random.Random(20_261_129_000_000 + number)
        one, other, all_of_them = run(rng)
        chosen, asked, total = chosen + one, asked + other, total + all_of_them
    assert chosen > total / 5
    assert asked < total / 2


@pytest.mark.parametrize(
    "change",
    [
        ("if (n.negative != !!step->negative) return !n.negative;", ""),
        ("found = passed == wanted && test->count > 0;", "found = passed > 0;"),
        ("if (p->size > 0 && p->at[p->size - 1] == 0) p->size--;", ""),
        ("if (found == ends) return ends;", "return found;"),
        ("if (found == FK_UNSURE) result = FK_UNSURE;", ""),
        ("has_time(e) ? e->ts : NOT_SET", "e->ts"),
    ],
    ids=["sign", "many", "nul", "group", "unsure", "frame"],
)
def test_the_harness_finds_a_mistake_in_c(tmp_path: Path, change: tuple[str, str]) -> None:
    done = harness(build(tmp_path / "wrong.so", change), 300)
    assert done.returncode != 0
    assert "seed 1, run " in done.stderr, done.stderr


def test_the_c_code_makes_no_memory_error(sanitized: Sanitized) -> None:
    done = harness(sanitized.library, 20, **sanitized.env)
    assert (done.returncode, done.stderr) == (0, "")
    assert "both ways" in done.stdout


def harness(library: Path, runs: int, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(HARNESS), "--runs", str(runs), "--library", str(library)]
    return subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=200, check=False
    )
