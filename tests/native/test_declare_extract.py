# SPDX-License-Identifier: Apache-2.0
"""Fields that Falco would refuse, or that could never have a value, are found by build."""

from __future__ import annotations

import importlib.util
import sys
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest
from plugin_metadata import as_json

from falcokit.build.build_project import describe_project
from falcokit.build.check_plugin import check_plugin
from falcokit.errors import PluginDefinitionError
from falcokit.project.settings import Project

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.python, pytest.mark.usefixtures("forked")]

_HEAD = """\
from __future__ import annotations
from falcokit import *
from falcokit.runtime.json.field import json_field
class P(Plugin, FieldExtraction):
    name, version, description, contact = "p", "0.1.0", "d", "c"
"""


def load(folder: Path, text: str, head: str = _HEAD) -> type[Any]:
    file = folder / "declared.py"
    file.write_text(head + dedent(text).replace("\n", "\n    ").replace("    \n", "\n"))
    spec = importlib.util.spec_from_file_location("declared", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["declared"] = module
    spec.loader.exec_module(module)
    plugin: type[Any] = module.P
    return plugin


def method(signature: str, decorator: str = '@field("a.b", desc="d")', kind: str = "def") -> str:
    return f"\n{decorator}\n{kind} wrong({signature}: ...\n"


_ONE = '\n@field("a.b", desc="d")\ndef b(self, event) -> int: ...\n'
_TWICE = """
wrong = json_field("a.b", "/x", desc="d")
wrong2 = json_field("a.b", "/y", desc="d")
"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\nx = 1\n", "has no fields to extract"),
        (method("self, event) -> int").replace('"a.b"', '"ab"'), "field named 'ab'"),
        (method("self, event) -> int").replace('"a.b"', '"a.2b"'), "field named 'a.2b'"),
        (method("self, event) -> int").replace('"a.b"', '"a.b c"'), "field named 'a.b c'"),
        (method("self, event) -> int").replace('"a.b"', '"evt.b"'), "evt is the framework's"),
        (method("self, event) -> int", '@field("a.b")'), "'a.b' without a description"),
        (method("self, event) -> int", '@field("a.b", desc="d", properties=("x",))'),
         "property 'x'"),
        (method("self, event)"), "does not say what it returns"),
        (method("self, event) -> float"), "returns float, which no field can be"),
        (method("self, event) -> bytes"), "returns bytes, which no field can be"),
        (method("self, event) -> int | str"), "which is not one type"),
        (method("self, event) -> None"), "returns NoneType, which no field can be"),
        (method("self, event) -> list"), "returns list, which no field can be"),
        (method("self, event) -> list[int | None]"), "returns a list with None in it"),
        (method("self, event) -> list[list[int]]"), "which no field can be"),
        (method("self, event) -> FieldValue"), "returns FieldValue"),
        (method("self, event) -> Missing"), "annotations that cannot be read"),
        (method("self, event) -> int", kind="async def"), "is async"),
        (method("self) -> int"), "takes (self) -> 'int'"),
        (method("self, event, key: str, index: int) -> int"), "takes (self, event, key"),
        (method("self, event, *keys: str) -> int"), "takes (self, event, *keys"),
        (method("self, event, key) -> int"), "'key' that is neither key nor index"),
        (method("self, event, key: bool) -> int"), "'key' that is neither key nor index"),
        (method("self, event, key: str | None) -> int"), "'key' that may be None"),
        (method("self, event) -> int") + method("self, event) -> int").replace("wrong", "first")
         .replace("def first", "def wrong2"), "has the field 'a.b' twice: wrong has it already"),
        (_TWICE, "has the field 'a.b' twice"),
        (_ONE + 'extract_event_types = ("opne",)\n', "has invalid extract_event_types"),
        (_ONE + 'extract_event_sources = "one"\n', "is not a tuple of names"),
    ],
)  # fmt: skip
def test_each_mistake_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    plugin = load(tmp_path, text)
    with pytest.raises(PluginDefinitionError) as caught:
        check_plugin(plugin)
    error = caught.value
    assert said in error.message
    assert error.hint
    assert error.file == str(tmp_path / "declared.py")
    lines = (tmp_path / "declared.py").read_text().splitlines()
    wanted = ("wrong2", "extract_event", "wrong", "class P")
    at = next(w for w in wanted if any(w in line for line in lines))
    assert error.line in {i for i, line in enumerate(lines, 1) if at in line}


def test_a_field_without_the_capability_is_told(tmp_path: Path) -> None:
    head = _HEAD.replace("FieldExtraction)", "AsyncEvents)")
    plugin = load(tmp_path, method("self, event) -> int"), head)
    with pytest.raises(PluginDefinitionError, match="field wrong but does not inherit"):
        check_plugin(plugin)


_GOOD = '''
@field("a.one", desc="d")
def one(self, event, key: str | None = None) -> list[str] | None: ...
@field("a.two", output=True)
def two(self, event, which: int | str) -> AbsTime:
    """When."""
three = json_field("a.three", "/x", type=int, desc="d", display="3")
'''


def test_what_is_read_from_a_class(tmp_path: Path) -> None:
    found = as_json(check_plugin(load(tmp_path, _GOOD)))
    assert [field["json"] for field in found["fields"]] == [
        {"name": "a.one", "type": "string", "isList": True, "arg": {"isKey": True}, "desc": "d"},
        {"name": "a.two", "type": "abstime", "isList": False,
         "arg": {"isRequired": True, "isIndex": True, "isKey": True}, "desc": "When.",
         "addOutput": True},
        {"name": "a.three", "type": "uint64", "isList": False, "arg": None, "display": "3",
         "desc": "d"},
    ]  # fmt: skip
    assert found["extract_event_types"] == [322]
    assert found["required_api_version"] == "3.4.0"


def test_places_need_the_api_that_has_them(tmp_path: Path) -> None:
    text = method("self, event) -> list[FieldValue[str]]")
    assert check_plugin(load(tmp_path, text)).required_api_version == "3.11.0"
    pinned = text + 'required_api_version = "3.4.0"\n'
    with pytest.raises(PluginDefinitionError, match="value offsets"):
        check_plugin(load(tmp_path, pinned))


_PLACED = """\
from __future__ import annotations
from falcokit import *
SHARED = json_field("a.shared", "/s", desc="d")
class Mixin:
    mixed = json_field("a.mixed", "/m", desc="d")
class Other(Plugin, FieldExtraction):
    other = json_field("a.other", "/o", desc="d")
class P(Mixin, Plugin, FieldExtraction):
    shared = SHARED
for number in range(2):
    setattr(P, f"n{number}", json_field(f"a.n{number}", f"/{number}", desc="d"))
"""


def test_fields_may_come_from_mixins_loops_and_variables(tmp_path: Path) -> None:
    (tmp_path / "placed.py").write_text(_PLACED)
    project = Project(
        root=tmp_path, plugin="placed:P", source_dir=tmp_path, name="p", version="0.1.0",
        description="d", contact="c",
    )  # fmt: skip
    fields = [field.json.name for field in describe_project(project).extract.fields]
    assert fields == ["a.mixed", "a.shared", "a.n0", "a.n1"]


def test_a_name_that_another_module_uses_is_not_taken_for_a_slip(tmp_path: Path) -> None:
    text = _PLACED.replace("    shared = SHARED\n", "    shared = SHARED\n    configs = {}\n")
    (tmp_path / "placed.py").write_text(text.replace("SHARED = ", "import used_beside\nSHARED = "))
    project = Project(
        root=tmp_path, plugin="placed:P", source_dir=tmp_path, name="p", version="0.1.0",
        description="d", contact="c",
    )  # fmt: skip
    (tmp_path / "used_beside.py").write_text("")
    with pytest.raises(PluginDefinitionError, match="did you mean config"):
        describe_project(project)
    (tmp_path / "used_beside.py").write_text("def use(plugin): return plugin.configs\n")
    assert describe_project(project).name == "p"
