# SPDX-License-Identifier: Apache-2.0
"""Declared JSON fields: the properties of a field and the expression for its values.

    class Github(Plugin, FieldExtraction):
        repo = json_field("github.repo", "/repository/full_name", desc="Repository")
        files = json_field("github.files", path("/commits").each().path("/file"), desc="Files")

The values are found in C, without Python and without the GIL, by `program`; in an author's tests by
`evaluate`.
"""

from __future__ import annotations

import struct
import sys
from typing import Any, Literal

from falcokit.runtime.base.errors import PluginError
from falcokit.runtime.json.expressions import Expression, predicates
from falcokit.runtime.json.nodes import Op
from falcokit.runtime.json.operators import path, when

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
        ignores_arg: str | None,
    ) -> None:
        self.name, self.desc, self.display = name, desc, display
        self.output, self.properties = output, properties
        self.expression, self.ftype, self.is_list = expression, ftype, expression.many
        uses = expression.arguments()
        kinds = {kind for kind, _ in uses} - {"given"}
        self.arg = "index_or_key" if len(kinds) > 1 else next(iter(kinds), ignores_arg)
        self.arg_required = any(needed for _, needed in uses) and ("given", False) not in uses
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
        testing = sys.modules.get("falcokit.testing")  # which can compile
        if testing is None:
            raise PluginError("JsonField.evaluate runs the C of the glue: import falcokit.testing")
        return testing.evaluate_field(self, payload, arg, ts_ns=ts_ns, number=number, source=source)


def json_field(
    name: str,
    expression: Expression | str,
    *,
    type: Any = str,  # noqa: A002  # the author's word
    desc: str,
    display: str | None = None,
    output: bool = False,
    properties: tuple[str, ...] = (),
    guard: Expression | None = None,
    missing: str | None = None,
    ignores_arg: Literal["index", "key", "index_or_key"] | None = None,
) -> JsonField:
    """Declare a field whose values are in the JSON of events.

    `functools.partial(json_field, guard=..., missing=...)` declares fields that share these.

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
        guard: A predicate; where it is false the field has no value.
        missing: What a text field has if it would have no value, where the guard is true. Lists and
            fields of other types have none then.
        ignores_arg: The kind of an optional argument that rules may write and that changes nothing.

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
    expression = _converted(expression, kind)
    if missing is not None and kind == "string" and not expression.many:
        expression = expression.default(missing)
    if guard is not None:
        predicates("guard=", (guard,))
        expression = when(guard, expression)
    if expression.contexts() > 0:
        raise ValueError(f"{name}: outer() leads out of every each() and where()")
    _check_argument(name, expression, ignores_arg)
    found = JsonField(
        name,
        expression,
        ftype=kind,
        desc=desc,
        display=display,
        output=output,
        properties=tuple(properties),
        ignores_arg=ignores_arg,
    )
    frame = sys._getframe(1)  # noqa: SLF001  # the author's
    found.place = (frame.f_code.co_filename, frame.f_lineno)
    if recorded is not None:
        recorded.append(found)
    return found


def _check_argument(name: str, expression: Expression, ignores_arg: str | None) -> None:
    kinds = {kind for kind, _ in expression.arguments()}
    if ignores_arg is not None and ignores_arg not in _ARGS:
        kinds_of = ", ".join(map(str, _ARGS[1:]))
        raise ValueError(f"{name}: ignores_arg={ignores_arg!r} is not one of {kinds_of}")
    if ignores_arg is not None and kinds - {"given"}:
        raise ValueError(f"{name}: ignores_arg=, and the expression uses the argument")
    if ignores_arg is None and kinds == {"given"}:
        raise ValueError(
            f"{name}: arg_given, and nothing uses the argument: arg_key(), each(arg=True) ..., or"
            " ignores_arg="
        )


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
