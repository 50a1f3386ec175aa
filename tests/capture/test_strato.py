# SPDX-License-Identifier: Apache-2.0
"""Every stored event beside what another reader makes of the file: stratoshark's command line.

What it dumps was recorded by tests/hosts/record_strato.py: a hash of each event's bytes behind the
header. Here they are put together again from the parameters, so both the walk and the cutting of
events are held.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from falcokit.capture import open_capture

if TYPE_CHECKING:
    from falcokit.capture.events.event import Event

SAMPLES = Path(__file__).with_name("samples")
RECORD = json.loads((SAMPLES / "strato.json").read_text())
HASH_BYTES = 4
COUNTS = {
    "curl_google.scap": 1536,
    "falco-empty.scap": 143,
    "falco-open-multiple-files.scap": 1272,
    "falcokit.scap.gz": 81,
    "test_ipv6_client.scap": 326,
}


def stored_bytes(event: Event) -> bytes:
    """The lengths of the parameters and the parameters, as the file has them."""
    assert event.event_type is not None
    width = 4 if event.event_type.large_payload else 2
    lengths = b"".join(len(param).to_bytes(width, event.byte_order) for param in event.params)
    return lengths + b"".join(event.params)


def test_every_sample_is_recorded() -> None:
    assert RECORD["strato"].startswith("strato (Stratoshark) ")
    assert {path.name for path in SAMPLES.glob("*.scap*")} == set(COUNTS) == set(RECORD["captures"])


@pytest.mark.parametrize("name", COUNTS)
def test_the_bytes_of_every_event_are_those_that_strato_dumps(name: str) -> None:
    recorded = " ".join(RECORD["captures"][name]).split()
    with open_capture(SAMPLES / name) as capture:
        ours = [hashlib.sha256(stored_bytes(e)).digest()[:HASH_BYTES].hex() for e in capture]
    assert ours == recorded
    assert len(ours) == COUNTS[name]
