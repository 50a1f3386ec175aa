# SPDX-License-Identifier: Apache-2.0
"""`make update-api`: what a release of libs declares is found, and its event table taken over."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from falcokit.errors import ConfigError
from tools.declarations import compare, declarations
from tools.release import Release
from tools.update_api import EVENT_TABLE, api_changes, document, table_changes, take_table

if TYPE_CHECKING:
    from conftest import RealHost

_OURS = """
#include <stdint.h>
#define PLUGIN_API_VERSION_MINOR 12
#define PLUGIN_API_VERSION_PATCH 3
typedef enum rc { NO = -1, YES, LATER } rc;
typedef struct __attribute__((packed)) input { uint32_t len; union { char *text; } res; } input;
typedef input same_input;
typedef rc (*ss_handler_t)(const input *evt, char *err);
struct api { const char *(*get_name)(void); struct { rc (*parse)(input *in); }; };
"""


def _declared(folder: Path, text: str) -> dict[str, str]:
    header = folder / "api.h"
    header.write_text(text)
    return declarations(header, [], "api")


@pytest.fixture
def release(real_host: RealHost) -> Release:
    return Release.find(real_host.headers.parent)


def test_a_header_is_read_as_names_and_types(tmp_path: Path) -> None:
    assert _declared(tmp_path, _OURS) == {
        "number PLUGIN_API_VERSION_MINOR": "12",
        "enum value NO": "-1",
        "enum value YES": "0",
        "enum value LATER": "1",
        "type ss_handler_t": "rc (*)(const input *, char *)",
        "member input.len": "uint32_t",
        "member input.res.text": "char *",
        "member same_input.len": "uint32_t",
        "member same_input.res.text": "char *",
        "function plugin_get_name": "const char *(*)(void)",
        "function plugin_parse": "rc (*)(input *)",
    }


def test_what_a_header_gained_changed_and_lost_is_shown(tmp_path: Path) -> None:
    newer = _OURS.replace("MINOR 12", "MINOR 13").replace(", LATER", ", LATER, NEVER")
    newer = newer.replace("char *text;", "char *text; uint64_t u64;").replace(
        "rc (*parse)", "int (*parse)"
    )
    newer = newer.replace("(void);", "(void); void (*pause)(input *);").replace("NO = -1, ", "")
    changes = compare(_declared(tmp_path, _OURS), _declared(tmp_path, newer))
    assert changes.gained == {
        "enum value NEVER": "2",
        "member input.res.u64": "uint64_t",
        "member same_input.res.u64": "uint64_t",
        "function plugin_pause": "void (*)(input *)",
    }
    assert changes.changed == {
        "number PLUGIN_API_VERSION_MINOR": ("12", "13"),
        "function plugin_parse": ("rc (*)(input *)", "int (*)(input *)"),
    }
    assert changes.lost == {"enum value NO": "-1"}


@pytest.mark.host
def test_ours_has_all_of_a_real_releases_api(release: Release) -> None:
    changes = api_changes(release)
    assert (changes.gained, changes.changed) == ({}, {})


@pytest.mark.host
def test_what_a_real_header_gains_is_found(release: Release, tmp_path: Path) -> None:
    shutil.copytree(release.include / "plugin", tmp_path / "headers" / "plugin")
    for file, old, new in (
        ("plugin_api.h", "VERSION_MINOR 12", "VERSION_MINOR 99"),
        (
            "plugin_types.h",
            "SS_PLUGIN_NOT_SUPPORTED = 3,",
            "SS_PLUGIN_NOT_SUPPORTED = 3, SS_PLUGIN_AGAIN = 4,",
        ),
        ("plugin_api.h", "} plugin_api;", "ss_plugin_rc (*pause)(ss_plugin_t* s); } plugin_api;"),
    ):
        path = tmp_path / "headers" / "plugin" / file
        text = path.read_text()
        assert text.count(old) == 1
        path.write_text(text.replace(old, new))
    (tmp_path / "root").mkdir()
    changes = api_changes(Release.find(tmp_path))
    assert changes.gained == {
        "enum value SS_PLUGIN_AGAIN": "4",
        "function plugin_pause": "ss_plugin_rc (*)(ss_plugin_t *)",
    }
    assert changes.changed == {"number PLUGIN_API_VERSION_MINOR": ("12", "99")}


@pytest.mark.host
def test_the_table_of_a_real_release_is_part_of_ours(release: Release) -> None:
    """Read from Debian's library and headers; ours comes from the source of a newer libs."""
    ours, theirs = json.loads(EVENT_TABLE.read_text()), document(release)
    assert list(ours) == list(theirs)
    assert list(ours["source"]) == list(theirs["source"])
    assert len(theirs["events"]) > 420
    assert table_changes(theirs, ours).lost == {}
    assert theirs["events"][322] == ours["events"][322]
    assert re.fullmatch(r"\d+\.\d+\.\d+", theirs["source"]["release"])


@pytest.mark.host
def test_an_older_table_is_left_and_a_newer_one_written(
    release: Release, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "event_table.json"
    shutil.copy(EVENT_TABLE, table)
    assert take_table(release, table)
    assert "the release is older" in capsys.readouterr().out
    assert table.read_bytes() == EVENT_TABLE.read_bytes()

    theirs = document(release)
    before = json.loads(json.dumps(theirs))
    before["source"]["schema_version"] = "3.0.0"
    last = before["events"].pop()
    table.write_text(json.dumps(before))
    assert take_table(release, table)
    assert f"+ event {last['id']}: {last['dir']} {last['name']}" in capsys.readouterr().out
    assert json.loads(table.read_text()) == theirs


@pytest.mark.host
def test_a_table_that_lost_something_is_not_written(
    release: Release, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, theirs = tmp_path / "event_table.json", document(release)
    theirs["events"].append({**theirs["events"][-1], "id": len(theirs["events"]), "name": "mine"})
    table.write_text(json.dumps(theirs))
    assert not take_table(release, table)
    assert "mine" in capsys.readouterr().out
    assert json.loads(table.read_text()) == theirs


def test_a_folder_without_a_release_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no release of libs"):
        Release.find(tmp_path)


def test_the_shipped_table_says_what_wrote_it() -> None:
    source = json.loads(EVENT_TABLE.read_text())["source"]
    assert (Path(__file__).parent.parent / source["written_by"]).exists()
