# SPDX-License-Identifier: Apache-2.0
"""The fields that a class declares, as the framework reads them."""

from __future__ import annotations

import re
from typing import Any, Final

from falcokit.build.check import strings, wrong
from falcokit.errors import PluginDefinitionError
from falcokit.runtime.async_event.capability import AsyncEvents
from falcokit.runtime.base.plugin import Plugin
from falcokit.runtime.event.event import ASYNC_EVENT, PLUGIN_EVENT
from falcokit.runtime.event.event_types import event_codes
from falcokit.runtime.extract.capability import Declared, declared_fields
from falcokit.runtime.extract.field_types import FTYPES, Shape, SignatureError, json_shape, shape_of
from falcokit.runtime.json import field as json_fields

__all__ = ["HOOKS", "HOST_WORDS", "check_recorded", "extract_metadata", "record"]

#: The capability has no hooks: its fields are what the framework asks for.
HOOKS: Final[dict[str, list[str]]] = {}
_NO_FIELDS: Final[dict[str, Any]] = {
    "fields": [],
    "extract_event_types": [],
    "extract_event_sources": [],
    "has_offsets": False,
}
#: What the framework's filter language takes for a field.
_NAME: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9_]*(\.[a-zA-Z][a-zA-Z0-9_]*)+")
_PROPERTIES: Final = frozenset({"hidden", "info", "conversation"})
#: First words of the framework's own fields. It takes the longest of its fields that a name begins
#: with, before it asks a plugin: fd.names would be fd.name, and each version adds some.
HOST_WORDS: Final = frozenset(
    {"evt", "fd", "fdlist", "fs", "group", "proc", "syscall", "thread", "user"}
)
#: Bits of fk_field_metadata.argument.
_ARGUMENTS: Final = {"": 0, "index": 1, "key": 2, "index_or_key": 3}


def extract_metadata(plugin: type[Any], *, extracts: bool) -> dict[str, Any]:
    """Return `fields`, `extract_event_types`, `extract_event_sources` and `has_offsets`.

    Args:
        plugin: The class.
        extracts: Whether it has the capability; without it, it may not have fields.

    Raises:
        PluginDefinitionError: the framework would refuse a field, or it could never have a value.

    """
    declared = declared_fields(plugin)
    if not extracts:
        for attribute in declared:
            what = f"has a field {attribute} that nobody asks for"
            wrong(plugin, attribute, what, "add FieldExtraction to the bases of the class")
        return _NO_FIELDS
    if not declared:
        hint = '@field("my.field", desc="...") above a method'
        wrong(plugin, None, "has no fields to extract", hint)
    fields: list[dict[str, Any]] = []
    seen: dict[str, str] = {}
    for attribute, field in declared.items():
        _check(plugin, attribute, field)
        if field.name in seen:
            what = f"has the field {field.name!r} twice: {seen[field.name]} has it already"
            wrong(plugin, attribute, what, "each field has a name of its own")
        seen[field.name] = attribute
        fields.append(_entry(plugin, attribute, field))
    return {
        "fields": fields,
        "extract_event_types": _types(plugin),
        "extract_event_sources": strings(plugin, "extract_event_sources"),
        "has_offsets": any(field["has_offsets"] for field in fields),
    }


def record() -> None:
    """Have fields recorded that are declared from now on: before the author's class is imported."""
    json_fields.recorded = []


def check_recorded(folder: str) -> None:
    """Check that each declared field of the author's is an attribute of a plugin class.

    Raises:
        PluginDefinitionError: one is not, and so no rule could ask for it.

    """
    plugins = _subclasses(Plugin)
    for field in json_fields.recorded or ():
        file, line = field.place
        owned = field.owner is not None and any(issubclass(p, field.owner) for p in plugins)
        if owned or not file.startswith(folder):
            continue
        if any(field is found for p in plugins for found in declared_fields(p).values()):
            continue  # by setattr
        where = "no attribute of a class"
        if field.owner is not None:
            where = f"an attribute of {field.owner.__name__}, which is no plugin"
        raise PluginDefinitionError(
            f"the field {field.name!r} is {where}: no rule can ask for it",
            hint=f"name = {field!r} in the body of the plugin class, with a name of its own",
            file=file,
            line=line,
        )


