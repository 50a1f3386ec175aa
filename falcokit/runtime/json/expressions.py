# SPDX-License-Identifier: Apache-2.0
"""Expressions over a payload's JSON, for json_field() when a pointer is not enough.

    path("/spec/containers").each().path("/image")
    path("/users").each().where(path("/type").equals("admin")).path("/name").join(", ")

An expression produces no value, one value, or many. Each operator processes the values of the one
before it, one after the other. Mistakes are a ValueError as soon as possible, when it is written.
An expression has no value then, so what Python would decide immediately (if, and, or, not, in) is
an error that says what to write instead; otherwise Python would compare the objects themselves and
take a branch.
docs/json-fields.md has every operator with an example; the functions with which expressions begin
are in `operators`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn

from falcokit.runtime.json.nodes import TYPES, Node, Op, policies
from falcokit.runtime.json.regex import compile_pattern

if TYPE_CHECKING:
    from typing import Self

    from falcokit.runtime.json.nodes import Policy

__all__ = ["Expression", "constant", "predicates", "segments"]

Constant = str | int | bool | None
_INT64 = 2**63
_TO_THE_END = 2**63 - 1
_INDEX_MAX = 2**31
_UNITS = {"s": 9, "ms": 6, "us": 3, "ns": 0}

_TRUTHS: Final = frozenset(
    {
        *(Op.EQUALS, Op.TEST, Op.COMPARE, Op.IS_TYPE, Op.MATCHES, Op.EXISTS, Op.NOT, Op.ALL_OF),
        *(Op.ANY_OF, Op.BOOL, Op.CONST_BOOL, Op.ARG_GIVEN),
    }
)
#: Operators whose values are those of some of their operands: which ones.
_PASSING: Final = {
    Op.PICK: slice(0, 1),
    Op.WHERE: slice(0, 1),
    Op.REQUIRED: slice(0, 1),
    Op.COALESCE: slice(None),
    Op.MAP: slice(1, None),
    Op.WHEN: slice(1, None),
    Op.SWITCH: slice(1, None),
}


def segments(keys: tuple[str | int, ...]) -> list[bytes]:
    """Return the keys of a path: of an RFC 6901 pointer if it is one text, else the keys given."""
    if len(keys) == 1 and isinstance(keys[0], str):
        pointer = keys[0]
        if pointer and not pointer.startswith("/"):
            hint = f"write path({'/' + pointer!r})"
            if "/" in pointer or "~" in pointer:
                single = "/" + pointer.replace("~", "~0").replace("/", "~1")
                hint += f"; if it is one key, path({single!r})"
            raise ValueError(f"{pointer!r} is not a JSON pointer, which begins with '/': {hint}")
        parts = pointer.split("/")[1:]
        for part in parts:
            if "~" in part.replace("~0", "").replace("~1", ""):
                raise ValueError(f"{pointer!r} is not a JSON pointer: '0' or '1' must follow '~'")
        return [part.replace("~1", "/").replace("~0", "~").encode() for part in parts]
    for key in keys:
        index = isinstance(key, int) and not isinstance(key, bool) and key >= 0
        if not index and not isinstance(key, str):
            raise ValueError(f"a key of a path must be a str or an index, not {key!r}")
    return [str(key).encode() for key in keys]


def constant(value: Constant) -> bytes:
    """Return a constant as the operators that compare encode it."""
    if value is None:
        return b"z"
    if isinstance(value, bool):
        return b"b1" if value else b"b0"
    if isinstance(value, int):
        if not 0 <= value < 2 * _INT64:
            raise ValueError(f"{value} cannot be compared: numbers are whole, from 0 to 2**64-1")
        return b"n%d" % value
    if isinstance(value, str):
        return b"s" + value.encode()
    raise ValueError(f"{value!r} is not a constant: str, int, bool or None")


def _as_int64(value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2 * _INT64:
        raise ValueError(f"{value!r} is not a number from 0 to 2**64-1")
    return value - 2 * _INT64 if value >= _INT64 else value


def _is_predicate(node: Node) -> bool:
    """Return whether all values of a node are true or false."""
    if node.op in _PASSING:
        return all(map(_is_predicate, node.kids[_PASSING[node.op]]))
    return node.op in _TRUTHS


def predicates(what: str, given: tuple[Any, ...]) -> tuple[Node, ...]:
    """Return the arguments of `what`, which must all be predicates.

    Raises:
        ValueError: one is not a predicate; the text says how to write one.

    """
    for one in given:
        if not isinstance(one, Node):
            raise ValueError(  # noqa: TRY004
                f"{what} takes a predicate, and {one!r} is not an expression: compare with == and"
                " !=, combine with & | ~"
            )
        if not _is_predicate(one):
            raise ValueError(
                f"{what} takes a predicate, and its argument may have any value: compare it"
                " (== != less_than() greater_than()), test it (exists() is_type() matches()"
                " ...), or end it in as_bool() if the payload has true or false"
            )
    return given


class Expression(Node):
    """An operator with its operands; its methods are the operators that can follow."""

    __slots__ = ()
    __hash__ = Node.__hash__

    # ---- Python's own operators ----------------------------------------------------------------

    def __bool__(self) -> NoReturn:
        raise ValueError(
            "an expression is neither true nor false while it is written: write & for and, | for"
            " or, ~ for not, == in parentheses, equals() for in, and when() for if"
        )

    def __eq__(self, other: object) -> Self:  # type: ignore[override]
        return self._equals(other, "==")

    def __ne__(self, other: object) -> Self:  # type: ignore[override]
        return type(self)(Op.NOT, [self._equals(other, "!=")])

    def __and__(self, other: object) -> Self:
        return type(self)(Op.ALL_OF, predicates("&", (self, other)))

    def __or__(self, other: object) -> Self:
        return type(self)(Op.ANY_OF, predicates("|", (self, other)))

    def __invert__(self) -> Self:
        return type(self)(Op.NOT, predicates("~", (self,)))

    def __rand__(self, other: object) -> NoReturn:
        _bind("&", other)

    def __ror__(self, other: object) -> NoReturn:
        _bind("|", other)

    def _equals(self, other: object, sign: str) -> Self:
        if isinstance(other, Node):
            raise ValueError(f"{sign} takes a constant: two values cannot be compared")  # noqa: TRY004
        return self.equals(other)  # type: ignore[arg-type]  # it checks what it is given

    # ---- into the document ---------------------------------------------------------------------

    def path(self, *keys: str | int, through_arrays: bool = False) -> Self:
        """Go to a member or element: a JSON pointer, or keys; no value if it does not exist.

        With `through_arrays`, an array on the way stands for all its elements, at any level; a key
        that is a number still chooses one. An array at the end stays one: each() or flat() it.
        """
        more = segments(keys)
        if not through_arrays:
            return self._at(more)
        found = self
        for key in more:
            found = (found if key.isdigit() else found.flat())._at([key])  # noqa: SLF001  # our own
        return found

    def _at(self, more: list[bytes]) -> Self:
        if self.op == Op.PATH:
            return type(self)(Op.PATH, self.kids, texts=[*self.texts, *more])
        return self._then(Op.PATH, texts=more)

    def flat(self) -> Self:
        """Return the elements of arrays, also of arrays in these; other values unchanged."""
        return self._then(Op.FLAT)

    def each(self, body: Expression | None = None, *, arg: bool = False) -> Self:
        """Return every element of an array; with `body`, its values for every element.

        With `arg`, an index as the field's argument chooses one element.
        """
        elements = self._then(Op.ELEMENTS, flags=int(arg))
        return elements if body is None else type(self)(Op.MAP, [elements, _checked(body)])

    def arg_index(self) -> Self:
        """Return the element whose index is the field's argument."""
        return self._then(Op.ARG_INDEX)

    def arg_key(self) -> Self:
        """Return the member whose key is the field's argument."""
        return self._then(Op.ARG_KEY)

    def arg_pointer(self) -> Self:
        """Follow the field's argument, a JSON pointer; its first '/' is optional."""
        return self._then(Op.ARG_POINTER)

    def keys(self, *, exclude: tuple[str, ...] = ()) -> Self:
        """Return an object's keys."""
        return self._then(Op.KEYS, texts=[key.encode() for key in exclude])

    def entries(self, separator: str = ":") -> Self:
        """Return an object's members as texts: key, separator, value."""
        return self._then(Op.ENTRIES, texts=[separator.encode()])

    # ---- choosing ------------------------------------------------------------------------------

    def where(self, predicate: Expression) -> Self:
        """Keep the values for which `predicate`, evaluated on each, is true."""
        return self._then(Op.WHERE, *predicates("where()", (predicate,)))

    def first(self) -> Self:
        """Keep the first value."""
        return self._then(Op.PICK)

    def last(self) -> Self:
        """Keep the last value."""
        return self._then(Op.PICK, flags=1)

    def unique(self) -> Self:
        """Return each text once, in the order of first occurrence."""
        return self._then(Op.UNIQUE)

    def default(self, value: Expression | str | int | bool) -> Self:
        """Return `value` if there is none."""
        return type(self)(Op.COALESCE, [self, self._as_node(value)])

    def required(self) -> Self:
        """Make the whole field have no value if there is none here."""
        return self._then(Op.REQUIRED)

    def match_arg(self, how: Literal["exact", "glob"] = "exact") -> Self:
        """Keep the values whose text equals the field's argument, or matches it as a glob (* ?)."""
        if how not in ("exact", "glob"):
            raise ValueError(f"match_arg({how!r}) is neither 'exact' nor 'glob'")
        return self._then(Op.MATCH_ARG, flags=int(how == "glob"))

    # ---- asking --------------------------------------------------------------------------------

    def equals(self, *constants: Constant) -> Self:
        """Return for each value whether it is one of the constants, in type and value, as ==."""
        if not constants:
            raise ValueError("equals() needs a constant to compare with")
        return self._then(Op.EQUALS, texts=[constant(value) for value in constants])

    def less_than(self, number: int) -> Self:
        """Return for each number whether it is below `number`."""
        return self._then(Op.COMPARE, a=_as_int64(number))

    def greater_than(self, number: int) -> Self:
        """Return for each number whether it is above `number`."""
        return self._then(Op.COMPARE, flags=2, a=_as_int64(number))

    def is_type(self, *types: str) -> Self:
        """Return for each value whether it is a null, bool, number, string, array or object."""
        if not types or any(name not in TYPES for name in types):
            raise ValueError(f"is_type{types!r}: the types are {', '.join(TYPES)}")
        return self._then(Op.IS_TYPE, flags=sum({TYPES[name] for name in types}))

    def exists(self) -> Self:
        """Return whether there is a value; null counts as one."""
        return self._then(Op.EXISTS)

    def not_(self) -> Self:
        """Return whether none of the values is true; the same as ~."""
        predicates("not_()", (self,))
        return self._then(Op.NOT)

    def count(self) -> Self:
        """Return the number of values."""
        return self._then(Op.COUNT)

    def sum(self) -> Self:
        """Add the numbers among the values."""
        return self._then(Op.SUM)

    # ---- text: other values are converted first, as by as_string() ------------------------------

    def lower(self) -> Self:
        """Convert the ASCII letters to lower case."""
        return self._then(Op.CASE)

    def upper(self) -> Self:
        """Convert the ASCII letters to upper case."""
        return self._then(Op.CASE, flags=1)

    def slice(self, start: int, stop: int | None = None) -> Self:
        """Return text[start:stop] in characters; negative ones count from the end."""
        stop = _TO_THE_END if stop is None else stop
        return self._then(
            Op.SLICE, a=_index(start), b=stop if stop == _TO_THE_END else _index(stop)
        )

    def strip_prefix(self, prefix: str, *, required: bool = False) -> Self:
        """Remove `prefix`; a text without it is kept, or dropped if it is `required`."""
        return self._then(Op.STRIP, flags=2 * required, texts=[prefix.encode()])

    def strip_suffix(self, suffix: str, *, required: bool = False) -> Self:
        """Remove `suffix`; a text without it is kept, or dropped if it is `required`."""
        return self._then(Op.STRIP, flags=1 + 2 * required, texts=[suffix.encode()])

    def split(self, separator: str) -> Self:
        """Return the parts between separators."""
        return self._then(Op.SPLIT, texts=[_separator(separator)])

    def part(self, separator: str, index: int, *, of: int | None = None) -> Self:
        """Return one part, from the end if `index` is negative; only if there are `of` parts."""
        if of is not None and not 0 < of < _INDEX_MAX:
            raise ValueError(f"of={of}: a text has at least one part")
        numbers = {"a": _index(index), "b": of or 0}
        return self._then(Op.PART, texts=[_separator(separator)], **numbers)

    def regex(self, pattern: str, group: int = 0) -> Self:
        """Return the first match of `pattern`, or of its `group`."""
        return self._then(Op.REGEX, texts=[compile_pattern(pattern, group).encode()])

    def matches(self, pattern: str) -> Self:
        """Return for each text whether `pattern` matches somewhere in it."""
        return self._then(Op.MATCHES, texts=[compile_pattern(pattern, 0).encode()])

    def starts_with(self, part: str) -> Self:
        """Return for each text whether it begins with `part`."""
        return self._then(Op.TEST, texts=[part.encode()])

    def ends_with(self, part: str) -> Self:
        """Return for each text whether it ends with `part`."""
        return self._then(Op.TEST, flags=1, texts=[part.encode()])

    def contains(self, part: str) -> Self:
        """Return for each text whether it contains `part`."""
        return self._then(Op.TEST, flags=2, texts=[part.encode()])

    def join(self, separator: str = "") -> Self:
        """Join all texts into one; no value if there are none."""
        return self._then(Op.JOIN, texts=[separator.encode()])

    def url_query(self, name: str | None = None) -> Self:
        """Return the decoded value of a URL's parameter: `name`, or the field's argument, a key."""
        return self._then(Op.URL_QUERY, texts=[] if name is None else [name.encode()])

    # ---- converting ----------------------------------------------------------------------------

    def as_string(
        self, *, null: Policy = "none", scalar: Policy = "json", container: Policy = "json"
    ) -> Self:
        """Return text: strings unchanged; null, other scalars and containers by policy."""
        return self._then(Op.TEXT, flags=policies(null=null, scalar=scalar, container=container))

    def as_json(self, *, pretty: bool = False) -> Self:
        """Return values as JSON: as in the payload without spaces, or indented by two."""
        return self._then(Op.JSON, flags=int(pretty))

    def as_int(self, *, null: Policy = "none", other: Policy = "none") -> Self:
        """Return whole numbers from 0 to 2**64-1; fractions are cut off, texts are parsed."""
        return self._then(Op.UINT, flags=_policies(null, other))

    def as_bool(self, *, null: Policy = "none", other: Policy = "none") -> Self:
        """Return true or false, also for the texts "true" and "false"."""
        return self._then(Op.BOOL, flags=_policies(null, other))

    def as_time(
        self, form: str = "rfc3339", *, null: Policy = "none", other: Policy = "none"
    ) -> Self:
        """Return ns since the epoch, from RFC 3339 or a number of "s", "ms", "us" or "ns"."""
        if form != "rfc3339" and form not in _UNITS:
            raise ValueError(f"as_time({form!r}): the forms are rfc3339, {', '.join(_UNITS)}")
        return self._then(Op.TIME, flags=_policies(null, other), a=_UNITS.get(form, -1))

    def as_duration(self, unit: str, *, null: Policy = "none", other: Policy = "none") -> Self:
        """Return ns, from a number of "s", "ms", "us" or "ns"."""
        if unit not in _UNITS:
            raise ValueError(f"as_duration({unit!r}): the units are {', '.join(_UNITS)}")
        return self._then(Op.TIME, flags=_policies(null, other), a=_UNITS[unit])

    def as_ip(self, *, net: bool = False, null: Policy = "none", other: Policy = "none") -> Self:
        """Return an IPv4 or IPv6 address; with `net`, that of a network, without its prefix."""
        flags = _policies(null, other)
        if "empty" in (null, other):
            raise ValueError("as_ip(): an address cannot be empty")
        return self._then(Op.IP, flags=flags | 16 * net)

    # ---- the rest ------------------------------------------------------------------------------

    def _then(
        self, op: Op, *more: Node, flags: int = 0, texts: list[bytes] | None = None, **numbers: int
    ) -> Self:
        for node in more:
            if not isinstance(node, Expression):
                raise ValueError(f"{node!r} is not an expression")  # noqa: TRY004
        return type(self)(op, [self, *more], flags=flags, texts=texts or (), **numbers)

    def _as_node(self, value: Expression | str | int | bool) -> Expression:
        if isinstance(value, Expression):
            return value
        if isinstance(value, bool):
            return type(self)(Op.CONST_BOOL, flags=int(value))
        if isinstance(value, int):
            return type(self)(Op.CONST_UINT, a=_as_int64(value))
        if isinstance(value, str):
            return type(self)(Op.CONST_TEXT, texts=[value.encode()])
        raise ValueError(f"{value!r} is neither an expression nor a str, int or bool")


def _checked(body: Expression) -> Expression:
    if not isinstance(body, Expression):
        raise ValueError(f"{body!r} is not an expression")  # noqa: TRY004
    return body


def _policies(null: Policy, other: Policy) -> int:
    if "json" in (null, other):
        raise ValueError("the policy 'json' is only for texts: use none, empty or fail here")
    return policies(null=null, other=other)


def _index(value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= _INDEX_MAX:
        raise ValueError(f"{value!r} is not a position in a text")
    return value


def _separator(value: str) -> bytes:
    if not value:
        raise ValueError("the separator is empty")
    return value.encode()


def _bind(sign: str, other: object) -> NoReturn:
    raise ValueError(
        f"{other!r} {sign} an expression: {sign} binds before ==, so put each comparison into"
        f' parentheses: (path("/a") == 1) {sign} (path("/b") == 2)'
    )
