# SPDX-License-Identifier: Apache-2.0
"""The init config: which type a plugin class declares, its JSON schema, and decoding.

The schema is needed at build time, the value in init and set_config. A plugin declares its config
by annotating `config` with a msgspec.Struct, a dataclass, or str; without an annotation it has
none. Keys that the type does not have are refused, unless it sets `allow_unknown_keys = True`:
msgspec silently drops them (for Structs unless they forbid them, for dataclasses always), so they
are found by walking the JSON and the decoded value in parallel.
"""

from __future__ import annotations

from typing import Any, Final

from falcokit.runtime.base.annotations import evaluate_annotation, own_annotations
from falcokit.runtime.base.errors import PluginError

__all__ = [
    "config_type",
    "decode_config",
    "decode_json",
    "init_schema",
]


def config_type(plugin: type) -> type | None:
    """Return the type that `config` is annotated with, or None.

    Raises:
        NameError: the annotation uses a name that the module does not define.

    """
    for cls in plugin.__mro__:
        if cls.__module__.startswith("falcokit."):
            continue
        annotation = evaluate_annotation(own_annotations(cls).get("config"), cls)
        if annotation is not None:
            return annotation  # type: ignore[no-any-return]
    return None


def decode_config(kind: type | None, text: str) -> Any:
    """Return the config value for the text from the framework; an empty JSON config is {}.

    Raises:
        PluginError: it is not JSON, or does not fit the type; the text says where.

    """
    if kind is None:
        return None
    if kind is str:
        return text
    # Falco passes an empty map in its YAML as "null".
    return decode_json(kind, "{}" if text.strip() == "null" else text, "init config")


def decode_json(kind: Any, text: str, what: str) -> Any:
    """Decode a JSON text into the type `kind`; an empty text is {}.

    Raises:
        PluginError: it is not JSON, or does not fit the type; the message begins with `what`.

    """
    import msgspec  # noqa: PLC0415  # plugins without a config need not import it

    text = text or "{}"
    try:
        value = msgspec.json.decode(text, type=kind)
        _check_keys(msgspec.json.decode(text), value)
    except (msgspec.ValidationError, _UnknownKeyError) as e:
        name, verb = getattr(kind, "__name__", kind), "do" if what[-1] == "s" else "does"
        raise PluginError(f"the {what} {verb} not fit {name}: {e}") from e
    except msgspec.DecodeError as e:
        verb = "are" if what[-1] == "s" else "is"
        raise PluginError(f"the {what} {verb} not valid JSON: {e}") from e
    return value


def _inline(node: Any, named: dict[str, Any], above: tuple[str, ...] = ()) -> Any:
    # Old and new hosts resolve "$ref" differently; all of them understand a schema without it.
    if isinstance(node, list):
        return [_inline(item, named, above) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        name = str(node["$ref"]).rpartition("/")[2]
        if name in above:
            return {"type": "object"}  # a recursive type: checked by the plugin itself
        rest = {key: value for key, value in node.items() if key != "$ref"}
        return {**_inline(named[name], named, (*above, name)), **rest}
    return {key: _inline(value, named, above) for key, value in node.items()}


def _classes(info: Any, seen: dict[int, Any]) -> None:
    """Collect the classes with named fields from msgspec.inspect's description of a type."""
    if id(info) in seen or not hasattr(info, "__struct_fields__"):
        return
    seen[id(info)] = info
    for name in info.__struct_fields__:
        inside = getattr(info, name)
        for each in inside if isinstance(inside, (tuple, list)) else (inside,):
            _classes(each, seen)


def _components(kind: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the schema of a type, and those of the classes in it, which allow no other keys."""
    import msgspec  # noqa: PLC0415
    import msgspec.inspect  # noqa: PLC0415

    seen: dict[int, Any] = {}
    _classes(msgspec.inspect.type_info(kind), seen)
    classes = [info.cls for info in seen.values() if hasattr(info, "fields")]
    template = "#/$defs/{name}"
    schemas, named = msgspec.json.schema_components([kind, *classes], ref_template=template)
    for cls, schema in zip(classes, schemas[1:], strict=True):
        component = named.get(str(schema.get("$ref")).rpartition("/")[2], {})
        if "properties" in component and not _allows_unknown(cls):
            component["additionalProperties"] = False
    return schemas[0], named


def init_schema(kind: type | None) -> dict[str, Any] | None:
    """Return the JSON schema of a config type, with titles, descriptions and defaults.

    Raises:
        TypeError: JSON cannot express the type.

    """
    if kind is None or kind is str:
        return None
    flat: dict[str, Any] = _inline(*_components(kind))
    if flat.get("type") != "object":
        raise TypeError(f"the config type {kind!r} is not a msgspec.Struct, dataclass or str")
    # Falco turns `init_config: {}` into null, which must pass its check; the plugin reads it as {}.
    flat["type"] = ["object", "null"]
    return {"$schema": "http://json-schema.org/draft-07/schema#", **flat}


_KEYS_SHOWN_MAX: Final = 20


class _UnknownKeyError(ValueError):
    """A key that the class does not have; the message has the key, its place and the valid keys."""


def _allows_unknown(kind: Any) -> bool:
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


def _check_keys(given: Any, value: Any, place: str = "$") -> None:
    """Refuse the first key in `given`, plain JSON, that the classes in `value` do not have.

    Raises:
        _UnknownKeyError: there is one.

    """
    if isinstance(given, list) and isinstance(value, (list, tuple)):
        for i, (inside, made) in enumerate(zip(given, value, strict=False)):
            _check_keys(inside, made, f"{place}[{i}]")
    if not isinstance(given, dict):
        return
    keys = _keys(value)
    if keys is not None:
        _check_object(given, value, keys, place)
    elif isinstance(value, dict) and len(value) == len(given):
        for (key, inside), made in zip(given.items(), value.values(), strict=True):
            _check_keys(inside, made, f"{place}.{key}")


def _check_object(given: dict[str, Any], value: Any, keys: dict[str, str], place: str) -> None:
    kind = type(value)
    tag = getattr(getattr(kind, "__struct_config__", None), "tag_field", None)
    for key, inside in given.items():
        if key in keys:
            _check_keys(inside, getattr(value, keys[key], None), f"{place}.{key}")
        elif key != tag and not _allows_unknown(kind):
            _refuse(key, place, keys, kind.__name__)


def _refuse(key: str, place: str, keys: dict[str, str], name: str) -> None:
    shown = ", ".join([*keys][:_KEYS_SHOWN_MAX]) + (", ..." if len(keys) > _KEYS_SHOWN_MAX else "")
    raise _UnknownKeyError(
        f"unknown key `{key}` - at `{place}`, where {name} has {shown or 'none'}"
        f" (allow_unknown_keys = True in {name} lets others pass)"
    )
