# SPDX-License-Identifier: Apache-2.0
"""The order in which a capture opens: open, start_async, capture_open, and only then the source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from author import plugin

if TYPE_CHECKING:
    from conftest import WritePlugin
    from source_drivers import Read

ORDERED = plugin("source_order")

_OPENING = "open start_async capture_open"


@pytest.mark.parametrize("form", ["generator", "asynchronous", "iterator"])
def test_the_first_step_comes_when_the_capture_is_open(
    read: Read, write_plugin: WritePlugin, form: str
) -> None:
    """S1, A3, L1"""
    (event,) = read(write_plugin(ORDERED), form).events
    # In a test of the author's the capture is open already when the test opens the source.
    opening = "start_async capture_open open" if read.name == "in_process" else _OPENING
    assert event.data.decode() == f"{opening} first step"


CLOSED = plugin("source_not_opened")


@pytest.mark.drivers("runner", "plughost")
def test_a_source_whose_capture_does_not_open_never_runs(
    read: Read, write_plugin: WritePlugin
) -> None:
    """S1, A3"""
    out = read(write_plugin(CLOSED))
    assert "start_async: ValueError: no start" in out.error
    assert out.said("it was closed")
    assert not out.said("it ran")
