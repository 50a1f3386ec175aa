# SPDX-License-Identifier: Apache-2.0
"""Unknown keys in a config: found by walking the JSON and the decoded value in parallel.

msgspec silently drops such keys (for Structs unless they forbid them, for dataclasses always), so
a misspelled key would go unnoticed.
"""

from __future__ import annotations

from typing import Any, Final

__all__ = ["UnknownKeyError", "allows_unknown", "check_keys"]

_KEYS_SHOWN_MAX: Final = 20


class UnknownKeyError(ValueError):
    """A key that the class does not have; the message has the key, its place and the valid keys."""


def allows_unknown(kind: Any) -> bool:
    """Return whether a class sets `allow_unknown_keys = True`, not as one of its fields."""
    allowed = getattr(kind, "allow_unknown_keys", False) is True  # a Struct's field is a descriptor
    return allowed and "allow_unknown_keys" not in _data_fields(kind)


def _data_fields(kind: Any) -> list[str]:
    """Return the names of a dataclass's fields, or of an attrs class's."""
    if hasattr(kind, "__dataclass_fields__"):
        import dataclasses  # noqa: PLC0415  # already loaded, since the class exists

        return [field.name for field in dataclasses.fields(kind)]
    return [field.name for field in getattr(kind, "__attrs_attrs__", ())]


def _keys(value: Any) -> dict[str, str] | None:
    """Return the keys that `value` may have in JSON and their attributes; None: any keys."""
    kind = type(value)
    if hasattr(kind, "__struct_encode_fields__"):
        return dict(zip(kind.__struct_encode_fields__, kind.__struct_fields__, strict=True))
    if not hasattr(kind, "__dataclass_fields__") and not hasattr(kind, "__attrs_attrs__"):
        return None
    return {name: name for name in _data_fields(kind)}


def check_keys(given: Any, value: Any, place: str = "$") -> None:
    """Refuse the first key in `given`, plain JSON, that the classes in `value` do not have.

    Raises:
        UnknownKeyError: there is one.

    """
    if isinstance(given, list) and isinstance(value, (list, tuple)):
        for i, (inside, made) in enumerate(zip(given, value, strict=False)):
            check_keys(inside, made, f"{place}[{i}]")
    if not isinstance(given, dict):
        return
    keys = _keys(value)
    if keys is not None:
        _check_object(given, value, keys, place)
    elif isinstance(value, dict) and len(value) == len(given):
        for (key, inside), made in zip(given.items(), value.values(), strict=True):
            check_keys(inside, made, f"{place}.{key}")


def _check_object(given: dict[str, Any], value: Any, keys: dict[str, str], place: str) -> None:
    kind = type(value)
    tag = getattr(getattr(kind, "__struct_config__", None), "tag_field", None)
    for key, inside in given.items():
        if key in keys:
            check_keys(inside, getattr(value, keys[key], None), f"{place}.{key}")
        elif key != tag and not allows_unknown(kind):
            _refuse(key, place, keys, kind.__name__)


def _refuse(key: str, place: str, keys: dict[str, str], name: str) -> None:
    shown = ", ".join([*keys][:_KEYS_SHOWN_MAX]) + (", ..." if len(keys) > _KEYS_SHOWN_MAX else "")
    raise UnknownKeyError(
        f"unknown key `{key}` - at `{place}`, where {name} has {shown or 'none'}"
        f" (allow_unknown_keys = True in {name} lets others pass)"
    )
