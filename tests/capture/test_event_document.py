# SPDX-License-Identifier: Apache-2.0
"""Events as JSON objects: parameters by name, buffers as text or base64, all within the schema."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from scap_builder import T0, Builder
from schema_check import check
from test_values import one_event

import falcokit.capture.summary
from falcokit.capture import open_capture
from falcokit.capture.render.event_document import event_object

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLES = sorted(Path(__file__).with_name("samples").glob("*.scap"))
SCHEMA = json.loads(
    Path(falcokit.capture.summary.__file__)
    .with_name("summary.schema.json")
    .read_text(encoding="utf-8")
)
READ, POLL, CONNECT, CONTAINER = 7, 81, 23, 324


def objects(path: Path) -> Iterator[dict[str, Any]]:
    with open_capture(path) as capture:
        for event in capture:
            yield event_object(event)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_event_of_a_real_capture_fits_the_schema(path: Path) -> None:
    count = 0
    for found in objects(path):
        check(found, SCHEMA["$defs"]["event"], SCHEMA)
        assert json.loads(json.dumps(found)) == found
        assert "args" in found
        count += 1
    assert count > 100


def test_an_event_has_its_parameters_by_name_and_what_their_numbers_stand_for() -> None:
    opened = next(
        found
        for found in objects(SAMPLES[0])
        if found["type"] == "open" and found["direction"] == "<"
    )
    assert opened["category"] == "file"
    assert opened["args"] == {"fd": 3, "name": "/etc/ld.so.cache", "flags": 4097, "mode": 0}
    assert opened["resolved"] == {"flags": "O_RDONLY|O_CLOEXEC"}


@pytest.mark.parametrize(
    ("code", "params", "args"),
    [
        (READ, [b"", b"text"], {"res": None, "data": "text"}),
        (READ, [bytes(8), b"\0\1"], {"res": 0, "data": {"size": 2, "base64": "AAE="}}),
        (READ, [bytes(3)], {"res": {"size": 3, "base64": "AAAA"}}),
        (
            CONNECT,
            [bytes(8), bytes([2, 1, 2, 3, 4, 5, 0, 6, 7, 8, 9, 10, 0])],
            {
                "res": 0,
                "tuple": {
                    "source": {"ip": "1.2.3.4", "port": 5},
                    "destination": {"ip": "6.7.8.9", "port": 10},
                },
            },
        ),
        (
            POLL,
            [bytes(8), struct.pack("<Hqh", 1, 3, 4)],
            {"res": 0, "fds": [{"fd": 3, "flags": 4}]},
        ),
        (999, [b"\xff"], {"param0": {"size": 1, "base64": "/w=="}}),
    ],
)
def test_values_as_json(
    tmp_path: Path, code: int, params: list[bytes], args: dict[str, Any]
) -> None:
    found = event_object(one_event(tmp_path, Builder().event(code, params)))
    assert found["args"] == args
    check(found, SCHEMA["$defs"]["event"], SCHEMA)


def test_long_strings_and_buffers_are_cut(tmp_path: Path) -> None:
    found = event_object(one_event(tmp_path, Builder().event(READ, [bytes(8), b"y" * 65533])))
    assert found["args"]["data"] == "y" * 65533
    long = Builder().event(CONTAINER, ["é".encode() * 70_000 + b"\0"])
    found = event_object(one_event(tmp_path, long))
    assert found["args"] == {"json": {"size": 140_000, "text": "é" * 65536}}
    newer = Builder().event(999, [b"\xff" * 70_000], block=0x221, width="I")
    cut = event_object(one_event(tmp_path, newer))["args"]["param0"]
    assert (cut["size"], len(cut["base64"])) == (70_000, 65536 // 3 * 4 + 4)


def test_a_plugin_event_has_its_payload_in_place_of_parameters(tmp_path: Path) -> None:
    found = event_object(one_event(tmp_path, Builder().async_event(b"tick", b"n=1", plugin_id=9)))
    assert found == {
        "number": 1,
        "ts_ns": T0,
        "cpu": 0,
        "tid": None,
        "code": 402,
        "type": "tick",
        "direction": ">",
        "category": found["category"],
        "size": 26 + 12 + 4 + 5 + 3,
        "state_only": False,
        "leading_state": True,
        "plugin_id": 9,
        "name": "tick",
        "data_size": 3,
        "data": "n=1",
    }


def test_contradicting_lengths_are_told(tmp_path: Path) -> None:
    stream = bytearray(Builder().event(READ, [bytes(8)]))
    stream[8 + 2 + 26] = 200
    found = event_object(one_event(tmp_path, bytes(stream)))
    assert "overrun" in found["malformed"]
    assert "args" not in found


@pytest.mark.parametrize(
    ("code", "category"), [(234, "meta"), (3, "file"), (402, "other"), (999, "unknown")]
)
def test_the_category_of_an_event(tmp_path: Path, code: int, category: str) -> None:
    assert event_object(one_event(tmp_path, Builder().event(code, [])))["category"] == category
