# SPDX-License-Identifier: Apache-2.0
"""Imported tables of the in-process driver: plain dicts of the test's, by the host's rules.

    {"threads": {1: {"comm": "init", "file_descriptors": {0: {"name": "/dev/null"}}}}}

A table is a dict of entries by key, an entry a dict of values by the name of the field; what is
missing reads as 0, "" or False. Here is when they can be used, and how they are imported; tables
and entries are in `_table_entries`. What is refused, and in which words, is glue_table*.c's:
tests/conformance/test_table_misuse.py holds the two equal. Made by `_running`.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
import weakref
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from falcokit.runtime.base.errors import TableError
from falcokit.runtime.tables.table_types import STATE_TYPES, entry_fields
from falcokit.testing._store import checked
from falcokit.testing._table_entries import import_dict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from falcokit.runtime.tables.table_types import Table
    from falcokit.testing._table_entries import Iteration, Rows

__all__ = ["DictTables"]

_GONE: Final = "this is of a hook that has returned: get it anew from the table"
_NO_HOOK: Final = (
    "tables can be used in init, in parse_event, in the hooks of capture listening, and while"
    " fields are extracted, on the thread of the hook"
)
_READ_ONLY: Final = "while fields are extracted tables can only be read"
_ITERATED: Final = "tables cannot be changed while one is iterated over: collect the keys first"


class _Hook(NamedTuple):
    """One that is under way; events are parsed by whoever emits them, within another hook too."""

    number: int
    init: bool
    read_only: bool


class DictTables:
    """The tables that a test lends to a plugin, and the hooks that are under way."""

    def __init__(self, tables: dict[str, Rows]) -> None:
        self._tables = tables
        self._numbers = itertools.count(1)
        self._threads: dict[int, _Hook] = {}
        self.open: weakref.WeakSet[Iteration] = weakref.WeakSet()
        self.changes: dict[str, int] = {}  # of the tables of each name within threads

    @contextlib.contextmanager
    def during(self, *, init: bool = False, read_only: bool = False) -> Iterator[None]:
        """Lend the tables for one hook; what it got is worth nothing afterwards."""
        me = threading.get_ident()
        outer = self._threads.get(me)
        self._threads[me] = hook = _Hook(next(self._numbers), init, read_only)
        try:
            yield
        finally:
            for iteration in [i for i in self.open if i.hook == hook.number]:
                self.open.discard(iteration)
            del self._threads[me]
            if outer is not None:
                self._threads[me] = outer

    def now(self) -> _Hook | None:
        """Return the hook that is under way on this thread."""
        return self._threads.get(threading.get_ident())

    def check(self, number: int | None = None, *, write: bool = False) -> _Hook:
        """Return the hook, or raise TableError for what the host would refuse."""
        hook = self.now()
        if hook is None:
            raise TableError(_NO_HOOK)
        if number is not None and number != hook.number:
            raise TableError(_GONE)
        if write:
            self.check_write()
            if self.open:
                raise TableError(_ITERATED)
        return hook

    def check_write(self) -> None:
        """Raise TableError where nothing may be written."""
        hook = self.now()
        if hook is not None and hook.read_only:
            raise TableError(_READ_ONLY)

    def end_iterations(self, *, hold: Any = None, lender: Iteration | None = None) -> None:
        """End those over what lies in an entry that is let go of, or in one that was lent."""
        for iteration in list(self.open):
            if iteration.table.within(hold=hold, lender=lender):
                self.open.discard(iteration)

    def list_tables(self) -> list[tuple[str, int]]:
        """Return the names, and the type of the keys as far as it shows."""
        if not self.check().init:
            raise TableError("tables are listed in init")
        return [
            (name, STATE_TYPES["str" if any(isinstance(k, str) for k in rows) else "i64"])
            for name, rows in self._tables.items()
        ]

    def import_table(self, name: str, key: str, entry: type[Any]) -> Table[Any, Any]:
        """Find a table."""
        if not self.check().init:
            raise TableError("tables are imported in init")
        what = f"table {name!r}"
        rows = self._tables.get(name)
        if rows is None:
            names = ", ".join(self._tables) or "none"
            refused = f"{what} cannot be imported: there is no such table; there is {names}"
            raise TableError(refused)
        try:
            for given in rows:
                checked(given, STATE_TYPES[key])
        except (TypeError, ValueError, OverflowError) as e:
            refused = f"{what} cannot be imported: its keys are of another type than {key}: {e}"
            raise TableError(refused) from None
        _check_values(what, rows, entry)
        return import_dict(self, rows, name, key, entry)


def _check_values(what: str, rows: Rows, entry: type[Any]) -> None:
    """Raise TableError for a field that the test's table has with another type."""
    for field in entry_fields(entry):
        values = [row[field.name] for row in rows.values() if field.name in row]
        for value in values:
            try:
                if field.kind != "table":
                    checked(value, STATE_TYPES[field.kind])
                elif not isinstance(value, dict):
                    raise TypeError(f"a dict is needed, not {type(value).__name__}")  # noqa: TRY301
            except (TypeError, ValueError, OverflowError) as e:
                refused = f"{what} has no field {field.name!r} of type {field.kind}: {e}"
                raise TableError(refused) from None
            if field.kind == "table":
                _check_values(f"table {field.name!r}", value, field.entry)
