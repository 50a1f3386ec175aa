# SPDX-License-Identifier: Apache-2.0
"""The runner as a host: what it reports and in which order, the C baseline plugin its guest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from falcokit.native import SOURCES
from falcokit.runner.program import OF_GLUE, build_runner, runner_sources
from falcokit.runner.run import Runner, RunOptions
from falcokit.toolchain.command import run

if TYPE_CHECKING:
    from conftest import Baseline, CompileC

Report = dict[str, Any]


def collect(**options: Any) -> tuple[list[Report], int | None]:
    with Runner(RunOptions(**options)) as runner:
        return list(runner.reports()), runner.returncode


def of_kind(reports: list[Report], kind: str) -> list[Report]:
    return [r for r in reports if r["report"] == kind]


def last_stats(reports: list[Report]) -> Report:
    return of_kind(reports, "stats")[-1]


def test_no_capture_makes_the_address_sanitizer_complain(
    compile_c: CompileC, baseline: Baseline, tmp_path: Path
) -> None:
    # To optimize it takes longer than to run it.
    flags = ["-O0", "-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
    program = compile_c("falcokit-runner-asan", runner_sources(), *flags)
    config = '{"async":500,"async_delay_us":0,"producers":3,"late":1}'
    command = [str(program), "--plugin", str(baseline.source), "--init", config]
    command += ["--plugin", str(baseline.async_only), "--open", "2000,7,64,30"]
    command += ["--cycles", "2", "--reload", "2", "--metrics", "--events", "--stats-ms", "5"]
    command += ["--rows", "*"]
    out = run([*command, "--record", str(tmp_path / "x.scap")], timeout=60)
    assert out.count('"report":"closed"') == 4


def test_the_runner_compiles_without_a_warning(runner_objects: dict[Path, Path]) -> None:
    assert set(runner_sources()) < set(runner_objects)


def test_the_queue_keeps_the_order_of_the_framework(compile_c: CompileC) -> None:
    folder = SOURCES / "runner"
    check = Path(__file__).parent / "hosts" / "queue_check.c"
    needed = [
        "capture/queue.c",
        "host/owner.c",
        "report/report.c",
        "report/json.c",
        "report/text.c",
        "report/stats.c",
    ]
    program = compile_c("queue_check", [check, *OF_GLUE, *(folder / name for name in needed)])
    assert run([str(program)]).splitlines() == [
        "lowest first, equal ones as they came: 2 4 3 1 5 left=0",
        f"without a timestamp as they came: {' '.join(map(str, range(20)))} left=0",
        "none before its time: 1 2 left=1",
        "without a timestamp at once: 1 left=1",
        "full: accepted=4096 ordered=4096",
        "closed: 3 then 0",
    ]


def test_metadata_is_reported_before_init(baseline: Baseline) -> None:
    reports, code = collect(library=baseline.source, init_config='{"fail":1}')
    loaded = reports[0]
    assert loaded["report"] == "loaded"
    assert loaded["plugin"] == "baseline"
    assert loaded["capabilities"] == ["source", "extract", "parse", "async", "listen"]
    assert (loaded["event_source"], loaded["plugin_id"]) == ("baseline_src", 999)
    assert loaded["async_events"] == ["beat"]
    assert loaded["async_event_sources"] == ["baseline_src"]
    assert loaded["init_schema"]["type"] == "object"
    assert [f["name"] for f in loaded["fields"]] == ["baseline.seq", "baseline.text"]
    assert (loaded["required_api"], loaded["required_schema"]) == ("3.11.0", "4.0.0")
    assert of_kind(reports, "error")[0]["message"] == "init was asked to fail"
    assert code == 1


def test_info_loads_and_leaves_without_init(baseline: Baseline) -> None:
    out = run([str(build_runner()), "--plugin", str(baseline.source), "--info"])
    assert '"loaded"' in out
    assert '"initialized"' not in out


def test_every_event_is_reported_as_the_framework_completes_it(baseline: Baseline) -> None:
    config = '{"async":2,"async_first_ms":20}'
    reports, code = collect(
        library=baseline.source, init_config=config, open_params="3,2,8,300", limit=5
    )
    kinds = [r["report"] for r in reports if r["report"] not in {"log", "event"}]
    assert kinds == ["loaded", "initialized", "open", "stats", "closed", "end"]
    events = of_kind(reports, "event")
    assert [e["number"] for e in events] == [1, 2, 3, 4, 5]
    assert [e["type"] for e in events] == ["pluginevent"] * 3 + ["beat"] * 2
    assert [e["code"] for e in events] == [322] * 3 + [402] * 2
    assert {(e["source"], e["plugin_id"], e["tid"]) for e in events} == {("baseline_src", 999, -1)}
    assert events[0]["data_base64"] == "AAAAAAAAAAA="
    assert (events[3]["name"], events[3]["data"], events[3]["size"]) == ("beat", "0", 2)
    # A timestamp that was not set is the previous event's.
    assert events[3]["ts_ns"] == events[4]["ts_ns"] == events[2]["ts_ns"]
    assert of_kind(reports, "closed")[0]["reason"] == "limit"
    assert code == 0


def test_without_a_source_async_events_come_from_an_idle_one(baseline: Baseline) -> None:
    config = '{"async":20,"tid":77,"ts":1}'
    reports, code = collect(
        library=baseline.async_only, init_config=config, limit=20, duration=10.0
    )
    events = of_kind(reports, "event")
    assert {(e["source"], e["plugin_id"], e["tid"]) for e in events} == {("syscall", 0, 77)}
    assert [e["data"] for e in events] == [str(n) for n in range(20)]
    assert of_kind(reports, "closed")[0]["reason"] == "limit"
    assert code == 0


@pytest.mark.parametrize(
    ("key", "reason", "words"),
    [
        ("undeclared", "undeclared_name", "incompatible async event 'nope'"),
        ("malformed", "malformed", "malformed async event"),
        ("tid", "tid", "can have no thread id"),
    ],
)
def test_what_the_framework_refuses_is_refused_in_words_and_counted(
    baseline: Baseline, key: str, reason: str, words: str
) -> None:
    reports, code = collect(
        library=baseline.source, init_config=f'{{"{key}":1}}', open_params="1,1,8,50"
    )
    assert last_stats(reports)["rejected"] == {reason: 3}
    assert any(words in r["message"] for r in of_kind(reports, "log"))
    assert code == 0


def test_async_events_are_refused_where_their_source_is_not_open(baseline: Baseline) -> None:
    reports, _ = collect(library=baseline.source, source="syscall", duration=0.2)
    assert last_stats(reports)["rejected"] == {"source": 3}
    assert any("not compatible" in r["message"] for r in of_kind(reports, "log"))


def test_an_async_plugin_beside_a_source_is_given_the_id_of_that_source(baseline: Baseline) -> None:
    reports, _ = collect(
        library=baseline.source,
        init_config='{"async":0}',
        beside=(baseline.async_only,),
        open_params="2,1,8,200",
        limit=5,
    )
    beats = [e for e in of_kind(reports, "event") if e["type"] == "beat"]
    assert {e["plugin_id"] for e in beats} == {999}
    assert len(beats) == 3


def test_an_event_more_than_ten_seconds_ahead_is_lost_while_the_handler_says_success(
    baseline: Baseline,
) -> None:
    reports, _ = collect(
        library=baseline.source,
        init_config='{"ts":1,"ts_offset_ms":11000}',
        open_params="1,1,8,50",
        metrics=True,
    )
    assert last_stats(reports)["dropped"] == {"future": 3}
    assert of_kind(reports, "metrics")[-1]["metrics"]["sent"] == 3


def test_a_full_queue_loses_events_while_the_handler_says_success(baseline: Baseline) -> None:
    reports, _ = collect(
        library=baseline.source,
        init_config='{"async":5000,"async_delay_us":0,"hang_ms":300}',
        open_params="1,1,8,20",
        metrics=True,
        stats_ms=1000,
    )
    stats = last_stats(reports)
    assert of_kind(reports, "metrics")[-1]["metrics"]["sent"] == 5000
    assert stats["dropped"] == {"queue_full": 5000 - 4096}
    # All of them without a timestamp, so they go before the source event that was fetched.
    assert stats["async"]["beat"]["count"] == 4096


def test_an_idle_source_gives_two_async_events_a_batch_as_in_the_framework(
    baseline: Baseline,
) -> None:
    # The source times out every 200 us or more, and each of its answers counts twice.
    config = '{"async":4000,"async_delay_us":0,"async_first_ms":30}'
    reports, _ = collect(
        library=baseline.source, init_config=config, open_params="1,1,8,130", stats_ms=1000
    )
    stats = last_stats(reports)
    count = stats["async"]["beat"]["count"]
    assert 0 < count <= 2 * 100 / 0.2 + 10
    assert stats["dropped"] == {"at_close": 4000 - count}


def test_an_emission_after_the_stop_is_refused_and_harms_nobody(baseline: Baseline) -> None:
    reports, code = collect(
        library=baseline.source,
        init_config='{"late":1,"async":1000}',
        open_params="1,1,8,20",
        reload=3,
    )
    assert [s["rejected"]["no_handler"] >= 1 for s in of_kind(reports, "stats")] == [True] * 3
    assert any("NULL handler" in r["message"] for r in of_kind(reports, "log"))
    assert code == 0


@pytest.mark.parametrize(
    ("fail", "phase", "words"),
    [
        (1, "init", "init was asked to fail"),
        (2, "open", "open was asked to fail"),
        (3, "set_async_event_handler", "start was asked to fail"),
        (4, "set_async_event_handler", "stop was asked to fail"),
        (5, "set_config", "set_config was asked to fail"),
        (6, "next_batch", "SUCCESS with 0 events"),
    ],
)
def test_a_failure_is_one_error_report_and_exit_1(
    baseline: Baseline, fail: int, phase: str, words: str
) -> None:
    reports, code = collect(
        library=baseline.source, init_config=f'{{"fail":{fail}}}', open_params="2", set_config="{}"
    )
    errors = of_kind(reports, "error")
    assert [(e["phase"], e["plugin"], e["rc"]) for e in errors] == [(phase, "baseline", 1)]
    assert words in errors[0]["message"]
    assert reports[-1] == {"report": "end", "reason": "error"}
    assert code == 1


def test_a_config_that_is_no_json_is_refused_before_init(baseline: Baseline) -> None:
    reports, code = collect(library=baseline.source, init_config="{async: 3}")
    assert of_kind(reports, "error")[0]["phase"] == "init"
    assert not of_kind(reports, "log")
    assert code == 1


def test_cycles_open_again_with_numbers_from_one(baseline: Baseline) -> None:
    reports, _ = collect(
        library=baseline.source, init_config='{"async":0}', open_params="2", cycles=3
    )
    assert [r["cycle"] for r in of_kind(reports, "open")] == [0, 1, 2]
    assert [e["number"] for e in of_kind(reports, "event")] == [1, 2] * 3
    assert len(of_kind(reports, "initialized")) == 1
    assert [r["events"] for r in of_kind(reports, "closed")] == [2, 2, 2]


def test_reload_opens_the_library_again(baseline: Baseline) -> None:
    reports, code = collect(
        library=baseline.source, open_params="2,1,8,3", cycles=2, reload=20, stats_ms=60000
    )
    assert len(of_kind(reports, "loaded")) == len(of_kind(reports, "initialized")) == 20
    assert len(of_kind(reports, "closed")) == 40
    rss = [s["rss_kb"] for s in of_kind(reports, "stats")]
    assert rss[-1] - rss[1] < 1024
    assert code == 0


def test_statistics_are_on_time_while_the_plugin_blocks(baseline: Baseline) -> None:
    reports, _ = collect(
        library=baseline.source, init_config='{"hang_ms":500}', open_params="1", stats_ms=50
    )
    elapsed = [s["elapsed_ms"] for s in of_kind(reports, "stats")]
    assert len(elapsed) >= 8
    assert not of_kind(reports, "event")
    assert last_stats(reports)["plugin_events"] == {"count": 1, "bytes": 32}


def test_parse_event_sees_own_events(baseline: Baseline) -> None:
    reports, _ = collect(library=baseline.source, open_params="7,7,8,50", limit=10, metrics=True)
    metrics = of_kind(reports, "metrics")[-1]["metrics"]
    assert (metrics["parsed"], metrics["parsed_async"]) == (7, 3)


def test_what_a_plugin_prints_never_gets_between_the_reports(
    baseline: Baseline, capfd: pytest.CaptureFixture[str]
) -> None:
    reports, code = collect(library=baseline.source, init_config='{"noise":1}', open_params="2")
    assert len(of_kind(reports, "event")) >= 2
    assert code == 0
    out, err = capfd.readouterr()
    assert not out
    assert "this is not a report" in err
