# SPDX-License-Identifier: Apache-2.0
"""`falcokit inspect --plugin`: a plugin's fields beside the events, as a real host has them."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from capture.scap_builder import Builder
from capture.schema_check import check
from cli.inspect_runs import CURL, inspect, on_terminal
from words_capture import PLUGIN, WORDS_ID, write_words

import falcokit.capture.summary
from falcokit.toolchain.command import run

if TYPE_CHECKING:
    from conftest import Baseline, CompileC, RealHost

SCHEMA = json.loads(
    Path(falcokit.capture.summary.__file__)
    .with_name("summary.schema.json")
    .read_text(encoding="utf-8")
)


@pytest.fixture(scope="module")
def words(compile_c: CompileC) -> Path:
    return compile_c("libwords.so", [PLUGIN])


@pytest.fixture
def recorded(real_host: RealHost, tmp_path: Path) -> Path:
    """A capture that sysdig has written, with events of the baseline plugin's source."""
    file = tmp_path / "baseline.scap"
    config = '{"async":4,"stamp":1,"async_first_ms":50}'
    source = ["-I", "baseline:50,7,16,300", "-w", str(file)]
    run([str(real_host.sysdig), "-H", f"{real_host.baseline}:{config}", *source])
    return file


@pytest.mark.host
def test_the_fields_are_those_that_sysdig_shows(
    recorded: Path, real_host: RealHost, baseline: Baseline
) -> None:
    form = "*%evt.num baseline.seq=%baseline.seq baseline.text=%baseline.text"
    source = ["-r", str(recorded), "-H", str(real_host.baseline), "-p", form]
    theirs = run([str(real_host.sysdig), *source], timeout=60).splitlines()
    done = inspect(recorded, "--events", "--plugin", baseline.source)
    assert (done.returncode, done.stderr) == (0, "")
    ours = [
        f"{line.split()[0]} {''.join(re.findall('  (baseline.*)$', line))}"
        for line in done.stdout.splitlines()
    ]
    # Of an event that is none of the plugin's, and of the state at the head, there is nothing.
    shown = [line.replace(" baseline.seq=<NA> baseline.text=<NA>", " ") for line in theirs]
    assert [line for line in ours if line[-1] != " "] == [line for line in shown if line[-1] != " "]
    assert sum(line[-1] != " " for line in shown) == 54


@pytest.mark.host
def test_json_lines_have_the_fields(recorded: Path, baseline: Baseline) -> None:
    done = inspect(recorded, "--jsonl", "--plugin", baseline.source, "--type", "pluginevent")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == 50
    assert [set(event["fields"]) for event in found] == [{"baseline.seq", "baseline.text"}] * 50
    first = found[0]["fields"]["baseline.seq"]
    assert [e["fields"]["baseline.seq"] for e in found] == list(range(first, first + 50))
    assert "fields" not in json.loads(inspect(recorded, "--jsonl", "-n", "9").stdout.split("\n")[3])


def test_values_of_every_type_are_shown(words: Path, tmp_path: Path) -> None:
    file = write_words(tmp_path, "k=v \u202e\x1b[1m")
    (line,) = inspect(file, "--plugin", words).stdout.splitlines()
    assert line.isprintable()
    fields = line.partition("  words.")[2]
    assert fields.startswith(
        "count=2 words.all=(k=v,\\u202e\\x1b[1m) words.some=present=0 key=- index=-1 found=-"
        " words.any=true words.took=1000000000"
    )
    assert "words.ips=(10.1.2.3,2001:db8::1) words.net=10.1.2.3" in fields
    (text,) = inspect(file, "--jsonl", "--plugin", words).stdout.splitlines()
    assert text.isascii()
    assert text.isprintable()
    found = json.loads(text)["fields"]
    assert found["words.all"] == ["k=v", "\u202e\x1b[1m"]
    assert found["words.any"] is True


