# SPDX-License-Identifier: Apache-2.0
"""What a wrong class is told when it is built: each sentence, at the line that is to change."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from plugin_metadata import as_json

from falcokit.build.build_project import describe_project
from falcokit.errors import PluginDefinitionError
from falcokit.project.settings import Project

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.python, pytest.mark.usefixtures("forked")]

HEAD = """\
from __future__ import annotations
import dataclasses, msgspec, os, sys
from falcokit import AsyncEvents, EventParsing, Plugin, async_event

"""
#: Where each text begins in the module.
_FIRST = HEAD.count("\n") + 1

# text of the module, line counted from the text's first, what is said of it, hint
WRONG = {
    "no capability": (
        "class P(Plugin): pass",
        1,
        "P has no capability",
        "add EventSource or FieldExtraction or AsyncEvents or EventParsing",
    ),
    "bad name": (
        "class P(Plugin, AsyncEvents):\n    x = 1\n    name = 'My Plugin'",
        3,
        "P has the name 'My Plugin', which Falco's tools refuse",
        "lower case letters",
    ),
    "bad version": (
        "class P(Plugin, AsyncEvents):\n    version: str = '1.0'",
        2,
        "P has the version '1.0'",
        "x.y.z",
    ),
    "NUL in the description": (
        "class P(Plugin, AsyncEvents):\n    description = 'a\\0b'",
        2,
        "P has the description 'a\\x00b'",
        "a str without NUL",
    ),
    "contact that is no text": (
        "class P(Plugin, AsyncEvents):\n    contact = 7",
        2,
        "P has the contact 7",
        "a str without NUL",
    ),
    "no contact": (
        "class P(Plugin, AsyncEvents): pass",
        1,
        "P has no contact",
        "in the class, or in [project] of pyproject.toml",
    ),
    "config that JSON cannot hold": (
        "class P(Plugin, AsyncEvents):\n    config: complex",
        2,
        "P has a config that JSON cannot describe",
        "msgspec.Struct, a dataclass, or str",
    ),
    "config of an unknown type": (
        "class P(Plugin, AsyncEvents):\n    config: Missing",
        2,
        "P has a config that JSON cannot describe: name 'Missing' is not defined",
        "msgspec.Struct, a dataclass, or str",
    ),
    "config that is a list": (
        "class P(Plugin, AsyncEvents):\n    config: list[int]",
        2,
        "P has a config that JSON cannot describe",
        "msgspec.Struct, a dataclass, or str",
    ),
    "async hook": (
        "class P(Plugin, AsyncEvents):\n    async def start_async(self, handler): pass",
        2,
        "P defines start_async as async, and Falco does not await it",
        "@async_event(name)",
    ),
    "hook with too few arguments": (
        "class P(Plugin, AsyncEvents):\n    x = 1\n    def start_async(self): pass",
        3,
        "P defines start_async, which Falco cannot call: too many positional arguments",
        "def start_async(self, handler)",
    ),
    "hook with too many arguments": (
        "class P(Plugin, AsyncEvents):\n    def init(self, config): pass",
        2,
        "P defines init, which Falco cannot call: missing a required argument: 'config'",
        "def init(self)",
    ),
    "names that are one text": (
        "class P(Plugin, AsyncEvents):\n    async_events = 'tick'",
        2,
        "P has async_events that is not a tuple of names",
        "async_events = ('tick',)",
    ),
    "names that are no text": (
        "class P(Plugin, AsyncEvents):\n    async_events = (1,)",
        2,
        "P has async_events that is not a tuple of names",
        "a tuple of str",
    ),
    "sources that are one text": (
        (
            "class P(Plugin, AsyncEvents):\n    async_event_sources = 'syscall'\n"
            "    @async_event('a', every=1)\n    def a(self): pass"
        ),
        2,
        "P has async_event_sources that is not a tuple of names",
        "async_event_sources = ('syscall',)",
    ),
    "no names": (
        "class P(Plugin, AsyncEvents):\n    def start_async(self, h): pass",
        1,
        "P declares no async events",
        "the framework refuses every name not listed",
    ),
    "long name": (
        "class P(Plugin, AsyncEvents):\n    async_events = ('a', 'b' * 32)",
        2,
        f"P declares the async event '{'b' * 32}' of 32 bytes",
        "1 to 31 bytes and no NUL",
    ),
    "long name of a producer": (
        (
            "class P(Plugin, AsyncEvents):\n    async_events = ('a',)\n\n"
            "    @async_event('b' * 32, every=1)\n    def produce(self): pass"
        ),
        5,
        f"P declares the async event '{'b' * 32}' of 32 bytes",
        "1 to 31 bytes and no NUL",
    ),
    "producer without an interval": (
        "class P(Plugin, AsyncEvents):\n    @async_event('a')\n    def produce(self): pass",
        3,
        "P has a producer without an interval",
        "every=1.0",
    ),
    "producer with a negative interval": (
        (
            "class P(Plugin, AsyncEvents):\n    @async_event('a', every=-1)\n"
            "    def produce(self): pass"
        ),
        3,
        "P has a producer with every <= 0",
        "seconds > 0",
    ),
    "nothing that emits": (
        "class P(Plugin, AsyncEvents):\n    async_events = ('a',)",
        1,
        "P has nothing that emits its async events",
        "write start_async",
    ),
    "no parse_event": (
        "class P(Plugin, EventParsing): pass",
        1,
        "P has no parse_event",
        "def parse_event(self, event)",
    ),
    "an event that there is not": (
        (
            "class P(Plugin, EventParsing):\n    parse_event_types = ('opena',)\n"
            "    def parse_event(self, event): pass"
        ),
        2,
        "P has invalid parse_event_types: there is no event 'opena': open",
        'names or codes: ("openat", "asyncevent", 322)',
    ),
    "no event to parse": (
        (
            "class P(Plugin, EventParsing):\n    parse_event_types = ()\n"
            "    def parse_event(self, event): pass"
        ),
        2,
        "P parses events of no type",
        'name them: ("openat", "asyncevent")',
    ),
    "an API that does not exist": (
        (
            "class P(Plugin, EventParsing):\n    required_api_version = '3.13.0'\n"
            "    def parse_event(self, event): pass"
        ),
        2,
        "P requires the plugin API '3.13.0'",
        "3.0.0 to 3.12.0",
    ),
    "an API too old for set_config": (
        (
            "class P(Plugin, EventParsing):\n    required_api_version = '3.4.0'\n"
            "    def parse_event(self, event): pass\n    def set_config(self, config): pass"
        ),
        2,
        "P has set_config",
        "needs at least 3.5.0",
    ),
    "an attribute of a base": (
        "class Base(Plugin, AsyncEvents):\n    name = 'UPPER'\n\nclass P(Base): pass",
        2,
        "P has the name 'UPPER', which Falco's tools refuse",
        "lower case letters",
    ),
    "a syntax error": ("class P(Plugin:\n    pass", 1, "SyntaxError", None),
    "an import that fails": (
        "x = 1\nimport no_module_of_that_name",
        2,
        "importing the plugin failed: ModuleNotFoundError: No module named",
        "has no module no_module_of_that_name",
    ),
    "a module that raises deep inside": (
        "def deep():\n    return 1 / 0\n\ndeep()",
        2,
        "importing the plugin failed: ZeroDivisionError: division by zero",
        None,
    ),
    "a module that exits": (
        "print('noise on stdout')\nsys.exit('bye')",
        2,
        "importing the plugin failed: SystemExit: bye",
        None,
    ),
}


def _project(folder: Path, text: str, *, plugin: str = "wrong:P", contact: str = "") -> Project:
    (folder / "wrong.py").write_text(HEAD + text + "\n")
    return Project(
        root=folder, plugin=plugin, source_dir=folder, name="my-plugin", version="0.1.0",
        description="A plugin.", contact=contact or None,
    )  # fmt: skip


def _error(project: Project) -> PluginDefinitionError:
    with pytest.raises(PluginDefinitionError) as caught:
        describe_project(project)
    return caught.value


@pytest.mark.parametrize("case", WRONG)
def test_each_mistake_is_told_with_its_line(tmp_path: Path, case: str) -> None:
    text, line, said, hint = WRONG[case]
    contact = "" if case == "no contact" else "c@example.com"
    error = _error(_project(tmp_path, text, contact=contact))
    assert str(error).startswith(f"{tmp_path / 'wrong.py'}:{_FIRST + line - 1}: {said}")
    assert (error.file, error.line) == (str(tmp_path / "wrong.py"), _FIRST + line - 1)
    assert error.hint is None if hint is None else hint in (error.hint or "")


def test_a_module_that_is_not_there(tmp_path: Path) -> None:
    error = _error(_project(tmp_path, "", plugin="elsewhere:P"))
    assert "there is no module 'elsewhere'" in str(error)
    assert "'elsewhere:P'" in (error.hint or "")


def test_a_class_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    error = _error(_project(tmp_path, "class Other(Plugin): pass", plugin="wrong:P"))
    assert f"{tmp_path / 'wrong.py'}: class 'P' does not exist" in str(error)
    assert error.hint == "plugin classes of this module: Other"


def test_a_class_that_is_no_plugin(tmp_path: Path) -> None:
    error = _error(_project(tmp_path, "class P: pass"))
    assert "class 'P' is not a subclass of falcokit.Plugin" in str(error)


def test_a_module_that_ends_the_process(tmp_path: Path) -> None:
    error = _error(_project(tmp_path, "os._exit(3)"))
    assert "importing wrong:P ended the process: exit status 3" in str(error)


def test_what_a_module_prints_does_not_disturb(tmp_path: Path) -> None:
    text = (
        "print('{\"name\": \"noise\"}')\nos.write(1, b'more noise')\n"
        "class P(Plugin, EventParsing):\n    def parse_event(self, event): pass"
    )
    assert describe_project(_project(tmp_path, text, contact="c")).name == "my-plugin"


def test_the_project_gives_what_the_class_leaves_out(tmp_path: Path) -> None:
    text = (
        "class P(Plugin, AsyncEvents, EventParsing):\n    description = 'Its own.'\n"
        "    async_events = ('b', 'a', 'b')\n    async_event_sources = ('x',)\n"
        "    parse_event_sources = ('y', 'x')\n"
        "    @async_event('c', every=1)\n    def c(self): pass\n"
        "    def parse_event(self, event): pass"
    )
    found = as_json(describe_project(_project(tmp_path, text, contact="c@example.com")))
    assert (found["name"], found["version"]) == ("my-plugin", "0.1.0")
    assert (found["description"], found["contact"]) == ("Its own.", "c@example.com")
    assert found["capabilities"] == ["async", "parse"]
    assert found["async_events"] == ["b", "a", "c"]
    assert found["parse_event_types"] == [322, 402]
    assert found["parse_event_sources"] == ["x", "y"]
    assert (found["file"], found["line"]) == (str(tmp_path / "wrong.py"), _FIRST)
    assert found["executable"] == sys.executable


@pytest.mark.parametrize(
    ("answer", "at"),
    [
        ("[]", "Expected `object`, got `array`"),
        ("{}", "Object missing required field `type`"),
        ('{"type": "described", "metadata": {"name": 1}}', "$.metadata.name"),
        (
            '{"type": "failure", "message": "", "hint": null, "file": null, "line": 1, "a": 2}',
            "unknown field `a`",
        ),
    ],
)
def test_an_answer_of_another_form_is_one_error(tmp_path: Path, answer: str, at: str) -> None:
    command = [sys.executable, "-c", "import sys; print(sys.argv[1])", answer]
    with pytest.raises(PluginDefinitionError) as caught:
        describe_project(_project(tmp_path, "", contact="c"), command)
    assert "describing wrong:P gave no metadata" in caught.value.message
    assert at in caught.value.message
