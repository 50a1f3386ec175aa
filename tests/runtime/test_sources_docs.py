# SPDX-License-Identifier: Apache-2.0
"""The examples of docs/sources.md are plugins that pass the checks of the build and give events."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

import pytest

from falcokit import Plugin
from falcokit.build.check_plugin import check_plugin
from falcokit.testing import start_plugin

pytestmark = pytest.mark.python

_PAGE = Path(__file__).parent.parent.parent / "docs" / "sources.md"
_BLOCKS = re.findall(r"^```python\n(.*?)^```$", _PAGE.read_text(), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize(
    "code", _BLOCKS, ids=lambda code: re.findall(r"class (\w+)\(Plugin", code)[0]
)
def test_an_example_gives_events(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("source_docs_example")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(code, str(_PAGE), "exec"), module.__dict__)
    (plugin,) = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Plugin) and value is not Plugin
    ]
    assert check_plugin(plugin).capabilities == ("source",)
    with start_plugin(plugin) as running, running.open("") as source:
        events = source.events(limit=3)
        assert len(events) == 3
        if running.list_open_params():
            assert running.event_to_string(events[0]) == "3 to go"
    assert not [m for m in running.logs if m.severity in {"error", "warning"}]
    for name, value in vars(module).items():
        if name.startswith("test_"):
            value()


def test_there_are_examples() -> None:
    assert len(_BLOCKS) == 5
