# SPDX-License-Identifier: Apache-2.0
"""The fields that a condition may use: their types and arguments, in a catalog for one source."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from falcokit.filter.types import FieldType
from falcokit.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from falcokit.filter.tree import FieldRef

__all__ = [
    "PLUGIN_TYPES",
    "ArgumentKind",
    "FieldCatalog",
    "FieldFaultError",
    "FieldSpec",
    "nearest",
    "plugin_fields",
]


class ArgumentKind(StrEnum):
    """What a field takes in brackets."""

    NONE = "none"
    INDEX = "index"
    KEY = "key"
    #: A number is an index as well as a key.
    BOTH = "index or key"


#: The types that fields of plugins can have, by the names of the plugin interface.
PLUGIN_TYPES: Final = {
    "string": FieldType.CHARBUF,
    "uint64": FieldType.UINT64,
    "bool": FieldType.BOOL,
    "reltime": FieldType.RELTIME,
    "abstime": FieldType.ABSTIME,
    "ipaddr": FieldType.IPADDR,
    "ipnet": FieldType.IPNET,
}


class FieldFaultError(Exception):
    """A field that does not exist, or whose argument is wrong; `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class FieldSpec(Record):
    """One field.

    `right` and `transformable` are Falco's limits of some of its own fields: whether a field may be
    compared with one and stand in `val()`, and whether a transformer may be applied. `borrowed`
    says that the value lies in memory of its plugin, which the next field of that plugin reuses:
    it is true for the fields of plugins. `raw` is true for `evt.rawarg`, which Falco compares
    without the length of its value: see `Field.raw`.
    """

    name: str
    type: FieldType
    is_list: bool = False
    argument: ArgumentKind = ArgumentKind.NONE
    required: bool = False
    description: str = ""
    right: bool = True
    transformable: bool = True
    borrowed: bool = False
    raw: bool = False

    def check_argument(self, argument: str | None) -> None:
        """Raise FieldFaultError if an argument is wrong, or missing."""
        if argument is None:
            if self.required:
                raise FieldFaultError(f"{self.name} needs an argument: {self.form}")
            return
        if self.argument is ArgumentKind.NONE:
            raise FieldFaultError(f"{self.name} takes no argument, and here has [{argument}]")
        if self.borrowed and not _WITHIN_BRACKETS.isdisjoint(argument):
            reason = "Falco takes no blank and no ']' in the argument of a plugin's field"
            raise FieldFaultError(f"{self.name}: {reason}, here [{argument}]")
        if self.argument is not ArgumentKind.INDEX:
            return
        if not (argument.isascii() and argument.isdigit()):
            raise FieldFaultError(f"{self.name} takes a number, and here has [{argument}]")
        if len(argument) > 1 and argument.startswith("0"):
            raise FieldFaultError(f"{self.name}: an index has no leading 0, here [{argument}]")
        if int(argument[:40]) >= _LARGEST:
            raise FieldFaultError(f"{self.name}: [{argument}] is too large")

    @property
    def form(self) -> str:
        """How the field is written with its argument."""
        shown = {ArgumentKind.NONE: "", ArgumentKind.INDEX: "[0]"}.get(self.argument, "[key]")
        return self.name + shown


_LARGEST: Final = 2**64
#: What ends the argument of a plugin's field for Falco, which has lost the quotes by then.
_WITHIN_BRACKETS: Final = frozenset(" ]")


class FieldCatalog:
    """The fields of one event source, by name."""

    def __init__(self, fields: Iterable[FieldSpec]) -> None:
        """Take the first field of each name, as Falco does: the plugin loaded first wins."""
        self._fields: dict[str, FieldSpec] = {}
        for field in fields:
            self._fields.setdefault(field.name, field)

    def __iter__(self) -> Iterator[FieldSpec]:
        return iter(self._fields.values())

    def find(self, name: str) -> FieldSpec | None:
        """Return the field of that name."""
        return self._fields.get(name)

    def near(self, name: str) -> list[str]:
        """Return up to three names that are nearly that one, the nearest first."""
        return nearest(name, self._fields)

    def resolve(self, field: FieldRef) -> FieldSpec:
        """Return the field as it is written; raise FieldFaultError if there is none, or none so."""
        spec = self.find(field.name)
        if spec is None:
            close = self.near(field.name)
            known = f"; nearest: {', '.join(close)}" if close else ""
            raise FieldFaultError(f"there is no field {field.name}{known}")
        spec.check_argument(field.argument)
        return spec


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """Return up to three of the known names that are nearly `name`, the nearest first."""
    import difflib  # noqa: PLC0415 - only for a mistake

    return difflib.get_close_matches(name[:64], list(known), n=3)


def plugin_fields(entries: Iterable[Any]) -> tuple[FieldSpec, ...]:
    """Return the fields that a plugin declares: the objects that `plugin_get_fields` returns.

    Raises ValueError for what is no field, which Falco refuses too.
    """
    return tuple(map(_plugin_field, entries))


def _plugin_field(entry: Any) -> FieldSpec:
    name = entry.get("name") if isinstance(entry, dict) else None
    if not isinstance(name, str) or not name:
        raise ValueError("a field has no name")
    kind = PLUGIN_TYPES.get(str(entry.get("type")))
    if kind is None:
        raise ValueError(f"the field {name} has an unknown type")
    argument = entry.get("arg") or {}
    if not isinstance(argument, dict):
        raise ValueError(f"the arg of the field {name} is not an object")  # noqa: TRY004 - of JSON
    index, key = bool(argument.get("isIndex")), bool(argument.get("isKey"))
    taken = ArgumentKind.NONE
    if index or key:
        taken = (
            ArgumentKind.BOTH
            if index and key
            else (ArgumentKind.INDEX if index else ArgumentKind.KEY)
        )
    return FieldSpec(
        name=name,
        type=kind,
        is_list=bool(entry.get("isList") or entry.get("is_list")),
        argument=taken,
        required=bool(argument.get("isRequired")),
        description=str(entry.get("desc", "")),
        borrowed=True,
    )
