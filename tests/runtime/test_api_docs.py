# SPDX-License-Identifier: Apache-2.0
"""The examples of api.md and listening.md are plugins: they pass the build, run, and emit."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from falcokit import Plugin
from falcokit.build.check_plugin import check_plugin
from falcokit.testing import start_plugin

pytestmark = pytest.mark.python

_DOCS = Path(__file__).parent.parent.parent / "docs"
_PAGE = _DOCS / "api.md"
_TEXT = _PAGE.read_text() + (_DOCS / "listening.md").read_text()
_BLOCKS = re.findall(r"^```python\n(.*?)^```$", _TEXT, re.DOTALL | re.MULTILINE)


def _run(code: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    module = types.ModuleType("api_docs_example")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(code, str(_PAGE), "exec"), module.__dict__)
    return vars(module)


@pytest.mark.parametrize(
    "code", _BLOCKS, ids=lambda code: re.findall(r"class (\w+)\(Plugin", code)[0]
)
def test_an_example_runs_and_emits_every_event_it_declares(
    code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = _run(code, monkeypatch)
    (plugin,) = [
        value
        for value in names.values()
        if isinstance(value, type) and issubclass(value, Plugin) and value is not Plugin
    ]
    found = check_plugin(plugin)
    with start_plugin(plugin) as running:
        seen: set[str | None] = set()
        while seen != set(found.async_event.events):
            seen.add(running.next_event(timeout=10.0).name)
        if found.async_event.has_dump_state:
            assert running.dump_state()
    assert not [m for m in running.logs if m.severity in {"error", "warning"}]
    for name, value in names.items():
        if name.startswith("test_"):
            value()


def test_there_are_examples() -> None:
    assert len(_BLOCKS) >= 5
