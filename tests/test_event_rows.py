# SPDX-License-Identifier: Apache-2.0
"""Rows: every event of a running plugin, with the values of the fields that are asked for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from words_capture import PLUGIN, WORDS_ID, write_words

from falcokit.runner.event_rows import EventRow, RowDecoder
from falcokit.runner.run import Runner, RunOptions

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Baseline, CompileC


def rows_of(**options: Any) -> list[EventRow]:
    with Runner(RunOptions(stats_ms=60_000, **options)) as runner:
        reports = list(runner.reports())
        assert runner.returncode == 0, reports
    return [row for report in reports if report["report"] == "rows" for row in report["rows"]]


def test_each_event_of_a_source_has_a_row_and_none_is_lost(baseline: Baseline) -> None:
    rows = rows_of(
        library=baseline.source,
        init_config='{"async":0}',
        open_params="20000,50",
        rows="baseline.seq,baseline.text",
    )
    assert [row.number for row in rows] == list(range(1, 20_001))
    first, second = rows[0].values, rows[1].values
    assert first is not None
    assert second is not None
    assert second[0] == first[0] + 1
    assert {(row.source, row.plugin_id, row.name, row.data) for row in rows} == {
        ("baseline_src", 999, None, None)
    }


def test_async_events_have_their_data(baseline: Baseline) -> None:
    rows = rows_of(
        library=baseline.async_only, init_config='{"async":5,"stamp":1}', limit=5, rows=""
    )
    assert len(rows) == 5
    assert all(row.name and row.data is not None and row.size == len(row.data) for row in rows)
    assert {row.values for row in rows} == {None}
    assert all(row.ts_ns > 10**18 for row in rows)


def test_a_plugin_without_event_to_string_says_nothing(baseline: Baseline) -> None:
    given = {"library": baseline.source, "init_config": '{"async":0}', "open_params": "3,1"}
    rows = rows_of(**given, rows="evt.plugininfo,baseline.seq")
    assert [(row.values, row.text) for row in rows] == [((n,), None) for n in range(3)]
    assert [row.text for row in rows_of(**given, rows="evt.plugininfo")] == [None] * 3


def test_bytes_that_are_not_utf8_survive(compile_c: CompileC, tmp_path: Path) -> None:
    library = compile_c("libwords.so", [PLUGIN])
    file = write_words(tmp_path, "plain x")
    stored = file.read_bytes()
    file.write_bytes(stored.replace(b"plain x", b"pl\xffin \xfe"))
    rows = rows_of(library=library, replay=file, rows="words.all,words.count,words.nth[0]")
    [row] = rows
    assert row.values == (["pl\udcffin", "\udcfe"], 2, "pl\udcffin")
    assert row.plugin_id == WORDS_ID
    assert not row.encoded


def test_more_fields_than_a_command_line_holds(compile_c: CompileC, tmp_path: Path) -> None:
    library = compile_c("libwords.so", [PLUGIN])
    fields = ["words.count", *(f"words.of[{number:020000}]" for number in range(20))]
    [row] = rows_of(library=library, replay=write_words(tmp_path, "a b"), rows=",".join(fields))
    assert row.values is not None
    assert (row.values[0], len(row.values)) == (2, 21)


def test_a_row_comes_soon_after_its_event(baseline: Baseline) -> None:
    options = RunOptions(
        library=baseline.async_only, init_config='{"async":3,"async_delay_us":400000}', rows="",
        stats_ms=60_000, duration=30,
    )  # fmt: skip
    late = []
    with Runner(options) as runner:
        while len(late) < 3:
            for report in runner.read(timeout=10):
                now = time.time()
                if report["report"] == "rows":
                    late += [now - row.ts_ns / 1e9 for row in report["rows"]]
    assert min(late) < 0.2, late


def test_rows_keep_their_place_among_other_reports(baseline: Baseline) -> None:
    options = RunOptions(
        library=baseline.source, init_config='{"async":0}', open_params="50,7", rows="baseline.seq"
    )
    with Runner(options) as runner:
        reports = list(runner.reports())
    seen = 0
    for report in reports:
        if report["report"] == "rows":
            for row in report["rows"]:
                seen += 1
                assert row.number == seen
        elif report["report"] == "event":
            assert report["number"] in {seen, seen + 1}
    assert seen == 50


def test_a_field_that_is_not_there_is_refused(baseline: Baseline) -> None:
    with Runner(RunOptions(library=baseline.source, rows="baseline.none")) as runner:
        errors = [r for r in runner.reports() if r["report"] == "error"]
        assert runner.returncode == 1
    assert "no field baseline.none" in errors[0]["message"]


def test_the_decoder_takes_bytes_out_of_lists() -> None:
    line = (
        b'{"report":"rows","rows":[[1,2,0,"syscall",null,null,3,[["a",{"base64":"/w=="}]],true]]}'
    )
    [row] = RowDecoder().decode(line)
    assert row.values == (["a", "\udcff"],)
