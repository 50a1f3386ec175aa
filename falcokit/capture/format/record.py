# SPDX-License-Identifier: Apache-2.0
"""Values with names that never change: `class Notice(Record)` has the fields that it annotates.

Everything that a capture is reported with is one. A dataclass would do, but to import dataclasses
and have these made takes as long as to read a hundred megabytes; this takes next to nothing.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self, dataclass_transform

from falcokit.runtime.base.annotations import own_annotations

__all__ = ["Record"]


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Record:
    """A base of classes whose instances are made from keywords, compared by value and not changed.

    Fields are the annotations of the class itself; what is assigned in it is a field's default.
    """

    #: The names of the fields in the order in which they are written down.
    field_names: ClassVar[tuple[str, ...]] = ()
    _defaults: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls) -> None:
        cls.field_names = tuple(own_annotations(cls))
        assigned = cls.__dict__
        cls._defaults = {name: assigned[name] for name in cls.field_names if name in assigned}

    def __init__(self, **values: Any) -> None:
        """Take the fields; raise TypeError for one that there is not, or that is missing."""
        found = {**self._defaults, **values}
        if found.keys() != set(self.field_names):
            wrong = ", ".join(sorted(found.keys() ^ set(self.field_names)))
            raise TypeError(f"{type(self).__name__}: missing or unknown: {wrong}")
        self.__dict__.update(found)

    def replace(self, **changes: Any) -> Self:
        """Return a copy with other values in some fields."""
        return type(self)(**{**self.__dict__, **changes})

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} does not change: {name}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} does not change: {name}")

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
