# SPDX-License-Identifier: Apache-2.0
"""Large captures with the fields of a plugin: what C asks for many events at once is the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from capture.scap_builder import NOT_SET, T0, Builder
from cli.inspect_runs import inspect
from words_capture import PLUGIN, WORDS_ID

from falcokit.capture.native import frames
from falcokit.cli.inspect import listing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import CompileC

CONDITIONS = [
    "",
    "words.count > 1",
    "words.nth[0] in (two, one) or evt.type = open",
    "words.nth[1] startswith wo",
    "toupper(words.nth[1]) = WORDS",
    "words.nth[0] icontains NUMBER and not words.of[k] = 4",
    "words.ips exists and evt.source = words_src",
    "words.net in (10.1.2.0/24)",
    "words.nth[0] = val(evt.arg.event_data)",
    "evt.arg.event_data contains two",
    "words.count > 1 and not evt.num < 9 or evt.rawres = 3",
    "words.nth[0] = join('', (words.nth[0], words.nth[1])) or evt.num = 3",
]
TEXTS = (
    "one",
    "two words",
    "and three words",
    "two more",
    "number k=3",
    "",
    "\u00fc \u4e2d",
    "a\0b",
)


@pytest.fixture(scope="module", params=["parses", "extracts"])
def words(request: pytest.FixtureRequest, compile_c: CompileC) -> Path:
    """The plugin, which may parse events too: then every event changes what it knows."""
    more = ["-Dplugin_parse_event=not_a_hook"] if request.param == "extracts" else []
    return compile_c(f"libwords_{request.param}.so", [PLUGIN], *more)


def section(build: Builder) -> bytes:
    opened = [build.pack("q", 3), b"/etc/passwd\0", *(build.pack("I", n) for n in (1, 0, 5))]
    blocks = [build.async_event(b"state", b"", plugin_id=WORDS_ID, ts=NOT_SET)]
    for n, text in enumerate(TEXTS * 3):
        blocks.append(build.plugin_event(WORDS_ID, text.encode(), ts=T0 + n))
        if n % 4 == 0:
            blocks.append(build.plugin_event(7, b"of another"))
            blocks.append(build.event(3, [*opened, build.pack("Q", 9)], tid=n))
        if n % 6 == 0:
            blocks.append(build.async_event(b"tick", text.encode(), plugin_id=WORDS_ID))
            blocks.append(build.event(402, [build.pack("I", 7), b"no end", b""], width="I"))
            blocks.append(build.event(322, [build.pack("I", 7)], width="I"))
            blocks.append(build.event_v1(5, [bytes(8), bytes(8)]))
    return build.section() + build.machine() + b"".join(blocks)


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("scan") / "many.scap"
    large = Builder().plugin_event(WORDS_ID, b"large " + b"x" * (1 << 20))
    little = section(Builder())
    file.write_bytes(little + large + section(Builder(big_endian=True)) + little)
    return file


@pytest.fixture(params=[4096, 3])
def at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every capture is large, and so many events are sent at once."""
    monkeypatch.setattr(listing, "NATIVE_FROM_BYTES", 0)
    monkeypatch.setattr(frames, "_EVENTS", request.param)
    made = 0
    make = frames.NativeFrames.make

    def counting(self: frames.NativeFrames, *given: Any, **more: Any) -> frames.Frames:
        nonlocal made
        made += 1
        return make(self, *given, **more)

    monkeypatch.setattr(frames.NativeFrames, "make", counting)
    yield
    assert made > 1


@pytest.fixture(scope="module")
def expected(words: Path, capture: Path) -> dict[str, list[str]]:
    """For each condition the lines of Python, each with what the plugin knew at that event."""
    lines = inspect(capture, "--events", "--plugin", words).stdout.splitlines()
    by_number = {int(line.split()[0]): line for line in lines}
    found = {}
    for condition in CONDITIONS:
        shown = inspect(capture, *filter(None, [condition]), "--jsonl", "--plugin", words).stdout
        numbers = [json.loads(line)["number"] for line in shown.splitlines()]
        found[condition] = [by_number[number] for number in numbers]
    return found


@pytest.mark.usefixtures("at_once")
def test_the_lines_are_those_of_python(
    words: Path, capture: Path, expected: dict[str, list[str]]
) -> None:
    for condition in CONDITIONS:
        done = inspect(capture, *filter(None, [condition]), "--events", "--plugin", words)
        assert done.stderr == ""
        assert done.stdout.splitlines() == expected[condition], condition
        assert done.stdout, condition
    few = inspect(capture, CONDITIONS[1], "-n", "3", "--plugin", words)
    assert few.stdout.splitlines() == expected[CONDITIONS[1]][:3]


@pytest.mark.parametrize("condition", ["", "words.count > 0", "evt.type != open"])
@pytest.mark.usefixtures("at_once")
def test_what_was_answered_before_a_crash_is_shown(
    words: Path, tmp_path: Path, condition: str
) -> None:
    build, file = Builder(), tmp_path / "crash.scap"
    texts = ["first", *(f"number {n}" for n in range(20)), "segv", "after"]
    blocks = [build.plugin_event(WORDS_ID, text.encode()) for text in texts]
    file.write_bytes(build.section() + build.machine() + b"".join(blocks))
    done = inspect(file, *filter(None, [condition]), "--events", "--plugin", words)
    assert done.returncode != 0
    assert "at event 22" in done.stderr
    assert [int(line.split()[0]) for line in done.stdout.splitlines()] == list(range(1, 22))
