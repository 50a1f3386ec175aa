# SPDX-License-Identifier: Apache-2.0
"""Imported tables of the in-process driver as the author has them: tables, entries, iterations.

Made by `_tables`, by the rules of glue_table*.c.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from falcokit.runtime.base.errors import TableError, TableFieldError, TableTypeError
from falcokit.runtime.tables.table_types import Table
from falcokit.testing._table_form import Form

if TYPE_CHECKING:
    from collections.abc import Iterator

    from falcokit.runtime.tables.table_types import Field
    from falcokit.testing._tables import DictTables

    Rows = dict[Any, dict[str, Any]]

__all__ = ["DictTable", "Iteration", "import_dict"]

_EMPTY: Final = {"str": "", "bool": False}
_RELEASED: Final = "the entry was released"
_GONE_ON: Final = "the iteration has gone on: this entry was lent for its turn only"
_CHANGED: Final = (
    "entries were inserted into or removed from such a table since this one was got: get it anew"
    " from the table"
)
_ENDED: Final = "the entry of the table that is iterated over was released"


class DictTable(Table[Any, Any]):
    """A table of the test's, or one within an entry."""

    __slots__ = ("_hook", "_rows", "form", "parent", "tables")

    def __init__(self, tables: DictTables, rows: Rows, form: Form, parent: _Hold | None) -> None:
        self.tables, self.form, self.parent, self._rows = tables, form, parent, rows
        self._hook = None if parent is None else parent.hook

    def use(self, *, write: bool = False) -> None:
        """Raise TableError for what the host would refuse."""
        self.tables.check(self._hook, write=write)
        self.alive()

    def alive(self) -> None:
        """Raise TableError where an entry that it is in is held no longer."""
        if self.parent is not None:
            self.parent.table.alive()
            self.parent.alive()

    def within(self, *, hold: _Hold | None = None, lender: Iteration | None = None) -> bool:
        """Tell whether it lies, however deep, in an entry, or in one that an iteration lends."""
        above = self.parent
        return above is not None and (
            above is hold
            or (lender is not None and above.lender is lender)
            or above.table.within(hold=hold, lender=lender)
        )

    def lend(
        self, row: dict[str, Any], lender: Iteration | None = None, *, looked_up: bool = False
    ) -> Any:
        """Return an entry of the author's class."""
        entry: Any = object.__new__(self.form.entry)
        turn = lender.turn if lender else 0
        changes = None
        if self.form.is_list or (looked_up and self.form.has_fds):
            changes = self.changes()
        hold = _Hold(self, row, lender, turn, self.tables.check().number, changes)
        object.__setattr__(entry, "falcokit_hold", hold)
        return entry

    def changes(self) -> int:
        """Return how often tables of this name, within threads, were changed."""
        return self.tables.changes.get(self.form.name, 0)

    def _changed(self) -> None:
        if self.form.of_thread:
            self.tables.changes[self.form.name] = self.changes() + 1

    @property
    def name(self) -> str:
        self.use()
        return self.form.name

    def __len__(self) -> int:
        self.use()
        return len(self._rows)

    def get(self, key: Any) -> Any:
        key = self.form.check_key(key)
        self.use()
        return self.lend(self._rows[key], looked_up=True) if key in self._rows else None

    def __getitem__(self, key: Any) -> Any:
        entry = self.get(key)
        if entry is None:
            raise KeyError(key)
        return entry

    def __contains__(self, key: object) -> bool:
        return self.get(key) is not None

    def __iter__(self) -> Iterator[Any]:
        self.use()
        return Iteration(self, self._rows)

    def insert(self, key: Any, /, **fields: Any) -> Any:
        form = self.form
        key = form.check_new_key(key)
        values = form.check_fields(fields)
        self.use(write=True)
        if form.is_list:
            kept = {i: self._rows.get(i, {}) for i in range(key + 1)}
            self._rows.clear()
            self._rows.update(kept)
        else:
            self._rows[key] = {}
        self._changed()
        self._rows[key].update(values)
        return self.lend(self._rows[key])

    def __setitem__(self, key: Any, fields: dict[str, Any]) -> None:
        if not isinstance(fields, dict):
            raise TableTypeError("an entry is set by a dict of its fields")
        self.insert(key, **fields)

    def __delitem__(self, key: Any) -> None:
        self.erase(key)

    def erase(self, key: Any) -> None:
        key = self.form.check_key(key)
        self.use(write=True)
        if self._rows.pop(key, None) is None:
            raise TableError("the entry cannot be erased: there is none of that key")
        if self.form.is_list:
            behind = [self._rows.pop(i) for i in sorted(k for k in self._rows if k > key)]
            self._rows.update(enumerate(behind, key))
        self._changed()

    def clear(self) -> None:
        self.use(write=True)
        self._rows.clear()
        self._changed()


