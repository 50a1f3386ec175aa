# SPDX-License-Identifier: Apache-2.0
"""Derives the type and argument of a field from the signature of its @field method.

Runs at build time, never inside the host, which gets the result.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

from falcokit.runtime.extract.capability import FieldValue

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FTYPES", "Shape", "SignatureError", "json_shape", "shape_of"]

#: Falco's word for each type, and its number.
FTYPES: Final = {
    "uint64": 8,
    "string": 9,
    "reltime": 20,
    "abstime": 21,
    "bool": 25,
    "ipaddr": 40,
    "ipnet": 41,
}
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


class SignatureError(Exception):
    """An invalid signature for a field; the text says what is wrong, `hint` what is valid."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


class Shape(NamedTuple):
    """The type and the argument of a field; `argument` is "", "key", "index" or "index_or_key"."""

    ftype: str
    is_list: bool = False
    argument: str = ""
    required: bool = False
    has_offsets: bool = False


def shape_of(function: Callable[..., Any]) -> Shape:
    """Return the shape of a field from the signature of its method.

    Raises:
        SignatureError: it is not valid for a field.

    """
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise SignatureError("is async, and Falco's thread would not wait", "write a plain method")
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except (NameError, TypeError, AttributeError, SyntaxError) as e:
        raise SignatureError(
            f"has annotations that cannot be read: {e}",
            "its types must exist when the module is imported, not only under TYPE_CHECKING",
        ) from None
    if "return" not in hints:
        raise SignatureError("does not say what it returns", _TYPES)
    argument, required = _argument(function, hints)
    return _returned(hints["return"])._replace(argument=argument, required=required)


_TYPES: Final = "-> int, str, bool, AbsTime, RelTime, IpAddr, IpNet, or a list of one, or None"


def _returned(hint: Any) -> Shape:
    values = _without_none(hint)
    shapes = {_single(value, hint) for value in values}
    if len(shapes) != 1:
        raise SignatureError(f"returns {_text(hint)}, which is not one type", _TYPES)
    return shapes.pop()


def _single(value: Any, whole: Any, *, inside: bool = False) -> Shape:
    origin, arguments = typing.get_origin(value), typing.get_args(value)
    if origin is Annotated and arguments[-1] in FTYPES:
        return Shape(arguments[-1])
    if origin is FieldValue or value is FieldValue:
        found = _returned(arguments[0]) if arguments else None
        if found is None or found.is_list or found.has_offsets:
            raise SignatureError(f"returns {_text(whole)}", "-> FieldValue[str], or a list of them")
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
        raise SignatureError(f"returns {_text(whole)}, which no field can be", _TYPES)
    return Shape(name)


def _without_none(hint: Any, *, inside: bool = False) -> list[Any]:
    if typing.get_origin(hint) in {typing.Union, types.UnionType}:
        values = list(typing.get_args(hint))
        if type(None) in values and inside:
            raise SignatureError("returns a list with None in it", "omit missing values")
        return [value for value in values if value is not type(None)]
    return [hint]


def _argument(function: Callable[..., Any], hints: dict[str, Any]) -> tuple[str, bool]:
    parameters = list(inspect.signature(function).parameters.values())
    plain = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
    if len(parameters) not in {_EVENT_AND_ARGUMENT - 1, _EVENT_AND_ARGUMENT} or any(
        p.kind not in plain for p in parameters
    ):
        raise SignatureError(
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
        raise SignatureError(
            f"has an argument {parameter.name!r} that is neither key nor index",
            "annotate it with str (a key), int (an index), or int | str (either)",
        )
    if {parameter.name, kind} == {"key", "index"}:
        raise SignatureError(
            f"has an argument named {parameter.name!r} whose type says {kind}",
            "str is a key and int an index: change the annotation, or the name",
        )
    if required and type(None) in given:
        raise SignatureError(
            f"has an argument {parameter.name!r} that may be None, but has no default",
            f"{parameter.name}: ... | None = None, if it is optional",
        )
    return kind, required


def _text(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) else str(hint)


def json_shape(declared: Any) -> Shape:
    """Return the shape of a declared JSON field."""
    return Shape(
        declared.ftype,
        bool(declared.is_list),
        declared.arg or "",
        bool(declared.arg_required),
        has_offsets=False,
    )
