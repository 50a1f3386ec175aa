# SPDX-License-Identifier: Apache-2.0
"""What authors should not do to imported tables: the code, and how the TableError's text begins.

Where the text begins with "*" only the hosts can know it: a test's dicts have no declaration.
"""

from __future__ import annotations

import json

__all__ = ["CONFIG", "refused"]

_NO_HOOK = "tables can be used in init, in parse_event, in the hooks of capture listening, and"
_CHANGED = (
    "entries were inserted into or removed from a table of this kind since this entry was read"
)
_RELEASED = "the entry was released"
_ITERATED = "tables cannot be changed while one is iterated over: collect the keys first"
_GONE_ON = "the iteration has gone on: this entry was lent for its turn only"
_ENDED = "the entry of the table that is iterated over was released"
_LIST = "for a list, which has every entry up to its last: less than 65536 is needed"
_HAS = "Process has no field"
_LATE = "this object belongs to a hook that has returned: read it from the table again"
_OTHER = "the field is of another class than the entry"

#: In init.
IMPORTED = [
    (
        "get('threads', str, {})",
        "table 'threads': the key of 'threads' is i64 in this plugin already, and cannot be str",
    ),
    (
        "get('threads', u64, {'comm': str})",
        "table 'threads': the key of 'threads' is i64 in this plugin already",
    ),
    (
        "get('nothing', i64, {})",
        "table 'nothing' cannot be imported: it does not exist; the host has ",
    ),
    ("get('threads', i64, {'nope': u8})", "*table 'threads' has no field 'nope': it has "),
    (
        "get('threads', i64, {'exe': u8})",
        "*table 'threads' has no field 'exe' of type u8: it has one of type str",
    ),
    (
        "get('threads', i64, {'comm': u64})",
        "table 'threads': field 'comm' of 'threads' is str in this plugin already",
    ),
    (
        "get('threads', i64, TwoTypes)",
        "table 'threads': field 'root' of 'threads' is str in this plugin already",
    ),
    (
        "get('threads', i64, OtherKey)",
        "table 'threads': the key of field 'file_descriptors' of 'threads' is i64",
    ),
    (
        "get('threads', i64, ListKey)",
        "table 'threads': the key of field 'args' of 'threads' is u64 in this plugin already",
    ),
    (
        "get('threads', i64, Taken)",
        "*table 'threads' takes no added field 'ptid' of type str: it has one of type i64",
    ),
    (
        "get('threads', i64, AddedTable)",
        "table 'threads': kids: an added field cannot be a table",
    ),
    ("get('threads', i64, Untyped)", "table 'threads': opened: it has no type"),
    ("get('threads', i64, Slotted)", "table 'threads': __slots__: Slotted cannot have __slots__"),
    (
        "get('threads', i64, {'release': str})",
        "table 'threads': release: every entry has this attribute",
    ),
    ("get('threads', i64, {'a\\0b': str})", "table 'threads': a\0b: 'a\\x00b' is not a name"),
    ("get('threads', i64, {'comm': list})", "table 'threads': comm: list is not a type of tables"),
    ("get('threads', i64, str)", "table 'threads': str is not a subclass of falcokit.TableEntry"),
    ("get('threads', i64, 5)", "table 'threads': 'int' object is not iterable"),
    ("get('threads', float, {})", "table 'threads': float is not a type of tables"),
    ("get('a\\0b', i64, {})", "table 'a\\x00b': 'a\\x00b' is not a name: a str without NUL"),
    ("get(5, i64, {})", "table 5: 5 is not a name: a str without NUL"),
    ("get('\\ud800', i64, {})", "table '\\ud800': '\\ud800' is not a name"),
    (
        "get('mine', u8, {'v': u64})",
        "*table 'mine' cannot be imported: its keys are of type u64, not u8",
    ),
    (
        "get('mine', u64, {'v': str})",
        "*table 'mine' has no field 'v' of type str: it has one of type u64",
    ),
    ("get('mine', u64, {'nope': str})", "*table 'mine' has no field 'nope': it has v, r"),
    (
        "get('mine', u64, MineAdded)",
        "*table 'mine' takes no added field 'v' of type str: it has one of type u64",
    ),
    ("get('mine', u64, Many)", "*table 'mine' takes no added field 'f126': it has 128"),
    (
        "get('mine', u64, {'v': u64}).get(1)",
        "*the table is this plugin's own: in init it is used as a mapping",
    ),
    (
        "get('mine', u64, {'v': u64}).erase(1)",
        "*the table is this plugin's own: in init it is used as a mapping",
    ),
]  # fmt: skip

