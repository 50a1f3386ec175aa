# SPDX-License-Identifier: Apache-2.0
"""Field extraction under stress: crashes, hangs, nonsense, full pipes."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest
from words_capture import PLUGIN, events_of, start, write_words

from falcokit.capture import open_capture
from falcokit.errors import PluginFailedError
from falcokit.runner.extract import ExtractionClient
from falcokit.runner.program import build_runner
from falcokit.runner.run import Runner, RunOptions

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Baseline, CompileC


@pytest.fixture(scope="module")
def words(compile_c: CompileC) -> Path:
    return compile_c("libwords.so", [PLUGIN])


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ("abort", "failed in extract_fields: the plugin crashed with SIGABRT, at event 3"),
        ("segv", "failed in extract_fields: the plugin crashed with SIGSEGV, at event 3"),
        ("deep", "failed in extract_fields: the plugin crashed with SIGSEGV, at event 3"),
        ("wild", "failed in reading its values: the plugin crashed with SIGSEGV, at event 3"),
        ("hang", "extract_fields: the plugin did not return within 1 s, at event 3"),
    ],
)
def test_a_crash_or_a_hang_is_told_after_all_values_before_it(
    words: Path, tmp_path: Path, how: str, text: str
) -> None:
    file = write_words(tmp_path, "a", "b c", how, "d")
    taken: list[Any] = []
    with start(words, ["words.all"]) as extraction:
        answers = extraction.extract(events_of(file))
        with pytest.raises(PluginFailedError, match=text):
            taken.extend(iter(lambda: next(answers)[1], None))
    assert taken == [(["a"],), (["b", "c"],)]


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ("segv", "failed in init: the plugin crashed with SIGSEGV$"),
        ("hang", "failed in init: the plugin did not return within 1 s$"),
    ],
)
def test_an_init_that_crashes_or_hangs_is_told(words: Path, how: str, text: str) -> None:
    with pytest.raises(PluginFailedError, match=text), start(words, config=how):
        pass


def test_lengths_and_pointers_that_make_no_sense_are_no_value(words: Path, tmp_path: Path) -> None:
    file = write_words(tmp_path, "many x", "nowhere", "fine")
    with ExtractionClient(words, ["words.all"]) as extraction, open_capture(file) as capture:
        rows = [values for _, values in extraction.extract(capture)]
        assert extraction.failure == "a list has more than 65536 values (at event 1)"
    assert rows == [(None,), (None,), (["fine"],)]


def test_a_child_that_is_killed_is_told_with_the_event(words: Path, tmp_path: Path) -> None:
    events = list(events_of(write_words(tmp_path, *["x"] * 10)))
    with start(words) as extraction:
        assert len(list(extraction.extract(events[:2]))) == 2
        process = extraction._child._process
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        with pytest.raises(PluginFailedError, match=r"SIGKILL\), at event 3 or later"):
            list(extraction.extract(events[2:]))


def test_large_values_and_many_events_fill_no_pipe_for_good(words: Path, tmp_path: Path) -> None:
    texts = [f"{number} " + "w" * 2000 for number in range(3000)]
    events = events_of(write_words(tmp_path, *texts))
    with ExtractionClient(words, ["words.all", "words.nth[0]", "words.count"]) as extraction:
        rows = [values for _, values in extraction.extract(events)]
    assert rows == [([str(n), "w" * 2000], str(n), 2) for n in range(3000)]


def test_thirty_thousand_events(baseline: Baseline, tmp_path: Path) -> None:
    file = tmp_path / "many.scap"
    options = RunOptions(
        library=baseline.source,
        init_config='{"async":0}',
        open_params="30000,128,16",
        record=file,
        stats_ms=1000,
    )
    with Runner(options) as runner:
        list(runner.reports())
    begin = time.monotonic()
    with ExtractionClient(baseline.source) as extraction, open_capture(file) as capture:
        rows = [v for e, v in extraction.extract(capture) if e.code == 322]
    assert rows == [(n, f"number {n}") for n in range(30_000)]
    assert time.monotonic() - begin < 10


def test_what_is_not_taken_is_not_mixed_up_with_what_follows(words: Path, tmp_path: Path) -> None:
    events = list(events_of(write_words(tmp_path, *map(str, range(500)))))
    with ExtractionClient(words, ["words.nth[0]"]) as extraction:
        first = extraction.extract(events)
        assert [v for _, v in itertools.islice(first, 10)] == [(str(n),) for n in range(10)]
        with pytest.raises(RuntimeError, match="have not been consumed"):
            list(extraction.extract(events))
        first.close()  # type: ignore[attr-defined]
        again = [v for _, v in extraction.extract(events[100:300])]
        assert again == [(str(n),) for n in range(100, 300)]


def test_no_more_events_are_read_ahead_than_the_window_has(words: Path, tmp_path: Path) -> None:
    event = next(events_of(write_words(tmp_path, "x")))
    read = itertools.count()
    endless = (event for _ in read)
    with ExtractionClient(words, ["words.count"]) as extraction:
        taken = list(itertools.islice(extraction.extract(endless), 50_000))
    assert len(taken) == 50_000
    assert next(read) < 50_000 + 8192 + 2


def test_a_slow_plugin_is_not_taken_for_one_that_hangs(words: Path, tmp_path: Path) -> None:
    # Longer than the deadline in all, and far shorter for each.
    file = write_words(tmp_path, *["slow"] * 700)
    with start(words, ["words.count"]) as extraction:
        rows = [values for _, values in extraction.extract(events_of(file))]
    assert rows == [(1,)] * 700


@pytest.mark.parametrize(
    ("arguments", "stdin", "status", "text"),
    [
        ([], b"no frames at all, but text", 1, '"message":"stdin has no events"'),
        ([], b"\x40\0\0\0" + bytes(20), 1, '"message":"stdin ends within an event"'),
        ([], b"", 0, '{"report":"end","reason":"eof"}'),
        (["--plugin", "other.so"], b"", 2, "--extract: takes one --plugin"),
        (["--deadline", "0"], b"", 2, "--deadline: not a number"),
    ],
)
def test_the_runner_refuses_what_are_no_events(
    words: Path, arguments: list[str], stdin: bytes, status: int, text: str
) -> None:
    command = [str(build_runner()), "--plugin", str(words), "--extract", "*", *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, check=False, timeout=30)
    assert done.returncode == status
    assert text in (done.stdout + done.stderr).decode()


def test_the_runner_ends_in_order_when_it_is_told_to(words: Path) -> None:
    command = [str(build_runner()), "--plugin", str(words), "--extract", "*"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        while b'"extracting"' not in child.stdout.readline():
            assert child.poll() is None
        child.terminate()
        assert child.stdout.read() == b'{"report":"end","reason":"signal"}\n'
        assert child.wait(timeout=10) == 0
