# SPDX-License-Identifier: Apache-2.0
"""The tables that a class exports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from falcokit.build.check import wrong
from falcokit.runtime.base.annotations import own_annotations
from falcokit.runtime.tables.exported_table import exported_tables, make_shape
from falcokit.runtime.tables.tables import imported_tables

if TYPE_CHECKING:
    from collections.abc import Collection

    from falcokit.runtime.tables.exported_table import Shape

__all__ = ["check_exports"]


def check_exports(plugin: type[Any], capabilities: Collection[str]) -> bool:
    """Check the exported tables of a class; tell whether one has tables within its entries.

    Raises:
        PluginDefinitionError: the framework, or the storage, would refuse one.

    """
    names: dict[str, str] = {}
    imported = {table.name: attribute for attribute, table in imported_tables(plugin).items()}
    nested = False
    for attribute, declared in exported_tables(plugin).items():
        if not {"parse", "extract"} & {*capabilities}:
            hint = "add EventParsing (or AsyncEvents, FieldExtraction) to the bases"
            wrong(plugin, attribute, "exports a table, which Falco does not let it", hint)
        try:
            shape = make_shape(declared, _Table, _Entry)
        except TypeError as e:
            _tell(plugin, attribute, declared.entry, str(e))
        if declared.name in names:
            other = f"{names[declared.name]} and {attribute}"
            wrong(plugin, attribute, f"exports two tables {declared.name!r}: {other}", "rename one")
        if declared.name in imported:
            # A look-up of its own that fails in init makes the framework throw through our frames.
            what = f"exports the table {declared.name!r} that it imports as "
            wrong(plugin, attribute, what + imported[declared.name], f"use self.{attribute}")
        names[declared.name] = attribute
        nested = nested or _has_nested(shape)
    return nested


def _has_nested(shape: Shape) -> bool:
    return any(field.nested is not None for field in shape.fields)


def _tell(plugin: type[Any], attribute: str, entry: Any, text: str) -> None:
    """Raise at the line of the entry's field at fault, else at that of the table."""
    field = text.partition(":")[0]
    classes = [entry] if isinstance(entry, type) else []
    for cls in classes:
        if field in own_annotations(cls):
            hint = "i8 to u64, bool, str, or MutableMapping[key, entry]"
            wrong(cls, field, f"cannot be the entry of a table: {text}", hint)
    hint = 'export_table("name", str, Entry), with class Entry(TableEntry)'
    wrong(plugin, attribute, f"has a table that cannot be exported: {text}", hint)


class _Table:
    """Stands for a driver's table."""

    __slots__ = ()


class _Entry:
    """Stands for a driver's entry."""

    __slots__ = ()
