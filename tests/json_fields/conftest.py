# SPDX-License-Identifier: Apache-2.0
"""Owns the compiled evaluator that the tests of JSON fields share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from json_fields.native_fields import C_FILES, FLAGS, NativeFields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import CompileC


@pytest.fixture(scope="session", params=["vector", "portable"])
def native(compile_c: CompileC, request: pytest.FixtureRequest) -> Iterator[NativeFields]:
    """The evaluator with this processor's vector instructions, and with none."""
    flags = [*FLAGS, *(["-DFK_JPORTABLE"] if request.param == "portable" else [])]
    fields = NativeFields(compile_c(f"libjson_fields_{request.param}.so", C_FILES, *flags))
    yield fields
    fields.close()
