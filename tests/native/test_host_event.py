# SPDX-License-Identifier: Apache-2.0
"""The event object of the host: the same as falcokit.Event, whatever the bytes say, during the call
and after it."""

from __future__ import annotations

import gc
import importlib.util
import struct
import sys
import sysconfig
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from falcokit.native import SOURCES
from falcokit.runtime.event.event import NOT_SET, AsyncEvent, Event, encode_async
from falcokit.runtime.event.event_payload import decode_json

if TYPE_CHECKING:
    from conftest import CompileC

pytestmark = pytest.mark.python


@pytest.fixture(scope="session")
def host(compile_c: CompileC) -> Any:
    name = "event_module.so"
    sources = [
        Path(__file__).with_name("event_module.c"),
        *sorted((SOURCES / "event").glob("*.c")),
    ]
    include = sysconfig.get_path("include")
    library = compile_c(name, sources, f"-I{SOURCES}", "-isystem", include, "-D_GNU_SOURCE")
    spec = importlib.util.spec_from_file_location("event_module", library)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.ready(Event, decode_json, lambda event: {"of": event.raw})
    return module


def _plugin_event(data: bytes, plugin_id: int = 7, ts: int = 1, tid: int = NOT_SET) -> bytes:
    head = struct.pack("=QQIHI", ts, tid, 38 + len(data), 322, 2)
    return head + struct.pack("=III", 4, len(data), plugin_id) + data


_ASYNC = encode_async(AsyncEvent("nämé", b'{"a": [1]}', 5, 6, 7))
_PLUGIN = _plugin_event(b'{"a": 1}')
_OTHER = struct.pack("=QQIHI", 1, 2, 26 + 2 + 4, 9, 1) + b"\x04\0" + b"abcd"
_ATTRIBUTES = (
    *("ts_ns", "tid", "type", "source", "number", "name", "data", "plugin_id", "raw", "cache"),
)


@pytest.mark.parametrize("raw", [_ASYNC, _PLUGIN, _OTHER])
@pytest.mark.parametrize("source", ["src", None])
def test_it_is_the_event_that_the_bytes_are(host: Any, raw: bytes, source: str | None) -> None:
    # The host gives each event a number of its own: by it the glue knows one again.
    number = 3 if source else 4
    expected = Event.from_bytes(raw, source=source, number=number)
    kept: list[Event] = []

    def hook(event: Event) -> None:
        assert isinstance(event, Event)
        assert {a: getattr(event, a) for a in _ATTRIBUTES} == {
            a: getattr(expected, a) for a in _ATTRIBUTES
        }
        assert event == expected
        assert hash(event) == hash(expected)
        assert repr(event) == repr(expected)
        assert event.replace() == expected
        assert event.params == {"of": raw}
        kept.append(event)

    host.call(raw, number, source, hook)
    assert kept[0] == expected  # the host's memory is something else by now
    assert kept[0].source == source


def test_what_is_kept_without_having_been_read_is_a_copy(host: Any) -> None:
    kept: list[Event] = []
    host.call(_ASYNC, 0, "src", kept.append)
    host.call(_PLUGIN, 0, "other", kept.append)
    assert kept == [Event.from_bytes(_ASYNC, source="src"),
                    Event.from_bytes(_PLUGIN, source="other")]  # fmt: skip


@pytest.mark.parametrize("sizes", [(20, 20), (1, 1), (0, 0), (512, 513), (513, 512), (30, 20)])
def test_a_payload_that_is_kept_stays_as_it_was(host: Any, sizes: tuple[int, int]) -> None:
    first, second = (bytes([65 + i]) * size for i, size in enumerate(sizes))
    keepers: list[Any] = [lambda e: e.data, lambda e: memoryview(e.data), lambda e: {e.data: 1}]
    for keep in keepers:
        kept = host.call(_plugin_event(first), 1, "src", keep)
        assert host.call(_plugin_event(second), 2, "src", lambda e: e.data) == second
        assert next(iter(kept)) == first if isinstance(kept, dict) else kept == first


def test_the_hash_of_a_payload_is_its_own(host: Any) -> None:
    hashes = [
        host.call(_plugin_event(data), number, "src", lambda e: hash(e.data))
        for number, data in enumerate((b"first", b"other"), 1)
    ]
    assert hashes == [hash(b"first"), hash(b"other")]


