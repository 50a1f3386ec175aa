# SPDX-License-Identifier: Apache-2.0
"""What the C evaluator and the reference in Python answer, in one form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from json_fields import reference

from falcokit.runtime.base.errors import PluginError
from falcokit.testing._json import C_FILES, FLAGS, PAYLOAD_OFFSET, Answer, FieldEvaluator

if TYPE_CHECKING:
    from falcokit.runtime.json.field import JsonField

__all__ = ["C_FILES", "FLAGS", "PAYLOAD_OFFSET", "Answer", "NativeFields", "in_python"]

NativeFields = FieldEvaluator


def in_python(field: JsonField, payload: bytes, arg: int | str | None = None, **of: Any) -> Answer:
    """Answer by the reference."""
    try:
        return Answer(reference.evaluate(field, payload, arg=arg, **of))
    except PluginError as e:
        return Answer(error=str(e))
