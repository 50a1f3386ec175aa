# SPDX-License-Identifier: Apache-2.0
"""What declared fields mean, in plain Python: the C evaluator has to give the same values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from json_fields.reference.evaluate import Evaluation
from json_fields.reference.run import Event

from falcokit.runtime.base.errors import PluginError

if TYPE_CHECKING:
    from falcokit.runtime.json.field import JsonField

__all__ = ["evaluate"]

_UINT64 = 2**64


def evaluate(
    field: JsonField,
    payload: bytes,
    *,
    arg: int | str | None = None,
    ts_ns: int = 0,
    number: int = 0,
    source: str | None = None,
) -> Any:
    """Return the field's value, as `JsonField.evaluate` does."""
    index, key = _argument(field, arg)
    event = Event(payload, ts_ns=ts_ns, number=number, source=source)
    values = Evaluation(event, index=index, key=key).eval(field.expression)
    if not values:
        return None
    return values if field.is_list else values[0]


def _argument(field: JsonField, arg: int | str | None) -> tuple[int | None, str | None]:
    if arg is None:
        if field.arg_required:
            raise PluginError("the field needs an argument")
        return None, None
    if field.arg is None:
        raise PluginError("the field takes no argument")
    if field.arg == "index":
        if isinstance(arg, str):
            raise PluginError("the field's argument is an index")
        return arg, None
    if field.arg == "key":
        if isinstance(arg, int):
            raise PluginError("the field's argument is a key")
        return None, arg
    key = str(arg)
    plain = key.isascii() and key.isdigit() and (key == "0" or key[0] != "0")
    return (int(key) if plain and len(key) <= 20 and int(key) < _UINT64 else None), key
