# SPDX-License-Identifier: Apache-2.0
"""Lists that are cut, contradict themselves or are nonsense."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from list_builder import LIST_KINDS, Body, lists_of, processes, whole

from falcokit.capture.format.layout import BIG, BLOCK_TYPES, LITTLE, BlockKind
from falcokit.capture.lists.descriptors import FileDescriptor, decode_descriptors
from falcokit.capture.lists.interfaces import decode_interfaces
from falcokit.capture.lists.lists import count_records
from falcokit.capture.lists.processes import decode_processes
from falcokit.capture.lists.users import decode_users

SAMPLES = Path(__file__).with_name("samples")
DECODERS = {
    BlockKind.PROCESSES: decode_processes,
    BlockKind.FDS: decode_descriptors,
    BlockKind.INTERFACES: decode_interfaces,
    BlockKind.USERS: decode_users,
}


@pytest.mark.parametrize("version", range(1, 10))
def test_a_list_that_is_cut_short_yields_the_records_before_the_cut(version: int) -> None:
    body = Body()
    record = body.process(version)
    for cut in range(len(record), 2 * len(record)):
        found, complete = processes(body, (record * 2)[:cut], version)
        assert len(found) == 1
        assert complete is (cut - len(record) < 4)  # as little as that is padding


def test_a_record_that_overruns_its_own_length_is_passed_over() -> None:
    body = Body()
    broken = body.counted(body.process(8)[:60])
    found, complete = processes(body, body.process(9) + broken + body.process(9), version=9)
    assert ([p.tid for p in found], complete) == ([11, 11], False)


LIST_BLOCKS = [block for block in BLOCK_TYPES.values() if block.kind in LIST_KINDS]
REAL = [
    (block, body, layout)
    for name in ("curl_google", "falco-empty")
    for block, body, layout in itertools.islice(lists_of(SAMPLES / f"{name}.scap").blocks(), 5)
]


def decode_all(block, data: bytes, layout) -> None:
    records, complete = whole(DECODERS[block.kind](data, block, layout))
    assert (len(records), complete) == count_records(block, data, layout)
    assert len(records) <= len(data) // 4
    for record in records:
        assert repr(record)
        if isinstance(record, FileDescriptor):
            assert isinstance(record.name, str)
            assert isinstance(record.kind, str)
            assert isinstance(record.protocol, str | None)


@settings(max_examples=400, deadline=None)
@given(
    block=st.sampled_from(LIST_BLOCKS),
    data=st.binary(max_size=400),
    layout=st.sampled_from([LITTLE, BIG]),
)
def test_random_bodies_end_and_never_raise(block, data: bytes, layout) -> None:
    decode_all(block, data, layout)


@settings(max_examples=200, deadline=None)
@given(
    real=st.sampled_from(REAL),
    other=st.sampled_from(LIST_BLOCKS),
    edits=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=5),
)
def test_edited_real_bodies_end_and_never_raise(real, other, edits) -> None:
    block, body, layout = real
    data = bytearray(body[:3000])
    for at, value in edits:
        if data:
            data[at % len(data)] = value
    decode_all(block, bytes(data), layout)
    decode_all(other, bytes(data), layout)
