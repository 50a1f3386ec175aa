# SPDX-License-Identifier: Apache-2.0
"""Declared JSON fields: the properties of a field and the expression for its values.

    class Github(Plugin, FieldExtraction):
        repo = json_field("github.repo", "/repository/full_name", desc="Repository")
        files = json_field("github.files", path("/commits").each().path("/file"), desc="Files")

Inside the host the values are found in C, without Python and without the GIL, by `program`;
`evaluate` does the same in Python.
"""

from __future__ import annotations

import struct
import sys
from typing import Any

from falcokit.runtime.base.errors import PluginError
from falcokit.runtime.json.expressions import Expression
from falcokit.runtime.json.nodes import Op
from falcokit.runtime.json.operators import path

__all__ = ["JsonField", "json_field", "recorded"]

_FTYPES = {
    "uint64": 8,
    "string": 9,
    "reltime": 20,
    "abstime": 21,
    "bool": 25,
    "ipaddr": 40,
    "ipnet": 41,
}
# Classes by their names, so that their modules need not be imported.
_CLASSES = {
    "str": "string",
    "int": "uint64",
    "bool": "bool",
    "timedelta": "reltime",
    "datetime": "abstime",
    "IPv4Address": "ipaddr",
    "IPv6Address": "ipaddr",
    "IPv4Network": "ipnet",
    "IPv6Network": "ipnet",
}
_ARGS = (None, "index", "key", "index_or_key")
_UINT64 = 2**64

#: All declared fields, collected in a build to find those that are not attributes of the class.
recorded: list[JsonField] | None = None


class JsonField:
    """A declared field; immutable.

    Attributes:
        name: The field's name in rules.
        desc: Its description, for those who write rules.
        display: A short name, or None.
        output: Whether Falco adds it to outputs automatically (addOutput).
        properties: Falco's words for how tools show it.
        ftype: "string", "uint64", "bool", "reltime", "abstime", "ipaddr" or "ipnet".
        is_list: Whether it can have several values.
        arg: The kind of its argument: None, "index", "key" or "index_or_key".
        arg_required: Whether it has no value without an argument.
        program: The declaration as bytes, for the C side.
        place: File and line of the declaration.
        owner: The class that has it as an attribute; None: no class.

    """

    __slots__ = (
        *("arg", "arg_required", "desc", "display", "expression", "ftype", "is_list", "name"),
        *("output", "owner", "place", "program", "properties"),
    )

    def __init__(
        self,
        name: str,
        expression: Expression,
        *,
        ftype: str,
        desc: str,
        display: str | None,
        output: bool,
        properties: tuple[str, ...],
    ) -> None:
        self.name, self.desc, self.display = name, desc, display
        self.output, self.properties = output, properties
        self.expression, self.ftype, self.is_list = expression, ftype, expression.many
        uses = expression.arguments()
        kinds = {kind for kind, _ in uses}
        self.arg = "index_or_key" if len(kinds) > 1 else next(iter(kinds), None)
        self.arg_required = any(needed for _, needed in uses)
        head = (_FTYPES[ftype], self.is_list, _ARGS.index(self.arg), self.arg_required)
        self.program = b"FKJ1" + struct.pack("<BBBB", *head) + expression.encode()

        self.place = ("", 0)
        self.owner: type | None = None

    def __set_name__(self, owner: type, name: str) -> None:
        self.owner = owner

    def __repr__(self) -> str:
        return f"json_field({self.name!r})"

    def evaluate(
        self,
        payload: bytes,
        *,
        arg: int | str | None = None,
        ts_ns: int = 0,
        number: int = 0,
        source: str | None = None,
    ) -> Any:
        """Return the field's value: str, int, bool, times in ns, addresses as their 4 or 16 bytes.

        A list for list fields; None when there is no value.

        Raises:
            PluginError: where C answers FAILURE: the argument does not fit, or a limit is reached.

        """
        # what only the tests and the in-process driver need is not loaded into the host
        from falcokit.runtime.json.evaluate import Evaluation  # noqa: PLC0415
        from falcokit.runtime.json.run import Event  # noqa: PLC0415

        index, key = self._argument(arg)
        event = Event(payload, ts_ns=ts_ns, number=number, source=source)
        values = Evaluation(event, index=index, key=key).eval(self.expression)
        if not values:
            return None
        return values if self.is_list else values[0]

    def _argument(self, arg: int | str | None) -> tuple[int | None, str | None]:
        if arg is None:
            if self.arg_required:
                raise PluginError("the field needs an argument")
            return None, None
        if self.arg is None:
            raise PluginError("the field takes no argument")
        if self.arg == "index":
            if isinstance(arg, str):
                raise PluginError("the field's argument is an index")
            return arg, None
        if self.arg == "key":
            if isinstance(arg, int):
                raise PluginError("the field's argument is a key")
            return None, arg
        key = str(arg)
        plain = key.isascii() and key.isdigit() and (key == "0" or key[0] != "0")
        return (int(key) if plain and len(key) <= 20 and int(key) < _UINT64 else None), key  # noqa: PLR2004


