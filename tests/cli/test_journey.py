# SPDX-License-Identifier: Apache-2.0
"""From init to inspect with the real build and runner, and what can be wrong on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from forked import run_forked
from only_pytest import run_tests

#: What the newest Python runs besides the journey of each template (tests/examples).
_ON_EACH = pytest.mark.python

EXAMPLE = Path(__file__).parents[2] / "examples" / "ticker"


def falcokit(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return run_forked("falcokit", arguments, cwd=cwd, env=os.environ, timeout=120)


def reports(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def write_plugin(root: Path, code: str) -> Path:
    """A project of one module."""
    root.mkdir(exist_ok=True)
    (root / "pyproject.toml").write_text('[tool.falcokit]\nplugin = "thing:Thing"\n')
    (root / "thing.py").write_text(code)
    return root


THING = """
import os, threading, time
from falcokit import AsyncEvents, BackgroundTask, Plugin, async_event

class Thing(Plugin, AsyncEvents):
    name = "thing"; version = "0.1.0"; description = "d"; contact = "c"
    @async_event("thing_done", every=0.01)
    def done(self):
        return b"x"
"""


def test_a_new_project_builds_runs_records_and_passes_its_tests(project: Path) -> None:
    built = falcokit("build", cwd=project)
    assert built.returncode == 0, built.stderr
    library = Path(built.stdout.strip())
    assert library == project / "build" / "libload-watch.so"
    assert library.is_file()

    again = falcokit("build", "--json", cwd=project)
    assert json.loads(again.stdout)["compiled"] is False

    ran = falcokit("run", "--limit", "2", "--record", "x.scap", cwd=project)
    assert ran.returncode == 0, ran.stderr
    # On a busy machine the rule finds something too.
    lines = [line for line in ran.stdout.splitlines() if not line.startswith(" alert ")]
    assert len(lines) == 2
    assert "load_watch_load" in lines[0]
    assert '{"load":' in lines[0]
    assert "info     load-watch: load counts as high from 4.00 on" in ran.stderr

    inspected = falcokit("inspect", "x.scap", cwd=project)
    assert inspected.returncode == 0, inspected.stderr
    assert "load_watch_load" in inspected.stdout

    run_tests(project)


def test_the_init_config_reaches_the_plugin(project: Path) -> None:
    (project / "c.json").write_text('{"threshold": 0.0}')
    ran = falcokit("run", "-n", "2", "--init-config", "@c.json", "--json", cwd=project)
    names = {r["name"] for r in reports(ran.stdout) if r["report"] == "event"}
    assert names == {"load_watch_load", "load_watch_alert"}


def test_a_config_against_the_schema_is_exit_10_with_the_place(project: Path) -> None:
    ran = falcokit("run", "-n", "1", "--init-config", '{"threshold": "x"}', "--json", cwd=project)
    assert ran.returncode == 10
    error = reports(ran.stdout)[-1]["error"]
    assert error["exit"] == 10
    assert "$.threshold" in error["message"]
    assert "Traceback" not in ran.stderr


def test_the_example_runs() -> None:
    ran = falcokit("run", "-C", str(EXAMPLE), "-n", "3", "--json")
    assert ran.returncode == 0, ran.stderr
    events = [r for r in reports(ran.stdout) if r["report"] == "event"]
    assert [(e["name"], e["data"], e["code"]) for e in events] == [
        ("sample_async", "hello", 402)
    ] * 3


def test_a_built_library_runs_without_its_project(project: Path, tmp_path: Path) -> None:
    library = falcokit("build", cwd=project).stdout.strip()
    ran = falcokit("run", library, "-n", "1", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "load_watch_load" in ran.stdout


@_ON_EACH
@pytest.mark.parametrize(
    ("change", "line", "part"),
    [
        (("class Thing", "class Other"), None, "Thing"),
        (("def done(self):", "def done(self:"), 8, "never closed"),
        (("import os,", "import nowhere_at_all, os,"), 2, "nowhere_at_all"),
        (("(Plugin, AsyncEvents)", "(Plugin)"), 5, "capability"),
        (("(Plugin, AsyncEvents)", "(AsyncEvents)"), None, "Plugin"),
        (('"thing_done"', '"t" * 32'), 8, "31"),
        (('"thing_done"', '"a\\0b"'), 8, "NUL"),
        (('version = "0.1.0"', 'version = "one"'), None, "version"),
    ],
)
def test_a_wrong_class_is_exit_4_with_the_place(
    tmp_path: Path, change: tuple[str, str], line: int | None, part: str
) -> None:
    root = write_plugin(tmp_path / "p", THING.replace(*change))
    done = falcokit("build", "--json", cwd=root)
    assert done.returncode == 4, done.stderr
    error = reports(done.stdout)[-1]["error"]
    assert part in error["message"] + (error["hint"] or "")
    assert error["file"].endswith("thing.py")
    if line is not None:
        assert error["line"] == line
    assert "Traceback" not in done.stderr
    assert [text for text in done.stderr.splitlines() if text.startswith("error: ")]


@pytest.mark.parametrize("command", ["run", "dev"])
def test_a_wrong_class_stops_run_and_dev_too(tmp_path: Path, command: str) -> None:
    root = write_plugin(tmp_path / "p", THING.replace("def done(self)", "def done(self"))
    done = falcokit(command, "--json", cwd=root)
    assert done.returncode == 4, done.stderr
    assert reports(done.stdout)[-1]["error"]["line"] == 8
    assert done.stderr.count("error: ") == 1
    assert falcokit(command, cwd=root).stderr.count("error: ") == 1


@pytest.mark.parametrize("plugin", ["nowhere:Thing", "thing:Nothing"])
def test_a_wrong_module_or_class_name_is_exit_4(tmp_path: Path, plugin: str) -> None:
    root = write_plugin(tmp_path / "p", THING)
    (root / "pyproject.toml").write_text(f'[tool.falcokit]\nplugin = "{plugin}"\n')
    done = falcokit("build", cwd=root)
    assert done.returncode == 4, done.stderr
    assert plugin.strip("thing:") in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["run", "dev"])
def test_a_failing_init_is_exit_10_with_the_last_error(tmp_path: Path, command: str) -> None:
    init = "    def init(self):\n        raise ValueError('no such port')\n"
    root = write_plugin(tmp_path / "p", THING + init)
    done = falcokit(command, cwd=root)
    assert done.returncode == 10, done.stderr
    assert done.stderr.count("error: ") == 1
    assert "failed in init" in done.stderr
    assert "no such port" in done.stderr
    assert "thing.py:11" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["run", "dev"])
def test_a_crash_is_exit_10_with_the_signal(tmp_path: Path, command: str) -> None:
    crash = "    def init(self):\n        os.kill(os.getpid(), 11)\n"
    done = falcokit(command, cwd=write_plugin(tmp_path / "p", THING + crash))
    assert done.returncode == 10, done.stderr
    assert "SIGSEGV" in done.stderr


@pytest.mark.parametrize("command", ["run", "dev"])
def test_a_recording_that_fails_is_no_fault_of_the_plugin(project: Path, command: str) -> None:
    ended = falcokit(command, "--record", "/dev/full", "--duration", "1", cwd=project)
    assert ended.returncode == 1
    error = "error: the events could not be recorded: No space left on device\n"
    assert ended.stderr.endswith(error)


def test_a_file_that_is_no_plugin_is_exit_8(tmp_path: Path) -> None:
    (tmp_path / "x.so").write_text("no library")
    done = falcokit("run", "x.so", cwd=tmp_path)
    assert done.returncode == 8
    assert "x.so cannot be loaded as a plugin" in done.stderr


def test_a_missing_compiler_is_exit_5_with_what_mends_it(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    done = falcokit("build", cwd=project)
    assert done.returncode == 5, done.stderr
    assert "hint: install one: " in done.stderr


@_ON_EACH
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("command", ["run", "dev"])
def test_signals_up_to_the_end_of_the_process_change_nothing(
    project: Path, command: str, number: signal.Signals, code: int
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "falcokit", command, "-C", str(project), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    kind = {"run": "event", "dev": "stats"}[command]
    while json.loads(process.stdout.readline())["report"] != kind:
        pass
    deadline = time.monotonic() + 30
    while process.poll() is None:
        process.send_signal(number)
        assert time.monotonic() < deadline
    assert process.returncode == code
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()
    process.stdout.close()
    process.stderr.close()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_run_ends_orderly_on_a_signal(tmp_path: Path, number: signal.Signals, code: int) -> None:
    root = write_plugin(tmp_path / "p", THING)
    with subprocess.Popen(
        [sys.executable, "-m", "falcokit", "run", "--json"],
        cwd=root,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        kinds = []
        for line in process.stdout:
            kinds.append(json.loads(line)["report"])
            if kinds[-1] == "event" and kinds.count("event") == 3:
                process.send_signal(number)
        assert process.wait(timeout=10) == code
    assert kinds[-2:] == ["closed", "end"]


def test_dev_without_a_terminal_writes_lines(tmp_path: Path) -> None:
    root = write_plugin(tmp_path / "p", THING)
    done = falcokit("dev", "--duration", "1.5", cwd=root)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("thing_done: ")
    assert "events, " in done.stdout
    assert "first event " in done.stderr
    assert "\x1b" not in done.stdout + done.stderr


@_ON_EACH
@pytest.mark.parametrize("command", ["run", "dev"])
def test_a_reader_that_has_enough_stops_the_plugin(tmp_path: Path, command: str) -> None:
    root = write_plugin(tmp_path / "p", THING)
    with subprocess.Popen(
        [sys.executable, "-m", "falcokit", command, "--json"],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=10) == 141
        assert process.stderr.read() == b""


@_ON_EACH
def test_a_locale_that_knows_no_unicode_is_no_error(tmp_path: Path) -> None:
    code = THING.replace('b"x"', '"héé→"').replace('description = "d"', 'description = "dé"')
    root = write_plugin(tmp_path / "p", code)
    env = {**os.environ, "PYTHONIOENCODING": "ascii:strict", "LC_ALL": "C"}
    for options in ([], ["--json"]):
        done = subprocess.run(
            [sys.executable, "-m", "falcokit", "run", "-n", "1", *options],
            cwd=root,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        if options:
            events = [r for r in reports(done.stdout) if r["report"] == "event"]
            assert events[0]["data"] == "héé→"
        else:
            assert r"h\xe9\xe9\u2192" in done.stdout


def test_dev_json_tells_builds_reloads_and_statistics(tmp_path: Path) -> None:
    root = write_plugin(tmp_path / "p", THING)
    done = falcokit("dev", "--duration", "0.5", "--json", cwd=root)
    assert done.returncode == 0, done.stderr
    kinds = [report["report"] for report in reports(done.stdout)]
    assert kinds[:3] == ["building", "build", "started"]
    for kind in ("loaded", "initialized", "open", "stats", "reload"):
        assert kind in kinds
    assert kinds.count("reload") == 1
