# SPDX-License-Identifier: Apache-2.0
"""Owns the compiled evaluator that the tests of JSON fields share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from json_fields.native_fields import C_FILES, FLAGS, NativeFields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import CompileC


@pytest.fixture(scope="session")
def native(compile_c: CompileC) -> Iterator[NativeFields]:
    fields = NativeFields(compile_c("libjson_fields.so", C_FILES, *FLAGS))
    yield fields
    fields.close()
