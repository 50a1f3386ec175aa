# SPDX-License-Identifier: Apache-2.0
"""Exporting tables: a plugin's own mappings, which the host and other plugins read and write.

    class Hash(TableEntry):
        sha256: str
        seen: u64
        note: Annotated[str, readonly]         # others cannot write it

    class P(Plugin, EventParsing):
        hashes = export_table("hashes", str, Hash)

        def init(self) -> None:
            self.hashes["/etc/passwd"] = Hash(sha256="9f86d081", seen=1)

Authors declare tables with `export_table`; the host creates them before the author's init. The
build checks them with the same `make_shape`. The storage is in C, tables/store.h.
"""

from __future__ import annotations

from collections.abc import ItemsView, MutableMapping, ValuesView
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar, overload

from falcokit.runtime.tables.table_types import (
    STATE_TYPES,
    Added,
    Field,
    TableEntry,
    entry_fields,
    key_type,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Self

__all__ = ["MAX_FIELDS", "ExportedTable", "Shape", "export_table", "exported_tables", "make_shape"]

#: Maximum fields of one table, including those that other plugins add (FK_X_FIELDS).
MAX_FIELDS: Final = 128

K = TypeVar("K")
E = TypeVar("E", bound=TableEntry)


class _Items(ItemsView[K, E]):
    """Pairs; entries that are erased during iteration are skipped."""

    _mapping: ExportedTable[K, E]

    def __iter__(self) -> Iterator[tuple[K, E]]:
        for key in self._mapping:
            entry = self._mapping.get(key)
            if entry is not None:
                yield key, entry


class _Values(ValuesView[E]):
    """Entries; those that are erased during iteration are skipped."""

    _mapping: ExportedTable[Any, E]

    def __iter__(self) -> Iterator[E]:
        return (entry for _, entry in self._mapping.items())


class ExportedTable(MutableMapping[K, E]):
    """One of the plugin's own tables: a mapping of keys to entries, in the order of insertion.

    Assign an object of the entry's class, another entry or a mapping of fields: it is copied, and
    missing fields have the default of the class, or 0, False, "". Reading returns an entry: a live
    view, whose attributes read and write the table. It stays valid, and keeps its values, after it
    was erased. Iteration covers the keys that exist when it begins.

    A nested table, `MutableMapping[key, entry]` in the class, is an ExportedTable too.

    Threads: any thread of the plugin may use it, from init on. Each call is atomic, but
    `entry.seen += 1` is two: a read and a write. The host and other plugins access the table at the
    same time, on Falco's own thread, without the GIL.

    Raise: KeyError; TypeError for a value or a key of another type, or an unknown field;
    OverflowError for an int out of range; ValueError for a str with NUL.
    """

    __slots__ = ()

    @property
    def name(self) -> str:
        """Its name."""
        raise NotImplementedError

    def __setitem__(self, key: K, value: E | Mapping[str, Any]) -> None:
        """Put an entry at a key, replacing an existing one."""
        raise NotImplementedError

    def setdefault(self, key: K, default: E | Mapping[str, Any] | None = None) -> E:
        """Return the entry of a key; if there is none, create it first."""
        entry = self.get(key)
        if entry is None:
            self[key] = {} if default is None else default
            entry = self[key]
        return entry

    def update(  # type: ignore[override]  # takes what assignment takes
        self,
        other: Mapping[K, E | Mapping[str, Any]] | Iterable[tuple[K, E | Mapping[str, Any]]] = (),
        /,
        **entries: E | Mapping[str, Any],
    ) -> None:
        """Put the entries of a mapping, or of pairs of keys and entries."""
        super().update(other, **entries)  # type: ignore[arg-type]

    def items(self) -> ItemsView[K, E]:
        """Return the keys with their entries."""
        return _Items(self)

    def values(self) -> ValuesView[E]:
        """Return the entries."""
        return _Values(self)

    def __eq__(self, other: object) -> bool:
        """Return whether it is the same table."""
        return self is other

    __hash__ = object.__hash__


class ExportDeclaration(Generic[K, E]):
    """The class attribute that `export_table` returns; an instance has the table instead."""

    def __init__(self, name: str, key: type[K], entry: type[E]) -> None:
        self.name = name
        self.key = key
        self.entry = entry

    @overload
    def __get__(self, plugin: None, owner: type[Any]) -> Self: ...
    @overload
    def __get__(self, plugin: object, owner: type[Any]) -> ExportedTable[K, E]: ...
    def __get__(self, plugin: object, owner: type[Any]) -> Self | ExportedTable[K, E]:
        """Return the declaration; an instance has its table only from init on."""
        if plugin is None:
            return self
        raise AttributeError(f"table {self.name!r} is only available from init on")


def export_table(name: str, key: type[K], entry: type[E]) -> ExportDeclaration[K, E]:
    """Declare a table that the plugin exports.

    Args:
        name: The name by which other plugins import it, unique in the host.
        key: i8 to u64, bool or str.
        entry: A subclass of TableEntry: its annotations are the fields. A default is the initial
            value of a field in every new entry. `Annotated[type, "name"]` gives a field another
            name in the table, `Annotated[type, readonly]` prevents others from writing it. Other
            plugins may add their own fields, which this plugin does not see.

    The plugin needs the capability EventParsing, AsyncEvents or FieldExtraction: Falco gives tables
    to no others.

    """
    return ExportDeclaration(name, key, entry)


class ShapeField(NamedTuple):
    """One field as the C side takes it (enum fk_shape_field)."""

    name: str
    type: int
    read_only: bool
    default: Any
    nested: Shape | None


class Shape(NamedTuple):
    """The form of a table as the C side takes it (enum fk_shape).

    Attributes:
        key: The type of its keys.
        fields: Its fields.
        attributes: Attribute in the class -> position of the field.
        entry: The class of live entries.
        table: The class of the table.

    """

    key: int
    fields: tuple[ShapeField, ...]
    attributes: dict[str, int]
    entry: type
    table: type


def exported_tables(plugin: type[Any]) -> dict[str, ExportDeclaration[Any, Any]]:
    """Return the declarations of a class and its bases by attribute."""
    return {
        attribute: value
        for base in reversed(plugin.__mro__)
        for attribute, value in vars(base).items()
        if isinstance(value, ExportDeclaration)
    }


def make_shape(declared: ExportDeclaration[Any, Any], table: type, entry: type) -> Shape:
    """Return the form of a declared table, with the given base classes of tables and entries.

    Raises:
        TypeError: the declaration is invalid; the text begins with the attribute at fault.

    """
    name: Any = declared.name
    if not isinstance(name, str) or not name or "\0" in name:
        raise TypeError(f"the name of a table must be a str without NUL, not {name!r}")
    table = type("ExportedTable", (table, ExportedTable), {"__slots__": ()})
    return _shape(key_type(declared.key), declared.entry, table, entry)


def _shape(key: str, author: type[Any], table: type, entry: type) -> Shape:
    declared = entry_fields(author)
    if len(declared) > MAX_FIELDS:
        raise TypeError(f"{author.__name__} has {len(declared)} fields, more than {MAX_FIELDS}")
    names: set[str] = set()
    for field in declared:
        _check(field)
        if field.name in names:
            raise TypeError(f"{field.attribute}: there are two fields {field.name!r}")
        names.add(field.name)
    return Shape(
        key=STATE_TYPES[key],
        fields=tuple(
            ShapeField(
                field.name,
                STATE_TYPES[field.kind],
                field.read_only,
                field.default,
                _shape(field.key, field.entry, table, entry) if field.entry else None,
            )
            for field in declared
        ),
        attributes={field.attribute: position for position, field in enumerate(declared)},
        entry=type(
            author.__name__, (entry, author), {"__slots__": (), "__module__": author.__module__}
        ),
        table=table,
    )


def _check(field: Field) -> None:
    kinds = {"str": str, "bool": bool}
    default, wrong = field.default, None
    if isinstance(default, Added):
        wrong = "added() is only for imported tables: declare a new field without it"
    elif field.entry and not field.mapping:
        wrong = "a table within an exported one must be a mapping: MutableMapping[key, entry]"
    elif field.entry and default is not None:
        wrong = "a table cannot have a default"
    elif default is not None and type(default) is not kinds.get(field.kind, int):
        wrong = f"the default {default!r} is not of type {field.kind}"
    elif isinstance(default, str) and "\0" in default:
        wrong = "the default has a NUL"
    elif type(default) is int and not fits(default, field.kind):
        wrong = f"the default {default} does not fit {field.kind}"
    if wrong is not None:
        raise TypeError(f"{field.attribute}: {wrong}")


def fits(number: int, kind: str) -> bool:
    """Return whether an int fits the type `kind`, i8 to u64."""
    bits = int(kind[1:])
    low, high = (-(1 << bits - 1), 1 << bits - 1) if kind[0] == "i" else (0, 1 << bits)
    return low <= number < high
