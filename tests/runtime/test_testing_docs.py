# SPDX-License-Identifier: Apache-2.0
"""The examples of docs/testing.md, as one project whose tests pass."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from only_pytest import run_tests

if TYPE_CHECKING:
    from conftest import RealHost

pytestmark = pytest.mark.python

PAGE = Path(__file__).parents[2] / "docs" / "testing.md"
FILES = re.findall(r"^```\w+\n# (\S+/\S+)\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)


@pytest.mark.host
def test_the_examples_are_a_project_that_passes(
    tmp_path: Path, real_host: RealHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(FILES) == 9
    for name, text in FILES:
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    (tmp_path / "pyproject.toml").write_text(
        '[tool.falcokit]\nplugin = "visits:Visits"\n'
        '[tool.pytest.ini_options]\npythonpath = ["src"]\ntestpaths = ["tests"]\n'
    )
    monkeypatch.setenv("PYTEST_ADDOPTS", "--update-golden")
    run_tests(tmp_path)
    monkeypatch.delenv("PYTEST_ADDOPTS")
    assert "the rule 'Somebody again' gave no alert" in PAGE.read_text()
    stored = tmp_path / "tests" / "golden" / "test_replay" / "test_a_capture.json"
    stored.write_text(stored.read_text().replace('"visits.count": 2', '"visits.count": 3'))
    with pytest.raises(AssertionError, match=r"visits\.count"):
        run_tests(tmp_path)
