# SPDX-License-Identifier: Apache-2.0
"""What is wrong with rules: errors and warnings with their codes and places.

The codes `LOAD_...` and the chain of locations are Falco's own, as `falco -V` reports them; codes
that begin with `CHECK_` are falcokit's, for what Falco accepts in silence. A place for a reader
(file, line and column, from 1) comes with each, also inside a condition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from falcokit.record import Record

if TYPE_CHECKING:
    from falcokit.rules.document import Document, Node

__all__ = [
    "PLUGIN_REQUIREMENT",
    "Context",
    "Location",
    "Problem",
    "RulesLoadError",
    "Severity",
]

Severity: TypeAlias = Literal["error", "warning"]

#: Falco refuses to start for this reason too, with a text and without a code.
PLUGIN_REQUIREMENT: Final = "CHECK_PLUGIN_REQUIREMENT"


class Location(Record):
    """One link of Falco's chain: the kind of item, its name, its place (counted from 0)."""

    kind: str
    name: str
    file: str
    line: int
    column: int

    def to_json(self) -> dict[str, Any]:
        """Return the location as `falco -V` writes it."""
        return {
            "item_type": self.kind,
            "item_name": self.name,
            "position": {"name": self.file, "line": self.line, "column": self.column},
        }


class Context:
    """Where a piece of rules stands: in which document, and inside which items."""

    __slots__ = ("column", "document", "kind", "line", "name", "parent")

    def __init__(
        self,
        document: Document,
        kind: str = "rules content",
        name: str = "",
        *,
        at: Node | None = None,
        place: tuple[int, int] = (0, 0),
        parent: Context | None = None,
    ) -> None:
        self.document = document
        self.kind = kind
        self.name = name
        self.parent = parent
        if at is not None:
            # Falco counts columns in bytes.
            place = at.line, document.byte_column(at.start - at.column, at.start)
        self.line, self.column = place

    def inside(
        self, node: Node | None, kind: str, name: str = "", *, place: tuple[int, int] = (0, 0)
    ) -> Context:
        """Return the context of an item within this one, at `node` or at a place."""
        return Context(self.document, kind, name, at=node, place=place, parent=self)

    @property
    def root(self) -> Context:
        """The context of the whole file."""
        return self if self.parent is None else self.parent.root

    @property
    def locations(self) -> tuple[Location, ...]:
        """The chain, from the whole file to this item."""
        chain: list[Location] = []
        context: Context | None = self
        while context is not None:
            file = context.document.name
            chain.append(
                Location(
                    kind=context.kind,
                    name=context.name,
                    file=file,
                    line=context.line,
                    column=context.column,
                )
            )
            context = context.parent
        return tuple(reversed(chain))


class Problem(Record):
    """An error or a warning: its code, its text, its place (from 1), Falco's chain of locations."""

    severity: Severity
    code: str
    message: str
    file: str
    line: int
    column: int
    locations: tuple[Location, ...] = ()
    hint: str | None = None

    @property
    def is_falcos(self) -> bool:
        """Falco says this too; the others are falcokit's own."""
        return self.code.startswith("LOAD_") or self.code == PLUGIN_REQUIREMENT

    def __str__(self) -> str:
        hint = f" ({self.hint})" if self.hint else ""
        place = f"{self.file}:{self.line}:{self.column}"
        return f"{place}: {self.severity}: {self.message}{hint} [{self.code}]"

    def to_json(self) -> dict[str, Any]:
        """Return the problem as `falcokit check --json` writes it."""
        shown: dict[str, Any] = {
            "code": self.code,
            "message": self.message,
            "file": self.file,
            "line": self.line,
            "column": self.column,
        }
        if self.hint:
            shown["hint"] = self.hint
        return shown


class RulesLoadError(Exception):
    """Loading a file ends here, as in Falco: the first error of a file is its only one."""

    def __init__(
        self,
        code: str,
        message: str,
        context: Context,
        place: tuple[int, int] | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.context = context
        self.place = place
        self.hint = hint


def problem(
    severity: Severity,
    code: str,
    message: str,
    context: Context,
    *,
    place: tuple[int, int] | None = None,
    hint: str | None = None,
) -> Problem:
    """Make a problem; `place` (from 0) is where the reader looks, when it is not the context's."""
    line, column = place or (context.line, context.column)
    return Problem(
        severity=severity,
        code=code,
        message=message,
        file=context.document.name,
        line=line + 1,
        column=column + 1,
        locations=context.locations,
        hint=hint,
    )
