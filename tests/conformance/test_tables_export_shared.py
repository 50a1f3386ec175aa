# SPDX-License-Identifier: Apache-2.0
"""Tables between plugins: two of falcokit's and one in C, loaded together by a real host."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from author import plugin
from table_owner import OWNER, compile_table_plugin, with_plughost

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import CompileC, RealHost, WritePlugin
    from drivers import Plughost

pytestmark = pytest.mark.host

OTHER = plugin("table_other")


@pytest.fixture(scope="session")
def table_plugin(compile_c: CompileC) -> Path:
    return compile_table_plugin(compile_c)


def test_two_plugins_of_falcokit_and_one_in_c_share_tables(
    plughost: Plughost, table_plugin: Path, real_host: RealHost, write_plugin: WritePlugin,
    tmp_path: Path,
) -> None:  # fmt: skip
    """T1: what another plugin writes its owner reads"""
    authors = [write_plugin(OWNER, "owner"), write_plugin(OTHER, "other")]
    steps = (
        "T:hashes:9 f:seen:8 f:kids:10 g:/a w:seen:123 s:kids c +:77 . t . -:/b"
        " T:numbers:3 f:n:1 c w:n:-100 +:1000000 . E c w:n:-20 +:-1000000 . z"
    )
    answer = with_plughost(
        plughost, real_host, table_plugin, f"{tmp_path}/out {steps}", authors, events=1000
    )
    assert answer["status"] == 0, answer
    lines = (tmp_path / "out").read_text().splitlines()
    assert [line for line in lines if "!" in line] == [], lines
    metrics = answer["cycles"][0]["metrics"]
    assert metrics["owner"] == {"owner.entries": 2, "owner.seen": 123, "owner.kids": 2}
    assert metrics["other"] == {"other.sum": 7 - 100 - 20}


IMPORTER = plugin("table_user")


def test_one_plugin_of_falcokit_uses_the_table_of_another(
    plughost: Plughost, table_plugin: Path, real_host: RealHost, write_plugin: WritePlugin,
    tmp_path: Path,
) -> None:  # fmt: skip
    """P1 to P5, beside a C plugin whose table it uses too"""
    owner = write_plugin(OWNER, "owner")
    user = write_plugin(IMPORTER, "user")
    config = f"{tmp_path}/out E T:ctable:8 c +:3 ."
    c_plugin = ["--plugin", table_plugin, "--init", config]
    answer = plughost.raw(
        *("--plugin", real_host.baseline, "--init", '{"async":0}', "--open", 100),
        *("--plugin", owner.library, "--init", "4", *c_plugin, "--plugin", user.library),
        *("--metrics", "--watchdog", 20, "--debug"),
    )
    assert answer["status"] == 0, answer
    metrics = answer["cycles"][0]["metrics"]
    assert metrics["user"]["user.refused"] == 100, answer["log"]
    # /a saw 100 events and began with 1; /b has 4; /c the default 7; of its own the last 5 are left
    assert metrics["user"]["user.total"] == 101 + 4 + 7 + sum((192, 194, 196, 198, 200))
    assert metrics["owner"] == {"owner.entries": 8, "owner.seen": 101, "owner.kids": 101}


def test_two_plugins_cannot_export_one_name(plughost: Plughost, write_plugin: WritePlugin) -> None:
    """T2"""
    first, second = write_plugin(OWNER, "owner"), write_plugin(OWNER, "second")
    answer = plughost.raw("--plugin", first.library, "--plugin", second.library, "--pump", 100)
    assert "table 'hashes' cannot be exported: table added to registry" in answer["error"]


FED = plugin("table_fed")


def test_a_thread_feeds_a_table_that_the_host_reads(
    plughost: Plughost, table_plugin: Path, real_host: RealHost, write_plugin: WritePlugin,
    tmp_path: Path,
) -> None:  # fmt: skip
    """T8"""
    config = f"{tmp_path}/out T:hashes:9 f:sha256:9 p:sha256"
    author = write_plugin(FED, "fed")
    answer = with_plughost(plughost, real_host, table_plugin, config, [author], events=20000)
    metrics = answer["cycles"][0]["metrics"]
    assert metrics["table_c"]["table_c.steps"] > 20000
    assert metrics["table_c"]["table_c.bad"] == 0
    assert metrics["fed"]["fed.rounds"] > 10


def test_reloads_leave_nothing_behind(
    plughost: Plughost, table_plugin: Path, real_host: RealHost, write_plugin: WritePlugin,
    tmp_path: Path,
) -> None:  # fmt: skip
    """T6"""
    author = write_plugin(OWNER, "owner")
    config = f"{tmp_path}/out T:hashes:9 f:kids:10 g:/a s:kids z t ."
    source = ["--plugin", real_host.baseline, "--init", '{"async":0}', "--open", 10]
    mine = ["--plugin", author.library, "--plugin", table_plugin, "--init", config]
    answer = plughost.raw(*source, *mine, "--reload", 40, "--cycles", 1, "--watchdog", 60)
    assert answer["status"] == 0, answer
    assert "z 1" in (tmp_path / "out").read_text().splitlines()