_TWICE = """\
both()
i = iter(threads)
e = next(e for e in i if e.comm == 'sh')
j = iter(e.fds)
next(j), list(i), next(j)
"""
#: In parse_event, with an entry `t` of the table `threads`.
USED = [
    # what was given back
    ("t.release(); t.comm", _RELEASED),
    ("t.release(); t.comm = 'x'", _RELEASED),
    ("with t: pass\nt.pid", _RELEASED),
    ("fds = t.fds; t.release(); len(fds)", _RELEASED),
    ("fds = t.fds; t.release(); fds.insert(3)", _RELEASED),
    ("fd = t.fds.insert(3); fd.release(); fd.name", _RELEASED),
    ("fd = t.fds.insert(3); t.release(); fd.name", _RELEASED),
    ("threads.erase(77); fd = t.fds.insert(3); t.release(); fd.name = 'x'", _RELEASED),
    ("threads.erase(77); e = t.env.insert(0, value='x'); t.release(); e.value", _RELEASED),
    ("t.fds.insert(3); i = iter(t.fds); next(i); t.release(); next(i)", _ENDED),
    ("t.fds.insert(3); i = iter(t.fds); fd = next(i); t.release(); fd.name", _RELEASED),
    ("e = t.fds.insert(3); t.release(); x = threads.insert(78, comm='y'); e.name", _RELEASED),
    # lists that were changed
    ("e = t.env.insert(0); e.value = 'A' * 100; t.env.clear(); e.value", _CHANGED),
    ("e = t.env.insert(0); e.value = 'A' * 100; t.env.clear(); e.value = 'B' * 300", _CHANGED),
    (
        "e = t.env.insert(0, value='A' * 100); [t.env.insert(i) for i in range(1, 100)]; e.value",
        _CHANGED,
    ),
    (
        "e = t.env.insert(0, value='A'); [t.env.insert(i) for i in range(99)]; e.value = 'B' * 99",
        _CHANGED,
    ),
    ("e = t.env.insert(0, value='A'); t.env.erase(0); e.value", _CHANGED),
    ("e = t.env.insert(3, value='A'); t.env.insert(0); e.value", _CHANGED),
    ("e = t.args.insert(0, value='A'); t.args.insert(1, value='B'); e.value", _CHANGED),
    ("e = t.cgroups.insert(0, first='a', second='b'); t.cgroups.clear(); e.second", _CHANGED),
    ("e = t.env.insert(0, value='A'); threads[77].env.clear(); e.value", _CHANGED),
    ("t.env.insert(65536, value='x')", f"the key of table 'env': 65536 is too far {_LIST}"),
    ("t.args[2**64 - 1] = {}", f"the key of table 'args': {2**64 - 1} is too far {_LIST}"),
    ("e = t.fds.insert(3, name='A') and t.fds[3]; t.fds.erase(3); e.name", _CHANGED),
    ("e = t.fds.insert(3, name='A') and t.fds[3]; t.fds.insert(4); e.name = 'B'", _CHANGED),
    ("t.env.erase(9)", "the entry cannot be erased"),
    ("t.env.insert(0, value=5)", "field 'value' of table 'env': a str is needed, not int"),
    ("t.env.insert(0, valeu='x')", "Value has no field 'valeu': it has value"),
    # iterations
    ("kept = list(threads); kept[0].comm", _GONE_ON),
    ("for e in threads: pass\ne.comm", _GONE_ON),
    ("for e in threads: threads.insert(5)", _ITERATED),
    ("for e in threads: threads.erase(77)", _ITERATED),
    ("for e in threads: threads.clear()", _ITERATED),
    ("for e in threads: e.env.insert(0)", _ITERATED),
    ("for e in threads: e.release(); e.comm", _RELEASED),
    ("threads.insert(78); envs = [e.env for e in threads]; len(envs[0])", _GONE_ON),
    (
        "both(); x = [e.fds.get(1) for e in threads if e.comm == 'sh']; x[0].name",
        _GONE_ON,
    ),
    (_TWICE, _ENDED),
    # keys and values
    ("threads.get('x')", "the key of table 'threads': an int is needed, not str"),
    ("threads[None]", "the key of table 'threads': an int is needed, not NoneType"),
    ("1.5 in threads", "the key of table 'threads': an int is needed, not float"),
    ("threads.insert('x')", "the key of table 'threads': an int is needed, not str"),
    ("threads.get(2**63)", f"the key of table 'threads': {2**63} does not fit i64"),
    ("t.env.get(-1)", "the key of table 'env': -1 does not fit u64"),
    ("threads[5] = 3", "an entry is set by a dict of its fields"),
    ("del threads[4711]", "the entry cannot be erased"),
    ("t.comm = 5", "field 'comm' of table 'threads': a str is needed, not int"),
    ("t.comm = b'x'", "field 'comm' of table 'threads': a str is needed, not bytes"),
    ("t.comm = 'a\\0b'", "field 'comm' of table 'threads': a str of a table has no NUL"),
    ("t.comm = '\\ud800'", "field 'comm' of table 'threads': the str has half a surrogate pair"),
    ("t.small = 300", "field 'small' of table 'threads': 300 does not fit i8"),
    ("t.pid = 1.0", "field 'pid' of table 'threads': an int is needed, not float"),
    ("t.odd = 1", "field 'odd' of table 'threads': a bool is needed, not int"),
    ("threads.insert(79, small=300)", "field 'small' of table 'threads': 300 does not fit i8"),
    ("t.cwd = 'x'", "*field 'cwd' cannot be written: "),
    # what no entry has
    ("t.opend = 1", f"{_HAS} 'opend': it has "),
    ("threads.insert(79, opend=1)", f"{_HAS} 'opend': it has "),
    ("threads[79] = {'opend': 1}", f"{_HAS} 'opend': it has "),
    ("t.told = 1", f"{_HAS} 'told': it has "),
    ("t.__class__ = Other", f"{_HAS} '__class__': it has "),
    ("t.__dict__ = {}", f"{_HAS} '__dict__': it has "),
    ("del t.comm", "a field of an entry cannot be deleted"),
    ("del t.opend", f"{_HAS} 'opend': it has "),
    ("t.fds = {}", "field 'file_descriptors' is a table: change what it holds"),
    ("threads.insert(79, fds={})", "field 'file_descriptors' is a table: change what it holds"),
    ("type(t).small.__get__(t.fds.insert(1))", _OTHER),
    ("type(t).small.__set__(t.fds.insert(1), 1)", _OTHER),
    ("type(t)().comm", "this object is not an entry of a table"),
    ("type(t)(comm='x')", "this object is not an entry of a table"),
    # another thread, and what is done in init
    ("elsewhere(lambda: threads.get(77))", _NO_HOOK),
    ("elsewhere(lambda: t.comm)", _NO_HOOK),
    ("elsewhere(lambda: setattr(t, 'comm', 'x'))", _NO_HOOK),
    ("elsewhere(lambda: iter(t.fds))", _NO_HOOK),
    ("i = iter(threads); elsewhere(lambda: next(i))", _NO_HOOK),
    ("self.tables.list()", "tables are listed in init"),
    ("self.tables.get('threads', i64, {'comm': str})", "tables are imported in init"),
]  # fmt: skip

