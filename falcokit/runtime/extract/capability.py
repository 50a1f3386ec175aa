# SPDX-License-Identifier: Apache-2.0
"""FieldExtraction: the capability of providing fields for rules, each a decorated method.

    @field("web.status", desc="Status of the response")
    def status(self, event: Event) -> int | None:
        return event.json.get("status")

Field type, list and argument come from the signature, at build time; this module has what a plugin
needs at run time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, NamedTuple, TypeAlias, TypeVar

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Sequence
    from ipaddress import (
        IPv4Address,
        IPv4Interface,
        IPv4Network,
        IPv6Address,
        IPv6Interface,
        IPv6Network,
    )

__all__ = [
    "AbsTime",
    "Declared",
    "FieldExtraction",
    "FieldValue",
    "IpAddr",
    "IpNet",
    "RelTime",
    "declared_fields",
    "field",
    "nanoseconds",
]

_Function = TypeVar("_Function", bound="Callable[..., Any]")
_T = TypeVar("_T")
_MARK = "__falcokit_field__"

if TYPE_CHECKING:
    AbsTime: TypeAlias = int | dt.datetime
    RelTime: TypeAlias = int | dt.timedelta
    IpAddr: TypeAlias = IPv4Address | IPv6Address | str | bytes
    IpNet: TypeAlias = (
        IPv4Network | IPv6Network | IPv4Interface | IPv6Interface | IPv4Address | IPv6Address
        | str | bytes
    )  # fmt: skip
else:
    #: A point in time: ns since the epoch, or a datetime with a timezone.
    AbsTime = Annotated[int, "abstime"]
    #: A duration: ns, or a timedelta; not negative.
    RelTime = Annotated[int, "reltime"]
    #: An address: an `ipaddress` object, its text, or its 4 or 16 bytes.
    IpAddr = Annotated[bytes, "ipaddr"]
    #: A network: an `ipaddress` object, or as IpAddr. The framework keeps its address, no prefix.
    IpNet = Annotated[bytes, "ipnet"]


class FieldValue(NamedTuple, Generic[_T]):
    """A value and its position in the event, for hosts that highlight it there.

    Annotate the method with it (`-> FieldValue[str]`): hosts below API 3.11 then cannot load the
    plugin. Positions are omitted if the host does not ask for them.

    Attributes:
        value: The value.
        start: Its byte offset in `event.data`; in `event.raw` if the event has no payload.
        length: Its length in bytes; start and length 0 mean a computed value.

    """

    value: _T
    start: int
    length: int


class Declared(NamedTuple):
    """The arguments of @field on a method."""

    name: str
    desc: str
    display: str | None
    output: bool
    properties: tuple[str, ...]


def field(
    name: str,
    *,
    desc: str = "",
    display: str | None = None,
    output: bool = False,
    properties: Sequence[str] = (),
) -> Callable[[_Function], _Function]:
    """Make a method a field of rules and outputs.

    It is called with the event, on Falco's thread, whenever a rule or an output asks for the field,
    so be quick, and keep parsed data in `event.cache`. A second parameter takes the argument of
    `x.name[argument]`: `key: str`, `index: int`, or either as `int | str`; with a default it is
    optional. The type of the field is the return annotation: int (uint64), str, bool, AbsTime,
    RelTime, IpAddr, IpNet, or a list of one of these; None means no value.

    Raise: anything; the framework sees no value, and falcokit logs the first of a kind each minute.

    Args:
        name: As rules write it: "web.status".
        desc: One line; by default the first line of the docstring.
        display: A name for people.
        output: Whether Falco adds it to the output of rules of its source.
        properties: "hidden", "info", "conversation": the framework's words.

    """

    def mark(function: _Function) -> _Function:
        text = desc or (function.__doc__ or "").strip().split("\n")[0].strip()
        setattr(function, _MARK, Declared(name, text, display, output, tuple(properties)))
        return function

    return mark


def declared_fields(plugin: type) -> dict[str, Any]:
    """Return the fields of a class and its bases by attribute, in the order they were written.

    Each is a Declared, or an object with a `program`: a declared JSON field.
    """
    found: dict[str, Any] = {}
    for cls in reversed(plugin.__mro__):
        for attribute, value in vars(cls).items():
            declared = getattr(value, _MARK, None)
            if isinstance(getattr(value, "program", None), bytes):
                declared = value
            if declared is not None:
                found[attribute] = declared
    return found


class FieldExtraction:
    """Mixin: fields of the events of the given types and sources.

    Attributes:
        extract_event_types: Names or codes of events, as in `EventParsing.parse_event_types`;
            None: 322 (plugin events), and 402 (async events) if the plugin emits any; (): all of
            the framework's, for the source "syscall".
        extract_event_sources: Names of event sources; (): all. The plugin's own is always included.

    """

    extract_event_types: ClassVar[Sequence[str | int] | None] = None
    extract_event_sources: ClassVar[Sequence[str]] = ()


def nanoseconds(value: Any) -> int:
    """Return a datetime as ns since the epoch, a timedelta as ns. The C side calls it too.

    Raises:
        TypeError: it is neither.
        ValueError: a datetime without a timezone.

    """
    import datetime as dt  # noqa: PLC0415  # a millisecond that most plugins need not spend

    if isinstance(value, dt.datetime):
        if value.tzinfo is None:
            raise ValueError("a datetime without a timezone is ambiguous: give it one")
        value -= dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    if not isinstance(value, dt.timedelta):
        raise TypeError(f"it returned {type(value).__name__} for a time")
    return ((value.days * 86400 + value.seconds) * 1_000_000 + value.microseconds) * 1000
