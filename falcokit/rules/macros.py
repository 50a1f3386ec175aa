# SPDX-License-Identifier: Apache-2.0
"""Puts the bodies of macros into the trees of conditions, as many as can be run.

A macro sees those that are defined before its own last change; a rule sees all. A body is resolved
once, however often it is named: two macros that name the one before twice are twice as much to run,
and thirty would be a thousand million checks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from falcokit.filter.fields import nearest
from falcokit.filter.tree import Check, Group

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from falcokit.filter.tree import Macro, Node

__all__ = ["MacroError", "Macros", "macros_in"]

#: Checks of a condition with its macros written out; Falco's largest rules have some hundred.
_MAX_CHECKS: Final = 20_000
#: The same of all rules together.
_MAX_ALL_CHECKS: Final = 100_000
#: Levels of `and`, `or`, `not` and macros in each other.
_MAX_LEVELS: Final = 200


class MacroError(Exception):
    """A macro that is none, that uses itself, or that makes a condition too large."""

    def __init__(self, reason: str, position: int, hint: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.position = position
        self.hint = hint


class _Resolved(NamedTuple):
    node: Node
    checks: int
    levels: int


class Macros:
    """The macros of some rules files: their bodies as they were read, and as they are resolved."""

    def __init__(self) -> None:
        self.bodies: Final[dict[str, Node]] = {}
        self.texts: Final[dict[str, str]] = {}
        self.resolved: Final[dict[str, _Resolved]] = {}
        self._checks = 0
        #: The macros that something names.
        self.used: set[str] = set()

    def add(self, name: str, body: Node, text: str) -> None:
        """Add the body of a macro, read from `text`."""
        self.bodies[name] = body
        self.texts[name] = text

    def resolve_macro(self, name: str, is_visible: Callable[[str], bool]) -> None:
        """Resolve a macro by those that are visible to it; raise MacroError."""
        self.resolved[name] = _Resolution(self, is_visible).resolve(self.bodies[name], (), 0)

    def resolve(self, node: Node) -> Node:
        """Return a rule's condition with the bodies of its macros; raise MacroError."""
        found = _Resolution(self, lambda _: True).resolve(node, (), 0)
        self._checks += found.checks
        if self._checks > _MAX_ALL_CHECKS:
            raise MacroError("with their macros the rules are too large", node.position)
        return found.node


class _Resolution:
    """Resolves one tree; a macro that is not resolved yet is, once, for this tree."""

    def __init__(self, macros: Macros, is_visible: Callable[[str], bool]) -> None:
        self._macros = macros
        self._is_visible = is_visible
        self._known: dict[str, _Resolved] = {}

    def resolve(self, node: Node, path: tuple[str, ...], levels: int) -> _Resolved:
        if isinstance(node, Check):
            return _Resolved(node, 1, 1)
        if levels > _MAX_LEVELS:
            raise MacroError(f"more than {_MAX_LEVELS} levels stand in each other", node.position)
        if isinstance(node, Group):
            parts = [self.resolve(child, path, levels + 1) for child in node.children]
            found = _Resolved(
                node.replace(children=tuple(part.node for part in parts)),
                sum(part.checks for part in parts),
                1 + max(part.levels for part in parts),
            )
        else:
            inner = self._body(node, path, levels + 1)
            body, text = inner.node, self._macros.texts[node.name]
            found = _Resolved(node.replace(body=body, text=text), inner.checks, inner.levels + 1)
        if found.checks > _MAX_CHECKS:
            raise MacroError("with its macros the condition is too large", node.position)
        if levels + found.levels > _MAX_LEVELS:
            raise MacroError(f"more than {_MAX_LEVELS} levels stand in each other", node.position)
        return found

    def _body(self, macro: Macro, path: tuple[str, ...], levels: int) -> _Resolved:
        name, macros = macro.name, self._macros
        if name not in macros.bodies or not self._is_visible(name):
            close = nearest(name, filter(self._is_visible, macros.bodies))
            hint = f"nearest: {', '.join(close)}" if close else "a field has a dot in its name"
            raise MacroError(f"there is no macro {name}", macro.position, hint)
        if name in path:
            raise MacroError(f"the macro {name} uses itself", macro.position)
        macros.used.add(name)
        found = macros.resolved.get(name) or self._known.get(name)
        if found is None:
            found = self.resolve(macros.bodies[name], (*path, name), levels)
            self._known[name] = found
        return found


def macros_in(node: Node) -> Iterator[Macro]:
    """Yield the macros that a tree names itself, not those in their bodies."""
    if isinstance(node, Group):
        for child in node.children:
            yield from macros_in(child)
    elif not isinstance(node, Check):
        yield node
