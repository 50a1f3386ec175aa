# SPDX-License-Identifier: Apache-2.0
"""What a failing hook leaves: a return code, a text with hook and line, and a host that lives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from author import plugin
from drivers import RunnerDrive

from falcokit.capture import open_capture

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Call, WritePlugin
    from drivers import Drive, Sysdig

BROKEN = plugin("failures")
RAISING = """
class P(Plugin, AsyncEvents):
    async_events = ("one",)
    config: str
    def init(self):
        raise eval(self.config)
    def start_async(self, handler): pass
"""
_LINE = 'raise ValueError(f"{hook} was to fail")'


@pytest.mark.drivers("runner", "plughost", "sysdig")
def test_a_failed_init_keeps_its_text(drive: Drive, write_plugin: WritePlugin) -> None:
    """B2"""
    author = write_plugin(BROKEN)
    out = drive(author, "init")
    assert f"{author.at(_LINE)}: init: ValueError: init was to fail" in out.error
    assert not out.events


@pytest.mark.drivers("runner", "plughost", "sysdig")
def test_a_module_that_cannot_be_imported_any_more_is_told_at_init(
    drive: Drive, write_plugin: WritePlugin
) -> None:
    """B2"""
    author = write_plugin(BROKEN, f"late-{drive.name}")
    assert author.library
    author.file.write_text("import nothing_of_that_name\n")
    out = drive(author, "")
    assert f"{author.file}:1: init: ModuleNotFoundError: No module named" in out.error


@pytest.mark.drivers("runner", "plughost", "sysdig")
@pytest.mark.parametrize("hook", ["start_async"])
def test_a_failing_hook_fails_its_call_with_hook_and_line(
    drive: Drive, write_plugin: WritePlugin, hook: str
) -> None:
    """B12, A3"""
    author = write_plugin(BROKEN)
    out = drive(author, hook)
    assert f"{author.at(_LINE)}: {hook}: ValueError: {hook} was to fail" in out.error


@pytest.mark.drivers("runner", "plughost")
@pytest.mark.parametrize("hook", ["destroy", "get_metrics", "stop_async", "parse_event"])
def test_a_failing_hook_that_the_host_would_not_show_is_logged(
    drive: Drive, write_plugin: WritePlugin, hook: str
) -> None:
    """B12"""
    author = write_plugin(BROKEN)
    out = drive(author, hook, limit=2)
    assert not out.error
    assert out.data == [b"1", b"2"]
    told = out.said(f"{author.at(_LINE)}: {hook}: ValueError: {hook} was to fail")
    assert len(told) >= 1
    assert {log.severity for log in told} <= {"error", None}


def test_a_failing_set_config_is_a_rejection(write_plugin: WritePlugin) -> None:
    """B4, B12"""
    author = write_plugin(BROKEN)
    out = RunnerDrive()(author, "set_config", set_config="other", limit=2)
    assert f"{author.at(_LINE)}: set_config: ValueError: set_config was to fail" in out.error


@pytest.mark.drivers("runner", "plughost")
def test_a_failing_dump_state_is_logged_and_the_capture_file_is_written(
    drive: Drive, write_plugin: WritePlugin, tmp_path: Path
) -> None:
    """A9, B12"""
    author = write_plugin(BROKEN)
    given = {"record": tmp_path / "out.scap"} if isinstance(drive, RunnerDrive) else {}
    out = drive(author, "dump_state", limit=2, **given)
    assert not out.error
    assert out.data == [b"1", b"2"]
    (told,) = out.said(f"{author.at(_LINE)}: dump_state: ValueError: dump_state was to fail")
    assert told.severity in {"error", None}
    with open_capture(next(tmp_path.glob("*.scap"))) as capture:
        assert [e.data for e in capture if e.async_name == "one"] == [b"1", b"2"]


@pytest.mark.host
def test_sysdig_goes_on_when_dump_state_fails(
    sysdig: Sysdig, write_plugin: WritePlugin, tmp_path: Path
) -> None:
    """A9, B12"""
    author, file = write_plugin(BROKEN), tmp_path / "out.scap"
    _, said, status = sysdig.raw(
        *sysdig.beside(author, "dump_state"), "-n", 2, "-w", file, "evt.type=one"
    )
    assert status == 0, said
    with open_capture(file) as capture:
        assert [e.data for e in capture if e.async_name == "one"] == [b"1", b"2"]


@pytest.mark.drivers("in_process")
@pytest.mark.parametrize("hook", ["init", "start_async", "stop_async", "destroy", "get_metrics"])
def test_in_process_a_failing_hook_raises_its_own_exception(
    drive: Drive, write_plugin: WritePlugin, hook: str
) -> None:
    """B12"""
    assert drive(write_plugin(BROKEN), hook, limit=2).error == f"ValueError: {hook} was to fail"


@pytest.mark.drivers("runner", "plughost")
@pytest.mark.parametrize(
    ("what", "text"),
    [
        ('SystemExit("away")', "SystemExit: away"),
        ("KeyboardInterrupt", "KeyboardInterrupt"),
        ("MemoryError()", "MemoryError"),
        ("BaseException('base')", "BaseException: base"),
        ('ValueError("nul \\0 inside")', "ValueError: nul \\0 inside"),
        ('ValueError("lone \\ud800 half")', "ValueError: lone ? half"),
        ('ValueError("line\\nbreak \\u00e9")', "ValueError: line\nbreak é"),
    ],
)
def test_whatever_is_raised_becomes_the_last_error(
    drive: Drive, write_plugin: WritePlugin, what: str, text: str
) -> None:
    """B11, B12"""
    out = drive(write_plugin(RAISING), what)
    assert f"init: {text}" in out.error


@pytest.mark.drivers("runner", "plughost")
@pytest.mark.parametrize("char", ["x", "🐍"])
def test_a_long_error_is_cut_at_a_whole_character(
    drive: Drive, write_plugin: WritePlugin, char: str
) -> None:
    """B11"""
    out = drive(write_plugin(RAISING), f"ValueError({char!r} * 100_000)")
    _, _, told = out.error.partition("ValueError: ")
    assert 700 < len(told.encode()) <= 4096
    assert set(told.rstrip()) <= {char}


def test_the_last_error_is_the_newest(write_plugin: WritePlugin, call: Call) -> None:
    """B11"""
    author = write_plugin("""
        class P(Plugin, AsyncEvents):
            async_events = ("one",)
            failures = 0
            def set_config(self, config): raise ValueError("refused " + repr(config))
            def start_async(self, handler):
                P.failures += 1
                if P.failures < 3:
                    raise ValueError(f"start number {P.failures}")
    """)
    lines = call(author, "i:", "e", "h", "e", "h", "e", "c:", "e", "h", "e", "n", "d")
    errors = [line.rpartition("ValueError: ")[2] for line in lines if line[0] == "e"]
    # A call that succeeds leaves the text: the framework asks for it after a failure only.
    assert errors == ["e ", "start number 1", "start number 2", "refused None", "refused None"]
    assert [line for line in lines if line[0] in "hnc"] == ["h 1", "h 1", "c 1", "h 0", "n 0"]
