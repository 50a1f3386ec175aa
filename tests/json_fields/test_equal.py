# SPDX-License-Identifier: Apache-2.0
"""C and Python answer alike: over random documents, damaged ones, declarations and arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from json_fields.native_fields import in_python
from json_fields.strategies import arguments, documents, fields

if TYPE_CHECKING:
    from json_fields.native_fields import NativeFields

    from falcokit.runtime.json_fields import JsonField

RELAXED = settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
EVENT = {"ts_ns": 2**63 + 5, "number": 7, "source": "some_source"}


@RELAXED
@given(documents, st.lists(st.tuples(fields(), arguments), min_size=1, max_size=4))
def test_fields_of_one_event_are_what_python_finds(
    native: NativeFields, payload: bytes, asked: list[tuple[JsonField, int | str | None]]
) -> None:
    native.begin(payload, **EVENT)
    for field, arg in asked:
        assert native.run(field, arg, offsets=True) == in_python(field, payload, arg, **EVENT)
