# SPDX-License-Identifier: Apache-2.0
"""The tables that a class imports, and those that it exports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from falcokit.build.check import wrong
from falcokit.runtime.base.annotations import own_annotations
from falcokit.runtime.tables.exported_table import exported_tables, make_shape
from falcokit.runtime.tables.table_types import entry_fields, key_type
from falcokit.runtime.tables.tables import imported_tables

if TYPE_CHECKING:
    from collections.abc import Collection

    from falcokit.build.metadata import Capability
    from falcokit.runtime.tables.exported_table import Shape

__all__ = ["check_tables"]

#: The framework lends its tables at init to plugins that have one of these.
_LENT_TO: Final = {"parse", "extract"}
_ONLY: Final = "and Falco gives tables only to plugins that parse events or extract fields"


def check_tables(plugin: type[Any], capabilities: Collection[Capability]) -> tuple[bool, bool]:
    """Return whether a class exports tables within entries, and whether it imports any table.

    Raises:
        PluginDefinitionError: the framework or the storage would refuse one, a key or a field of
            one has a type that tables do not have, or the plugin has no capability that may use
            tables.

    """
    return _check_exports(plugin, capabilities), _check_imports(plugin, capabilities)


def _check_imports(plugin: type[Any], capabilities: Collection[Capability]) -> bool:
    """Return whether it imports any."""
    declared = imported_tables(plugin)
    for attribute, table in declared.items():
        try:
            key_type(table.key)
            _check_fields(table.entry)
        except TypeError as e:
            hint = "fields and keys are i8 to i64, u8 to u64, bool or str; Table for a nested table"
            wrong(plugin, attribute, f"imports table {table.name!r} with {e}", hint)
    if declared and _LENT_TO.isdisjoint(capabilities):
        hint = "add EventParsing or FieldExtraction to its bases"
        wrong(plugin, next(iter(declared)), f"imports a table, {_ONLY}", hint)
    return bool(declared)


def _check_fields(entry: type[Any]) -> None:
    for field in entry_fields(entry):
        if field.entry is not None:
            _check_fields(field.entry)


def _check_exports(plugin: type[Any], capabilities: Collection[Capability]) -> bool:
    """Return whether one has tables within its entries."""
    names: dict[str, str] = {}
    imported = {table.name: attribute for attribute, table in imported_tables(plugin).items()}
    nested = False
    for attribute, declared in exported_tables(plugin).items():
        if _LENT_TO.isdisjoint(capabilities):
            hint = "add EventParsing (or AsyncEvents, FieldExtraction) to the bases"
            wrong(plugin, attribute, f"exports a table, {_ONLY}", hint)
        try:
            shape = make_shape(declared, _Table, _Entry)
        except TypeError as e:
            _refuse_entry(plugin, attribute, declared.entry, str(e))
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


def _refuse_entry(plugin: type[Any], attribute: str, entry: Any, text: str) -> None:
    """Raise at the line of the entry's field at fault, else at that of the table."""
    field = text.partition(":")[0]
    if isinstance(entry, type) and field in own_annotations(entry):
        hint = "i8 to u64, bool, str, or MutableMapping[key, entry]"
        wrong(entry, field, f"cannot be the entry of a table: {text}", hint)
    hint = 'export_table("name", str, Entry), with class Entry(TableEntry)'
    wrong(plugin, attribute, f"has a table that cannot be exported: {text}", hint)


class _Table:
    """Stands for a driver's table."""

    __slots__ = ()


class _Entry:
    """Stands for a driver's entry."""

    __slots__ = ()
