# SPDX-License-Identifier: Apache-2.0
"""The fields that a class declares, as the framework reads them."""

from __future__ import annotations

import re
from typing import Any, Final, Literal, cast, get_args

from falcokit.build.check import strings, wrong
from falcokit.build.metadata import (
    ExtractMetadata,
    FalcoField,
    FieldArgument,
    FieldMetadata,
    FieldType,
    Property,
)
from falcokit.errors import PluginDefinitionError
from falcokit.runtime.async_event.capability import AsyncEvents
from falcokit.runtime.base.plugin import Plugin
from falcokit.runtime.event.event import ASYNC_EVENT, PLUGIN_EVENT
from falcokit.runtime.event.event_types import event_codes
from falcokit.runtime.extract.capability import Declared, FieldExtraction, declared_fields
from falcokit.runtime.extract.field_types import Shape, SignatureError, json_shape, shape_of
from falcokit.runtime.json import field as json_fields

__all__ = ["HOST_WORDS", "check_extract", "check_recorded", "record"]

#: What the framework's filter language takes for a field.
_NAME: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9_]*(\.[a-zA-Z][a-zA-Z0-9_]*)+")
_PROPERTIES: Final = frozenset(get_args(Property))
#: First words of the framework's own fields. It takes the longest of its fields that a name begins
#: with, before it asks a plugin: fd.names would be fd.name, and each version adds some.
HOST_WORDS: Final = frozenset(
    {"evt", "fd", "fdlist", "fs", "group", "proc", "syscall", "thread", "user"}
)
#: Bits of fk_field_metadata.argument.
_ARGUMENTS: Final[dict[str, Literal[0, 1, 2, 3]]] = {"": 0, "index": 1, "key": 2, "index_or_key": 3}


def check_extract(plugin: type[Any]) -> ExtractMetadata:
    """Return the fields of a class; without the capability it may not have any.

    Raises:
        PluginDefinitionError: the framework would refuse a field, or it could never have a value.

    """
    declared = declared_fields(plugin)
    if not issubclass(plugin, FieldExtraction):
        for attribute in declared:
            what = f"has a field {attribute} that nobody asks for"
            wrong(plugin, attribute, what, "add FieldExtraction to the bases of the class")
        return ExtractMetadata()
    if not declared:
        hint = '@field("my.field", desc="...") above a method'
        wrong(plugin, None, "has no fields to extract", hint)
    fields: list[FieldMetadata] = []
    seen: dict[str, str] = {}
    for attribute, field in declared.items():
        _check(plugin, attribute, field)
        if field.name in seen:
            what = f"has the field {field.name!r} twice: {seen[field.name]} has it already"
            wrong(plugin, attribute, what, "each field has a name of its own")
        seen[field.name] = attribute
        fields.append(_described(plugin, attribute, field))
    return ExtractMetadata(
        fields=tuple(fields),
        event_types=_types(plugin),
        event_sources=strings(plugin, "extract_event_sources"),
        has_offsets=any(field.has_offsets for field in fields),
    )


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


def _described(plugin: type[Any], attribute: str, field: Any) -> FieldMetadata:
    shape = _shape(plugin, attribute, field)
    argument = None
    if shape.argument:
        argument = FieldArgument(
            is_required=shape.required,
            is_index=shape.argument in {"index", "index_or_key"},
            is_key=shape.argument in {"key", "index_or_key"},
        )
    return FieldMetadata(
        json=FalcoField(
            name=field.name,
            type=cast("FieldType", shape.ftype),
            is_list=shape.is_list,
            arg=argument,
            display=field.display or None,
            desc=field.desc,
            add_output=bool(field.output),
            properties=tuple(field.properties),
        ),
        attribute=attribute,
        program=None if isinstance(field, Declared) else field.program.hex(),
        argument=_ARGUMENTS[shape.argument],
        required=shape.required,
        has_offsets=shape.has_offsets,
    )


def _shape(plugin: type[Any], attribute: str, field: Any) -> Shape:
    if not isinstance(field, Declared):
        return json_shape(field)
    function = getattr(plugin, attribute)
    if not callable(function):
        wrong(plugin, attribute, f"has a field {field.name!r} that is no method", "def it")
    try:
        return shape_of(function)
    except SignatureError as e:
        wrong(plugin, attribute, f"has the field {field.name!r}, whose method {e}", e.hint)


def _types(plugin: type[Any]) -> tuple[int, ...]:
    given = plugin.extract_event_types
    if given is None:
        return (PLUGIN_EVENT, *((ASYNC_EVENT,) if issubclass(plugin, AsyncEvents) else ()))
    try:
        return tuple(event_codes(given))
    except (TypeError, ValueError) as e:
        hint = 'names or codes: ("openat", 322); () for every event of a system call'
        wrong(plugin, "extract_event_types", f"has extract_event_types that are wrong: {e}", hint)
