# SPDX-License-Identifier: Apache-2.0
"""The examples of docs/extraction.md work."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

_PAGE = Path(__file__).parents[2] / "docs" / "extraction.md"


def test_the_plugin_of_the_page_passes_the_test_of_the_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plugin, test = re.findall(
        r"^```python\n(.*?)^```$", _PAGE.read_text(), re.DOTALL | re.MULTILINE
    )
    module = types.ModuleType("extraction_page")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for code in (plugin, test):
        exec(compile(code, _PAGE.name, "exec"), module.__dict__)
    module.__dict__["test_status"]()
