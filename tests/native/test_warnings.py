# SPDX-License-Identifier: Apache-2.0
"""The C of the glue compiles without a warning, each file by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from falcokit.native import ROOMS, SOURCES

if TYPE_CHECKING:
    from pathlib import Path


def test_the_glue_compiles_without_a_warning(glue_objects: dict[Path, Path]) -> None:
    assert set(glue_objects) == {file for room in ROOMS for file in (SOURCES / room).glob("*.c")}
