# SPDX-License-Identifier: Apache-2.0
"""Processes, descriptors and users at the time of each event: as sysdig shows them, or unknown."""

from __future__ import annotations

import collections
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from replay_capture import write_busy
from test_filter_sysdig import without_interfaces

from falcokit.capture import open_capture
from falcokit.capture.state.fields import STATE_FIELDS
from falcokit.capture.state.moments import moments_of
from falcokit.filter.batch import UNKNOWN
from falcokit.filter.tree import FieldRef
from falcokit.rules.captured import captured_batch, is_replayed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import RealHost

pytestmark = pytest.mark.host

SAMPLES = Path(__file__).with_name("samples")
NAMES = ("curl_google", "falco-open-multiple-files", "test_ipv6_client")
#: Of parameters: what their numbers stand for hangs on the state.
PARAMETERS = tuple(
    f"evt.{name}"
    for name in ("args", "arg.fd", "arg.name", "arg.res", "arg.flags", "arg.path", "arg.uid")
)
FIELDS = (
    *PARAMETERS,
    *STATE_FIELDS,
    *("proc.aname[2]", "proc.apid[3]", "proc.args[0]", "proc.args[90]"),
)
BETWEEN = "\x01"
#: The part of all values that is known at least.
KNOWN = 0.85


def shown(host: RealHost, file: Path) -> dict[tuple[str, ...], list[list[str]]]:
    """Return the values of the fields by time, thread and type of the events."""
    parts = ("*%evt.rawtime", "%thread.tid", "%evt.type", *(f"%{name}" for name in FIELDS))
    command = [str(host.sysdig), "-r", str(file), "-p", BETWEEN.join(parts)]
    done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    found = collections.defaultdict(list)
    for line in done.stdout.decode("utf-8", "surrogateescape").splitlines():
        values = line.split(BETWEEN)
        found[tuple(values[:3])].append(values[3:])
    return found


def ours(file: Path) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    with open_capture(file, lists=True) as capture:
        moments = [moment for moment in moments_of(capture) if is_replayed(moment.event)]
    events = [moment.event for moment in moments]
    batch = captured_batch(events, moments=moments).batch
    columns = [batch.read(_written(name), None) for name in FIELDS]
    for at, event in enumerate(events):
        tid = -1 if event.tid is None else event.tid
        yield (str(event.ts_ns), str(tid), event.type), [column[at] for column in columns]


def _written(name: str) -> FieldRef:
    bare, bracket, argument = name.partition("[")
    return FieldRef(name=bare, argument=argument[:-1] if bracket else None, position=0)


def compare(host: RealHost, file: Path) -> tuple[int, int]:
    """Compare all events that sysdig shows; return how many values are known, of how many."""
    theirs = shown(host, file)
    known = count = 0
    for key, values in ours(file):
        if not theirs.get(key):
            continue
        for name, value, text in zip(FIELDS, values, theirs[key].pop(0), strict=True):
            count += 1
            if value is not UNKNOWN:
                known += 1
                assert ("<NA>" if value is None else str(value)) == text, (key, name)
    assert not any(theirs.values())
    return known, count


@pytest.mark.parametrize("name", NAMES)
def test_what_is_known_is_what_sysdig_shows(real_host: RealHost, name: str) -> None:
    known, count = compare(real_host, SAMPLES / f"{name}.scap")
    assert known > KNOWN * count > 0


def test_captures_of_today_are_as_old_ones(real_host: RealHost, tmp_path: Path) -> None:
    new = tmp_path / "new.scap"
    old = without_interfaces(SAMPLES / "curl_google.scap", tmp_path / "old.scap")
    command = [str(real_host.sysdig), "-r", str(old), "-w", str(new)]
    subprocess.run(command, capture_output=True, timeout=60, check=True)
    before, after = compare(real_host, old), compare(real_host, new)
    assert before[1] == after[1]
    assert before[0] <= after[0]


def test_all_that_changes_threads(real_host: RealHost, tmp_path: Path) -> None:
    file = tmp_path / "busy.scap"
    write_busy(file)
    known, count = compare(real_host, file)
    assert known > 0.8 * count > 0