def test_lengths_that_lie_are_told_of_after_an_event_that_was_right(host: Any) -> None:
    host.call(_PLUGIN, 1, "src", lambda e: e.data)
    lying = bytearray(_PLUGIN)
    lying[30] = 200
    with pytest.raises(ValueError, match="do not add up"):
        host.call(bytes(lying), 2, "src", lambda e: e.data)
    assert host.call(_PLUGIN, 3, "src", lambda e: e.data) == b'{"a": 1}'
    assert host.call(_OTHER, 4, "src", lambda e: e.data) == b""


def test_one_event_is_one_object(host: Any) -> None:
    seen = [host.call(_PLUGIN, n, "src", lambda e: (id(e), id(e.json))) for n in (5, 5, 5)]
    assert len(set(seen)) == 1
    host.call(_PLUGIN, 5, "src", lambda e: e.cache.update(mine=1))
    assert host.call(_PLUGIN, 5, "src", lambda e: dict(e.cache)) == {"mine": 1}


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        (_PLUGIN, 6),  # another number
        (_plugin_event(b'{"a": 1}', ts=2), 5),
        (_plugin_event(b'{"a": 2}'), 5),  # a host that counts anew, from the same memory
        (_ASYNC, 5),
    ],
)
def test_another_event_has_another_cache(host: Any, raw: bytes, number: int) -> None:
    host.call(_PLUGIN, 5, "src", lambda e: e.cache.update(mine=1, json=e.json))
    assert host.call(raw, number, "src", lambda e: (e.cache, e.raw)) == ({}, raw)


def test_number_0_tells_nothing(host: Any) -> None:
    host.call(_PLUGIN, 0, "src", lambda e: e.cache.update(mine=1))
    assert host.call(_PLUGIN, 0, "src", lambda e: e.cache) == {}


@pytest.mark.parametrize("data", [b"{", b"", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_a_value_error_each_time(host: Any, data: bytes) -> None:
    raw = _plugin_event(data[:3000])
    texts = []
    for _ in range(2):
        with pytest.raises(ValueError) as caught:
            host.call(raw, 9, "src", lambda e: e.json)
        texts.append(str(caught.value))
    assert texts[0] == texts[1]


def test_events_that_refer_to_themselves_are_collected(host: Any) -> None:
    class Mark:
        pass

    def hook(event: Event) -> Any:
        mark = Mark()
        event.cache.update(event=event, mark=mark)
        return weakref.ref(mark)

    mark = host.call(_PLUGIN, 5, "src", hook)
    host.call(_PLUGIN, 6, "src", lambda _: None)
    gc.collect()
    assert mark() is None


def test_events_are_used_again(host: Any) -> None:
    host.call(_PLUGIN, 1, "src", lambda _: None)
    gc.collect()
    before = sys.getallocatedblocks()
    for number in range(2, 2000):
        host.call(_PLUGIN, number, "src", lambda e: e.json)
    assert sys.getallocatedblocks() - before < 100


def test_it_cannot_be_changed_or_made(host: Any) -> None:
    with pytest.raises(AttributeError):
        host.call(_PLUGIN, 1, "src", lambda e: setattr(e, "data", b""))
    with pytest.raises(TypeError):
        host.call(_PLUGIN, 1, "src", lambda e: object.__new__(type(e)))


@pytest.mark.parametrize("length", [0, 25])
def test_an_event_shorter_than_its_header_is_refused(host: Any, length: int) -> None:
    raw = struct.pack("=QQIHI", 1, 2, length, 322, 2)
    with pytest.raises(ValueError, match=f"a header of 26 bytes, not {length}"):
        host.call(raw, 1, None, lambda e: e)


def _read(event: Event) -> tuple[Any, ...]:
    values: list[Any] = []
    for attribute in _ATTRIBUTES:
        try:
            values.append(getattr(event, attribute))
        except ValueError:
            values.append(ValueError)
    return tuple(values)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_event_raises_where_the_python_one_does(host: Any, data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from([_ASYNC, _PLUGIN, _OTHER])))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(20, len(raw) - 1))] = data.draw(st.integers(0, 255))
    found = host.call(bytes(raw), 0, "s", _read)
    try:
        assert found == _read(Event.from_bytes(bytes(raw), source="s"))
    except ValueError:
        assert ValueError in found
