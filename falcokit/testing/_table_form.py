# SPDX-License-Identifier: Apache-2.0
"""What the in-process driver knows of an imported table, and how it takes keys and values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from falcokit.runtime.base.errors import (
    TableError,
    TableFieldError,
    TableRangeError,
    TableTypeError,
    TableValueError,
)
from falcokit.runtime.tables.table_types import STATE_TYPES, entry_fields
from falcokit.testing._store import checked

if TYPE_CHECKING:
    from collections.abc import Callable

    from falcokit.runtime.tables.table_types import Field

__all__ = ["Form"]

_LIST_MAX: Final = 65536


class Form:
    """What is known of a table: its fields, and the class of its entries.

    Of the tables within a thread those with an index as key are lists, and what is got from them,
    or looked up in file_descriptors, is the host's until such a table is changed.
    """

    def __init__(
        self,
        name: str,
        key: str,
        entry: type[Any],
        make_class: Callable[[type[Any], dict[str, Field]], type[Any]],
        above: Form | None = None,
    ) -> None:
        self.name = name
        self.key = key
        self.top = above is None
        self.of_thread = above is not None and above.top and above.name == "threads"
        self.is_list = self.of_thread and key == "u64"
        self.has_fds = self.of_thread and name == "file_descriptors"
        self.fields = {f.attribute: f for f in entry_fields(entry)}
        self.nested = {
            f.name: Form(f.name, f.key, f.entry, make_class, self)
            for f in self.fields.values()
            if f.entry is not None
        }
        self.entry = make_class(entry, self.fields)

    def no_field(self, attribute: str) -> TableFieldError:
        """Return what is raised for an attribute that is no field."""
        names = ", ".join(self.fields)
        return TableFieldError(f"{self.entry.__name__} has no field {attribute!r}: it has {names}")

    def check_key(self, key: Any) -> Any:
        """Return a key if it is of the type."""
        return _taken(key, self.key, f"the key of table {self.name!r}")

    def check_new_key(self, key: Any) -> Any:
        """Return the key of a new entry if it can be one."""
        key = self.check_key(key)
        if self.is_list and key >= _LIST_MAX:
            raise TableRangeError(
                f"the key of table {self.name!r}: {key} is too far for a list, which has every"
                f" entry up to its last: less than {_LIST_MAX} is needed"
            )
        return key

    def check_fields(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return the values of a new entry by the names that the table has."""
        values = {}
        for attribute, value in given.items():
            if attribute not in self.fields:
                raise self.no_field(attribute)
            field = self.fields[attribute]
            values[field.name] = self.check_value(field, value)
        return values

    def check_value(self, field: Field, value: Any) -> Any:
        """Return a value if it is of the field's type."""
        if field.kind == "table":
            raise TableError(f"field '{field.name}' is a table: change what it holds")
        return _taken(value, field.kind, f"field {field.name!r} of table {self.name!r}")


def _taken(value: Any, kind: str, what: str) -> Any:
    try:
        return checked(value, STATE_TYPES[kind])
    except TypeError as e:
        raise TableTypeError(f"{what}: {e}") from None
    except OverflowError as e:
        raise TableRangeError(f"{what}: {e}") from None
    except ValueError as e:
        raise TableValueError(f"{what}: {e}") from None
