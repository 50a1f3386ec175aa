# SPDX-License-Identifier: Apache-2.0
"""Each example passes its own tests, as its author would run them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from example_rules import EXAMPLES
from only_pytest import run_tests

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.python


TESTED = [folder for folder in sorted(EXAMPLES.iterdir()) if (folder / "tests").is_dir()]


@pytest.mark.parametrize("folder", TESTED, ids=lambda folder: folder.name)
def test_the_tests_of_an_example_pass(folder: Path) -> None:
    run_tests(folder)
