# SPDX-License-Identifier: Apache-2.0
"""Exported tables as their plugin has them: a mapping, in a host and without one alike."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from author import plugin

if TYPE_CHECKING:
    from conftest import WritePlugin
    from drivers import Drive

NAME = "conform_hashes"
ENTRIES = """
from collections.abc import MutableMapping
from falcokit import *

class Child(TableEntry):
    n: i8

class Hash(TableEntry):
    sha256: str
    seen: u64 = 7
    ok: bool
    low: Annotated[i16, "lowest"] = -3
    note: Annotated[str, readonly] = "none"
    kids: MutableMapping[i64, Child]
    def twice(self):
        return self.seen * 2
"""
SCRIPT = (
    ENTRIES
    + """
class P(Plugin, AsyncEvents, EventParsing):
    async_events = ("one",)
    parse_event_types = (322,)
    t = export_table("conform_hashes", str, Hash)
    flags = export_table("conform_flags", bool, Child)
    small = export_table("conform_small", u8, Child)
    def parse_event(self, event):
        pass
    def start_async(self, handler):
        handler.emit("one")
    def tell(self, step):
        try:
            said = repr(step())
        except Exception as e:
            said = f"{type(e).__name__}: {e}"
        self.said.append(said)
    def init(self):
        self.said = []
        t = self.t
        SCRIPT
        import json
        self.log.error("%s", "told " + json.dumps(self.said))
