# SPDX-License-Identifier: Apache-2.0
"""The tables that a test lends to a plugin: plain dicts, as the plugin API has tables.

    {"threads": {1: {"comm": "init", "file_descriptors": {0: {"name": "/dev/null"}}}}}

A table is a dict of entries by key, an entry a dict of values by the name of the field; what is
missing reads as 0, "" or False. What authors may do with a table is checked by the library itself.
"""

from __future__ import annotations

import ctypes
import itertools
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from falcokit.runtime.tables.table_types import STATE_TYPES, entry_fields
from falcokit.runtime.tables.tables import imported_tables

if TYPE_CHECKING:
    from collections.abc import Callable

    Rows = dict[Any, dict[str, Any]]

__all__ = ["DictTables"]

_KINDS: Final = {number: kind for kind, number in STATE_TYPES.items()}
_EMPTY: Final = {"str": "", "bool": False}
_KEY_FIELDS: Final = {"threads": "tid", "file_descriptors": "fd"}
_LISTS: Final = {"args", "env", "cgroups"}
_SUCCESS, _FAILURE = 0, 1
_TEXTS_KEPT: Final = 256

_P = ctypes.c_void_p


class _Data(ctypes.Union):
    _fields_ = (
        *((f"i{n}", getattr(ctypes, f"c_int{n}")) for n in (8, 16, 32, 64)),
        *((f"u{n}", getattr(ctypes, f"c_uint{n}")) for n in (8, 16, 32, 64)),
        ("str", ctypes.c_char_p),
        ("bool", ctypes.c_uint32),
        ("table", _P),
    )


_D = ctypes.POINTER(_Data)


def _functions(*given: tuple[str, Any]) -> type[ctypes.Structure]:
    return type("_Functions", (ctypes.Structure,), {"_fields_": given})


_READS: Final = (
    ("name", ctypes.CFUNCTYPE(_P, _P)),
    ("size", ctypes.CFUNCTYPE(ctypes.c_uint64, _P)),
    ("get", ctypes.CFUNCTYPE(_P, _P, _D)),
    ("read", ctypes.CFUNCTYPE(ctypes.c_int, _P, _P, _P, _D)),
)
_RELEASE: Final = ("release", ctypes.CFUNCTYPE(None, _P, _P))
_WRITES: Final = (
    ("clear", ctypes.CFUNCTYPE(ctypes.c_int, _P)),
    ("erase", ctypes.CFUNCTYPE(ctypes.c_int, _P, _D)),
    ("create", ctypes.CFUNCTYPE(_P, _P)),
    ("destroy", ctypes.CFUNCTYPE(None, _P, _P)),
    ("add", ctypes.CFUNCTYPE(_P, _P, _D, _P)),
    ("write", ctypes.CFUNCTYPE(ctypes.c_int, _P, _P, _P, _D)),
)
_OF_FIELDS: Final = (
    ("list_fields", ctypes.CFUNCTYPE(_P, _P, ctypes.POINTER(ctypes.c_uint32))),
    ("get_field", ctypes.CFUNCTYPE(_P, _P, ctypes.c_char_p, ctypes.c_int)),
    ("add_field", ctypes.CFUNCTYPE(_P, _P, ctypes.c_char_p, ctypes.c_int)),
)
#: All but `iterate`, which is C's.
_FUNCTIONS: Final[tuple[tuple[str, Any], ...]] = (*_READS, _RELEASE, *_WRITES, *_OF_FIELDS)
_Reader = _functions(*_READS)
_ReaderExt = _functions(*_READS, _RELEASE, ("iterate", _P))
_Writer = _functions(*_WRITES)
_Fields = _functions(*_OF_FIELDS)


class _Input(ctypes.Structure):  # ss_plugin_table_input
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("key_type", ctypes.c_int),
        ("table", _P),
        ("reader", _Reader),
        ("writer", _Writer),
        ("fields", _Fields),
        ("reader_ext", ctypes.POINTER(_ReaderExt)),
        ("writer_ext", ctypes.POINTER(_Writer)),
        ("fields_ext", ctypes.POINTER(_Fields)),
    )


class _Listed(ctypes.Structure):  # struct fk_test_table of native/src/testing/host.c
    _fields_ = (("count", ctypes.c_uint64), ("entries", _P))


