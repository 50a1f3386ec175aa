# SPDX-License-Identifier: Apache-2.0
"""docs/rules.md: its example runs and prints what it says, its tables have all codes."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "rules.md").read_text()
CODE = re.compile(r"\b(?:LOAD|CHECK)_[A-Z_]+[A-Z]\b")


def test_the_example_prints_what_it_says() -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "rules.md", "exec"), {})
    said = re.findall(r"^    # (.*)$", code, re.MULTILINE)
    assert printed.getvalue().splitlines() == [*said, "2"]


def test_the_tables_have_every_code() -> None:
    used = {
        code
        for file in (ROOT / "falcokit" / "rules").glob("*.py")
        for code in re.findall(r'"((?:LOAD|CHECK)_[A-Z_]+)"', file.read_text())
    }
    assert set(CODE.findall(PAGE.partition("## Loading")[2])) == used
