# SPDX-License-Identifier: Apache-2.0
"""Take over a release of falcosecurity/libs: `make update-api`.

    python -m tools.update_api [FOLDER]

Shows what the release's plugin API has that falcokit/native/plugin_api.h has not, and regenerates
falcokit/capture/events/event_table.json and the copy that plugins carry. FOLDER is the unpacked
source of libs, or what tests/hosts/get-host.sh fetches; without it, that script fetches Debian's
release. plugin_api.h is edited by hand, with docs/capabilities.md, after what is shown.

Event codes are only ever added, so that the newest table reads every capture: of an older release
nothing is taken.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import falcokit.capture.events
import falcokit.native
from falcokit.errors import FalcokitError
from falcokit.toolchain.command import run
from tools import event_table_text
from tools.declarations import Changes, compare, declarations
from tools.release import Release

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["EVENT_TABLE", "api_changes", "document", "main", "table_changes", "take_table"]

EVENT_TABLE = Path(falcokit.capture.events.__file__).with_name("event_table.json")

_NATIVE = Path(falcokit.native.__file__).parent
_GET_HOST = Path(__file__).parent.parent / "tests" / "hosts" / "get-host.sh"


def api_changes(release: Release) -> Changes:
    """Compare the release's plugin API with ours; our functions are those that the runner loads."""
    source = _NATIVE / "src"
    return compare(
        declarations(source / "runner" / "host" / "api.h", [_NATIVE, source], "fkr_api"),
        declarations(release.plugin_api, [release.include], "plugin_api"),
    )


def document(release: Release) -> dict[str, Any]:
    """Return what event_table.json is for this release."""
    source = {
        "written_by": "tools/update_api.py",
        "repo": "falcosecurity/libs",
        "release": release.name(),
        "schema_version": release.version("SCHEMA"),
        "driver_api_version": release.version("API"),
        "files": ["driver/" + name for name in ("event_table.c", "flags_table.c")]
        + ["driver/dynamic_params_table.c", "driver/ppm_events_public.h"],
        "license_of_source": "GPL-2.0-only OR MIT",
    }
    return {"source": source, **release.event_table()}


def table_changes(old: dict[str, Any], new: dict[str, Any]) -> Changes:
    """Compare two documents by what captures depend on: codes, their parameters, and names."""
    return compare(dict(_table_rows(old)), dict(_table_rows(new)))


def _table_rows(table: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for event in table["events"]:
        yield f"event {event['id']}", f"{event['dir']} {event['name']}"
        for at, param in enumerate(event["params"]):
            shown = " ".join(str(value) for key, value in param.items() if key != "fmt")
            yield f"parameter {at} of event {event['id']} ({event['name']})", shown
    for kind in ("flags_tables", "dynamic_tables"):
        for name, held in table[kind].items():
            for at, entry in enumerate(held):
                key, value = (at, entry["type"]) if isinstance(entry, dict) else entry
                yield f"{kind.removesuffix('s').replace('_', ' ')} {name}: {key}", str(value)
    for kind in ("ppm_sc", "errno", "signals"):
        yield from ((f"{kind} {number}", name) for number, name in table[kind].items())
    for kind in ("fd_types", "l4_protocols"):
        yield from ((f"{kind} {number}", name) for number, name in enumerate(table[kind]))


def _show(title: str, changes: Changes) -> None:
    lines = [f"  + {name}: {text}" for name, text in changes.gained.items()]
    lines += [f"  ~ {name}: {old} -> {new}" for name, (old, new) in changes.changed.items()]
    lines += [f"  - {name}: {text}" for name, text in changes.lost.items()]
    print(f"{title}:", *(lines or ["  nothing new"]), sep="\n")


def _version(table: dict[str, Any]) -> tuple[int, ...]:
    return tuple(map(int, table["source"]["schema_version"].split(".")))


def take_table(release: Release, file: Path) -> bool:
    """Write the release's event table into `file`; False when that would lose something."""
    shipped, new = json.loads(file.read_text()), document(release)
    changes = table_changes(shipped, new)
    versions = "schema {} there, {} here".format(
        *(table["source"]["schema_version"] for table in (new, shipped))
    )
    if _version(new) < _version(shipped):
        print(f"event table: the release is older ({versions}), so ours stays as it is")
        return True
    _show(f"event table ({versions})", changes)
    if changes.lost:
        print("error: what is lost above would make captures unreadable; nothing is written")
        return False
    file.write_text(json.dumps(new, separators=(",", ":")) + "\n")
    return True


def main(arguments: Sequence[str]) -> int:
    """Show, and write what can be written; 1 when something has to be looked at first."""
    host = os.environ.get("FALCOKIT_HOST_DIR") or Path.home() / ".cache" / "falcokit-host"
    if not arguments:
        run([str(_GET_HOST), str(host)])
    release = Release.find(Path(arguments[0] if arguments else host))
    print(f"libs {release.name()}, {release.folder}")
    _show("plugin API (+ there only, ~ other here, - here only)", api_changes(release))
    if not take_table(release, EVENT_TABLE):
        return 1
    event_table_text.write_modules()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except FalcokitError as e:
        sys.exit(f"error: {e}")
