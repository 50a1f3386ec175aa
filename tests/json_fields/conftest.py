# SPDX-License-Identifier: Apache-2.0
"""Owns the compiled evaluator that the tests of JSON fields share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest
from json_fields.native_fields import C_FILES, FLAGS, Answer, NativeFields, in_python

from falcokit.toolchain.cache import key_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import CompileC, Shared

    from falcokit.runtime.json.field import JsonField

__all__ = ["Once"]


def _compiled(compile_c: CompileC, kind: str) -> NativeFields:
    # What is compared is one of them optimized and one not: that compiles sooner.
    flags = [*FLAGS, *(["-DFK_JPORTABLE", "-O0"] if kind == "portable" else [])]
    return NativeFields(compile_c(f"libjson_fields_{kind}.so", C_FILES, *flags))


@pytest.fixture(scope="session", params=["vector", "portable"])
def native(compile_c: CompileC, request: pytest.FixtureRequest) -> Iterator[NativeFields]:
    """The evaluator with this processor's vector instructions, and with none."""
    fields = _compiled(compile_c, request.param)
    yield fields
    fields.close()


@pytest.fixture(scope="session")
def both(compile_c: CompileC) -> Iterator[list[NativeFields]]:
    """Both of them, for examples that take longer to make and to answer in Python than in C."""
    kinds = [_compiled(compile_c, kind) for kind in ("vector", "portable")]
    yield kinds
    for fields in kinds:
        fields.close()


class Once(Protocol):
    """What Python answers, asked once for both evaluators, since it takes long."""

    def __call__(self, field: JsonField, payload: bytes) -> Answer: ...


@pytest.fixture
def once(shared: Shared) -> Once:
    def answer(field: JsonField, payload: bytes) -> Answer:
        key = key_of([field.ftype, field.program, payload])
        found: Answer = shared(f"answer-{key}", lambda _: in_python(field, payload))
        return found

    return answer
