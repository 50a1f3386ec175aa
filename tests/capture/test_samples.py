# SPDX-License-Identifier: Apache-2.0
"""Real captures read to the last byte, with the counts known for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from falcokit.capture import open_capture, summarize

SAMPLES = Path(__file__).with_name("samples")

# stored events, distinct codes, threads, fds, interfaces, users and groups
KNOWN = {
    "curl_google": (1536, 56, 54, 316, 5, 86),
    "test_ipv6_client": (326, 30, 58, 333, 5, 86),
    "falco-open-multiple-files": (1272, 15, 128, 685, 8, 110),
    "falco-empty": (143, 1, 218, 883, 11, 122),
}


@pytest.mark.parametrize("name", KNOWN)
def test_a_real_capture_is_counted_to_the_last_record(name: str) -> None:
    summary = summarize(SAMPLES / f"{name}.scap")
    records = {block.kind: block.records for block in summary.blocks}
    assert (
        summary.events.count,
        len({entry.code for entry in summary.events.types}),
        records["process list"],
        records["fd list"],
        records["interface list"],
        records["user list"],
    ) == KNOWN[name]
    assert summary.notices == ()
    assert summary.unknown_blocks == 0


@pytest.mark.parametrize("name", KNOWN)
def test_the_parameters_of_every_real_event_can_be_cut(name: str) -> None:
    with open_capture(SAMPLES / f"{name}.scap") as capture:
        for event in capture:
            assert event.event_type is not None
            assert len(event.params) <= len(event.event_type.params)


def test_first_header_events_have_the_parameters_of_their_type() -> None:
    with open_capture(SAMPLES / "curl_google.scap") as capture:
        opened = [event for event in capture if event.type == "open" and event.code % 2]
    names = {event.params[1] for event in opened}
    assert b"/etc/ld.so.cache\0" in names
    assert len(opened) == 48


def test_the_counts_of_a_real_capture_by_name_and_direction() -> None:
    types = summarize(SAMPLES / "curl_google.scap").events.types
    counts = {(entry.name, entry.direction): entry.count for entry in types}
    assert counts["connect", ">"] == counts["connect", "<"] == 4
    assert counts["switch", ">"] == 25
    assert counts["mprotect", "<"] == 78  # a generic system call
    assert counts["execve", "<"] == 1


def test_the_machine_of_a_real_capture() -> None:
    with open_capture(SAMPLES / "curl_google.scap") as capture:
        assert capture.machine is not None  # known as soon as the file is open
        assert capture.machine.hostname == "ip-10-0-0-79"
        assert capture.machine.cpus == 1
        assert capture.machine.memory_bytes == 1038864384


def test_state_that_old_writers_gave_the_time_zero_stays_out_of_the_time_range() -> None:
    summary = summarize(SAMPLES / "falco-open-multiple-files.scap")
    assert summary.events.untimed == 3
    assert summary.time is not None
    assert summary.time.duration_ns == 12_000_000_000