#: In another hook than the one that got them: an entry, a nested table, an iteration, its entry.
KEPT = [
    (f"{use}", _LATE)
    for use in (
        "kept[0].comm", "kept[0].comm = 'x'", "kept[0].env", "len(kept[1])", "kept[1].get(1)",
        "kept[1].insert(1)", "kept[1].clear()", "next(kept[2])", "kept[3].comm",
        "kept[4].value = 'x'",
    )
]  # fmt: skip

#: Where tables are not lent.
OUTSIDE = [
    (use, _NO_HOOK)
    for use in ("threads.get(1)", "threads.insert(1)", "len(threads)", "self.tables.list()")
]

_STEPS = {"init": IMPORTED, "parse": USED, "kept": KEPT, "outside": OUTSIDE}
#: What the plugin tests/plugins/table_misuse.py is to do.
CONFIG = {where: [code for code, _ in steps] for where, steps in _STEPS.items()}


def refused(where: str, said: list[str], *, declared: bool) -> list[str]:
    """Return what was not refused as it should be."""
    steps = _STEPS.get(where, OUTSIDE)
    wrong = []
    for (code, text), got in zip(steps, said, strict=True):
        if text.startswith("*") and not declared:
            continue
        if not got.startswith(text.removeprefix("*")):
            wrong.append(json.dumps([where, code, text, got]))
    return wrong
