# SPDX-License-Identifier: Apache-2.0
"""Packaged plugins in real sysdig and libsinsp, in a root that holds no Python."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from author import plugin
from locks import put_lock
from placed import place, project
from roots import EmptyRoot, Ran, sysdig_root

from falcokit.package.artifact.artifact import PackageOptions, make_artifact
from falcokit.package.safe_tarfile import tarfile
from falcokit.project.scaffold import generate_project
from falcokit.project.settings import load_project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import RealHost

pytestmark = pytest.mark.host

HEAVY = plugin("heavy_dependencies")
SEEN = {
    "inverse": [[0.6, -0.7], [-0.2, 0.4]],
    "fernet": "secret",
    "ed25519": "refused",
    "tls": True,
    "sql": 42,
    "libc": 5,
    "loop": 3,
    "versions": [True, True, True],
    "resource": "a file of the author's",
}
LAYOUTS = pytest.mark.parametrize(
    "layout", [pytest.param("file", marks=pytest.mark.python), "folder"]
)


@pytest.fixture(scope="module")
def root(real_host: RealHost, tmp_path_factory: pytest.TempPathFactory) -> EmptyRoot:
    return sysdig_root(real_host, tmp_path_factory.mktemp("empty") / "root")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Package the template's plugin in a layout, and unpack what `falcokit package` writes."""
    folder = tmp_path_factory.mktemp("template")
    author = load_project(generate_project("load-watch", root=folder / "load-watch").root)
    put_lock(author.root)

    def packaged(layout: str) -> Path:
        options = PackageOptions(as_folder=layout == "folder", verify=False)
        artifact = make_artifact(author, options, lambda _step: None)
        with tarfile.open(artifact.path) as tar:
            tar.extractall(folder / layout, filter="data")
        return folder / layout / "libload-watch.so"

    return packaged


@pytest.fixture(scope="module")
def heavy(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Package a plugin of many dependencies in a layout."""
    folder = tmp_path_factory.mktemp("heavy")
    dependencies = ("numpy", "orjson", "cryptography")
    author = project(folder / "heavy", HEAVY, "heavy", dependencies=dependencies)
    return lambda layout: place(author, folder / layout, as_folder=layout == "folder")


def _sysdig(root: EmptyRoot, library: Path, *arguments: object, config: str = "") -> Ran:
    plugin = f"{root.put(library)}{config}"
    source = '/plug/libbaseline.so:{"async":0}'
    return root.run("/usr/bin/sysdig", "-H", source, "-H", plugin, *arguments)


#: However busy the machine, the template's alert stays away.
_CALM = ':{"threshold":1000000}'
_LIVE = ("-I", "baseline:1,1,8,10000")
_SHOWN = ("-p", "*%evt.type %evt.asynctype %evt.args", "evt.is_async=true")


@LAYOUTS
def test_the_template_s_plugin_is_recorded_and_replayed(
    root: EmptyRoot, template: Callable[[str], Path], layout: str
) -> None:
    assert root.pythons() == []
    library = template(layout)
    live = _sysdig(root, library, *_LIVE, "-n", 2, *_SHOWN, config=_CALM)
    before = root.files()
    recorded = _sysdig(root, library, *_LIVE, "-n", 3, "-w", "/tmp/seen.scap", config=_CALM)
    assert (live.status, recorded.status) == (0, 0), (live.err, recorded.err)
    for line in live.lines:
        words = "load_watch_load load_watch_load plugin_id=999 name=load_watch_load data="
        assert line.startswith(words)
        assert json.loads(line.removeprefix(words)).keys() == {"load", "load5", "cpus"}
    assert len(live.lines) == 2
    assert root.files().keys() - before.keys() == {"tmp/seen.scap"}  # and nothing else anywhere
    replayed = _sysdig(root, library, "-r", "/tmp/seen.scap", *_SHOWN)
    (root.folder / "tmp" / "seen.scap").unlink()
    assert replayed.status == 0, replayed.err
    assert replayed.lines
    assert all('data={"load":' in line for line in replayed.lines)


@LAYOUTS
def test_numpy_orjson_cryptography_and_the_standard_library_work(
    root: EmptyRoot, heavy: Callable[[str], Path], layout: str
) -> None:
    assert root.pythons() == []
    shown = ("-p", "%evt.arg.data", "evt.type=used")
    done = _sysdig(root, heavy(layout), *_LIVE, "-n", len(SEEN), *shown)
    assert done.status == 0, done.err
    seen = {}
    for line in done.lines:
        seen |= json.loads(line)
    assert seen == SEEN