def json_field(
    name: str,
    expression: Expression | str,
    *,
    type: Any = str,  # noqa: A002  # the author's word
    desc: str,
    display: str | None = None,
    output: bool = False,
    properties: tuple[str, ...] = (),
) -> JsonField:
    """Declare a field whose values are in the JSON of events.

    Args:
        name: As rules write it, such as "github.repo".
        expression: A JSON pointer such as "/repository/full_name", or an expression.
        type: str, int, bool, datetime, timedelta, an address or network of `ipaddress`, or the name
            of one of Falco's types. An expression that does not end in it is converted, as
            `as_string()`, `as_int()` ... do without arguments; times are RFC 3339, durations ns.
        desc: Its description, for those who write rules.
        display: A short name.
        output: Whether Falco adds it to outputs automatically.
        properties: Falco's words for how tools show it: "hidden", "info", "conversation".

    Raises:
        ValueError: the declaration is invalid; the text says why.

    """
    kind = type if isinstance(type, str) else _CLASSES.get(getattr(type, "__name__", ""), "")
    if kind not in _FTYPES:
        raise ValueError(f"{name}: type={type!r} is not a type of fields: {', '.join(_FTYPES)}")
    if not name or not desc:
        raise ValueError(f"json_field({name!r}): a field needs a name and a description (desc=)")
    if isinstance(expression, str):
        expression = path(expression)
    if not isinstance(expression, Expression):
        raise ValueError(f"{name}: {expression!r} is neither a JSON pointer nor an expression")  # noqa: TRY004
    if expression.contexts() > 0:
        raise ValueError(f"{name}: outer() leads out of every each() and where()")
    found = JsonField(
        name,
        _converted(expression, kind),
        ftype=kind,
        desc=desc,
        display=display,
        output=output,
        properties=tuple(properties),
    )
    frame = sys._getframe(1)  # noqa: SLF001  # the author's
    found.place = (frame.f_code.co_filename, frame.f_lineno)
    if recorded is not None:
        recorded.append(found)
    return found


def _converted(expression: Expression, kind: str) -> Expression:
    """Convert the expression to the field's type, unless it ends in it."""
    if kind == "string":
        return expression if expression.op == Op.TEXT else expression.as_string()
    if kind == "uint64":
        return expression if expression.op == Op.UINT else expression.as_int()
    if kind == "bool":
        return expression if expression.op == Op.BOOL else expression.as_bool()
    if kind in ("reltime", "abstime"):
        is_time = expression.op == Op.TIME
        form = "rfc3339" if kind == "abstime" else "ns"
        return expression if is_time else expression.as_time(form)
    return expression if expression.op == Op.IP else expression.as_ip(net=kind == "ipnet")
