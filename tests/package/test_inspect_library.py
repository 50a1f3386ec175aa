# SPDX-License-Identifier: Apache-2.0
"""`falcokit inspect` of libraries and artifacts: what Falco would see, and what is inside."""

from __future__ import annotations

import json
import os
import tarfile
from typing import TYPE_CHECKING, Any

import pytest
from forked import run_forked

from falcokit.package.artifact.payload import read_carried

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from conftest import Packaged


def inspect(file: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return run_forked("falcokit", ["inspect", str(file), *options], env=os.environ)


def document(file: Path, *options: str) -> dict[str, Any]:
    done = inspect(file, "--json", *options)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.python
@pytest.mark.parametrize("layout", ["ticker", "ticker_folder"])
def test_an_artifact_tells_plugin_python_and_payload(
    layout: str, request: pytest.FixtureRequest
) -> None:
    packaged: Packaged = request.getfixturevalue(layout)
    found = document(packaged.artifact.path)
    assert found["kind"] == "library"
    assert found["metadata"]["plugin"] == packaged.artifact.metadata.name
    assert found["metadata"]["async_events"] == ["tick"]
    assert set(found["exports"]) >= {"plugin_init", "plugin_get_async_events"}
    assert all(name.startswith("plugin_") for name in found["exports"])
    # the floor is that of what is inside, as packaging computed it
    assert found["glibc"]["floor"] == ".".join(map(str, packaged.artifact.floor.version))
    if layout == "ticker":
        assert found["payload"]["python"] == packaged.artifact.runtime.version
        assert "msgspec" in found["payload"]["distributions"]
        names = {item["name"] for item in found["payload"]["items"]}
        assert "python.zip" in names


def test_the_files_of_a_payload_are_read_back(ticker: Packaged) -> None:
    carried = read_carried(ticker.library)
    assert carried is not None
    files = dict(carried.files(ticker.library))
    assert files["python.zip"].startswith(b"PK")
    assert all(data.startswith(b"\x7fELF") for name, data in files.items() if ".so" in name)


@pytest.mark.python
def test_a_report_for_people(ticker: Packaged) -> None:
    shown = inspect(ticker.library)
    assert shown.returncode == 0, shown.stderr
    assert "packaged-ticker 0.1.0" in shown.stdout
    assert "all of them plugin_*" in shown.stdout
    assert "python.zip" in shown.stdout


HOSTILE = """
#include <stdio.h>
#include <stdlib.h>
__attribute__((constructor)) static void mark(void) {
    FILE *f = fopen(getenv("MARK"), "w");
    if (f) fclose(f);
}
#define SAY(name, text) const char *plugin_##name(void) { return text; }
SAY(get_required_api_version, "3.0.0") SAY(get_version, "0.1.0") SAY(get_name, "hostile")
SAY(get_description, "d") SAY(get_contact, "c")
const char *plugin_get_last_error(void *s) { (void)s; return ""; }
void *plugin_init(const void *in, int *rc) { (void)in; *rc = 1; return NULL; }
void plugin_destroy(void *s) { (void)s; }
int plugin_parse_event(void *s, void *e, void *in) { (void)s; (void)e; (void)in; return 0; }
"""


def test_nothing_of_a_strangers_library_runs_unless_that_is_asked_for(
    tmp_path: Path, compile_c: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hostile.c").write_text(HOSTILE)
    library: Path = compile_c("libhostile.so", [tmp_path / "hostile.c"])
    archive = tmp_path / "hostile.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(library, "libhostile.so")
    mark = tmp_path / "mark"
    monkeypatch.setenv("MARK", str(mark))
    for file in (library, archive):
        found = document(file)
        assert (found["loaded"], found["metadata"]) == (False, {"capabilities": ["parse"]})
        assert "--load asks it, and runs its code" in inspect(file).stdout
        assert not mark.exists()
        loaded = document(file, "--load")
        assert (loaded["loaded"], loaded["metadata"]["plugin"]) == (True, "hostile")
        assert mark.exists()
        mark.unlink()


FIELDS = [
    {"name": "a.plain", "type": "string", "desc": "d"},
    {"name": "a.many", "type": "string", "isList": True, "desc": "d", "arg": {"isIndex": True}},
    {"name": "a.one", "type": "uint64", "desc": "d", "arg": {"isKey": True, "isRequired": True}},
    {"name": "a.odd", "type": 5, "desc": None, "arg": "x", "isList": []},
]


def test_lists_and_arguments_of_fields_are_shown(
    tmp_path: Path, compile_c: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = json.dumps(json.dumps(FIELDS))
    own = f"SAY(get_fields, {fields})\nint plugin_extract_fields(void) {{ return 1; }}\n"
    (tmp_path / "fields.c").write_text(HOSTILE + own)
    library: Path = compile_c("libfields.so", [tmp_path / "fields.c"])
    monkeypatch.setenv("MARK", str(tmp_path / "mark"))
    shown = inspect(library, "--load").stdout
    rows = [" ".join(line.split()) for line in shown.splitlines()]
    assert "field type argument description" in rows
    assert "a.plain string d" in rows
    assert "a.many list of string index, optional d" in rows
    assert "a.one uint64 key d" in rows
    assert "a.odd 5 None" in rows


def test_what_a_library_says_of_itself_is_taken_for_no_more_than_that(
    tmp_path: Path, ticker: Packaged
) -> None:
    data = ticker.library.read_bytes()
    for at, lie in ((b'"async_events":["tick"]', b'"async_events":"tick__"'), (b'{"plugin"', b"[")):
        assert data.count(at) == 1
        lying = tmp_path / "liblying.so"
        lying.write_bytes(data.replace(at, lie.ljust(len(at))))
        assert document(lying)["metadata"] == {"capabilities": ["parse", "async"]}
    shown = inspect(ticker.library)
    assert "as the file describes itself; it was not loaded" in shown.stdout


@pytest.mark.parametrize(
    ("name", "missing"), [("plugin_init", "plugin_init"), ("plugin_open", "plugin_open")]
)
def test_a_library_that_falco_would_refuse_is_refused_without_loading_it(
    tmp_path: Path, baseline: Any, name: str, missing: str
) -> None:
    data = baseline.source.read_bytes()
    damaged = tmp_path / "libdamaged.so"
    damaged.write_bytes(data.replace(name.encode() + b"\0", b"x" + name.encode()[1:] + b"\0"))
    done = inspect(damaged)
    assert done.returncode == 8
    assert missing in done.stderr


def test_a_plugin_in_c_has_fields_and_a_source(baseline: Any) -> None:
    found = document(baseline.source, "--load")
    assert found["metadata"]["event_source"] == "baseline_src"
    assert [f["name"] for f in found["metadata"]["fields"]] == ["baseline.seq", "baseline.text"]
    assert found["payload"] is None
    assert "baseline.seq" in inspect(baseline.source, "--load").stdout


def test_what_is_no_plugin_is_refused(tmp_path: Path, ticker: Packaged) -> None:
    damaged = tmp_path / "damaged.so"
    damaged.write_bytes(ticker.library.read_bytes()[:5000])
    done = inspect(damaged)
    assert done.returncode in {7, 8}
    assert "Traceback" not in done.stderr

    empty = tmp_path / "empty.tar.gz"
    (tmp_path / "readme.txt").write_text("nothing")
    with tarfile.open(empty, "w:gz") as tar:
        tar.add(tmp_path / "readme.txt", "readme.txt")
    done = inspect(empty)
    assert done.returncode == 8
    assert "no library" in done.stderr


def test_an_artifact_with_links_is_refused(tmp_path: Path) -> None:
    hostile = tmp_path / "hostile.tar.gz"
    with tarfile.open(hostile, "w:gz") as tar:
        link = tarfile.TarInfo("libx.so")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    done = inspect(hostile)
    assert done.returncode == 1
    assert "cannot be unpacked" in done.stderr


def test_a_list_that_lies_is_not_believed(tmp_path: Path, ticker: Packaged) -> None:
    data = bytearray(ticker.library.read_bytes())
    at = data.index(b'"bytes": ')
    data[at : at + 12] = b'"bytes": 9e9'
    lying = tmp_path / "liblying.so"
    lying.write_bytes(data)
    assert read_carried(lying) is None
