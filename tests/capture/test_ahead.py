# SPDX-License-Identifier: Apache-2.0
"""Reading ahead in a thread: the same events and faults, and an end when the capture is closed."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from falcokit.capture import open_capture
from falcokit.capture.file.byte_streams import AheadStream

SAMPLE = Path(__file__).parent / "samples" / "curl_google.scap"


class Pieces:
    """A source of given pieces; an exception among them is raised."""

    compressed = growing = False

    def __init__(self, *pieces: bytes | BaseException, fault: str | None = None) -> None:
        self.left = list(pieces)
        self.fault: str | None = None
        self._fault = fault

    def pull(self, size: int = 0) -> bytes:
        assert size > 0
        if not self.left:
            self.fault = self._fault
            return b""
        piece = self.left.pop(0)
        if isinstance(piece, BaseException):
            raise piece
        return piece


def test_pieces_come_in_order_and_the_fault_after_them() -> None:
    source = AheadStream(Pieces(*(bytes([n]) for n in range(1, 100)), fault="cut short"))
    for n in range(1, 100):
        assert source.fault is None
        assert source.pull() == bytes([n])
    assert source.pull() == b""
    assert source.fault == "cut short"
    assert source.pull() == b""
    source.stop()


def test_only_a_few_pieces_are_read_ahead() -> None:
    inner = Pieces(*[b"x"] * 100)
    source = AheadStream(inner)
    source.stop()
    assert len(inner.left) >= 97
    assert source.pull() == b""


def test_an_exception_is_raised_where_its_piece_is_asked_for() -> None:
    source = AheadStream(Pieces(b"a", MemoryError("b")))
    assert source.pull() == b"a"
    with pytest.raises(MemoryError, match="b"):
        source.pull()
    assert source.pull() == b""
    source.stop()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("lost", [0, 1, 5000])
def test_a_capture_has_the_same_events_and_notices(tmp_path: Path, packed: bool, lost: int) -> None:
    content = SAMPLE.read_bytes()
    plain = gzip.decompress(content)
    section = plain[: int.from_bytes(plain[4:8], "little")]
    content = plain + (section + plain[len(section) :]) * 20
    content = gzip.compress(content) if packed else content
    file = tmp_path / "a.scap"
    file.write_bytes(content[: len(content) - lost])
    found = []
    for ahead in (False, True):
        with open_capture(file) as capture:
            if ahead:
                capture.read_ahead()
            events = [(event.number, event.offset, event.code) for event in capture]
            found.append((events, capture.notices, capture.inflated_size, capture.read_size))
    assert found[0] == found[1]
    assert len(found[0][0]) > 1000


def test_a_capture_that_is_closed_early_reads_no_more(tmp_path: Path) -> None:
    file = tmp_path / "a.scap"
    file.write_bytes(gzip.decompress(SAMPLE.read_bytes()) * 50)
    with open_capture(file) as capture:
        capture.read_ahead()
        next(iter(capture))
    size = capture.read_size
    assert size < file.stat().st_size
    with pytest.raises(ValueError, match="closed"):
        capture._file.read(1)
    assert capture.read_size == size
