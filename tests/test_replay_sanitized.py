# SPDX-License-Identifier: Apache-2.0
"""The runner in a replay under the sanitizers: the frames of a capture, and damaged ones."""

from __future__ import annotations

import io
import json
import os
import random
import subprocess
import threading
from typing import TYPE_CHECKING, Any

import pytest
from conformance.table_owner import compile_table_plugin
from replay_capture import write_busy

from falcokit.runner.program import runner_sources
from falcokit.runner.replay_feed import ReplayFeed

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import CompileC

_SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
_ROUNDS = 16
#: The C plugin of the tests keeps what it was given.
_ENVIRONMENT = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}


@pytest.fixture
def command(compile_c: CompileC, tmp_path: Path) -> list[str]:
    program = compile_c("falcokit-runner-asan", runner_sources(), *_SANITIZERS)
    plugin = compile_table_plugin(compile_c)
    config = f"{tmp_path / 'said'} T:threads:4 f:comm:9"
    return [str(program), "--plugin", str(plugin), "--init", config, "--replay", "--rows", ""]


def replayed(command: list[str], frames: bytes) -> tuple[list[dict[str, Any]], int, str]:
    done = subprocess.run(
        command, input=frames, capture_output=True, check=False, timeout=60, env=_ENVIRONMENT
    )
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    return reports, done.returncode, done.stderr.decode(errors="replace")


def frames_of(file: Path, wanted: dict[str, Any]) -> bytes:
    reading, writing = os.pipe()
    feed = ReplayFeed(file, None, os.fdopen(writing, "wb", buffering=0))
    taken = io.BytesIO()

    def take() -> None:
        with os.fdopen(reading, "rb") as stream:
            taken.write(stream.read())

    thread = threading.Thread(target=take)
    thread.start()
    feed.start(wanted)
    thread.join(30)
    assert feed.error is None
    return taken.getvalue()


def test_no_frame_makes_the_sanitizers_complain(command: list[str], tmp_path: Path) -> None:
    file = tmp_path / "busy.scap"
    write_busy(file)
    reports, code, said = replayed(command, b"")
    assert code == 0, said
    [wanted] = [report for report in reports if report["report"] == "replaying"]
    assert wanted["threads"][0][:3] == ["tid", "pid", "ptid"]
    frames = frames_of(file, wanted)
    reports, code, said = replayed(command, frames)
    assert code == 0, said
    assert reports[-1] == {"report": "end", "reason": "eof"}
    chance = random.Random(3)
    ends = set()
    for _ in range(_ROUNDS):
        damaged = bytearray(frames)
        for _ in range(chance.choice([1, 3, 20])):
            damaged[chance.randrange(len(damaged))] = chance.choice(
                [0, 1, 255, chance.randrange(256)]
            )
        cut = damaged[: chance.choice([len(damaged), chance.randrange(len(damaged))])]
        reports, code, said = replayed(command, bytes(cut))
        assert "Sanitizer" not in said, said
        assert "runtime error" not in said, said
        assert code in {0, 1}, said
        ends.add(code)
    assert ends == {0, 1}
