# SPDX-License-Identifier: Apache-2.0
"""Importing tables: Falco's own, and those of other plugins.

    class P(Plugin, EventParsing):
        threads = import_table("threads", i64, Process)

        def parse_event(self, event):
            thread = self.threads.get(event.tid)

Tables are found before the plugin's `init`; a missing table or field makes it fail, with the text
of the table's owner. `Plugin.tables` imports tables that only the config can name. Every plugin
loads this module, so it imports `table_types` only when a table is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

from falcokit.runtime.base.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Protocol

    from falcokit.runtime.tables.table_types import Table, TableEntry

    class TableHost(Protocol):
        """Lends the tables of the host."""

        def list_tables(self) -> list[tuple[str, int]]:
            """Return the name of each table and the number of its key type."""

        def import_table(self, name: str, key: str, entry: type[Any], /) -> Table[Any, Any]:
            """Find a table and its fields.

            Raises:
                TableError: the table or field does not exist, or has another type.

            """


__all__ = [
    "ImportedTable",
    "Tables",
    "bind_tables",
    "import_table",
    "imported_tables",
    "shape_of",
]

K = TypeVar("K")
E = TypeVar("E", bound="TableEntry")


class ImportedTable(NamedTuple):
    """The class attribute that `import_table` returns."""

    name: str
    key: Any
    entry: type[TableEntry]


def import_table(name: str, key: type[K], entry: type[E]) -> Table[K, E]:
    """Declare a table that the plugin imports, as an attribute of its class.

    Args:
        name: Its name: "threads" is Falco's own thread table, with i64 keys.
        key: The type of its keys: i8 to u64, bool or str.
        entry: The class with the fields that the plugin uses or adds.

    """
    return cast("Table[K, E]", ImportedTable(name, key, entry))


def imported_tables(plugin: type[Any]) -> dict[str, ImportedTable]:
    """Return the tables that a class and its bases import, by attribute."""
    return {
        attribute: value
        for base in reversed(plugin.__mro__)
        for attribute, value in vars(base).items()
        if isinstance(value, ImportedTable)
    }


class Tables:
    """The available tables, in `init`: `Plugin.tables`."""

    def __init__(self, host: TableHost) -> None:
        self._host = host
        self._types: dict[str, str] = {}  # "the key of 'threads'" or "field ..." -> its type

    def list(self) -> dict[str, str]:
        """Return the tables by name, with the type of their keys: {"threads": "i64"}.

        Raises:
            TableError: outside of `init`, or in a plugin that declares no table.

        """
        from falcokit.runtime.tables.table_types import STATE_TYPES  # noqa: PLC0415

        kinds = {number: name for name, number in STATE_TYPES.items()}
        return {name: kinds.get(kind, "?") for name, kind in self._host.list_tables()}

    def get(self, name: str, key: type[K], fields: type[E] | Mapping[str, Any]) -> Table[K, E]:
        """Import a table that only the config can name.

        Args:
            name: Its name.
            key: The type of its keys.
            fields: A TableEntry class, or the types of the fields by name.

        Raises:
            TableError: the table or field does not exist, or `init` is over.

        """
        from falcokit.runtime.tables.table_types import TableEntry, check_name, key_type  # noqa: PLC0415

        try:
            check_name(name)
            entry: Any = fields
            if not isinstance(fields, type):
                entry = type("Entry", (TableEntry,), {"__annotations__": dict(fields)})
            kind = key_type(key)
            types = self._agree(name, kind, entry)
            table = self._host.import_table(name, kind, entry)
        except TableError:
            raise
        except (TypeError, ValueError) as e:
            raise TableError(f"table {name!r}: {e}") from e
        self._types.update(types)
        return table

    def _agree(self, name: str, key: str, entry: type[Any]) -> dict[str, str]:
        """Return the type of each key and field, if it agrees with earlier imports.

        The framework does not check the type again, and would misinterpret the memory. Failed
        imports do not count.
        """
        types: dict[str, str] = {}
        for what, kind in _types(repr(name), key, entry):
            before = self._types.get(what) or types.setdefault(what, kind)
            if before != kind:
                raise TypeError(f"{what} is {before} in this plugin already, and cannot be {kind}")
        return types


def _types(table: str, key: str, entry: type[Any]) -> Iterator[tuple[str, str]]:
    from falcokit.runtime.tables.table_types import entry_fields  # noqa: PLC0415

    yield f"the key of {table}", key
    for field in entry_fields(entry):
        what = f"field {field.name!r} of {table}"
        yield what, field.kind
        if field.entry is not None:
            yield from _types(what, field.key, field.entry)


def bind_tables(plugin: Any, host: TableHost) -> None:
    """Import the tables that the class declares, as attributes of its instance."""
    plugin.tables = tables = Tables(host)
    for attribute, declared in imported_tables(type(plugin)).items():
        vars(plugin)[attribute] = tables.get(declared.name, declared.key, declared.entry)


def shape_of(hot: Any, key: str, entry: type[Any]) -> Any:
    """Return the C side's description of a table: its fields, and the class of its entries."""
    from falcokit.runtime.tables.table_types import STATE_TYPES, Added, entry_fields  # noqa: PLC0415

    fields = entry_fields(entry)
    attributes = {field.attribute: at for at, field in enumerate(fields)}
    made = type(
        entry.__name__,
        (hot.ImportedEntry, entry),
        {name: hot.ImportedField(at) for name, at in attributes.items()},
    )
    return hot.Shape(
        STATE_TYPES[key],
        made,
        attributes,
        tuple(
            (
                field.name,
                STATE_TYPES[field.kind],
                isinstance(field.default, Added),
                shape_of(hot, field.key, field.entry) if field.kind == "table" else None,
            )
            for field in fields
        ),
    )
