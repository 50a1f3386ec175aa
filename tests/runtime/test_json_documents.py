# SPDX-License-Identifier: Apache-2.0
"""Plugins that declare documents: what becomes of them in each form of source, and what is told.

What is found in a document is tested in tests/json_fields.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import threading
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from falcokit import (
    Event,
    EventQueue,
    EventSource,
    FieldExtraction,
    InvalidEventError,
    JsonDocuments,
    Plugin,
    PluginError,
    QueueFullError,
    SourceClosedError,
    const,
    here,
    json_field,
    path,
    when,
)
from falcokit.build.check_plugin import check_plugin
from falcokit.errors import PluginDefinitionError
from falcokit.testing import start_plugin

if TYPE_CHECKING:
    from falcokit.testing import RunningPlugin

_PAGE = Path(__file__).parent.parent.parent / "docs" / "json-documents.md"
_BLOCKS = re.findall(r"^```python\n(.*?)^```$", _PAGE.read_text(), re.DOTALL | re.MULTILINE)
LIST = when(path("/list").exists(), path("/list").each(), here)


class Read(Plugin, EventSource):
    """Gives what `documents` says, in the form that the open params ask for."""

    name, version, description = "read-documents", "0.1.0", "d"
    contact, plugin_id, event_source = "c@example.com", 999, "documents"
    max_event_size = 1000
    declared = JsonDocuments(split=LIST, time=path("/t").as_time("ns"), keep=path("/drop") != "yes")
    given: tuple[Any, ...] = ()
    told: list[Any] = []  # noqa: RUF012

    def open(self, params: str) -> Any:
        if params == "async":
            return self.produce()
        if params == "generator":
            return self.generate()
        if params.startswith("queue"):
            queue = EventQueue(maxsize=2, overflow="drop" if params == "queue drop" else "block")
            if params == "queue short":
                self.put(queue, timeout=0.0)
            else:
                threading.Thread(target=self.put, args=(queue,), daemon=True).start()
            return queue
        return iter(self.given)

    def generate(self) -> Any:
        for item in self.given:
            try:
                yield item
            except InvalidEventError as e:
                self.told.append(str(e))

    async def produce(self) -> Any:
        for item in self.given:
            await asyncio.sleep(0)
            yield item

    def put(self, queue: EventQueue, timeout: float | None = None) -> None:
        for item in self.given:
            try:
                self.told.append(queue.put(item, timeout=timeout))
            except (InvalidEventError, QueueFullError, SourceClosedError) as e:
                self.told.append(type(e).__name__)
        queue.end()


class Strict(Read):
    name = "strict-documents"
    declared = JsonDocuments(
        split=LIST, time=path("/t").as_time("ns"), keep=path("/drop") != "yes", invalid="fail"
    )


def events(running: RunningPlugin, params: str, *given: Any) -> list[tuple[bytes, int]]:
    Read.given, Read.told[:] = given, []
    with running.open(params) as source:
        return [(event.data, event.ts_ns) for event in source.events()]


def many(count: int) -> bytes:
    return json.dumps({"list": [{"t": n} for n in range(count)]}).encode()


MIXED = (
    b'{"list": [{"t": 1}, {"t": 2, "drop": "yes"}, {"t": 3}]}\n',
    '{"t": 4, "n": "\N{SNOWMAN}"}',
    {"t": 5},
    bytearray(b'{"t": 6}'),
    Event(b"not a document", ts_ns=7),
    b" \n",
    b'{"list": []}',
    b'{"t": 8, "pad": "' + b" " * 5000 + b'"}',
    b'{"list": [{"t": 9}, {"t": "x"}, {"t": 10}]}',
    b'{"list": [{"t": 11}, {"t":',
    b"{}",
)
FOUND = [
    *((b'{"t": 1}', 1), (b'{"t": 3}', 3), ('{"t": 4, "n": "\N{SNOWMAN}"}'.encode(), 4)),
    *((b'{"t":5}', 5), (b'{"t": 6}', 6), (b"not a document", 7)),
    *((b'{"t": 9}', 9), (b'{"t": 10}', 10)),
]


def test_documents_become_events_in_every_form_of_source() -> None:
    with start_plugin(Read) as running:
        for form in ("iterator", "generator", "async", "queue"):
            assert events(running, form, *MIXED) == FOUND, form
        counts = running.metrics()
        said = [log.text for log in running.logs]
    assert {name: counts[name] for name in counts if "documents" in name or "events_" in name} == {
        "source_documents": 4 * 9,
        "source_documents_invalid": 4 * 1,
        "source_events_invalid": 4 * 2,
        "source_events_not_kept": 4 * 1,
    }
    assert counts["source_dropped_oversize"] == 4
    assert said[:3] == [  # of the first capture; each of the others begins to count anew
        "an event of 5019 bytes was dropped: max_event_size is 1000 (1 dropped so far)",
        "an event of document 7 was skipped: it has no valid time (skipped so far: 1)",
        "document 8 was skipped: it is not JSON at byte 26 of 26 (skipped so far: 1)",
    ]


def test_a_large_document_waits_for_room_and_is_sent_whole() -> None:
    with start_plugin(Read) as running:
        for form in ("iterator", "async", "queue"):
            found = events(running, form, many(10_000), many(3))
            assert [ts for _, ts in found] == [*range(10_000), 0, 1, 2], form
        assert Read.told == [True, True]


def test_a_full_queue_drops_events_not_documents() -> None:
    with start_plugin(Read) as running:
        Read.given, Read.told[:] = (many(5),), []
        with running.open("queue short") as source:
            assert Read.told == ["QueueFullError"]
            assert [event.ts_ns for event in source.events()] == [0, 1]
        found = events(running, "queue drop", many(5000))
        assert Read.told == [False]
        assert 2 <= len(found) < 5000
        assert running.metrics()["source_dropped_queue_full"] == 5000 - len(found)


def test_what_is_invalid_can_end_the_capture_or_be_caught() -> None:
    with start_plugin(Strict) as running:
        assert events(running, "generator", *MIXED[-3:], b'{"t": 12}') == [(b'{"t": 12}', 12)]
        assert Read.told == [
            "document 1 is invalid: an event of it: it has no valid time",
            "document 2 is invalid: it is not JSON at byte 26 of 26",
            "document 3 is invalid: an event of it: it has no valid time",
        ]
        with running.open("queue") as source:
            source.events()
        assert Read.told[3:] == [*["InvalidEventError"] * 3, True]
        for form in ("iterator", "async"):
            with pytest.raises(InvalidEventError, match="document 2 is invalid"):
                events(running, form, b'{"t": 1}', b"{")


def test_a_capture_may_close_in_the_middle_of_a_document() -> None:
    with start_plugin(Read) as running:
        for form in ("iterator", "async", "queue"):
            Read.given = (many(10_000),)
            with running.open(form) as source:
                assert source.events(limit=3)


# ---- the declaration -----------------------------------------------------------------------------


class Documents(msgspec.Struct):
    """An attribute that is none."""

    splitting: str = ""


def plugin(*bases: type, **attributes: Any) -> type:
    names = ("version", "description", "contact", *(("open",) if EventSource in bases else ()))
    common = {"name": "p", "__module__": __name__, **{k: getattr(Read, k) for k in names}}
    return type("P", (Plugin, *bases), {**common, **attributes})


FIELD = json_field("p.a", "/a", desc="d")
SOURCE = {"plugin_id": 999, "event_source": "documents"}


@pytest.mark.parametrize(
    ("bases", "attributes", "told"),
    [
        ((EventSource,), {**SOURCE, "a": JsonDocuments(), "b": JsonDocuments()}, "twice: a and b"),
        ((EventSource,), {"a": JsonDocuments()}, "gives system events"),
        ((FieldExtraction,), {"a": JsonDocuments(), "b": FIELD}, "does not inherit EventSource"),
    ],
)
def test_a_declaration_where_it_has_no_meaning_is_refused(
    bases: tuple[type, ...], attributes: dict[str, Any], told: str
) -> None:
    with pytest.raises(PluginDefinitionError, match=told):
        check_plugin(plugin(*bases, **attributes))


def test_a_declaration_is_inherited_and_can_be_taken_back() -> None:
    one = plugin(EventSource, **SOURCE, a=JsonDocuments(), c=Documents())
    other = type(
        "Q", (one,), {"__module__": __name__, "a": None, "b": JsonDocuments(keep=const(True))}
    )
    for found in (one, other):
        assert check_plugin(found).source


# ---- the page ------------------------------------------------------------------------------------


def test_the_examples_of_the_page_do_what_they_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, code in enumerate(_BLOCKS):
        module = types.ModuleType(f"documents_docs_example_{number}")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        exec(compile(code, str(_PAGE), "exec"), module.__dict__)
        for name, value in list(vars(module).items()):
            if name.startswith("test_"):
                value(tmp_path)
    assert len(_BLOCKS) == 2


def test_evaluate_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "falcokit.testing")
    with pytest.raises(PluginError, match=re.escape("import falcokit.testing")):
        JsonDocuments().evaluate(b"{}")
