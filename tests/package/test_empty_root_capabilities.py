# SPDX-License-Identifier: Apache-2.0
"""Every capability of packaged plugins in real sysdig, in a root that holds no Python.

The template `full` runs beside a plugin that imports its table: two artifacts, each with a Python
of its own, in one process.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from author import plugin
from locks import put_lock
from placed import place, project
from roots import EmptyRoot, sysdig_root

from falcokit.project.scaffold import generate_project

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import RealHost

pytestmark = pytest.mark.host

READER = plugin("capability_reader")
FIELDS = "%load_all.host %load_all.percent %load_all.peak %reader.twice"


@pytest.fixture(scope="module")
def root(real_host: RealHost, tmp_path_factory: pytest.TempPathFactory) -> EmptyRoot:
    return sysdig_root(real_host, tmp_path_factory.mktemp("empty") / "root")


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reader")
    return place(project(folder / "reader", READER, "reader"), folder / "out")


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("full")
    root = generate_project("load-all", template="full", root=folder / "load-all").root
    put_lock(root)
    return root


@pytest.mark.parametrize("layout", ["file", "folder"])
def test_source_fields_tables_parsing_and_async_events(
    root: EmptyRoot, full: Path, reader: Path, tmp_path: Path, layout: str
) -> None:
    library = place(full, tmp_path / "out", as_folder=layout == "folder")
    assert root.pythons() == []
    done = root.run(
        "/usr/bin/sysdig",
        *("-H", root.put(library) + ':{"threshold":0}', "-H", root.put(reader)),
        *("-I", 'load-all:{"interval_s":0.05,"count":30}'),
        *("-p", f"*%evt.source %evt.asynctype {FIELDS}"),
    )
    assert done.status == 0, done.err
    events = [line.split() for line in done.lines]
    samples = [words[2:] for words in events if words[1] == "<NA>"]
    assert {words[0] for words in events} == {"load_all"}
    assert {words[1] for words in events} == {"<NA>", "load_all_alert"}
    assert {host for host, *_ in samples} == {os.uname().nodename}
    assert [twice for *_, twice in samples] == [str(2 * n) for n in range(1, 31)]
    for _, percent, peak, _ in samples:
        assert int(peak) >= int(percent)