"""
)

#: What is done, as `expression` or `statement;`, and what it gives.
STEPS = [
    ("len(t)", "0"),
    ("t['/a'] = Hash(sha256='abc', seen=1);", ""),
    ("t['/b'] = {'sha256': 'd', 'ok': True, 'kids': {1: {'n': 5}, -2: Child(n=-6)}};", ""),
    ("list(t), len(t), '/a' in t, 'x' in t, t.name", "(['/a', '/b'], 2, True, False, NAME)"),
    ("t['/a'].sha256, t['/a'].seen, t['/a'].ok", "('abc', 1, False)"),
    ("t['/b'].seen, t['/b'].low, t['/b'].note, t['/b'].ok", "(7, -3, 'none', True)"),
    ("t['/a'].seen += 4;", ""),
    ("t['/a'].seen, t['/a'].twice(), isinstance(t['/a'], Hash)", "(5, 10, True)"),
    ("list(t['/b'].kids), t['/b'].kids[-2].n, t['/b'].kids.name", "([1, -2], -6, 'kids')"),
    ("t['/a'].kids[9] = {};", ""),
    ("len(t['/a'].kids), len(t['/b'].kids), t['/a'].kids[9].n", "(1, 2, 0)"),
    ("t['/a'].kids = {3: {'n': 3}};", ""),
    ("list(t['/a'].kids)", "[3]"),
    ("t['/c'] = t['/a'];", ""),
    ("t['/c'].seen = 99;", ""),
    ("t['/a'].seen, t['/c'].sha256, t['/c'].kids[3].n", "(5, 'abc', 3)"),
    ("t.get('x'), t.get('x', 3), t.get('/a').seen", "(None, 3, 5)"),
    ("t.setdefault('/d', {'seen': 2}).seen, t.setdefault('/d').seen", "(2, 2)"),
    ("t.update({'/e': {'seen': 6}, '/f': Hash()});", ""),
    ("[(k, e.seen) for k, e in t.items()][-2:]", "[('/e', 6), ('/f', 7)]"),
    ("[e.seen for e in t.values()]", "[5, 7, 99, 2, 6, 7]"),
    ("v = t.pop('/a'); v.seen = 8;", ""),
    ("'/a' in t", "False"),
    ("[k for k in t if t.pop(k).seen > 6]", "['/b', '/c', '/f']"),
    ("t['gone'] = {'seen': 1}; self.v = t['gone']; del t['gone']; self.v.seen = 55;", ""),
    ("self.v.seen, len(t), t == t, t == {}", "(55, 0, True, False)"),
    ("t['\\udcff'] = {'sha256': '\\udcfe'};", ""),
    ("list(t), t['\\udcff'].sha256", "(['\\udcff'], '\\udcfe')"),
    ("t.clear();", ""),
    ("len(t), list(t), hasattr(t, '__dict__')", "(0, [], False)"),
    ("t['é' * 500] = {'sha256': 'x' * 100000}; t[''] = {};", ""),
    ("len(t['é' * 500].sha256), '' in t", "(100000, True)"),
    ("self.flags[True] = {'n': 1}; self.flags[False] = {'n': 0};", ""),
    ("list(self.flags), self.flags[True].n", "([True, False], 1)"),
    ("self.small[255] = {'n': 127}; self.small[0] = {'n': -128};", ""),
    ("[(k, e.n) for k, e in self.small.items()]", "[(255, 127), (0, -128)]"),
    ("t['b'] = {'seen': 2**64 - 1};", ""),
    (
        "t['b'].seen, type(t).__name__, type(t['b']).__name__",
        f"({2**64 - 1}, 'ExportedTable', 'Hash')",
    ),
]
REFUSED = [
    ("t['x']", "KeyError: 'x'"),
    ("del t['x'];", "KeyError: 'x'"),
    ("t[1]", "TypeError: a str is needed, not int"),
    ("1 in t", "TypeError: a str is needed, not int"),
    ("t['a\\0b'] = {};", "ValueError: a str of a table has no NUL"),
    ("t['\\ud800'] = {};", "ValueError: the str has half a surrogate pair"),
    ("t['q'] = {'zz': 1};", "TypeError: TABLE has no field 'zz'"),
    ("t['q'] = Hash(zz=1);", "TypeError: TABLE has no field 'zz'"),
    ("t['q'] = 3;", "TypeError: TABLE takes Hash or a mapping, not int"),
    ("t['q'] = Child(n=1);", "TypeError: TABLE takes Hash or a mapping, not Child"),
    ("t['q'] = {'seen': -1};", "OverflowError: FIELD 'seen': -1 does not fit u64"),
    ("t['q'] = {'seen': 2**64};", f"OverflowError: FIELD 'seen': {2**64} does not fit u64"),
    ("t['q'] = {'low': 32768};", "OverflowError: FIELD 'lowest': 32768 does not fit i16"),
    ("t['q'] = {'ok': 1};", "TypeError: FIELD 'ok': a bool is needed, not int"),
    ("t['q'] = {'seen': 1.5};", "TypeError: FIELD 'seen': an int is needed, not float"),
    ("t['q'] = {'sha256': b''};", "TypeError: FIELD 'sha256': a str is needed, not bytes"),
    ("t['q'] = {'kids': 1};", "TypeError: table 'kids' is written as a mapping, not int"),
    ("'q' in t", "False"),
    ("t['e'] = {}; t['e'].nope = 1;", "AttributeError: TABLE has no field 'nope'"),
    ("del t['e'].seen;", "AttributeError: of TABLE field 'seen' cannot be deleted"),
    ("t['e'].nope", "AttributeError: 'Hash' object has no attribute 'nope'"),
    ("self.small[256] = {};", "OverflowError: 256 does not fit u8"),
    ("self.small[-1]", "OverflowError: -1 does not fit u8"),
    ("self.flags[1]", "TypeError: a bool is needed, not int"),
]  # fmt: skip


def script(steps: list[tuple[str, str]]) -> str:
    lines = []
    for number, (step, _) in enumerate(steps):
        if step.endswith(";"):
            body = step.rstrip(";")
            lines.append(f"def step{number}():")
            lines += [f"    {part.strip()}" for part in body.split("; ")]
            lines.append(f"self.tell(step{number})")
        else:
            lines.append(f"self.tell(lambda: ({step}))")
    return SCRIPT.replace("SCRIPT", "\n        ".join(lines))


def told(out: Any) -> list[str]:
    (line,) = out.said("told ")
    said: list[str] = json.loads(line.text.partition("told ")[2])
    return said


@pytest.mark.drivers("in_process", "runner", "plughost")
@pytest.mark.parametrize("steps", [STEPS, REFUSED], ids=["done", "refused"])
def test_a_table_is_a_mapping_of_live_entries(
    drive: Drive, write_plugin: WritePlugin, steps: list[tuple[str, str]]
) -> None:
    """T1, P5, P6"""
    out = drive(write_plugin(script(steps)))
    assert out.error == ""
    said = told(out)
    for (step, given), got in zip(steps, said, strict=True):
        wanted = re.sub(r"FIELD ('\w+')", r"field \1 of TABLE", given)
        told_in_full = wanted.replace("TABLE", f"table '{NAME}'").replace("NAME", repr(NAME))
        assert got == (told_in_full or "None"), step


HISTORY = plugin("table_history")


@pytest.mark.drivers("in_process", "runner")
def test_a_history_of_changes_leaves_what_a_dict_would_have(
    drive: Drive, write_plugin: WritePlugin
) -> None:
    """T1"""
    out = drive(write_plugin(HISTORY))
    assert [data.rstrip(b"\0") for data in out.data] == [b"True 0"], out.error


THREADS = plugin("table_threads")


@pytest.mark.drivers("in_process", "plughost")
def test_threads_of_the_plugin_share_a_table(drive: Drive, write_plugin: WritePlugin) -> None:
    """T8"""
    out = drive(write_plugin(THREADS))
    assert [data.rstrip(b"\0") for data in out.data] == [b"4000 4000"], out.error


@pytest.mark.drivers("in_process", "runner", "plughost")
def test_two_tables_of_one_name_are_refused_with_the_hosts_words(
    drive: Drive, write_plugin: WritePlugin
) -> None:
    """T2"""
    out = drive(write_plugin(script([]).replace("conform_flags", "threads")))
    said = {"plughost": "multiple times", "runner": "there is a table 'threads' already"}
    if drive.name in said:
        assert "table 'threads' cannot be exported: " in out.error
        assert said[drive.name] in out.error
    else:
        assert out.error == ""  # a test's tables are those that it lends
