# SPDX-License-Identifier: Apache-2.0
"""Immutable values with named fields: `class Notice(Record)` has the fields that it annotates.

Dataclasses would do the same, but importing dataclasses and creating these classes takes as long as
reading a hundred megabytes of a capture; this takes almost no time.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self, dataclass_transform

from falcokit.runtime.base.annotations import own_annotations

__all__ = ["Record"]


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Record:
    """Base of immutable classes: created from keywords and compared by value.

    The annotations of the class are its fields; an assigned value is the field's default.
    """

    #: The names of the fields in the order in which they are written down.
    field_names: ClassVar[tuple[str, ...]] = ()
    _defaults: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls) -> None:
        cls.field_names = tuple(own_annotations(cls))
        assigned = cls.__dict__
        cls._defaults = {name: assigned[name] for name in cls.field_names if name in assigned}

    def __init__(self, **values: Any) -> None:
        """Set the fields; raise TypeError for an unknown or missing one."""
        found = {**self._defaults, **values}
        if found.keys() != set(self.field_names):
            wrong = ", ".join(sorted(found.keys() ^ set(self.field_names)))
            raise TypeError(f"{type(self).__name__}: missing or unknown: {wrong}")
        self.__dict__.update(found)

    def replace(self, **changes: Any) -> Self:
        """Return a copy with other values in some fields."""
        return type(self)(**{**self.__dict__, **changes})

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable: {name}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable: {name}")

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.field_names)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash((type(self), self._values()))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.field_names)
        return f"{type(self).__name__}({shown})"
