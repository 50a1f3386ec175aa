# SPDX-License-Identifier: Apache-2.0
"""The example of docs/tables-export.md is a plugin that works."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

import pytest

from falcokit.testing import start_plugin

pytestmark = pytest.mark.python

_PAGE = Path(__file__).parent.parent.parent / "docs" / "tables-export.md"


def test_the_example_exports_its_table(monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```$", _PAGE.read_text(), re.DOTALL | re.MULTILINE)
    module = types.ModuleType("tables_export_page")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(code, str(_PAGE), "exec"), module.__dict__)
    with start_plugin(module.Integrity) as running:
        hashes = running.plugin.hashes
        assert hashes["/etc/passwd"].seen == 2
        assert hashes["/etc/shadow"].readers[1000].times == 2
        assert len(running.logs) == 2
