# SPDX-License-Identifier: Apache-2.0
"""Exported tables without a host: the storage of `src/tables/store.h` in Python, for this process.

What it accepts, refuses and says is that of the C side (tables/exported.c,
tables/exported.c, tables/exported.c); tests/conformance/test_tables_export.py holds the two
equal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from falcokit.runtime.tables.exported_table import fits
from falcokit.runtime.tables.table_types import STATE_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from falcokit.runtime.tables.exported_table import Shape

__all__ = ["StoredEntry", "StoredTable", "checked", "new_table"]

_KINDS = {number: kind for kind, number in STATE_TYPES.items()}


def checked(value: Any, number: int) -> Any:
    """Return a key or a value as it is stored, if it is of a type."""
    kind = _KINDS[number]
    needed: type[Any]
    needed, told = {"str": (str, "a str"), "bool": (bool, "a bool")}.get(kind, (int, "an int"))
    if not isinstance(value, needed):
        raise TypeError(f"{told} is needed, not {type(value).__name__}")
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError("a str of a table has no NUL")
        try:
            value.encode(errors="surrogateescape")
        except UnicodeEncodeError:
            raise ValueError("the str has half a surrogate pair") from None
    elif needed is int:
        value = int(value)
        if not fits(value, kind):
            raise OverflowError(f"{value} does not fit {kind}")
    return value


class _Record:
    """One entry: its values by position. A nested table is made when it is first asked for."""

    def __init__(self, table: str, shape: Shape) -> None:
        self.table = table
        self.shape = shape
        empty = {"str": "", "bool": False, "table": None}
        self.values: list[Any] = [
            empty.get(_KINDS[field.type], 0) if field.default is None else field.default
            for field in shape.fields
        ]

    def read(self, index: int) -> Any:
        nested = self.shape.fields[index].nested
        if nested is not None and self.values[index] is None:
            self.values[index] = new_table(self.shape.fields[index].name, nested)
        return self.values[index]

    def write(self, index: int, value: Any) -> None:
        field = self.shape.fields[index]
        if field.nested is not None:
            if not hasattr(value, "items"):
                kind = type(value).__name__
                raise TypeError(f"table '{field.name}' is written as a mapping, not {kind}")
            table = self.read(index)
            table.clear()
            for key, entry in list(value.items()):
                table[key] = entry
            return
        try:
            self.values[index] = checked(value, field.type)
        except (TypeError, ValueError, OverflowError) as e:
            raise type(e)(f"field '{field.name}' of table '{self.table}': {e}") from None

    def fill(self, value: Any) -> None:
        if type(value) is self.shape.entry:
            source = _record_of(value)
            values = {name: source.read(i) for name, i in self.shape.attributes.items()}
        elif isinstance(value, self.shape.entry.__bases__[1]):
            values = vars(value)
        else:
            try:
                values = dict(value)
            except (TypeError, ValueError):
                author, kind = self.shape.entry.__bases__[1].__name__, type(value).__name__
                raise TypeError(
                    f"table '{self.table}' takes {author} or a mapping, not {kind}"
                ) from None
        for name, given in values.items():
            if name not in self.shape.attributes:
                raise TypeError(f"table '{self.table}' has no field {name!r}")
            self.write(self.shape.attributes[name], given)


def _record_of(entry: Any) -> _Record:
    record: _Record = object.__getattribute__(entry, "_record")
    return record


class StoredEntry:
    """A live view of a record; the class that authors see is their own too."""

    _record: _Record

    def __getattribute__(self, name: str) -> Any:
        record = _record_of(self)
        if name in record.shape.attributes:
            return record.read(record.shape.attributes[name])
        return object.__getattribute__(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        record = _record_of(self)
        if name not in record.shape.attributes:
            raise AttributeError(f"table '{record.table}' has no field {name!r}")
        record.write(record.shape.attributes[name], value)

    def __delattr__(self, name: str) -> None:
        record = _record_of(self)
        known = name in record.shape.attributes
        raise AttributeError(
            f"of table '{record.table}' field {name!r} cannot be deleted"
            if known
            else f"table '{record.table}' has no field {name!r}"
        )

    def release(self) -> None:
        """Nothing to do: it is valid as long as there is the object."""


class StoredTable:
    """The mapping itself; `ExportedTable` adds the rest."""

    __slots__ = ("_name", "_records", "_shape")

    _name: str
    _shape: Shape
    _records: dict[Any, _Record]

    @property
    def name(self) -> str:
        """Its name."""
        return self._name

    def _view(self, record: _Record) -> Any:
        view: Any = object.__new__(self._shape.entry)
        object.__setattr__(view, "_record", record)
        return view

    def __getitem__(self, key: Any) -> Any:
        record = self._records.get(checked(key, self._shape.key))
        if record is None:
            raise KeyError(key)
        return self._view(record)

    def get(self, key: Any, default: Any = None, /) -> Any:
        """Return the entry of a key, or the default."""
        record = self._records.get(checked(key, self._shape.key))
        return default if record is None else self._view(record)

    def __setitem__(self, key: Any, value: Any) -> None:
        key = checked(key, self._shape.key)
        record = _Record(self._name, self._shape)
        record.fill(value)
        self._records[key] = record

    def __delitem__(self, key: Any) -> None:
        if self._records.pop(checked(key, self._shape.key), None) is None:
            raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        return checked(key, self._shape.key) in self._records

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self._records))

    def clear(self) -> None:
        """Remove all entries."""
        self._records.clear()


def new_table(name: str, shape: Shape) -> Any:
    """Return an empty table of a form."""
    table = shape.table()
    table._name, table._shape, table._records = name, shape, {}  # noqa: SLF001
    return table
