# SPDX-License-Identifier: Apache-2.0
"""Evaluates expressions in Python: what json/eval.c does, value by value and error by error.

Called by JsonField.evaluate, for the in-process driver and the tests. The operators that map one
value to one are in json_maps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from json_fields.reference.convert import DEFAULT, to_text, to_uint
from json_fields.reference.maps import MAPS, which
from json_fields.reference.run import Run
from json_fields.reference.scanner import Value, decode_text, key_text

from falcokit.runtime.base.errors import PluginError
from falcokit.runtime.json.nodes import Op

if TYPE_CHECKING:
    from collections.abc import Callable

    from falcokit.runtime.json.nodes import Node

__all__ = ["Evaluation"]


class Evaluation(Run):
    """A run that goes through the tree."""

    def eval(self, node: Node) -> list[Any]:
        """Return the values of a node."""
        self.spend(1)
        mapping = MAPS.get(node.op)
        if mapping:
            found = self.eval(node.kids[0])
            self.spend(len(found))
            return [value for value in (mapping(self, node, v) for v in found) if value is not None]
        return _EVALS[node.op](self, node)

    def truth(self, node: Node) -> bool:
        """Tell whether one of a node's values is true."""
        return any(map(self.is_true, self.eval(node)))

    def inside(self, value: Any, node: Node) -> list[Any]:
        """Evaluate a node that looks at `value`."""
        self.contexts.append(value)
        try:
            return self.eval(node)
        finally:
            self.contexts.pop()


def _text(run: Evaluation, value: Any) -> str | None:
    return to_text(run, value, DEFAULT)


def _context(run: Evaluation, out: int) -> list[Any]:
    if out >= len(run.contexts) or run.contexts[-1 - out] is None:
        return []
    return run.one(run.contexts[-1 - out])


def _const_uint(run: Evaluation, node: Node) -> list[Any]:
    return run.one(node.a % 2**64)


def _event(run: Evaluation, node: Node) -> list[Any]:
    event = run.event
    if node.flags == 0:
        return run.one(event.ts_ns)
    if node.flags == 1:
        return run.one(event.number)
    if node.flags == 2:  # the source
        if event.source is None:
            return []
        source = event.source.encode("utf-8", "surrogateescape").partition(b"\0")[0]
        return run.one(run.charge(decode_text(source)))
    return run.one(run.charge(decode_text(event.payload)))


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, Value) and value.type == kind


def _elements(run: Evaluation, node: Node) -> list[Any]:
    out: list[Any] = []
    for value in run.eval(node.kids[0]):
        if not _is(value, "array"):
            continue
        if node.flags and run.index is not None:
            found = MAPS[Op.ARG_INDEX](run, node, value)
            if found is not None:
                run.push(out, found)
            continue
        for _, pos in run.members.walk(value):
            element = run.at(pos)
            if element is not None:
                run.push(out, element)
    return out


def _flat(run: Evaluation, node: Node) -> list[Any]:
    out: list[Any] = []

    def flatten(value: Any, levels: int) -> None:
        if not _is(value, "array"):
            run.push(out, value)
            return
        if not levels:
            raise PluginError("arrays are nested too deeply")
        for _, pos in run.members.walk(value):
            element = run.at(pos)
            if element is not None:
                flatten(element, levels - 1)

    for value in run.eval(node.kids[0]):
        flatten(value, 64)
    return out


