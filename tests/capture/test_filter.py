# SPDX-License-Identifier: Apache-2.0
"""The language of filters: what is read, what it means, and what is refused, at which column."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scap_builder import NOT_SET, T0, Builder

from falcokit.capture import open_capture
from falcokit.capture.filter.compile import compile_filter
from falcokit.capture.filter.fields import FIELDS
from falcokit.filter.errors import FilterError
from falcokit.filter.grammar import MAX_TEXT, TRANSFORMERS, parse
from falcokit.filter.tree import quoted
from falcokit.filter.types import OPERATORS_OF, Family

if TYPE_CHECKING:
    from falcokit.capture.events.event import Event

SAMPLES = Path(__file__).with_name("samples")
DOCS = Path(__file__).parents[2] / "docs" / "filters.md"
OPEN, READ = 3, 7
B = Builder()


def opened(name: bytes, flags: int = 1, fd: int = 3) -> list[bytes]:
    return [B.pack("q", fd), name + b"\0", B.pack("I", flags), B.pack("I", 0o644)]


STORED = [
    B.async_event(b"tick", b"state", ts=NOT_SET),
    B.async_event(b"tick", b"hello world", plugin_id=7, ts=T0),
    B.async_event(b"tock", b"caf\xc3\xa9 \xff\0", plugin_id=7, ts=T0 + 1),
    B.plugin_event(999, b"payload", ts=T0 + 2),
    B.plugin_event(7, b"", ts=T0 + 3),
    B.event(OPEN, opened(b"/etc/passwd"), ts=T0 + 4, tid=10, cpu=1),
    B.event(OPEN, opened(b"/tmp/x y", 4099, -2), ts=T0 + 5, tid=11, cpu=2),
    B.event(OPEN, [b"", b"", b"", b""], ts=T0 + 6, tid=11),
    B.event(READ, [B.pack("q", 5), b"GET / HTTP\x00\x01"], ts=T0 + 7, tid=10),
    B.event(READ, [B.pack("q", -11), b""], ts=T0 + 8, tid=2**40),
    B.event(1, [B.pack("H", 75), B.pack("H", 10)], ts=T0 + 9, tid=12),
    B.event(600, [b"newer"], ts=T0 + 10, tid=12),
    # Lengths that pass the end: such an event has no parameters.
    B.block(0x216, B.dump(0, None) + B.pack("QQIHIH", T0 + 11, 10, 28, OPEN, 1, 99)),
]


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    return made(tmp_path_factory.mktemp("filter"), B, STORED)


def made(folder: Path, builder: Builder, stored: list[bytes]) -> list[Event]:
    path = folder / "made.scap"
    path.write_bytes(builder.section() + b"".join(stored))
    with open_capture(path) as capture:
        return list(capture)


def numbers(events: list[Event], text: str, **more: Any) -> list[int]:
    chosen = compile_filter(text, **more)
    return [event.number for event in events if chosen.matches(event)]


MEANINGS = {
    "evt.type=tick": [1, 2],
    "evt.type=tick and evt.arg.data contains hello": [2],
    "evt.type in (tick, tock)": [1, 2, 3],
    "evt.type=pluginevent": [4, 5],
    "evt.rawarg.plugin_id=7": [2, 3, 5],
    "evt.rawarg.plugin_id!=7": [1, 4],
    "evt.arg.plugin_id=999": [4],
    "evt.source=syscall": [1, 6, 7, 8, 9, 10, 11, 12, 13],
    "evt.source=7": [2, 3, 5],
    "evt.is_async=true": [1, 2, 3],
    "evt.asynctype startswith to": [3],
    "evt.buffer endswith world": [2],
    'evt.buffer contains "\\xff"': [3],
    "evt.buffer bcontains ff00": [3],
    "evt.buffer bstartswith 636166": [3],
    "evt.buffer=''": [10],
    "evt.arg.data contains caf..": [3],
    "evt.arg.data=NULL": [10],
    "evt.arg.event_data=NULL": [5],
    "evt.arg.event_data contains load": [4],
    # A missing value fails every comparison, != too; `not` of that passes.
    "evt.arg.name!=x": [1, 2, 3, 6, 7, 8],
    "not evt.arg.name=x": list(range(1, 14)),
    "not evt.arg.name exists": [4, 5, 9, 10, 11, 12, 13],
    "evt.arg.name=<NA>": [8],
    "evt.rawarg.name=<NA>": [],
    "evt.rawarg.fd<0": [7],
    "evt.rawarg.fd in (3, 03)": [],  # as in Falco: no list has numbers of evt.rawarg
    "evt.rawarg.fd=3 or evt.rawarg.fd=03": [6],
    "evt.rawarg.flags=4099": [7],
    "evt.arg.flags contains O_WRONLY": [],
    "evt.arg.flags contains O_RDWR": [7],
    "evt.arg[1]='/tmp/x y'": [7],
    'evt.arg["1"]=/etc/passwd': [6],
    "evt.arg.name pmatch (/etc, /usr)": [6],
    "evt.arg.name pmatch (/et)": [],
    "evt.arg.name pmatch ('/t?p')": [7],
    "evt.arg.name glob '/e[!x]*wd'": [6],
    "evt.arg.name glob '/e[^x]*wd'": [6],
    "evt.arg.name glob '*\\\\*'": [],
    "evt.arg.name iglob *PASS*": [6],
    "evt.arg.name icontains PASS": [6],
    "evt.arg.name endswith ' y'": [7],
    "evt.res=ENOENT": [7],
    "evt.res=EAGAIN": [10],
    "evt.res=SUCCESS": [6, 8, 9],
    "evt.failed=true": [7, 10],
    "evt.failed=false": [6, 8, 9],
    "evt.rawres>4": [9],
    "evt.buflen=5": [9],
    "evt.is_open_read=true": [6, 7],
    "evt.is_open_write=true": [7],
    "evt.io_dir=read": [9, 10],
    "evt.cpu in (1, 2)": [6, 7],
    "thread.tid=-1": [1, 2, 3, 4, 5],
    "thread.tid=10": [6, 9, 13],
    "thread.tid exists": [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13],
    f"evt.rawtime<{T0 + 2}": [2, 3],
    f"not evt.rawtime<{T0 + 2}": [1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13],
    f"evt.rawtime in ({T0}, {T0 + 3})": [2, 5],
    f"evt.rawtime.ns={T0 % 10**9 + 5}": [7],
    f"evt.rawtime.s={T0 // 10**9} and evt.type=tock": [3],
    "evt.time.iso8601=2023-11-14T22:13:20.000000004+0000": [6],
    f"evt.around[{T0}]=0": [2],
    "evt.type=mprotect": [11],
    "syscall.type exists": [6, 7, 8, 9, 10, 11, 13],
    "evt.dir=>": [1, 2, 3, 4, 5],
    "evt.type.is.open=1": [6, 7, 8, 13],
    "evt.num<=2 or evt.num>12": [1, 2, 13],
    "not not evt.num=1": [1],
    "not (evt.num>1 and evt.num<13)": [1, 13],
    "not(evt.num>1)and(evt.num<13)or(evt.num=13)": [1, 13],
    "evt.num=1 or evt.num=2 and evt.type=tock": [1],
    "(evt.num=1 or evt.num=2) and evt.type=tock": [],
    "evt.type\n=\ttick": [1, 2],
    "evt.type in ()": [],
    "evt.type intersects (tock)": [3],
    "evt.args contains 'name=/etc'": [6],
    "evt.category=other": [1, 2, 3, 4, 5, 11],
    "evt.num exists": list(range(1, 14)),
    "toupper(evt.type)=TICK": [1, 2],
    "tolower(evt.res) in (eagain)": [10],
    "basename(evt.arg.name)=passwd": [6],
    "len(evt.arg.name)>8": [6],
    "len(evt.buffer)=12": [9],
    "concat(evt.type, evt.dir)='open<'": [6, 7, 8, 13],
    "join('-', (evt.type, evt.dir))='tick->'": [1, 2],
    "evt.type=val(evt.asynctype)": [1, 2, 3],
    "evt.num=val(evt.num) and evt.num<3": [1, 2],
    "evt.type!=val(evt.arg.name)": [6, 7, 8],
    "evt.arg.name regex '/etc/[a-z]+'": [6],
    "evt.type regex 't[io]ck'": [1, 2, 3],
    "evt.type = anyof (tick, tock)": [1, 2, 3],
    "evt.type startswith oneof (ti, t)": [3],
    "evt.cpu=-65535": [6],
}


@pytest.mark.parametrize("text", MEANINGS)
def test_what_a_filter_matches(events: list[Event], text: str) -> None:
    assert len(events) == len(STORED)
    assert events[10].type == "mprotect"
    assert numbers(events, text) == MEANINGS[text]


def test_the_same_events_of_a_machine_with_the_other_byte_order(tmp_path: Path) -> None:
    builder = Builder(big_endian=True)
    stored = [
        builder.async_event(b"tick", b"x", plugin_id=7),
        builder.event(OPEN, [builder.pack("q", -2), b"/etc\0", builder.pack("I", 1)], tid=5),
    ]
    events = made(tmp_path, builder, stored)
    assert numbers(events, "evt.rawarg.plugin_id=7") == [1]
    assert numbers(events, "evt.res=ENOENT and evt.rawarg.flags=1 and thread.tid=5") == [2]


def test_the_names_of_event_sources(events: list[Event]) -> None:
    sources = {999: "ticker"}
    assert numbers(events, "evt.source=ticker", sources=sources) == [4]
    assert numbers(events, "evt.source in (ticker, 7)", sources=sources) == [2, 3, 4, 5]


def test_a_filter_has_bounds(events: list[Event]) -> None:
    assert numbers(events, "(" * 18 + "evt.num=1" + ")" * 18) == [1]
    assert numbers(events, "not " * 10_001 + "evt.num>1") == [1]
    nested = "evt.num=1"
    for _ in range(9):
        nested = f"(not ({nested}) or evt.cpu>99)"
    assert numbers(events, nested)
    assert numbers(events, " or ".join(["evt.num=1"] * 3000)) == [1]
    with pytest.raises(FilterError, match=str(MAX_TEXT)):
        compile_filter("evt.num=1" + " " * MAX_TEXT)


def test_what_a_scan_learns_from_a_filter() -> None:
    def needs(text: str) -> Any:
        return compile_filter(text).needs

    assert needs("evt.type=tick").codes == {402}
    assert needs("evt.type=tick and evt.dir=<").codes == set()
    assert needs("evt.type=pluginevent and evt.arg.event_data contains x").codes == {322}
    assert 3 in needs("evt.type=open").codes
    assert 322 not in needs("evt.arg.name=x").codes
    assert needs("not evt.arg.name=x").codes is None
    assert needs("evt.num=5").codes is None
    assert needs("thread.tid=5 and evt.num=1").tids == {5}
    assert needs("thread.tid in (5, 6) and thread.tid in (6, 7)").tids == {6}
    assert needs("thread.tid=5 or thread.tid=6").tids == {5, 6}
    assert needs("thread.tid=5 or evt.num=1").tids is None
    assert needs("not thread.tid=5").tids is None
    bounded = needs("evt.rawtime>=10 and evt.rawtime<20")
    assert (bounded.first_ns, bounded.last_ns) == (10, 19)
    assert needs("evt.rawtime>=10 or evt.rawtime=5").first_ns == 5
    assert needs("evt.rawtime>=10 or evt.num=1").first_ns is None
    assert needs("not evt.rawtime>=10").last_ns is None
    assert needs("evt.rawtime>10 and evt.rawtime<10").codes == set()
    assert needs("evt.around[50000000]=20").first_ns == 30_000_000


CHECKS = st.sampled_from(
    [text for text in MEANINGS if not any(word in text for word in (" and ", " or ", ")or("))]
)
FILTERS = st.recursive(
    CHECKS,
    lambda inner: st.one_of(
        inner.map("not ({})".format),
        st.lists(inner, min_size=2, max_size=4).map(lambda texts: f"({' and '.join(texts)})"),
        st.lists(inner, min_size=2, max_size=4).map(lambda texts: f"({' or '.join(texts)})"),
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(text=FILTERS)
def test_no_event_that_matches_is_passed_over_by_the_needs(events: list[Event], text: str) -> None:
    chosen, opposite = compile_filter(text), compile_filter(f"not ({text})")
    for event in events:
        header = (event.code, event.tid, event.ts_ns)
        assert chosen.matches(event) is not opposite.matches(event)
        # Without its own use of the needs, so that they cannot hide what they drop.
        if chosen._match(event):
            assert chosen.needs.admits(*header), text
        if opposite._match(event):
            assert opposite.needs.admits(*header), text


@settings(max_examples=200, deadline=None)
@given(texts=st.lists(CHECKS, min_size=2, max_size=4))
def test_and_or_and_not_combine_what_their_parts_match(
    events: list[Event], texts: list[str]
) -> None:
    sets = [set(MEANINGS[text]) for text in texts]
    grouped = [f"({text})" for text in texts]
    assert set(numbers(events, " and ".join(grouped))) == set.intersection(*sets)
    assert set(numbers(events, " or ".join(grouped))) == set.union(*sets)


@settings(max_examples=300, deadline=None)
@given(
    text=st.text(st.characters(exclude_categories=["Cs"]), max_size=30), name=st.text(max_size=8)
)
def test_any_value_survives_its_quotes(text: str, name: str) -> None:
    check = parse(f"evt.type in ({quoted(text)}, x)")
    assert [value.data for value in check.values] == [text.encode(), b"x"]  # type: ignore[union-attr]


@settings(max_examples=200, deadline=None)
@given(pattern=st.text("ab*?[]!^-\\/:", max_size=12), value=st.text("ab/", max_size=12))
def test_any_glob_compiles(events: list[Event], pattern: str, value: str) -> None:
    for operator in ("glob", "iglob", "pmatch"):
        operand = f"({quoted(pattern)})" if operator == "pmatch" else quoted(pattern)
        compile_filter(f"evt.arg.name {operator} {operand} or evt.type={quoted(value)}")


def test_a_glob_takes_time_in_proportion(events: list[Event]) -> None:
    stars = "*a" * 120
    assert numbers(events, f"evt.arg.name glob '{stars}'") == []


def test_a_usual_filter_loads_nothing_that_it_does_not_need() -> None:
    code = (
        "import sys\n"
        "from falcokit.capture.filter.compile import compile_filter\n"
        "compile_filter('evt.type in (open, close) and not evt.arg.name contains /etc')\n"
        "print({'re2', 'difflib', 'socket', 'dataclasses'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == "set()\n"


def test_macros_and_lists_are_given_by_name(events: list[Event]) -> None:
    macros = {"opening": "evt.type in (reads) and ended", "ended": "evt.dir=<"}
    lists = {"reads": ["open", "more"], "more": ["read"]}
    given: dict[str, Any] = {"macros": macros, "lists": lists}
    assert numbers(events, "opening", **given) == [6, 7, 8, 9, 10, 13]
    assert numbers(events, "not opening and evt.type in reads", **given) == []
    assert numbers(events, "evt.type in ('reads')", **given) == []
    assert compile_filter("opening", **given).needs.codes == {1, 3, 7}
    with pytest.raises(FilterError, match="part of its own condition"):
        compile_filter("a", macros={"a": "evt.num=1 or b", "b": "not a"})
    with pytest.raises(FilterError, match="one of its own items"):
        compile_filter("evt.type in (a)", lists={"a": ["b"], "b": ["a"]})
    doubled = {f"m{n}": f"m{n + 1} or m{n + 1}" for n in range(40)}
    with pytest.raises(FilterError, match="too large"):
        compile_filter("m0", macros={**doubled, "m40": "evt.num=1"})


def test_a_fault_in_a_macro_is_shown_in_its_text() -> None:
    with pytest.raises(FilterError) as caught:
        compile_filter("evt.num=1 and wrong", macros={"wrong": "evt.num=1 or evt.cpu=x"})
    assert "evt.num=1 or evt.cpu=x" in caught.value.message
    assert caught.value.column == 22


def test_the_document_lists_every_field_and_operator() -> None:
    text = DOCS.read_text()
    table = text.partition("## Fields")[2].partition("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in table.splitlines()
        if line.startswith("| `")
    ]
    assert rows == [[f"`{field.form}`", field.description] for field in FIELDS]
    operators = text.partition("## Operators")[2].partition("\n## ")[0]
    for family in Family:
        (line,) = [line for line in operators.splitlines() if line.startswith(f"| {family} |")]
        assert set(line.split("|")[2].split()) == {f"`{name}`" for name in OPERATORS_OF[family]}


def test_the_examples_of_the_document_are_filters() -> None:
    text = DOCS.read_text()
    examples = re.findall(r"^    falcokit inspect f\.scap '(.+)'$", text, re.MULTILINE)
    assert len(examples) >= 5
    for example in examples:
        compile_filter(example)
    (macros,) = re.findall(
        r"^    chosen = (compile_filter\(\n.+?\n    \))$", text, re.MULTILINE | re.DOTALL
    )
    eval(macros.replace("\n    ", "\n"), {"compile_filter": compile_filter})


def test_the_transformers_of_the_document_are_all() -> None:
    table = DOCS.read_text().partition("## Transformers")[2].partition("\n## ")[0]
    assert set(re.findall(r"`([a-z0-9]+)\(", table)) == set(TRANSFORMERS)
