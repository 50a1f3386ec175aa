# SPDX-License-Identifier: Apache-2.0
"""docs/conformance.md is what the tests say of themselves, and no row is without a test."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_HERE = Path(__file__).parent


def test_the_page_is_that_of_the_tests_and_each_row_has_some() -> None:
    done = subprocess.run(
        [sys.executable, _HERE / "matrix.py"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == (_HERE.parent.parent / "docs" / "conformance.md").read_text()
    assert "| 0 |" not in done.stdout