def _keys(run: Evaluation, node: Node) -> list[Any]:
    out: list[Any] = []
    exclude = {text.decode() for text in node.texts}
    for value in run.eval(node.kids[0]):
        for raw, _ in run.members.walk(value) if _is(value, "object") else ():
            key = key_text(raw)
            run.spend(len(raw) // 16)
            if key is not None and run.charge(key) not in exclude:
                run.push(out, key)
    return out


def _entries(run: Evaluation, node: Node) -> list[Any]:
    out: list[Any] = []
    for value in run.eval(node.kids[0]):
        for raw, pos in run.members.walk(value) if _is(value, "object") else ():
            member, key = run.at(pos), key_text(raw)
            run.spend(len(raw) // 16)
            if member is None or key is None:
                continue
            run.charge(key)
            text = _text(run, member)
            if text is not None:
                run.push(out, run.charge(key + node.texts[0].decode() + text))
    return out


def _split(run: Evaluation, node: Node) -> list[Any]:
    out: list[Any] = []
    for value in run.eval(node.kids[0]):
        text = _text(run, value)
        run.spend(len(text or "") // 4)
        for part in [] if text is None else text.split(node.texts[0].decode()):
            run.push(out, run.charge(part))
    return out


def _map(run: Evaluation, node: Node) -> list[Any]:
    elements = run.eval(node.kids[0])
    return [found for value in elements for found in run.inside(value, node.kids[1])]


def _where(run: Evaluation, node: Node) -> list[Any]:
    def holds(value: Any) -> bool:
        return any(map(run.is_true, run.inside(value, node.kids[1])))

    return [value for value in run.eval(node.kids[0]) if holds(value)]


def _pick(run: Evaluation, node: Node) -> list[Any]:
    found = run.eval(node.kids[0])
    return found[-1:] if node.flags & 1 else found[:1]


def _logic(run: Evaluation, node: Node) -> list[Any]:
    decides = node.op == Op.ANY_OF
    holds = not decides
    for kid in node.kids:
        holds = run.truth(kid)
        if holds == decides:
            break
    return run.one(holds)


def _acceptable(run: Evaluation, until: int, value: Any) -> bool:
    if until == 0:
        return True
    if until == 3:  # positive
        return bool(to_uint(run, value, 0, 0))
    if isinstance(value, Value):
        empty = value.type == "string" and value.end - value.pos == 2
        return value.type != "null" and not (until == 2 and empty)
    return not (until == 2 and value == "")


def _coalesce(run: Evaluation, node: Node) -> list[Any]:
    kept: list[Any] = []
    for kid in node.kids:
        kept = [value for value in run.eval(kid) if _acceptable(run, node.flags, value)]
        if kept:
            break
    return kept


def _when(run: Evaluation, node: Node) -> list[Any]:
    if run.truth(node.kids[0]):
        return run.eval(node.kids[1])
    return run.eval(node.kids[2]) if len(node.kids) > 2 else []


def _switch(run: Evaluation, node: Node) -> list[Any]:
    found = run.eval(node.kids[0])
    case = which(run, node, found[0]) if found else -1
    if case >= 0:
        return run.eval(node.kids[case + 1])
    return run.eval(node.kids[-1]) if len(node.kids) == len(node.texts) + 2 else []


def _required(run: Evaluation, node: Node) -> list[Any]:
    found = run.eval(node.kids[0])
    if not found:
        raise PluginError("a required value is missing")
    return found


def _template(run: Evaluation, node: Node) -> list[Any]:
    filled = ""
    for text, kid in zip(node.texts, node.kids, strict=False):
        found = run.eval(kid)
        part = _text(run, found[0]) if found else None
        if part is None:
            return []
        filled += text.decode() + part
    return run.one(run.charge(filled + node.texts[-1].decode()))


def _join(run: Evaluation, node: Node) -> list[Any]:
    texts = [_text(run, value) for value in run.eval(node.kids[0])]
    kept = [text for text in texts if text is not None]
    return run.one(run.charge(node.texts[0].decode().join(kept))) if kept else []


def _sum(run: Evaluation, node: Node) -> list[Any]:
    total = 0
    for value in run.eval(node.kids[0]):
        total += to_uint(run, value, 0, 0) or 0
        if total >= 2**64:
            raise PluginError("a sum needs more than 64 bits")
    return run.one(total)


def _unique(run: Evaluation, node: Node) -> list[Any]:
    texts = [_text(run, value) for value in run.eval(node.kids[0])]
    run.spend(sum(len(text or "") for text in texts) // 4)
    return [text for text in dict.fromkeys(texts) if text is not None]


_EVALS: dict[Op, Callable[[Evaluation, Node], list[Any]]] = {
    Op.HERE: lambda run, _: _context(run, 0),
    Op.ROOT: lambda run, _: _context(run, len(run.contexts) - 1),
    Op.OUTER: lambda run, node: _context(run, node.a),
    Op.CONST_TEXT: lambda run, node: run.one(node.texts[0].decode()),
    Op.CONST_UINT: _const_uint,
    Op.CONST_BOOL: lambda run, node: run.one(bool(node.flags)),
    Op.EVENT: _event,
    Op.ARG_GIVEN: lambda run, _: run.one(run.index is not None or run.key is not None),
    Op.ELEMENTS: _elements,
    Op.FLAT: _flat,
    Op.KEYS: _keys,
    Op.ENTRIES: _entries,
    Op.SPLIT: _split,
    Op.MAP: _map,
    Op.WHERE: _where,
    Op.PICK: _pick,
    Op.EXISTS: lambda run, node: run.one(bool(run.eval(node.kids[0]))),
    Op.NOT: lambda run, node: run.one(not run.truth(node.kids[0])),
    Op.ALL_OF: _logic,
    Op.ANY_OF: _logic,
    Op.COALESCE: _coalesce,
    Op.WHEN: _when,
    Op.SWITCH: _switch,
    Op.REQUIRED: _required,
    Op.TEMPLATE: _template,
    Op.JOIN: _join,
    Op.COUNT: lambda run, node: run.one(len(run.eval(node.kids[0]))),
    Op.SUM: _sum,
    Op.UNIQUE: _unique,
}
