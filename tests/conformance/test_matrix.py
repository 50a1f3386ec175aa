# SPDX-License-Identifier: Apache-2.0
"""docs/conformance.md is what the tests say of themselves, and no row is without a test."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools.conformance_matrix import PAGE

_ROOT = Path(__file__).parents[2]
_CODE = "import sys; from tools.conformance_matrix import page; sys.stdout.write(page())"


@pytest.mark.once
def test_the_page_is_that_of_the_tests_and_each_row_has_some() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _CODE], cwd=_ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == PAGE.read_text()
    assert "| 0 |" not in done.stdout
