# SPDX-License-Identifier: Apache-2.0
"""Owns the plugin of the recorded answers, on whose events the tests of rules run."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from golden_fields import GoldenFields, Goldens, start_plugin

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def golden() -> Iterator[GoldenFields]:
    with start_plugin(Goldens, capture=False) as running:
        yield GoldenFields(running)


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The recorded Falco ran where the local time is UTC."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
