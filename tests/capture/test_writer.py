# SPDX-License-Identifier: Apache-2.0
"""What the writer makes: the bytes the format asks for, read back as they were given."""

from __future__ import annotations

import gzip
import io
import textwrap
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from list_builder import blocks_of, lists_of
from scap_builder import T0
from written import (
    ASYNC,
    CLOSE,
    FDS,
    GOLDEN_TS,
    INTERFACES,
    MACHINE,
    NAMES,
    PLUGIN,
    PROCESSES,
    SAMPLES,
    SHB,
    USERS,
    rewrite,
    rows,
)

from falcokit.capture import open_capture
from falcokit.capture.events.event_table import event_table
from falcokit.capture.writer import CaptureWriter

pytestmark = pytest.mark.python


def test_the_bytes_are_those_the_format_gives() -> None:
    file = io.BytesIO()
    with CaptureWriter(file) as writer:
        writer.plugin_event(7, b"abc", ts_ns=GOLDEN_TS)
        writer.async_event("tick", b"{}\0", ts_ns=None, tid=1)
        params = (bytes(8), (3).to_bytes(8, "little"))
        writer.event(5, params, ts_ns=GOLDEN_TS, tid=42, cpu=1, flags=1)
    assert file.getvalue().hex() == SHB + PLUGIN + ASYNC + CLOSE


@pytest.mark.parametrize("order", ["little", "big"])
def test_everything_that_is_written_is_read_back(tmp_path: Path, order: Any) -> None:
    path = tmp_path / "all.scap"
    params = ((3).to_bytes(8, order), b"four")
    with CaptureWriter(path, byte_order=order) as writer:
        writer.descriptors(11, FDS)  # in any order: the file has its own
        writer.descriptors(12, [])
        writer.processes(PROCESSES)
        writer.machine(MACHINE)
        writer.users(USERS)
        writer.interfaces(INTERFACES)
        writer.async_event("tick", b"x", ts_ns=T0, plugin_id=9)
        writer.plugin_event(999, bytes(200_000), ts_ns=T0 + 1)
        writer.event(5, params, ts_ns=None, tid=5, cpu=300, flags=1, comment="odd")
        writer.event(5, (), ts_ns=T0 + 2)
    codes = [code for code, *_ in blocks_of(path)]
    heads = [0x0A0D0D0A, 0x201, 0x219, 0x220, 0x215, 0x218, 0x218]
    assert codes == [*heads, 0x221, 0x221, 0x217, 0x216]
    lists = lists_of(path)
    assert tuple(lists.processes()) == PROCESSES
    assert tuple(lists.descriptors()) == FDS
    assert tuple(lists.interfaces()) == INTERFACES
    assert tuple(lists.users()) == USERS
    with open_capture(path) as capture:
        tick, plugin, close, bare = capture
        assert capture.notices == ()
        assert capture.machine == MACHINE
        assert capture.sections[0].byte_order == order
    assert (tick.type, tick.plugin_id, tick.data, tick.tid) == ("tick", 9, b"x", None)
    assert (plugin.plugin_id, plugin.data, plugin.ts_ns) == (999, bytes(200_000), T0 + 1)
    assert (close.params, close.ts_ns, close.tid, close.cpu) == (params, None, 5, 300)
    assert close.state_only
    assert (bare.params, bare.stored_params) == ((), 0)
    assert b"odd" in path.read_bytes()


def test_a_comment_is_a_pcapng_option_behind_the_padded_event() -> None:
    file = io.BytesIO()
    with CaptureWriter(file) as writer:
        writer.plugin_event(7, b"abc", ts_ns=GOLDEN_TS)
        writer.event(322, (b"\7\0\0\0", b"abc"), ts_ns=GOLDEN_TS, comment="note!")
        writer.flush()
    block = file.getvalue()[len(bytes.fromhex(SHB)) + 56 :]
    total = 56 + 4 + 8 + 4
    size = total.to_bytes(4, "little")
    head = bytes.fromhex(PLUGIN)
    assert block == head[:4] + size + head[8:-4] + (b"\1\0\5\0note!\0\0\0" + bytes(4) + size)


