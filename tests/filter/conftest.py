# SPDX-License-Identifier: Apache-2.0
"""Owns the plugin of the recorded answers, whose fields the tests of conditions read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from golden_fields import GoldenFields, Goldens, start_plugin

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def golden() -> Iterator[GoldenFields]:
    with start_plugin(Goldens, capture=False) as running:
        yield GoldenFields(running)
