# SPDX-License-Identifier: Apache-2.0
"""The fields that a class declares, as the framework reads them.

The type and the argument of a field come from the signature of its method, or from the declaration
of a JSON field.
"""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NamedTuple, cast, get_args

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
from falcokit.runtime.extract.capability import (
    Declared,
    FieldExtraction,
    FieldValue,
    declared_fields,
)
from falcokit.runtime.json import field as json_fields

if TYPE_CHECKING:
    from collections.abc import Callable

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
            what = f"has the field {attribute} but does not inherit FieldExtraction"
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
        where = "not an attribute of a class"
        if field.owner is not None:
            where = f"an attribute of {field.owner.__name__}, which is not a plugin"
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


def _shape(plugin: type[Any], attribute: str, field: Any) -> _Shape:
    if not isinstance(field, Declared):
        return _Shape(field.ftype, field.is_list, field.arg or "", field.arg_required)
    function = getattr(plugin, attribute)
    if not callable(function):
        what = f"has the field {field.name!r} that is not a method"
        wrong(plugin, attribute, what, "define it with def")
    try:
        return _shape_of(function)
    except _SignatureError as e:
        wrong(plugin, attribute, f"has the field {field.name!r}, whose method {e}", e.hint)


def _types(plugin: type[Any]) -> tuple[int, ...]:
    given = plugin.extract_event_types
    if given is None:
        return (PLUGIN_EVENT, *((ASYNC_EVENT,) if issubclass(plugin, AsyncEvents) else ()))
    try:
        return tuple(event_codes(given))
    except (TypeError, ValueError) as e:
        hint = 'names or codes: ("openat", 322); () for every event of a system call'
        wrong(plugin, "extract_event_types", f"has invalid extract_event_types: {e}", hint)


_NAMES: Final = {
    ("builtins", "int"): "uint64",
    ("builtins", "str"): "string",
    ("builtins", "bool"): "bool",
    ("datetime", "datetime"): "abstime",
    ("datetime", "timedelta"): "reltime",
    ("ipaddress", "IPv4Address"): "ipaddr",
    ("ipaddress", "IPv6Address"): "ipaddr",
    ("ipaddress", "IPv4Network"): "ipnet",
    ("ipaddress", "IPv6Network"): "ipnet",
    ("ipaddress", "IPv4Interface"): "ipnet",
    ("ipaddress", "IPv6Interface"): "ipnet",
}
_LISTS: Final = frozenset({list, tuple, Iterable, Iterator, Sequence})
_EVENT_AND_ARGUMENT: Final = 3  # parameters, with self


class _SignatureError(Exception):
    """An invalid signature for a field; the text says what is wrong, `hint` what is valid."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


class _Shape(NamedTuple):
    """The type and the argument of a field; `argument` is a key of _ARGUMENTS."""

    ftype: str
    is_list: bool = False
    argument: str = ""
    required: bool = False
    has_offsets: bool = False


def _shape_of(function: Callable[..., Any]) -> _Shape:
    """Return the shape of a field from the signature of its method.

    Raises:
        _SignatureError: it is not valid for a field.

    """
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise _SignatureError("is async, and Falco's thread would not wait", "write a plain method")
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except (NameError, TypeError, AttributeError, SyntaxError) as e:
        raise _SignatureError(
            f"has annotations that cannot be read: {e}",
            "its types must exist when the module is imported, not only under TYPE_CHECKING",
        ) from None
    if "return" not in hints:
        raise _SignatureError("does not say what it returns", _TYPES)
    argument, required = _argument(function, hints)
    return _returned(hints["return"])._replace(argument=argument, required=required)


_TYPES: Final = "-> int, str, bool, AbsTime, RelTime, IpAddr, IpNet, or a list of one, or None"


def _returned(hint: Any) -> _Shape:
    values = _without_none(hint)
    shapes = {_single(value, hint) for value in values}
    if len(shapes) != 1:
        raise _SignatureError(f"returns {_hint_text(hint)}, which is not one type", _TYPES)
    return shapes.pop()


def _single(value: Any, whole: Any, *, inside: bool = False) -> _Shape:
    origin, arguments = typing.get_origin(value), typing.get_args(value)
    if origin is Annotated and arguments[-1] in get_args(FieldType):
        return _Shape(arguments[-1])
    if origin is FieldValue or value is FieldValue:
        found = _returned(arguments[0]) if arguments else None
        if found is None or found.is_list or found.has_offsets:
            raise _SignatureError(
                f"returns {_hint_text(whole)}", "-> FieldValue[str], or a list of them"
            )
        return found._replace(has_offsets=True)
    if origin in _LISTS and not inside:
        elements = [a for a in arguments if a is not Ellipsis]
        inner = {
            _single(value, whole, inside=True)
            for element in elements
            for value in _without_none(element, inside=True)
        }
        if len(inner) == 1:
            return inner.pop()._replace(is_list=True)
    name = _NAMES.get((getattr(value, "__module__", ""), getattr(value, "__name__", "")))
    if name is None:
        raise _SignatureError(f"returns {_hint_text(whole)}, which no field can be", _TYPES)
    return _Shape(name)


def _without_none(hint: Any, *, inside: bool = False) -> list[Any]:
    if typing.get_origin(hint) in {typing.Union, types.UnionType}:
        values = list(typing.get_args(hint))
        if type(None) in values and inside:
            raise _SignatureError("returns a list with None in it", "omit missing values")
        return [value for value in values if value is not type(None)]
    return [hint]


def _argument(function: Callable[..., Any], hints: dict[str, Any]) -> tuple[str, bool]:
    parameters = list(inspect.signature(function).parameters.values())
    plain = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
    if len(parameters) not in {_EVENT_AND_ARGUMENT - 1, _EVENT_AND_ARGUMENT} or any(
        p.kind not in plain for p in parameters
    ):
        raise _SignatureError(
            f"takes {inspect.signature(function)}",
            "(self, event), (self, event, key: str), or (self, event, index: int)",
        )
    if len(parameters) < _EVENT_AND_ARGUMENT:
        return "", False
    parameter = parameters[2]
    required = parameter.default is inspect.Parameter.empty
    given = typing.get_args(hints.get(parameter.name)) or (hints.get(parameter.name),)
    kinds = set(given) - {type(None)}
    kind = {frozenset({str}): "key", frozenset({int}): "index"}.get(frozenset(kinds))
    if kinds == {str, int}:
        kind = "index_or_key"
    if kind is None:
        raise _SignatureError(
            f"has an argument {parameter.name!r} that is neither key nor index",
            "annotate it with str (a key), int (an index), or int | str (either)",
        )
    if {parameter.name, kind} == {"key", "index"}:
        raise _SignatureError(
            f"has an argument named {parameter.name!r} whose type says {kind}",
            "str is a key and int an index: change the annotation, or the name",
        )
    if required and type(None) in given:
        raise _SignatureError(
            f"has an argument {parameter.name!r} that may be None, but has no default",
            f"{parameter.name}: ... | None = None, if it is optional",
        )
    return kind, required


def _hint_text(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) else str(hint)
