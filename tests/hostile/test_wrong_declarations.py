# SPDX-License-Identifier: Apache-2.0
"""`falcokit build` of each kind of wrong declaration: exit code 4, the line at fault, what to do.

What each check says of its variants is in tests/native/test_declare_*.py.
"""

from __future__ import annotations

import json
from textwrap import dedent, indent
from typing import TYPE_CHECKING, NamedTuple

import pytest
from typer.testing import CliRunner

from falcokit.cli.app import app

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("quick_builds")

_HEAD = """\
from __future__ import annotations
import msgspec
from collections.abc import MutableMapping
from falcokit import *
class Row(TableEntry):
    count: {column}
class Config(msgspec.Struct):
    every_s: float = 5.0
    url: str = ""
    maybe: float | None = None
    zero: int = 0
class P(Plugin, {bases}):
"""
_PROJECT = """\
[project]
name = "wrong"
version = "0.1.0"
description = "A plugin of a test."
authors = [{ name = "Tests", email = "tests@example.com" }]
[tool.falcokit]
plugin = "wrong:P"
"""
_ONE = '@field("w.one", desc="d")\ndef one(self, event) -> int: ...\n'
_FIELD = '@field("w.x", desc="d")\ndef x(self, event{arguments}) -> {returns}: ...  # HERE\n'
_PARSE = "def parse_event(self, event): ...\n"
_OPEN = "def open(self, params): ...\n"


def _field(arguments: str = "", returns: str = "int") -> str:
    return _FIELD.format(arguments=arguments, returns=returns)


def _ticks(every: str) -> str:
    return f'config: Config\n@async_event("tick", every={every})\ndef tick(self): ...  # HERE\n'


class Wrong(NamedTuple):
    """The body of a class with HERE at the line at fault, its bases, and what is said."""

    body: str
    said: str
    bases: str = "FieldExtraction"
    column: str = "u64"


