# SPDX-License-Identifier: Apache-2.0
"""docs/hostile.md is what libsinsp sees of each hostile act in each hook; it dies of none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from acts import ACTS, HOOKS, PLUGIN, row

if TYPE_CHECKING:
    from conftest import WritePlugin
    from drivers import Plughost

_PAGE = Path(__file__).parents[2] / "docs" / "hostile.md"


def _documented() -> dict[str, dict[str, str]]:
    """Return the page's table: act -> hook -> what the host sees."""
    lines = [line for line in _PAGE.read_text().splitlines() if line.startswith("|")]
    head, _, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in lines)
    return {
        act: {cells[0].strip("`"): cells[column] for cells in rows}
        for column, act in enumerate(head)
        if column
    }


@pytest.mark.host
@pytest.mark.once
@pytest.mark.parametrize("act", list(ACTS))
def test_what_the_host_sees_of_an_act_is_what_the_page_says(
    plughost: Plughost, hasty: WritePlugin, tmp_path: Path, act: str
) -> None:
    """B12"""
    assert list(_documented()) == list(ACTS)
    assert list(_documented()[act]) == list(HOOKS)
    assert row(plughost.raw, hasty(PLUGIN, name="acts"), act, tmp_path) == _documented()[act]
