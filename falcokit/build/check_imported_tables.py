# SPDX-License-Identifier: Apache-2.0
"""The tables that a class imports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from falcokit.build.check import wrong
from falcokit.runtime.tables.table_types import entry_fields, key_type
from falcokit.runtime.tables.tables import imported_tables

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["check_imports"]

#: The framework lends tables at init to plugins that have one of these.
_LENT_TO: Final = {"parse", "extract"}


def check_imports(plugin: type[Any], capabilities: Collection[str]) -> bool:
    """Check the tables that a class imports, and tell whether there are any.

    Raises:
        PluginDefinitionError: a key or a field has a type that tables do not have, or the plugin
            has no capability that is lent tables.

    """
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
        wrong(plugin, next(iter(declared)), "imports a table, which Falco lends it not", hint)
    return bool(declared)


def _check_fields(entry: type[Any]) -> None:
    for field in entry_fields(entry):
        if field.entry is not None:
            _check_fields(field.entry)