@dataclasses.dataclass(eq=False)
class _Hold:
    """What an entry of the author's knows of its own."""

    table: DictTable
    row: dict[str, Any] | None  # None: released
    lender: Iteration | None
    turn: int  # of the lender
    hook: int
    changes: int | None  # of such tables, where it is the host's until the next

    def alive(self) -> None:
        """Raise TableError where it is held no longer."""
        if self.lender is not None:
            if not self.lender.lends(self.turn):
                raise TableError(_GONE_ON)
        elif self.row is None:
            raise TableError(_RELEASED)
        elif self.changes is not None and self.changes != self.table.changes():
            raise TableError(_CHANGED)

    def use(self, *, write: bool = False) -> dict[str, Any]:
        """Return the row, if it can be used."""
        self.table.tables.check(self.hook)
        if write:
            self.table.tables.check_write()
        self.table.alive()
        self.alive()
        return {} if self.row is None else self.row  # it is not None any more

    def release(self) -> None:
        """Let go of it, and of what is in it."""
        self.row = self.lender = None
        if self.table.tables.now() is not None:
            self.table.tables.end_iterations(hold=self)


def _hold_of(entry: _DictEntry) -> _Hold:
    if entry.falcokit_hold is None:  # the author made it
        raise TableError("this is no entry of a table")
    return entry.falcokit_hold


class _DictEntry:
    falcokit_hold: _Hold | None = None

    def release(self) -> None:
        if self.falcokit_hold is not None:
            self.falcokit_hold.release()

    def __setattr__(self, name: str, value: Any) -> None:
        form = _hold_of(self).table.form
        own = None if name.startswith("__") else getattr(type(self), name, None)
        if name not in form.fields and not hasattr(type(own), "__set__"):
            raise form.no_field(name)
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        form = _hold_of(self).table.form
        if name not in form.fields:
            raise form.no_field(name)
        raise TableFieldError("a field of an entry cannot be deleted")


class _Attribute:
    """A field of an entry."""

    def __init__(self, field: Field) -> None:
        self._field = field

    def __get__(self, entry: Any, owner: type[Any] | None = None) -> Any:
        if entry is None:
            return self
        self._check(entry)
        hold, field = _hold_of(entry), self._field
        row = hold.use()
        if field.kind != "table":
            return row.get(field.name, _EMPTY.get(field.kind, 0))
        rows, table = row.setdefault(field.name, {}), hold.table
        return DictTable(table.tables, rows, table.form.nested[field.name], hold)

    def __set__(self, entry: Any, value: Any) -> None:
        self._check(entry)
        hold, field = _hold_of(entry), self._field
        value = hold.table.form.check_value(field, value)
        hold.use(write=True)[field.name] = value

    def _check(self, entry: Any) -> None:
        if self not in vars(type(entry)).values():
            raise TableError("the field is of another class than the entry")


def _entry_class(author: type[Any], fields: dict[str, Field]) -> type[Any]:
    members = {name: _Attribute(field) for name, field in fields.items()}
    return type(author.__name__, (_DictEntry, author), members)


def import_dict(tables: DictTables, rows: Rows, name: str, key: str, entry: type[Any]) -> DictTable:
    """Return the table that a test's dict is, for the author's class of entries."""
    return DictTable(tables, rows, Form(name, key, entry, _entry_class), None)


class Iteration:
    """A `for` over a table: each entry is lent for its turn.

    It is under way until it ends, what it is over is released, or nobody has it any more.
    """

    def __init__(self, table: DictTable, rows: Rows) -> None:
        self.table = table
        self.turn = 0
        self.hook = table.tables.check().number
        self._rows = iter(list(rows.values()))
        self._over = False
        table.tables.open.add(self)

    def lends(self, turn: int) -> bool:
        """Tell whether the entry of a turn is lent now."""
        return turn == self.turn and self in self.table.tables.open

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        tables, row = self.table.tables, None
        if self._over:
            raise StopIteration
        tables.check(self.hook)
        if self not in tables.open:
            raise TableError(_ENDED)
        try:
            self.table.alive()
            row = next(self._rows, None)
        finally:
            self.turn += 1
            tables.end_iterations(lender=self)
            if row is None:
                self._over = True
                tables.open.discard(self)
        if row is None:
            raise StopIteration
        return self.table.lend(row, self)
