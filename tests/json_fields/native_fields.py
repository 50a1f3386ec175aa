# SPDX-License-Identifier: Apache-2.0
"""What the C evaluator and the reference in Python answer, in one form."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

from json_fields import reference

from falcokit.runtime.base.errors import PluginError
from falcokit.testing._json import C_FILES, FLAGS, PAYLOAD_OFFSET, Answer, FieldEvaluator, Found

if TYPE_CHECKING:
    from falcokit.runtime.json.field import JsonField

__all__ = ["C_FILES", "FLAGS", "PAYLOAD_OFFSET", "Answer", "Found", "NativeFields", "in_python"]


class NativeFields(FieldEvaluator):
    """The evaluator in C, with what the tests alone do to it."""

    def limit(self, steps: int) -> None:
        """Let runs do so much, and one more step for each byte of the payload."""
        self.lib.fk_jdoc_limit(self.doc, ctypes.c_uint32(steps))

    def free(self, program: Any) -> None:
        self.lib.fk_jprogram_free(program)

    def close(self) -> None:
        for program in self.programs.values():
            self.free(program)
        self.lib.fk_jdoc_free(self.doc)
        self.lib.fk_arena_free(ctypes.byref(self.arena))


def in_python(field: JsonField, payload: bytes, arg: int | str | None = None, **of: Any) -> Answer:
    """Answer by the reference."""
    try:
        return Answer(reference.evaluate(field, payload, arg=arg, **of))
    except PluginError as e:
        return Answer(error=str(e))
