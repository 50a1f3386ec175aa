# SPDX-License-Identifier: Apache-2.0
"""A condition that C evaluates on stored events: its description, and the structures of it.

`capture.filter.native_condition` describes conditions; what C cannot tell of an event it leaves to
Python, so that a description may say less than a condition and never anything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from falcokit.capture.native.line_tables import line_tables
from falcokit.record import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from falcokit.capture.native.scan import Library

__all__ = [
    "LEAST",
    "MOST",
    "NativeClause",
    "NativeGroup",
    "NativeNode",
    "NativeTest",
    "native_condition",
]

#: The numbers that C compares.
LEAST: Final = -(2**63)
MOST: Final = 2**64 - 1
#: Bytes of a text that C makes to compare it; an event that needs more is left to Python.
_ROOM: Final = 256 * 1024
_NO_POSITION: Final = 255
_BITS: Final = 2**64 - 1


class NativeTest(Record):
    """A test of texts or of bytes.

    Attributes:
        compares: the FK_ name of how it compares with an operand, None for a constant.
        operands: what it compares with.
        many: for how many operands that must hold: FK_ANY, FK_ALL, FK_ONE.
        inverted: whether the result is negated.
        constant: whether every value passes, where it compares with nothing.
        undotted: whether the dotted text of bytes passes where the bytes themselves do.

    """

    compares: str | None = None
    operands: tuple[bytes, ...] = ()
    many: str = "FK_ANY"
    inverted: bool = False
    constant: bool = False
    undotted: bool = False


class NativeClause(Record):
    """One comparison.

    Attributes:
        source: the FK_FROM_ name of where its value is.
        codes: what each event code says alone: FK_ names of condition.h; others are unsure.
        positions: the position of the parameter by event code.
        kinds: how the parameter is stored, by event code: FK_ names.
        mask: the bits of a number that count.
        steps: from which number on what is said of a number, the first being LEAST.
        text: the test of texts.
        data: the test of bytes.

    """

    source: str
    codes: dict[int, str]
    positions: dict[int, int] = {}  # noqa: RUF012 - records are immutable
    kinds: dict[int, str] = {}  # noqa: RUF012 - as above
    mask: int = 0
    steps: tuple[tuple[int, str], ...] = ()
    text: NativeTest = NativeTest()
    data: NativeTest = NativeTest()

    @property
    def shown_codes(self) -> frozenset[int]:
        """The event codes of which parameters are shown as text."""
        if self.source not in {"FK_FROM_TEXT", "FK_FROM_ALL"}:
            return frozenset()
        return frozenset(code for code, says in self.codes.items() if says == "FK_READ")


class NativeGroup(Record):
    """`and`, `or` and `not`: FK_AND, FK_OR, FK_NOT."""

    word: str
    children: tuple[NativeNode, ...]


NativeNode: TypeAlias = NativeClause | NativeGroup


def native_condition(loaded: Library, root: NativeNode) -> tuple[Any, Any]:
    """Return a pointer to struct fk_condition, and what must be kept alive as long as that."""
    made = _Maker(loaded)
    return made.condition(root), made


class _Maker:
    """Makes the structures of condition.h, which live as long as this does."""

    def __init__(self, loaded: Library) -> None:
        self._ffi, self._lib = loaded.ffi, loaded.lib
        self._loaded = loaded
        self._nodes: list[tuple[int, int, int]] = []
        self._clauses: list[NativeClause] = []
        self._bytes = bytearray()
        self._kept: list[Any] = []

    def condition(self, root: NativeNode) -> Any:
        """Return the condition."""
        self._add(root)
        condition = self._new("struct fk_condition *")
        condition.nodes = self._new("struct fk_node[]", self._nodes)
        condition.clauses = clauses = self._new("struct fk_clause[]", len(self._clauses))
        for entry, clause in zip(clauses, self._clauses, strict=True):
            self._fill(entry, clause)
        condition.bytes = self._new("uint8_t[]", bytes(self._bytes))
        condition.shown = self._shown()
        return condition

    def _add(self, node: NativeNode) -> None:
        at = len(self._nodes)
        self._nodes.append((0, 0, 0))
        if isinstance(node, NativeGroup):
            for child in node.children:
                self._add(child)
            self._nodes[at] = (getattr(self._lib, node.word), 0, len(self._nodes))
        else:
            self._nodes[at] = (self._lib.FK_CLAUSE, len(self._clauses), at + 1)
            self._clauses.append(node)

    def _fill(self, entry: Any, clause: NativeClause) -> None:
        lib = self._lib
        codes = bytearray([lib.FK_UNSURE]) * lib.FK_CODES
        positions = bytearray([_NO_POSITION]) * lib.FK_CODES
        kinds = bytearray(lib.FK_CODES)
        for code, says in clause.codes.items():
            if code < lib.FK_CODES:
                codes[code] = getattr(lib, says)
        for code, position in clause.positions.items():
            if code < lib.FK_CODES:
                positions[code] = position
        for code, kind in clause.kinds.items():
            if code < lib.FK_CODES:
                kinds[code] = getattr(lib, kind)
        for name, table in (("codes", codes), ("at", positions), ("kinds", kinds)):
            self._ffi.memmove(getattr(entry, name), bytes(table), lib.FK_CODES)
        entry.source = getattr(lib, clause.source)
        entry.mask = clause.mask
        steps = [(n & _BITS, n < 0, getattr(lib, truth)) for n, truth in clause.steps]
        entry.steps_count, entry.steps = len(steps), self._new("struct fk_step[]", steps)
        self._test(entry.text, clause.text)
        self._test(entry.bytes, clause.data)

    def _test(self, entry: Any, test: NativeTest) -> None:
        lib = self._lib
        if test.compares is None:
            entry.constant = lib.FK_TRUE if test.constant else lib.FK_FALSE
            return
        entry.compares, entry.many = getattr(lib, test.compares), getattr(lib, test.many)
        entry.inverted, entry.undotted = test.inverted, test.undotted
        words = [self._word(operand) for operand in sorted(test.operands)]
        entry.count, entry.operands = len(words), self._new("struct fk_word[]", words)

    def _word(self, data: bytes) -> tuple[int, int]:
        at = len(self._bytes)
        self._bytes += data
        return at, len(data)

    def _shown(self) -> Any:
        codes: Sequence[frozenset[int]] = [clause.shown_codes for clause in self._clauses]
        wanted = frozenset().union(*codes)
        if not wanted:
            return self._ffi.NULL
        shown = self._new("struct fk_lines *")
        shown.out, shown.room = self._new("uint8_t[]", _ROOM), _ROOM
        tables = line_tables(self._loaded, wanted, payloads=True)
        tables.describe_to(shown)
        self._kept.append(tables)
        return shown

    def _new(self, kind: str, value: Any = None) -> Any:
        made = self._ffi.new(kind, value)
        self._kept.append(made)
        return made