class _Table:
    """A dict, as a table of the plugin API."""

    def __init__(self, tables: DictTables, name: str, path: str, key: str, rows: Rows) -> None:
        self.name, self.path, self.key, self.rows = name, path, key, rows
        self.is_list = name in _LISTS and key == "u64"
        self.listed = _Listed()
        self.number = ctypes.addressof(self.listed)
        self.entries: Any = None
        self.text = ctypes.create_string_buffer(name.encode())
        self.input = tables.input_of(self)


class _Entry:
    """An entry that was lent, or one that is not in its table yet."""

    def __init__(self, row: dict[str, Any]) -> None:
        self.row = row
        self.key: Any = 0


class DictTables:
    """Lends the dicts of a test through the functions of the plugin API.

    They are called with the GIL taken anew, on the thread of the hook that uses the table.
    """

    def __init__(self, plugin: type[Any], host: ctypes.CDLL) -> None:
        self._refuse: Callable[[bytes], None] = host.fk_test_refuse
        self._numbers = itertools.count(1)
        self._kept: dict[int, Any] = {}  # tables and entries, by what C knows them by
        self._tables: list[_Table] = []
        self._fields: list[tuple[str, str]] = []
        self._nested: dict[int, _Table] = {}  # by the id of their dict, which they keep alive
        self._entries: dict[int, int] = {}  # by the id of their row, which they keep alive
        self._texts: deque[bytes] = deque(maxlen=_TEXTS_KEPT)
        self._keys: dict[str, str] = {}
        for declared in imported_tables(plugin).values():
            self._learn_keys(declared.name, declared.key, declared.entry)
        functions = {name: kind(getattr(self, f"_{name}")) for name, kind in _FUNCTIONS}
        functions["iterate"] = ctypes.cast(host.fk_test_iterate, _P)

        def fill(vtable: type[ctypes.Structure]) -> Any:
            return vtable(*(functions[field[0]] for field in vtable._fields_))

        self._functions = functions
        self._parts = (fill(_Reader), fill(_Writer), fill(_Fields))
        self._extended = (fill(_ReaderExt), fill(_Writer), fill(_Fields))

    def _learn_keys(self, path: str, key: Any, entry: type[Any]) -> None:
        """Note the types of keys that the class declares: a dict that is empty shows none."""
        from falcokit.runtime.tables.table_types import key_type  # noqa: PLC0415

        self._keys[path] = key if isinstance(key, str) else key_type(key)
        for field in entry_fields(entry):
            if field.entry is not None:
                self._learn_keys(f"{path}.{field.name}", field.key, field.entry)

    def list_entries(self) -> None:
        """Note which entries there are, as the test may have changed its dicts."""
        for table in self._tables:
            self._list(table)

    def _list(self, table: _Table) -> None:
        numbers = [self._lend(row, key) for key, row in table.rows.items()]
        table.entries = (_P * len(numbers))(*numbers)
        table.listed.entries = ctypes.addressof(table.entries)
        table.listed.count = len(numbers)

    def input_of(self, table: _Table) -> _Input:
        """Make what C knows of a table."""
        extended = map(ctypes.pointer, self._extended)
        name = ctypes.cast(table.text, ctypes.c_char_p)
        return _Input(name, STATE_TYPES[table.key], table.number, *self._parts, *extended)

    def table(self, name: str, rows: Rows) -> _Input:
        """Return a table of the test's, for the host."""
        return self._make(name, name, rows).input

    def _make(self, name: str, path: str, rows: Rows) -> _Table:
        key = self._keys.get(path)
        if key is None:
            texts = any(isinstance(given, str) for given in rows)
            key = "str" if texts else "u64" if name in _LISTS else "i64"
        table = _Table(self, name, path, key, rows)
        self._kept[table.number] = table
        self._tables.append(table)
        self._list(table)
        return table

    # ---- the functions of the plugin API --------------------------------------------------------

    def _fail(self, why: str) -> int:
        self._refuse(why.encode(errors="replace"))
        return _FAILURE

    def _value(self, kind: str, data: Any) -> Any:
        value = getattr(data.contents, kind)
        if kind == "str":
            return (value or b"").decode(errors="surrogateescape")
        return bool(value) if kind == "bool" else value

    def _lend(self, row: dict[str, Any], key: Any) -> int:
        number = self._entries.get(id(row))
        if number is None:
            number = self._entries[id(row)] = next(self._numbers)
            self._kept[number] = _Entry(row)
        self._kept[number].key = key
        return number

    def _name(self, number: int) -> int:
        return ctypes.addressof(self._kept[number].text)

    def _size(self, number: int) -> int:
        return len(self._kept[number].rows)

    def _get(self, number: int, key: Any) -> int | None:
        table = self._kept[number]
        given = self._value(table.key, key)
        row = table.rows.get(given)
        if row is None:
            self._fail("there is no such entry")
            return None
        return self._lend(row, given)

    def _read(self, number: int, entry: int, field: int, out: Any) -> int:
        name, kind = self._fields[field - 1]
        table, row = self._kept[number], self._kept[entry].row
        if kind == "table":
            rows = row.setdefault(name, {})
            nested = self._nested.get(id(rows))
            if nested is None:
                nested = self._nested[id(rows)] = self._make(name, f"{table.path}.{name}", rows)
            out.contents.table = ctypes.addressof(nested.input)
            return _SUCCESS
        value = row.get(name, _EMPTY.get(kind, 0))
        if name not in row and name == _KEY_FIELDS.get(table.name):
            value = self._kept[entry].key
        if kind == "str":
            value = value.encode(errors="surrogateescape")
            self._texts.append(value)
        setattr(out.contents, kind, value)
        return _SUCCESS

    def _release(self, _number: int, _entry: int) -> None:
        """Keep it: what an iteration has lent is used afterwards, and a test has few."""

    def _clear(self, number: int) -> int:
        self._kept[number].rows.clear()
        self._list(self._kept[number])
        return _SUCCESS

    def _erase(self, number: int, key: Any) -> int:
        table = self._kept[number]
        given = self._value(table.key, key)
        if table.rows.pop(given, None) is None:
            return self._fail("there is no such entry")
        if table.is_list:
            rest = [table.rows[index] for index in sorted(table.rows)]
            table.rows.clear()
            table.rows.update(enumerate(rest))
        self._list(table)
        return _SUCCESS

    def _create(self, _number: int) -> int:
        return self._lend({}, 0)

    def _destroy(self, _number: int, _entry: int) -> None:
        """Keep it too."""

    def _add(self, number: int, key: Any, entry: int) -> int:
        table, given = self._kept[number], self._value(self._kept[number].key, key)
        row = self._kept[entry].row
        if table.is_list:  # it ends at the new entry, which has what was there
            row.update(table.rows.get(given, {}))
            for index in [index for index in table.rows if index > given]:
                del table.rows[index]
            for index in range(given):
                table.rows.setdefault(index, {})
        table.rows[given] = row
        self._kept[entry].key = given
        if table.is_list:
            ordered = {index: table.rows[index] for index in sorted(table.rows)}
            table.rows.clear()
            table.rows.update(ordered)
        self._list(table)
        return entry

    def _write(self, _number: int, entry: int, field: int, data: Any) -> int:
        name, kind = self._fields[field - 1]
        if kind == "table":
            return self._fail("a field that is a table cannot be written")
        self._kept[entry].row[name] = self._value(kind, data)
        return _SUCCESS

    def _list_fields(self, _number: int, count: Any) -> None:
        count.contents.value = 0  # a dict has those that are asked for

    def _get_field(self, number: int, name: bytes, kind: int) -> int | None:
        table, field = self._kept[number], (name.decode(), _KINDS[kind])
        for row in table.rows.values():
            if field[0] in row and not _fits(row[field[0]], field[1]):
                self._fail(f"a value of it in the test's dict is {row[field[0]]!r}")
                return None
        if field not in self._fields:
            self._fields.append(field)
        return self._fields.index(field) + 1

    def _add_field(self, number: int, name: bytes, kind: int) -> int | None:
        return self._get_field(number, name, kind)


def _fits(value: Any, kind: str) -> bool:
    if kind in {"str", "bool", "table"}:
        known: dict[str, type[Any]] = {"str": str, "bool": bool, "table": dict}
        return isinstance(value, known[kind])
    if not isinstance(value, int):
        return False
    bits = int(kind[1:])
    low = -(1 << bits - 1) if kind[0] == "i" else 0
    return low <= value < low + (1 << bits)
