# SPDX-License-Identifier: Apache-2.0
"""Compiles the tree of a condition for the fields of a catalog.

condition = compile_condition(parse(text), catalog, text)
true, unknown = condition.evaluate(batch)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final

from falcokit.filter.batch import Truth
from falcokit.filter.clauses import Clause, Constant, Field, Items, Several, Source, Transformer
from falcokit.filter.errors import FilterError
from falcokit.filter.fields import FieldFaultError
from falcokit.filter.grammar import TRANSFORMERS
from falcokit.filter.tree import (
    Check,
    FieldRef,
    ItemList,
    Macro,
    Transformed,
    Value,
    fields_of,
    text_of,
)
from falcokit.filter.types import (
    ValueFaultError,
    check_operator,
    check_raw_constant,
    parse_value,
)
from falcokit.record import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from falcokit.filter.batch import Batch
    from falcokit.filter.fields import FieldCatalog, FieldSpec
    from falcokit.filter.tree import Node, Operand

__all__ = [
    "Branch",
    "Condition",
    "Part",
    "Warning",
    "compile_condition",
    "compile_field",
    "evaluate_part",
]


class Warning(Record):  # noqa: A001 - Falco's word for it
    """Something that Falco takes and finds strange, and its place in the text."""

    message: str
    position: int


@final
class Branch:
    """`and`, `or` and `not` over parts, and a `macro` over its body, whose name is `name`."""

    def __init__(self, word: str, children: Sequence[Part], position: int, name: str = "") -> None:
        self.word: Final = word
        self.children: Final = tuple(children)
        self.position: Final = position
        self.name: Final = name

        #: Cheap ones first; which comes first makes no difference to what is true.
        self._by_cost: Final = sorted(self.children, key=_cost)

    def evaluate(self, batch: Batch, within: int) -> Truth:
        """Return for which of the events `within` it is true; it says nothing of others."""
        if self.word == "macro":
            return evaluate_part(self.children[0], batch, within)
        if self.word == "not":
            true, unknown = evaluate_part(self.children[0], batch, within)
            return Truth(within & ~(true | unknown), within & unknown)
        # What may be true is what is true or unknown.
        if self.word == "and":
            true = maybe = within
            for child in self._by_cost:
                of_child = evaluate_part(child, batch, maybe)
                true &= of_child.true
                maybe &= of_child.true | of_child.unknown
                if not maybe:
                    break
        else:
            true = maybe = 0
            for child in self._by_cost:
                of_child = evaluate_part(child, batch, within & ~true)
                true |= of_child.true
                maybe |= of_child.true | of_child.unknown
        return Truth(within & true, within & maybe & ~true)


Part: TypeAlias = Clause | Branch


def evaluate_part(part: Part, batch: Batch, within: int) -> Truth:
    """Return for which of the events `within` a part is true; it says nothing of others."""
    return batch.truth(part, within) if isinstance(part, Clause) else part.evaluate(batch, within)


def _cost(part: Part) -> int:
    if isinstance(part, Clause):
        return 0 if part.cheap else 1
    return 1 + max(map(_cost, part.children))


@final
class Condition:
    """A compiled condition."""

    def __init__(
        self, root: Part, fields: tuple[FieldRef, ...], warnings: tuple[Warning, ...]
    ) -> None:
        self.root: Final = root
        #: The fields that have to be read, each once.
        self.fields: Final = fields
        self.warnings: Final = warnings

    def evaluate(self, batch: Batch) -> Truth:
        """Return for which events of a batch the condition is true, and for which it is unknown."""
        return evaluate_part(self.root, batch, batch.every)


def compile_condition(node: Node, catalog: FieldCatalog, text: str) -> Condition:
    """Compile a tree, whose macros have their bodies; `text` is what was parsed, for the errors.

    Raises FilterError, where Falco refuses it: an unknown field, an operator that its type does not
    have, a value that is none of its type, a macro without a body.
    """
    compiler = _Compiler(catalog, text)
    root = compiler.part(node)
    fields = {field.written: field for field in fields_of(node)}
    return Condition(root, tuple(fields.values()), tuple(compiler.warnings))


def compile_field(field: FieldRef | Transformed, catalog: FieldCatalog, text: str) -> Source:
    """Compile one field, in transformers or not, as outputs have them; raise FilterError.

    `batch.column(source).rows` are its values.
    """
    return _Compiler(catalog, text).source(field, field.position)


class _Compiler:
    """Compiles the tree of one text."""

    def __init__(self, catalog: FieldCatalog, text: str) -> None:
        self._catalog = catalog
        self._text = text
        self.warnings: list[Warning] = []

    def part(self, node: Node) -> Part:
        if isinstance(node, Check):
            return self._clause(node)
        if isinstance(node, Macro):
            if node.body is None:
                reason = f"there is no macro {node.name}, and a field has a dot in its name"
                raise FilterError(reason, self._text, node.position)
            return Branch("macro", [self._body(node, node.body)], node.position, node.name)
        return Branch(node.word, list(map(self.part, node.children)), node.position)

    def _body(self, macro: Macro, body: Node) -> Part:
        around = self._text
        self._text = around if macro.text is None else macro.text
        part = self.part(body)
        self._text = around
        return part

    def _error(self, reason: str, position: int, check_position: int) -> FilterError:
        return FilterError(reason, self._text, position, check_position)

    # ---- Fields and transformers -----------------------------------------------------------------

    def source(self, operand: Operand, start: int) -> Source:
        """Compile one side of the check that starts at `start`."""
        if isinstance(operand, FieldRef):
            return Field(operand, self._spec(operand, start))
        if isinstance(operand, Value):
            return Constant(text_of(operand), operand.text)
        if isinstance(operand, ItemList):
            items = [self.source(item, start) for item in operand.items]
            return Items(text_of(operand), items)
        return self._transformed(operand, start)

    def _spec(self, field: FieldRef, start: int) -> FieldSpec:
        try:
            return self._catalog.resolve(field)
        except FieldFaultError as e:
            raise self._error(e.reason, field.position, start) from None

    def _transformed(self, operand: Transformed, start: int) -> Source:
        sources = [self.source(inner, start) for inner in operand.operands]
        name, key = operand.name, text_of(operand)
        inner = operand.operands[0]
        if len(sources) == 1 and operand.argument is not None:
            reason = f"{name}() of one field takes no argument in brackets"
            raise self._error(reason, operand.position, start)
        if name == "val":
            return sources[0]
        try:
            if len(sources) > 1:
                return Several(key, name, sources, operand.argument)
            self._check_transformable(name, inner)
            return Transformer(key, name, sources[0])
        except ValueFaultError as e:
            raise self._error(e.reason, operand.position, start) from None

    def _check_transformable(self, name: str, operand: Operand) -> None:
        if isinstance(operand, FieldRef):
            spec = self._catalog.find(operand.name)
            if spec is not None and not spec.transformable:
                raise ValueFaultError(f"{name}() cannot be applied to {operand.written}")

    # ---- Checks ----------------------------------------------------------------------------------

    def _clause(self, check: Check) -> Clause:
        start = check.position
        left = self.source(check.left, start)
        try:
            check_operator(check.operator, left.type, is_list=left.is_list)
        except ValueFaultError as e:
            reason = f"{text_of(check.left)}: {e.reason}"
            raise self._error(reason, check.operator_position, start) from None
        right = None if check.right is None else self._right(check, left)
        operands = [self._operand(check, left, value) for value in check.values]
        try:
            return Clause(text_of(check), check, left, operands, right)
        except ValueFaultError as e:
            at = check.values[0].position if check.values else check.operator_position
            raise self._error(e.reason, at, start) from None

    def _right(self, check: Check, left: Source) -> Source:
        assert check.right is not None  # noqa: S101 - the caller has looked
        start = check.position
        right = self.source(check.right, start)
        for side in (check.left, check.right):
            for field in fields_of(side):
                spec = self._spec(field, start)
                if not spec.right:
                    reason = f"{field.written} cannot be compared with a field"
                    raise self._error(reason, field.position, start)
        if (left.type, left.is_list) != (right.type, right.is_list):
            reason = (
                f"{text_of(check.left)} is {_described(left)},"
                f" and {text_of(check.right)} is {_described(right)}"
            )
            raise self._error(reason, check.right.position, start)
        return right

    def _operand(self, check: Check, left: Source, value: Value) -> Any:
        self._warn(check, value)
        try:
            if isinstance(left, Field) and left.raw:
                check_raw_constant(left.type)
            return parse_value(left.type, check.operator, value.data)
        except ValueFaultError as e:
            reason = f"{text_of(check.left)}: {e.reason}"
            raise self._error(reason, value.position, check.position) from None

    def _warn(self, check: Check, value: Value) -> None:
        """Note what Falco warns of: an expression that needs none, a field written as a text."""
        text = value.text
        plain = re.sub(r"[ \t\n\v\f\r]", "", text)
        where = check.values[0].position
        if check.operator.startswith("regex") and _needs_no_regex(value.data):
            simpler = "=, contains, startswith or endswith"
            message = f"regex is slow, and {text!r} needs no more than {simpler}"
            self.warnings.append(Warning(message=message, position=where))
        if "." in plain and self._is_field(plain):
            message = f"{text!r} is a field, and here a text: a field stands in val()"
            self.warnings.append(Warning(message=message, position=where))
        if re.fullmatch(rf"(?:{'|'.join(('val', *TRANSFORMERS))})\(.*\)", plain, re.DOTALL):
            message = f"{text!r} looks like a transformer, and is a text in quotes"
            self.warnings.append(Warning(message=message, position=where))

    def _is_field(self, text: str) -> bool:
        name, bracket, argument = text.partition("[")
        spec = self._catalog.find(name)
        if spec is None:
            return False
        try:
            spec.check_argument(argument.partition("]")[0] if bracket else None)
        except FieldFaultError:
            return False
        return True


def _described(source: Source) -> str:
    return f"{source.type}{' (list)' if source.is_list else ''}"


_SPECIAL: Final = frozenset(b".+*?^$()[]{}|\\")


def _needs_no_regex(pattern: bytes) -> bool:
    """Return whether Falco finds an expression too simple, by the very rule that it has."""
    at, size = 0, len(pattern)
    while at < size:
        anchor = (at == 0 and pattern[at] == ord("^")) or (
            at == size - 1 and pattern[at] == ord("$")
        )
        if anchor:
            at += 1
            continue
        outer = (at == 0 and size > 1) or at == size - 2
        if outer and pattern[at] == ord(".") and pattern[at + 1] in b"+*?":
            at += 2
            continue
        if pattern[at] in _SPECIAL:
            return False
        at += 1
    return True