WRONG = {
    "duplicate field": Wrong(
        _ONE + 'two = json_field("w.one", "/x", desc="d")  # HERE', "the field 'w.one' twice"
    ),
    "no description": Wrong('@field("w.x")\ndef x(self, event) -> int: ...  # HERE', "description"),
    "an annotation that is no type": Wrong(_field(returns="float"), "float, which no field can"),
    "an unknown annotation": Wrong(_field(returns="Nothing"), "annotations that cannot be read"),
    "no annotation": Wrong(_field().replace(" -> int", ""), "does not say what it returns"),
    "an argument that is neither": Wrong(_field(", key: bytes"), "neither key nor index"),
    "a key called index": Wrong(_field(", index: str"), "'index' whose type says key"),
    "an index called key": Wrong(_field(", key: int"), "'key' whose type says index"),
    "key and index as two": Wrong(_field(", key: str, index: int"), "takes (self, event, key"),
    "an async field": Wrong(_field().replace("def ", "async def "), "is async"),
    "a name without a dot": Wrong(_field().replace("w.x", "wx"), "field named 'wx'"),
    "a name of the framework": Wrong(_field().replace("w.x", "evt.x"), "evt is the framework's"),
    "a field of a process": Wrong(_field().replace("w.x", "proc.x"), "proc is the framework's"),
    "a field of a descriptor": Wrong(
        't = json_field("fd.where", "/a", desc="d")  # HERE', "fd is the framework's"
    ),
    "a field that begins with arg": Wrong(
        _field().replace("w.x", "argon.x"), "everything that begins with arg is the framework's"
    ),
    "no fields": Wrong("# none", "no fields to extract"),
    "a field nobody asks for": Wrong(
        _PARSE + 'parse_event_types = ("openat",)\n' + _field(), "inherit FieldExtraction",
        "EventParsing",
    ),
    "the reserved source": Wrong(
        'plugin_id = 999\nevent_source = "syscall"  # HERE\n' + _OPEN, "reserved event source",
        "EventSource",
    ),
    "an id without a source": Wrong(
        "plugin_id = 999  # HERE\n" + _OPEN, "no event_source", "EventSource"
    ),
    "a source without an id": Wrong(
        'event_source = "wrong"  # HERE\n' + _OPEN, "no plugin_id", "EventSource"
    ),
    "an id that is too large": Wrong(
        'plugin_id = 2**32  # HERE\nevent_source = "wrong"\n' + _OPEN, "plugin_id 4294967296",
        "EventSource",
    ),
    "an open without params": Wrong("def open(self): ...  # HERE", "Falco cannot call",
                                    "EventSource"),
    "no open": Wrong("pass", "has no open", "EventSource"),
    "an unknown event": Wrong(
        _PARSE + 'parse_event_types = ("opnat",)  # HERE', "opnat", "EventParsing"
    ),
    "no parse_event": Wrong('parse_event_types = ("openat",)', "no parse_event", "EventParsing"),
    "a hook of another capability": Wrong(
        _ONE + _PARSE.replace("...", "...  # HERE"), "does not inherit EventParsing"
    ),
    "a hook that cannot be called": Wrong(
        "def capture_open(self): ...  # HERE", "Falco cannot call", "CaptureListening"
    ),
    "a hook that is misspelled": Wrong(
        _OPEN + 'plugin_id = 999\nevent_source = "wrong"\n'
        "def event_to_sting(self, event): ...  # HERE", "did you mean event_to_string?",
        "EventSource",
    ),
    "another": Wrong(
        "def parse_evnt(self, event): ...  # HERE", "did you mean parse_event?", "EventParsing"
    ),
    "a hook of the plugin itself that is misspelled": Wrong(
        _ONE + "def get_metric(self): ...  # HERE", "did you mean get_metrics?"
    ),
    "a setting that is misspelled": Wrong(
        _ONE + 'extract_event_source = ("syscall",)  # HERE', "did you mean extract_event_sources?"
    ),
    "a config that is misspelled": Wrong(_ONE + "confg: dict  # HERE", "did you mean config?"),
    "an event named as a system call": Wrong(
        'async_events = ("ok", "open")  # HERE\ndef start_async(self, handler): ...',
        "'open', which is an event of the framework's own", "AsyncEvents",
    ),
    "a producer's event named as a system call": Wrong(
        '@async_event("mlock2", every=1)\ndef produce(self): ...  # HERE', "framework's own",
        "AsyncEvents",
    ),
    "an event with a quote": Wrong(
        'async_events = ("it\'s",)  # HERE\ndef start_async(self, handler): ...',
        "which no rule can write", "AsyncEvents",
    ),
    "an event with a line feed": Wrong(
        'async_events = ("a\\nb",)  # HERE\ndef start_async(self, handler): ...',
        "which no rule can write", "AsyncEvents",
    ),
    "a producer without parentheses": Wrong(
        "@async_event  # HERE\ndef tick(self): ...",
        "async_event takes the name of the event first", "AsyncEvents",
    ),
    "a producer without a name": Wrong(
        "@async_event(every=1.0)  # HERE\ndef tick(self): ...", "argument: 'name'", "AsyncEvents"
    ),
    "a producer named by a number": Wrong(
        "@async_event(5)  # HERE\ndef tick(self): ...", "first, not 5", "AsyncEvents"
    ),
    "an interval that stands where the name does not": Wrong(
        '@async_event("tick", 5.0)  # HERE\ndef tick(self): ...', "positional", "AsyncEvents"
    ),
    "an interval that is the field itself": Wrong(
        _ticks("Config.every_s"), "Config.every_s, which is no number but the field itself",
        "AsyncEvents",
    ),
    "an interval of a class that has none": Wrong(
        '@async_event("tick", every=Config.pause)  # HERE\ndef tick(self): ...', "pause",
        "AsyncEvents",
    ),
    "an interval of self": Wrong(
        '@async_event("tick", every=self.config.every_s)  # HERE\ndef tick(self): ...', "'self'",
        "AsyncEvents",
    ),
    "an interval of a config that is not there": Wrong(
        _ticks('"config.evry_s"'), "Config has no evry_s", "AsyncEvents"
    ),
    "an interval below what is no object": Wrong(
        _ticks('"config.every_s.x"'), "the value before it has no x", "AsyncEvents"
    ),
    "an interval of text": Wrong(_ticks('"config.url"'), "no number in the config", "AsyncEvents"),
    "an interval that may be missing": Wrong(
        _ticks('"config.maybe"'), "no number in the config", "AsyncEvents"
    ),
    "an interval whose default is none": Wrong(
        _ticks('"config.zero"'), "whose default is 0", "AsyncEvents"
    ),
    "an interval as text": Wrong(_ticks('"5"'), "neither seconds nor a key", "AsyncEvents"),
    "an interval without a config": Wrong(
        _ticks('"config.every_s"').partition("\n")[2], "but has no config", "AsyncEvents"
    ),
    "an interval that is true": Wrong(_ticks("True"), "every=True", "AsyncEvents"),
    "an interval of nothing": Wrong(_ticks("0"), "every <= 0", "AsyncEvents"),
    "an interval for ever": Wrong(_ticks("float('inf')"), "every inf", "AsyncEvents"),
    "an interval that is no number": Wrong(_ticks("float('nan')"), "every nan", "AsyncEvents"),
    "an interval that is a function": Wrong(
        _ticks("lambda self: 5"), "called by nobody", "AsyncEvents"
    ),
    "an interval that is a time": Wrong(
        "from datetime import timedelta\n" + _ticks("timedelta(seconds=5)"),
        "datetime.timedelta", "AsyncEvents",
    ),
    "a pause that is text": Wrong(_ticks('1, max_pause="60"'), "max_pause='60'", "AsyncEvents"),
    "a producer that takes nothing": Wrong(
        _ticks("1").replace("(self)", "()"), "cannot be called", "AsyncEvents"
    ),
    "a producer that takes too much": Wrong(
        _ticks("1").replace("(self)", "(self, handler)"), "argument: 'handler'", "AsyncEvents"
    ),
    "a producer on a static method": Wrong(
        '@async_event("tick", every=1)  # HERE\n@staticmethod\ndef tick(): ...',
        "a method, not a staticmethod", "AsyncEvents",
    ),
    "a producer below property": Wrong(
        '@property\n@async_event("x", every=1)\ndef x(self): ...\n'.replace(
            "@property\n", "@property  # HERE\n"
        ) + _ticks("1").replace("# HERE", ""),
        "the producer x is a property", "AsyncEvents",
    ),
    "a producer that is replaced": Wrong(
        '@async_event("x", every=1)  # HERE\ndef tick(self): ...\n'
        + _ticks("1").replace("# HERE", ""), "is replaced by another tick of P", "AsyncEvents",
    ),
    "a producer of nobody": Wrong(
        'class Inner:\n    @async_event("x", every=1)  # HERE\n    def x(self): ...\n'
        + _ticks("1").replace("# HERE", ""), "is not a method of a plugin class", "AsyncEvents",
    ),
    "a producer without the capability": Wrong(
        _ONE + _ticks("1"), "tick but does not inherit AsyncEvents"
    ),
    "a producer of what cannot be called": Wrong(
        'from functools import partial\ntick = async_event("x", every=1)(partial(print))  # HERE',
        "a method, not a partial", "AsyncEvents",
    ),
    "listening to nothing": Wrong("pass", "neither capture_open nor", "CaptureListening"),
    "a key that tables do not have": Wrong(
        _ONE + 't = import_table("threads", float, Row)  # HERE', "float"
    ),
    "a column that tables do not have": Wrong(
        _ONE + 't = import_table("threads", i64, Row)  # HERE', "count", column="float"
    ),
    "a key that no export has": Wrong(_ONE + 't = export_table("t", bytes, Row)  # HERE', "bytes"),
    "two exports of one name": Wrong(
        _ONE + 't = export_table("t", str, Row)\nu = export_table("t", str, Row)  # HERE',
        "two tables 't'",
    ),
    "an export without parsing": Wrong(
        _OPEN + 'plugin_id = 999\nevent_source = "wrong"\n'
        't = export_table("t", str, Row)  # HERE',
        "exports a table", "EventSource",
    ),
    "an import without parsing": Wrong(
        _OPEN + 'plugin_id = 999\nevent_source = "wrong"\n'
        't = import_table("threads", i64, Row)  # HERE',
        "imports a table", "EventSource",
    ),
    "a pointer that is none": Wrong(
        't = json_field("w.x", "a.b", desc="d")  # HERE', "not a JSON pointer"
    ),
    "an expression that cannot be": Wrong(
        't = json_field("w.x", path("/a").regex("(?=a)"), desc="d")  # HERE', "only (?: )"
    ),
    "an expression that Python decides": Wrong(
        't = json_field("w.x", when(not path("/a").exists(), "y"), desc="d")  # HERE', "~ for not"
    ),
    "a branch on what is no predicate": Wrong(
        't = json_field("w.x", when(path("/a"), "y", "n"), desc="d")  # HERE', "takes a predicate"
    ),
    "a declared field without a name": Wrong(
        _ONE + 'json_field("w.x", "/x", desc="d")  # HERE',
        "field 'w.x' is not an attribute of a class",
    ),
    "a declared field in a list": Wrong(
        _ONE + 'all = [\n    json_field("w.x", "/x", desc="d"),  # HERE\n]',
        "field 'w.x' is not an attribute of a class",
    ),
    "two declared fields of one name": Wrong(
        't = json_field("w.x", "/x", desc="d")  # HERE\nt = json_field("w.y", "/y", desc="d")',
        "field 'w.x' is not an attribute of a class",
    ),
    "a declared field in a class of its own": Wrong(
        _ONE + 'class Inner:\n    t = json_field("w.x", "/x", desc="d")  # HERE',
        "field 'w.x' is an attribute of Inner, which is not a plugin",
    ),
    "a declared field without the capability": Wrong(
        't = json_field("w.x", "/x", desc="d")  # HERE\n' + _PARSE,
        "the field t but does not inherit FieldExtraction", "EventParsing",
    ),
    "a type that fields do not have": Wrong(
        't = json_field("w.x", "/a", type=float, desc="d")  # HERE', "not a type of fields"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_build_refuses_it_with_its_line_and_a_hint(tmp_path: Path, case: str) -> None:
    wrong = WRONG[case]
    file = tmp_path / "src" / "wrong.py"
    file.parent.mkdir()
    head = _HEAD.format(bases=wrong.bases, column=wrong.column)
    text = head + indent(dedent(wrong.body), "    ") + "\n"
    file.write_text(text + "    def none(self): ...\n")
    (tmp_path / "pyproject.toml").write_text(_PROJECT)
    at = "# HERE" if "# HERE" in text else "class P"
    line = next(i for i, each in enumerate(text.splitlines(), 1) if at in each)

    result = CliRunner().invoke(app, ["build", "-C", str(tmp_path), "--json"])
    error = json.loads(result.stdout)["error"]
    assert (result.exit_code, error["exit"]) == (4, 4), result.output
    assert wrong.said in error["message"]
    assert (error["file"], error["line"]) == (str(file), line), error
    assert error["message"].startswith(f"{file}:{line}: "), error
    assert error["hint"], error
    source = error["exception"]["source"]
    assert source == text.splitlines()[line - 1].strip()
    assert f"\n{line:>6} | {source}\n" in result.stderr
    assert not list(tmp_path.glob("build/*.so"))
