# SPDX-License-Identifier: Apache-2.0
"""Buffers in the forms that sysdig has for them, beside sysdig's own output."""

from __future__ import annotations

import random
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cli.inspect_runs import inspect, on_terminal
from scap_builder import T0, Builder

from falcokit.capture import open_capture
from falcokit.capture.render.args import arg_texts
from falcokit.capture.render.buffers import BUFFER_FORMS, buffer_shower

if TYPE_CHECKING:
    from falcokit.capture.render.buffers import BufferForm

LIVE = Path(__file__).with_name("samples") / "falcokit.scap.gz"
OPTIONS = {"hex": "-x", "hex-ascii": "-X", "ascii": "-A", "base64": "-b"}
READ, SETSOCKOPT = 7, 45
FORMS = pytest.mark.parametrize("form", BUFFER_FORMS)


def payloads() -> list[bytes]:
    chance = random.Random(3)
    ends = [
        b"a\rb",
        b"a\r\nb",
        b"a\n\rb",
        b"a\r\r\nb",
        b"a\r",
        b"\n",
        b"\r",
        b"\n\na",
        b"\0",
        b"\t",
    ]
    plain = [b"x" * size for size in (1, 2, 15, 16, 17, 31, 79, 80, 81, 200, 4096)]
    mixed = [chance.choices(b"ab \r\n\t\0\xff~", k=chance.randint(1, 90)) for _ in range(200)]
    return [*ends, *plain, bytes(range(256)), "h\u00e9".encode(), *map(bytes, mixed)]


def sysdig(host: Any, *arguments: str) -> str:
    command = [str(host.sysdig), *arguments]
    return subprocess.run(command, capture_output=True, timeout=60, check=True).stdout.decode()


@pytest.mark.host
@FORMS
def test_a_buffer_is_shown_as_by_a_real_host(
    real_host: Any, tmp_path: Path, form: BufferForm
) -> None:
    build = Builder()
    blocks = [build.section(), build.machine()]
    for at, data in enumerate(payloads()):
        blocks.append(build.event(READ, [bytes(8), data], ts=T0 + at, tid=100 + at))
        held = [bytes(8), bytes(8), b"\0", b"\0", b"\0" + data, bytes(4)]
        blocks.append(build.event(SETSOCKOPT, held, ts=T0 + at, tid=100 + at))
    path = tmp_path / "f.scap"
    path.write_bytes(b"".join(blocks))
    output = "%evt.num|%evt.arg.data|%evt.arg.val;"
    shown = sysdig(real_host, "-r", str(path), OPTIONS[form], "-p", f"*{output}")
    ours = []
    with open_capture(path) as capture:
        for event in capture:
            texts = {text.name: text.raw for text in arg_texts(event, buffers=form)}
            data, val = texts.get("data", "<NA>"), texts.get("val", "<NA>")
            ours.append(f"{event.number}|{data}|{val};\n")
    assert shown == "".join(ours)
    assert len(ours) == len(payloads()) * 2


@pytest.mark.host
@FORMS
def test_payloads_are_shown_as_by_a_real_host(real_host: Any, form: BufferForm) -> None:
    arguments = ["-H", str(real_host.baseline), "-r", str(LIVE), OPTIONS[form]]
    shown = sysdig(real_host, *arguments, "-p", "*> %evt.type %evt.args\n")
    listed = inspect(LIVE, "--buffers", form).stdout
    lines = re.split(r"^ +\d+ \S+ \S+ +\d+ +\(-\) (?!.* state )", listed, flags=re.MULTILINE)[1:]
    assert [re.sub(r"\n *$", "", line) for line in lines]
    theirs = ["> " + text.rstrip() for text in shown.split("> ")[1:]]
    assert [line.rstrip() for line in lines if len(line) < 65536] == [
        line for line in theirs if len(line) < 65536
    ]


@FORMS
def test_only_buffers_have_lines_of_their_own(tmp_path: Path, form: BufferForm) -> None:
    build = Builder()
    name = b"a\nb\x1b[2J\0"
    blocks = build.section() + build.event(3, [bytes(8), name, bytes(4), bytes(4)])
    blocks += build.event(READ, [bytes(8), b"\x1b[2J\x9b"], ts=T0)
    blocks += build.async_event(b"t\x1bick", b"\x1b]0;x\x07")
    path = tmp_path / "f.scap"
    path.write_bytes(blocks)
    shown = inspect(path, "--buffers", form).stdout
    assert "name=a\\nb\\x1b[2J" in shown
    assert shown.replace("\n", "").replace("\t", "").isprintable()


def test_a_terminal_shows_the_lines_of_a_buffer_within_its_width(tmp_path: Path) -> None:
    path = tmp_path / "f.scap"
    path.write_bytes(Builder().section() + Builder().event(READ, [bytes(8), b"x" * 40]))
    screen = on_terminal(path, "--buffers", "hex-ascii", width=60)
    dump = screen.lines[2:]
    assert dump[0] == f"        0x0000: {'7878 ' * 8} ..."
    assert dump[2] == f"        0x0020: {'7878 ' * 4}".ljust(57) + "..."
    assert all(len(line) <= 60 for line in screen.lines)


def test_a_hostile_buffer_is_shown_in_part() -> None:
    assert buffer_shower("base64", 0)(bytes(100_000)).endswith("AAAA==... (100000 bytes)")


@pytest.mark.parametrize(
    "other", ["--json", "--jsonl", "--stats", "--export=f.csv", "--cut=f.scap"]
)
def test_buffers_are_for_lines(other: str) -> None:
    done = inspect(LIVE, "--buffers", "hex", other)
    assert done.returncode == 3
    assert "cannot be combined" in done.stderr
