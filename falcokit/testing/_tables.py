# SPDX-License-Identifier: Apache-2.0
"""Imported tables of the in-process driver: plain dicts of the test's, by the host's rules.

    {"threads": {1: {"comm": "init", "file_descriptors": {0: {"name": "/dev/null"}}}}}

A table is a dict of entries by key, an entry a dict of values by the name of the field; what is
missing reads as 0, "" or False. Made by `_running`.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from falcokit.runtime.errors import TableError
from falcokit.runtime.table_types import STATE_TYPES, Table, entry_fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from falcokit.runtime.table_types import Field

    Rows = dict[Any, dict[str, Any]]

__all__ = ["DictTables"]

_EMPTY: Final = {"str": "", "bool": False}
_GONE: Final = "this is of a hook that has returned: get it anew from the table"
_NO_HOOK: Final = "tables can be used in init, in parse_event, and in the other hooks of the host"


class DictTables:
    """The tables that a test lends to a plugin, and the hook that is under way."""

    def __init__(self, tables: dict[str, Rows]) -> None:
        self._tables = tables
        self.hook = 0  # odd: one is under way
        self.initializing = False
        self.read_only = False

    @contextlib.contextmanager
    def during(self, *, init: bool = False, read_only: bool = False) -> Iterator[None]:
        """Lend the tables for one hook; what it got is worth nothing afterwards."""
        self.hook += 1
        self.initializing, self.read_only = init, read_only
        try:
            yield
        finally:
            self.hook += 1
            self.initializing = False

    def check(self, hook: int | None = None, *, write: bool = False) -> None:
        """Raise TableError for what the host would refuse."""
        if self.hook % 2 == 0:
            raise TableError(_NO_HOOK)
        if hook is not None and hook != self.hook:
            raise TableError(_GONE)
        if write and self.read_only:
            raise TableError("while fields are extracted tables can only be read")

    def list_tables(self) -> list[tuple[str, int]]:
        """Return the names, and the type of the keys as far as it shows."""
        if not self.initializing:
            raise TableError("tables are listed in init")
        return [
            (name, STATE_TYPES["str" if any(isinstance(k, str) for k in rows) else "i64"])
            for name, rows in self._tables.items()
        ]

    def import_table(self, name: str, key: str, entry: type[Any]) -> Table[Any, Any]:
        """Find a table."""
        if not self.initializing:
            raise TableError("tables are imported in init")
        rows = self._tables.get(name)
        if rows is None:
            raise TableError(f"table '{name}' cannot be imported: the test gives no such table")
        wanted = str if key == "str" else int
        if not all(isinstance(k, wanted) for k in rows):
            raise TableError(f"table '{name}' cannot be imported: its keys are no {key}")
        return _DictTable(self, name, rows, entry, None)


class _DictTable(Table[Any, Any]):
    __slots__ = ("_class", "_hook", "_name", "_rows", "_tables")

    def __init__(
        self, tables: DictTables, name: str, rows: Rows, entry: type[Any], hook: int | None
    ) -> None:
        self._tables, self._name, self._rows, self._hook = tables, name, rows, hook
        members = {f.attribute: _attribute(f) for f in entry_fields(entry)}
        self._class = type(entry.__name__, (_DictEntry, entry), members)

    def _entry(self, row: dict[str, Any]) -> Any:
        entry: Any = object.__new__(self._class)
        entry._tables, entry._hook, entry._row = self._tables, self._tables.hook, row  # noqa: SLF001
        return entry

    @property
    def name(self) -> str:
        self._tables.check(self._hook)
        return self._name

    def __len__(self) -> int:
        self._tables.check(self._hook)
        return len(self._rows)

    def get(self, key: Any) -> Any:
        self._tables.check(self._hook)
        return self._entry(self._rows[key]) if key in self._rows else None

    def __getitem__(self, key: Any) -> Any:
        entry = self.get(key)
        if entry is None:
            raise KeyError(key)
        return entry

    def __contains__(self, key: object) -> bool:
        return self.get(key) is not None

    def __iter__(self) -> Iterator[Any]:
        self._tables.check(self._hook)
        for row in list(self._rows.values()):
            yield self._entry(row)

    def insert(self, key: Any, /, **fields: Any) -> Any:
        self._tables.check(self._hook, write=True)
        entry = self._entry({})
        known = vars(self._class)
        for attribute, value in fields.items():
            if attribute not in known:
                raise TypeError(f"{self._class.__name__} has no field '{attribute}'")
            setattr(entry, attribute, value)
        self._rows[key] = entry._row  # noqa: SLF001
        return entry

    def __setitem__(self, key: Any, fields: dict[str, Any]) -> None:
        self.insert(key, **fields)

    def __delitem__(self, key: Any) -> None:
        self.erase(key)

    def erase(self, key: Any) -> None:
        self._tables.check(self._hook, write=True)
        if self._rows.pop(key, None) is None:
            raise TableError("the entry cannot be erased: there is none of that key")

    def clear(self) -> None:
        self._tables.check(self._hook, write=True)
        self._rows.clear()


class _DictEntry:
    _tables: DictTables
    _hook: int
    _row: dict[str, Any] | None

    def release(self) -> None:
        self._row = None

    def held(self, *, write: bool = False) -> dict[str, Any]:
        self._tables.check(self._hook, write=write)
        if self._row is None:
            raise TableError("the entry was released")
        return self._row


def _attribute(field: Field) -> property:
    def read(entry: Any) -> Any:
        row = entry.held()
        if field.kind != "table":
            return row.get(field.name, _EMPTY.get(field.kind, 0))
        rows = row.setdefault(field.name, {})
        return _DictTable(entry._tables, field.name, rows, field.entry, entry._hook)  # noqa: SLF001

    def write(entry: Any, value: Any) -> None:
        row = entry.held(write=True)
        row[field.name] = _checked(field, value)

    return property(read, write)


def _checked(field: Field, value: Any) -> Any:
    kind = field.kind
    if kind == "table":
        raise TableError(f"field '{field.name}' is a table: change what it holds")
    wanted: type[Any] = {"str": str, "bool": bool}.get(kind, int)
    if not isinstance(value, wanted):
        raise TypeError(f"{wanted.__name__} is needed, not {type(value).__name__}")
    if wanted is int:
        bits = int(kind[1:]) - (kind[0] == "i")
        if not (-(2**bits) if kind[0] == "i" else 0) <= value < 2**bits:
            raise OverflowError(f"{value} does not fit {kind}")
    if kind == "str" and "\0" in value:
        raise ValueError("a str of a table has no NUL")
    return value