@pytest.mark.parametrize("decoded", [False, True], ids=["as stored", "through records"])
@pytest.mark.parametrize("name", NAMES)
def test_a_real_capture_written_again_reads_the_same(
    tmp_path: Path, name: str, decoded: bool
) -> None:
    source, target = SAMPLES / f"{name}.scap", tmp_path / "again.scap"
    rewrite(source, target, decoded=decoded)
    assert rows(target) == rows(source)
    before, after = lists_of(source), lists_of(target)
    assert list(after.processes()) == list(before.processes())
    assert list(after.descriptors()) == list(before.descriptors())
    assert list(after.interfaces()) == list(before.interfaces())
    assert list(after.users()) == list(before.users())
    with open_capture(source) as one, open_capture(target) as two:
        assert one.machine == two.machine
    events = [body for code, _, body, _ in blocks_of(source) if code in {0x204, 0x208, 0x216}]
    copied = [body for code, _, body, _ in blocks_of(target) if code in {0x204, 0x208, 0x216}]
    assert copied == events  # first versions too, and what an editor put behind them


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data(), order=st.sampled_from(["little", "big"]))
def test_any_event_reads_back_as_it_was_given(tmp_path: Path, data: Any, order: Any) -> None:
    table = event_table()
    code = data.draw(st.integers(0, len(table.events) - 1))
    kind = table.events[code]
    known = len(kind.params)
    count = known if kind.large_payload else data.draw(st.integers(0, known))
    params = tuple(data.draw(st.lists(st.binary(max_size=50), min_size=count, max_size=count)))
    ts = data.draw(st.none() | st.integers(1, 2**64 - 2))
    tid = data.draw(st.none() | st.integers(0, 2**64 - 2))
    cpu, flags = data.draw(st.integers(0, 0xFFFF)), data.draw(st.integers(0, 2**32 - 1))
    path = tmp_path / "any.scap"
    with CaptureWriter(path, byte_order=order) as writer:
        writer.event(code, params, ts_ns=ts, tid=tid, cpu=cpu, flags=flags)
        writer.event(code, params, ts_ns=ts, tid=tid, cpu=cpu, flags=flags, comment="c")
    assert rows(path) == [(code, ts, tid, cpu, flags, count, params)] * 2


@pytest.mark.parametrize("suffix", [".scap", ".scap.gz"])
def test_what_was_flushed_can_be_read_while_more_is_written(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"live{suffix}"
    with CaptureWriter(path) as writer:
        writer.machine(MACHINE)
        for n in range(1, 4):
            writer.async_event("tick", b"%d" % n, ts_ns=T0)
            writer.flush()
            with open_capture(path) as capture:
                assert [event.data for event in capture] == [b"%d" % m for m in range(1, n + 1)]
                assert capture.notices == ()
                assert capture.compressed is (suffix == ".scap.gz")


def test_compression_is_asked_for_or_told_by_the_name(tmp_path: Path) -> None:
    for name, compress, packed in (
        ("a.scap", None, False),
        ("a.scap.gz", None, True),
        ("a.scap", True, True),
        ("a.gz", False, False),
    ):
        with CaptureWriter(tmp_path / name, compress=compress) as writer:
            writer.plugin_event(1, b"x", ts_ns=T0)
        assert (tmp_path / name).read_bytes().startswith(b"\x1f\x8b") is packed
    file = io.BytesIO()
    with CaptureWriter(file, compress=True) as writer:
        writer.plugin_event(7, b"abc", ts_ns=GOLDEN_TS)
    assert gzip.decompress(file.getvalue()).hex() == SHB + PLUGIN


def test_an_interrupted_file_holds_every_event_before(tmp_path: Path) -> None:
    path = tmp_path / "cut.scap.gz"

    def record() -> None:
        with CaptureWriter(path) as writer:
            for n in range(50_000):
                writer.plugin_event(1, b"%d" % n, ts_ns=T0 + n)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        record()
    with open_capture(path) as capture:
        assert [event.data for event in capture] == [b"%d" % n for n in range(50_000)]
        assert capture.notices == ()


def test_a_second_section_has_lists_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "two.scap"
    with CaptureWriter(path) as writer:
        writer.section(comment="first", application="falcokit")
        writer.processes(PROCESSES[:1])
        writer.plugin_event(1, b"a", ts_ns=T0)
        writer.section(comment="second")
        writer.processes(PROCESSES[1:])
        writer.plugin_event(1, b"b", ts_ns=T0 + 1)
    with open_capture(path) as capture:
        assert [event.data for event in capture] == [b"a", b"b"]
        assert [section.comment for section in capture.sections] == ["first", "second"]
        assert capture.sections[0].application == "falcokit"
    assert tuple(lists_of(path).processes()) == PROCESSES


def test_a_file_of_several_sections_is_copied_as_the_manual_says(tmp_path: Path) -> None:
    one, two = (SAMPLES / f"{name}.scap" for name in ("curl_google", "falco-empty"))
    both, copy = tmp_path / "both.scap", tmp_path / "copy.scap"
    both.write_bytes(b"".join(gzip.decompress(path.read_bytes()) for path in (one, two)))
    manual = (Path(__file__).parents[2] / "docs" / "capture-writer.md").read_text()
    lines = manual[manual.index("    sections = copied = 0") : manual.index("`copy` copies")]
    with open_capture(both, lists=True) as source, CaptureWriter(copy) as target:
        exec(textwrap.dedent(lines), {"source": source, "target": target})
    assert rows(copy) == rows(one) + rows(two)
    heads = [code for code, *_ in blocks_of(copy)]
    assert heads.count(0x0A0D0D0A) == heads.count(0x201) == 2
    for kind in ("processes", "descriptors", "interfaces", "users"):
        copied, stored = getattr(lists_of(copy), kind)(), getattr(lists_of(both), kind)()
        assert list(copied) == list(stored)


def test_a_capture_without_an_event_is_a_sound_file(tmp_path: Path) -> None:
    for name in ("empty", "head"):
        with CaptureWriter(tmp_path / name) as writer:
            if name == "head":
                writer.machine(MACHINE)
        with open_capture(tmp_path / name) as capture:
            assert list(capture) == []
            assert capture.notices == ()
            assert (capture.machine == MACHINE) is (name == "head")