@pytest.mark.parametrize("width", [60, 100, 160])
def test_on_a_terminal_the_event_makes_room_for_its_fields(
    words: Path, tmp_path: Path, width: int
) -> None:
    file = write_words(tmp_path, "word " * 100)
    screen = on_terminal(file, "-n", "1", "--plugin", words, width=width)
    heading, line = screen.lines
    assert heading.startswith("number time (UTC)")
    assert len(line) == width
    assert ("words.count=100" in line) is (width > 60)


def test_events_that_are_none_of_the_plugins_are_as_without_it(words: Path) -> None:
    assert inspect(CURL, "-n", "9", "--plugin", words).stdout == inspect(CURL, "-n", "9").stdout


def test_what_is_wrong_with_the_plugin_is_told(
    words: Path, compile_c: CompileC, tmp_path: Path
) -> None:
    file = write_words(tmp_path, "fail", "fine")
    done = inspect(file, "--events", "--plugin", words)
    assert done.returncode == 0
    assert done.stdout.count("\n") == 2
    assert done.stderr.startswith("warning: the plugin failed on an event: asked to fail")
    done = inspect(file, "--plugin", words, "--init-config", "fail")
    assert (done.returncode, done.stdout) == (10, "")
    assert "asked to fail" in done.stderr
    done = inspect(file, "--plugin", tmp_path / "missing.so")
    assert done.returncode in {1, 8}
    assert (done.stdout, "Traceback" in done.stderr) == ("", False)


def test_a_capture_can_be_looked_at_beside_any_project(tmp_path: Path) -> None:
    build = Builder()
    (tmp_path / "f.scap").write_bytes(build.section() + build.plugin_event(WORDS_ID, b"x"))
    for text in ("[project]\nname = 'other'\n", "no toml ["):
        (tmp_path / "pyproject.toml").write_text(text)
        done = inspect("f.scap", "-n", "1", cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.endswith("event_data=x\n")


def test_a_project_whose_plugin_has_no_fields_adds_none(project: Path) -> None:
    done = inspect(CURL, "-n", "1", cwd=project)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == inspect(CURL, "-n", "1").stdout


def test_a_document_has_the_fields_of_listed_events(words: Path, tmp_path: Path) -> None:
    file = write_words(tmp_path, "k=v", "other")
    lines = inspect(file, "--jsonl", "--plugin", words).stdout.splitlines()
    done = inspect(file, "--json", "-n", "9", "--plugin", words)
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert document["listed"] == [json.loads(line) for line in lines]
    assert document["listed"][0]["fields"]["words.all"] == ["k=v"]
    check(document, SCHEMA, SCHEMA)
    assert "--json -n N" in inspect(file, "--json", "--plugin", words).stderr


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_table_has_the_fields_as_columns(words: Path, tmp_path: Path, kind: str) -> None:
    file, target = write_words(tmp_path, "k=v x", "other"), tmp_path / f"t.{kind}"
    events = [json.loads(line) for line in inspect(file, "--jsonl").stdout.splitlines()]
    lines = inspect(file, "--jsonl", "--plugin", words).stdout.splitlines()
    fields = [json.loads(line)["fields"] for line in lines]
    if kind == "parquet":
        rows = pytest.importorskip("pyarrow.parquet")
    assert inspect(file, "--export", target, "--plugin", words).returncode == 0
    if kind == "parquet":
        rows = rows.read_table(target).to_pylist()
        found = [{k: v for k, v in row.items() if "." in k and v is not None} for row in rows]
        assert found == fields
    else:
        with target.open(newline="", encoding="utf-8") as text:
            rows = list(csv.DictReader(text))
        assert json.loads(rows[0]["words.all"]) == fields[0]["words.all"] == ["k=v", "x"]
        assert rows[0]["words.count"] == str(fields[0]["words.count"])
    assert [int(row["number"]) for row in rows] == [event["number"] for event in events]


def test_a_table_of_a_plugin_that_crashes_is_not_left(words: Path, tmp_path: Path) -> None:
    file, target = write_words(tmp_path, "fine", "abort"), tmp_path / "t.csv"
    assert inspect(file, "--export", target, "--plugin", words).returncode == 10
    assert sorted(path.name for path in tmp_path.iterdir()) == ["words.scap"]
