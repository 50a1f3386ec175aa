# SPDX-License-Identifier: Apache-2.0
"""Annotations are read the same way on every Python: PEP 649 made them lazy in 3.14.

The classes stand in texts, compiled without this file's `from __future__ import annotations`.
"""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest

from falcokit.runtime.base.annotations import evaluate_annotation, own_annotations
from falcokit.runtime.base.config import config_type
from falcokit.runtime.tables.table_types import TableEntry, entry_fields

pytestmark = pytest.mark.python

PLAIN = """
class Config: pass
class Base:
    inherited: int
class Owner(Base):
    config: Config
    quoted: "Config"
    twice: "'Config'"
def function(params: Config, other: "Config"): pass
"""


def module(text: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    made = ModuleType("of_an_author")
    monkeypatch.setitem(sys.modules, made.__name__, made)
    exec(compile(text, "author.py", "exec", dont_inherit=True), vars(made))
    return made


@pytest.mark.parametrize("future", ["", "from __future__ import annotations\n"])
def test_each_form_gives_the_same_type(future: str, monkeypatch: pytest.MonkeyPatch) -> None:
    author = module(future + PLAIN, monkeypatch)
    for owner, names in (
        (author.Owner, ["config", "quoted", "twice"]),
        (author.function, ["params", "other"]),
    ):
        found = own_annotations(owner)
        assert list(found) == names
        for name in names:
            assert evaluate_annotation(found[name], owner) is author.Config, name
    assert config_type(author.Owner) is author.Config


def test_what_has_no_annotations_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    author = module("class Base:\n    x: int\nclass Owner(Base): pass\n", monkeypatch)
    assert dict(own_annotations(author.Owner)) == {}
    assert dict(own_annotations(object)) == {}
    assert dict(own_annotations(len)) == {}


@pytest.mark.skipif(sys.version_info < (3, 14), reason="a NameError where the class is made")
def test_an_unknown_name_does_not_hide_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "class Config: pass\nclass Owner:\n    config: Config\n    other: NotThere\n"
    author = module(text, monkeypatch)
    assert config_type(author.Owner) is author.Config
    with pytest.raises(NameError, match="NotThere"):
        evaluate_annotation(own_annotations(author.Owner)["other"], author.Owner)


@pytest.mark.parametrize("annotation", ["'NotThere'", "NotThere"])
def test_an_unknown_config_is_named(annotation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"from __future__ import annotations\nclass Owner:\n    config: {annotation}\n"
    author = module(text, monkeypatch)
    with pytest.raises(NameError, match="NotThere"):
        config_type(author.Owner)


@pytest.mark.parametrize("future", ["", "from __future__ import annotations\n"])
def test_the_fields_of_an_entry_are_read(future: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.TableEntry", TableEntry, raising=False)
    text = future + "class Base(TableEntry):\n    pid: int\nclass Entry(Base):\n    comm: str\n"
    author = module(text.replace("int", "'falcokit.i64'"), monkeypatch)
    vars(author)["falcokit"] = __import__("falcokit")
    assert [field.attribute for field in entry_fields(author.Entry)] == ["pid", "comm"]


def test_init_pays_for_no_tool_that_reads_annotations() -> None:
    code = (
        "import sys, falcokit.runtime.base.annotations as a\n"
        "class C:\n    x: int\n"
        "a.own_annotations(C)\n"
        "sys.exit(','.join({'inspect', 'annotationlib'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True,
                          check=False, env={"PYTHONPATH": ":".join(sys.path)})  # fmt: skip
    assert done.returncode == 0, done.stderr
