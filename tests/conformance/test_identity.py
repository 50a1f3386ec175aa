# SPDX-License-Identifier: Apache-2.0
"""What a host reads before init: metadata, capabilities, versions; and what it then refuses."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from author import plugin
from drivers import RunnerDrive, build_error

from falcokit.errors import PluginDefinitionError
from falcokit.runner.program import build_runner
from falcokit.toolchain.command import run

if TYPE_CHECKING:
    from conftest import CompileC, RealHost, WritePlugin
    from drivers import Drive, Plughost

_ODD = Path(__file__).parents[1] / "hosts" / "odd_plugin.c"

FULL = plugin("identity_full")
QUIET = """
class P(Plugin, AsyncEvents):
    async_events = ("one",)
    def start_async(self, handler):
        handler.emit("one", b"1")
"""


def test_metadata_is_read_without_init_and_without_python_by_the_runner(
    write_plugin: WritePlugin,
) -> None:
    """B1"""
    out = RunnerDrive()(write_plugin(FULL))
    loaded = out.raw[0]
    assert loaded["report"] == "loaded"
    assert loaded["plugin"] == "conform"
    assert loaded["version"] == "1.2.3"
    assert loaded["description"] == 'Says "hé", \\ and ??/ a\ttab.'
    assert loaded["contact"] == "c@example.com"
    assert loaded["capabilities"] == ["parse", "async"]
    assert loaded["async_events"] == ["one", "zwölf"]
    assert loaded["async_event_sources"] == ["syscall", "baseline_src"]
    assert loaded["init_schema"]["properties"]["count"] == {
        "type": "integer", "minimum": 1, "default": 7,
        "title": "Count", "description": "How many.",
    }  # fmt: skip
    assert "init must not run" in out.error


@pytest.mark.host
def test_metadata_is_read_without_init_and_without_python_by_libsinsp(
    plughost: Plughost, write_plugin: WritePlugin
) -> None:
    """B1"""
    info = plughost.raw("--plugin", write_plugin(FULL).library, mode="info")
    assert (info["name"], info["version"], info["contact"]) == ("conform", "1.2.3", "c@example.com")
    assert info["description"] == 'Says "hé", \\ and ??/ a\ttab.'
    assert info["caps"] == "parse,async"
    assert sorted(info["async_names"]) == ["one", "zwölf"]
    assert sorted(info["async_sources"]) == ["baseline_src", "syscall"]
    assert info["init_schema"]["properties"]["count"]["default"] == 7
    assert info["init_ok"] is False
    assert "init must not run" in info["init_error"]


def test_tools_read_metadata_where_there_is_no_python_glue(write_plugin: WritePlugin) -> None:
    """B1"""
    library = write_plugin(FULL, "lonely").library
    for glue in library.parent.glob("libfalcokit_glue*"):
        glue.unlink()
    assert '"plugin":"lonely"' in run(
        [str(build_runner()), "--plugin", str(library), "--info"]
    ).replace(": ", ":")


def test_a_library_without_its_glue_fails_at_init_in_words(write_plugin: WritePlugin) -> None:
    """B1, B2"""
    author = write_plugin(QUIET, "lonely")
    for glue in author.library.parent.glob("libfalcokit_glue*"):
        glue.unlink()
    out = RunnerDrive()(author)
    assert "cannot load the Python glue of plugin 'lonely'" in out.error
    assert "falcokit build" in out.error


def test_a_class_without_a_capability_is_refused_at_build(write_plugin: WritePlugin) -> None:
    """B5"""
    author = write_plugin("""
        class P(Plugin):
            pass
    """)
    error = build_error(author)
    assert isinstance(error, PluginDefinitionError)
    assert str(error).startswith(f"{author.at('class P(')}: P has no capability")


@pytest.mark.host
def test_a_library_without_a_capability_is_refused_by_the_hosts(
    compile_c: CompileC, real_host: RealHost
) -> None:
    """B5"""
    library = compile_c("libincapable.so", [_ODD], "-DNO_CAPABILITY")
    theirs = subprocess.run(
        [real_host.plughost, "info", "--plugin", library], capture_output=True, check=False
    )
    ours = subprocess.run(
        [build_runner(), "--plugin", library, "--duration", "0.1"],
        capture_output=True, check=False,
    )  # fmt: skip
    assert (theirs.returncode, ours.returncode) == (1, 1)
    assert b"capability" in ours.stdout.lower()


def test_a_pinned_api_version_loads_everywhere(drive: Drive, write_plugin: WritePlugin) -> None:
    """B7"""
    author = write_plugin(QUIET + '    required_api_version = "3.0.0"\n')
    out = drive(author)
    assert not out.error
    assert out.data == [b"1"]
    assert not out.logs or drive.name in {"plughost", "in_process"}
    assert author.built.metadata.required_api_version == "3.0.0"


@pytest.mark.parametrize(
    ("more", "version"),
    [
        ("", "3.4.0"),
        ("    def set_config(self, config): pass\n", "3.5.0"),
        ("    def get_metrics(self): return []\n", "3.4.0"),
        ("    def dump_state(self, handler): pass\n", "3.4.0"),
        ('    required_api_version = "3.12.0"\n', "3.12.0"),
    ],
)
def test_the_required_api_version_is_the_oldest_that_will_do(
    write_plugin: WritePlugin, more: str, version: str
) -> None:
    """B7"""
    author = write_plugin(QUIET + more)
    out = RunnerDrive()(author)
    assert out.raw[0]["required_api"] == version
    assert out.data == [b"1"]


def test_the_event_schema_is_that_of_async_events(write_plugin: WritePlugin) -> None:
    """B8"""
    assert RunnerDrive()(write_plugin(QUIET)).raw[0]["required_schema"] == "4.0.0"