def _subclasses(cls: type[Any]) -> list[type[Any]]:
    return [found for sub in cls.__subclasses__() for found in (sub, *_subclasses(sub))]


def _check(plugin: type[Any], attribute: str, field: Any) -> None:
    name = field.name
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        hint = 'a word, a dot, and words: "my.field"; letters, digits and _, a letter first'
        wrong(plugin, attribute, f"has a field named {name!r}, which no rule can ask for", hint)
    word = name.partition(".")[0]
    if word in HOST_WORDS or word.startswith("arg"):
        hint = "begin it with the name of the plugin"
        own = "everything that begins with arg" if word not in HOST_WORDS else word
        what = f"has the field {name!r}, and {own} is the framework's: no rule can ask for it"
        wrong(plugin, attribute, what, hint)
    if not isinstance(field.desc, str) or not field.desc.strip():
        hint = "desc=..., or a docstring: the framework refuses a plugin otherwise"
        wrong(plugin, attribute, f"has the field {name!r} without a description", hint)
    unknown = sorted(set(field.properties) - _PROPERTIES)
    if unknown:
        hint = f"one of {', '.join(sorted(_PROPERTIES))}"
        wrong(plugin, attribute, f"has the field {name!r} with property {unknown[0]!r}", hint)
    for text in (field.desc, field.display):
        if text is not None and (not isinstance(text, str) or "\0" in text):
            wrong(plugin, attribute, f"describes the field {name!r} by {text!r}", "text")


def _entry(plugin: type[Any], attribute: str, field: Any) -> dict[str, Any]:
    """Return what the framework reads of a field (`json`), and what the glue needs."""
    shape = _shape(plugin, attribute, field)
    argument = None
    if shape.argument:
        argument = {
            **({"isRequired": True} if shape.required else {}),
            **({"isIndex": True} if shape.argument in {"index", "index_or_key"} else {}),
            **({"isKey": True} if shape.argument in {"key", "index_or_key"} else {}),
        }
    return {
        "json": {
            "name": field.name,
            "type": shape.ftype,
            "isList": shape.is_list,
            "arg": argument,
            **({"display": field.display} if field.display else {}),
            "desc": field.desc,
            **({"addOutput": True} if field.output else {}),
            **({"properties": list(field.properties)} if field.properties else {}),
        },
        "attribute": attribute,
        "program": None if isinstance(field, Declared) else field.program.hex(),
        "argument": _ARGUMENTS[shape.argument],
        "required": shape.required,
        "has_offsets": shape.has_offsets,
    }


def _shape(plugin: type[Any], attribute: str, field: Any) -> Shape:
    if not isinstance(field, Declared):
        return json_shape(field)
    function = getattr(plugin, attribute)
    if not callable(function):
        wrong(plugin, attribute, f"has a field {field.name!r} that is no method", "def it")
    try:
        shape = shape_of(function)
    except SignatureError as e:
        wrong(plugin, attribute, f"has the field {field.name!r}, whose method {e}", e.hint)
    if shape.ftype not in FTYPES:
        raise AssertionError(shape)
    return shape


def _types(plugin: type[Any]) -> list[int]:
    given = plugin.extract_event_types
    if given is None:
        return [PLUGIN_EVENT, *([ASYNC_EVENT] if issubclass(plugin, AsyncEvents) else [])]
    try:
        return list(event_codes(given))
    except (TypeError, ValueError) as e:
        hint = 'names or codes: ("openat", 322); () for every event of a system call'
        wrong(plugin, "extract_event_types", f"has extract_event_types that are wrong: {e}", hint)
