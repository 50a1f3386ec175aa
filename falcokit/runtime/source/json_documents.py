# SPDX-License-Identifier: Apache-2.0
"""JsonDocuments: how an event source's documents become events, declared and done in C.

    class Audit(Plugin, EventSource):
        documents = JsonDocuments(
            split=when(path("/kind") == "EventList", path("/items").each(), here),
            time="/stageTimestamp",
            keep=path("/stage") == "ResponseComplete",
        )

        def open(self, params: str):
            return open(params, "rb")  # each line is a document

The expressions are those of declared fields (falcokit.runtime.json), run by the same C.
"""

from __future__ import annotations

import struct
import sys
from typing import TYPE_CHECKING, Any, Final, Literal

from falcokit.runtime.base.errors import PluginError
from falcokit.runtime.json.expressions import Expression, predicates
from falcokit.runtime.json.nodes import Node, Op
from falcokit.runtime.json.operators import const, here, path

if TYPE_CHECKING:
    from falcokit.runtime.event.event import Event

__all__ = ["MAX_DOCUMENT_SIZE", "JsonDocuments"]

#: Maximum bytes of a document, unless `max_size` is given.
MAX_DOCUMENT_SIZE: Final = 16 << 20
_MAX_SIZE: Final = 1 << 30
_POLICIES: Final = ("skip", "fail")
#: Operators whose first operand leads to what they return.
_BRANCHES: Final = {Op.WHEN: 1, Op.SWITCH: 1}


class JsonDocuments:
    """A declaration: an attribute of the class that has `open`; immutable.

    What the source then yields or puts is a document, except an `Event`, which is sent as it
    is.

    Attributes:
        split: The expression whose values are a document's events.
        keep: The predicate that is true for events to send; None: all.
        time: The expression for the time of an event; None: the time at which it was read.
        invalid: "skip" or "fail".
        max_size: Maximum bytes of a document.
        trees: What is evaluated: the split, whose place must exist; the predicate; the time.
        splitting: The declaration as bytes, for the C side.

    """

    __slots__ = ("invalid", "keep", "max_size", "split", "splitting", "time", "trees")

    def __init__(
        self,
        *,
        split: Expression | str = here,
        time: Expression | str | None = None,
        keep: Expression | None = None,
        invalid: Literal["skip", "fail"] = "skip",
        max_size: int = MAX_DOCUMENT_SIZE,
    ) -> None:
        """Declare how documents become events.

        Args:
            split: A JSON pointer or an expression: each of its values is an event, with the bytes
                that it has in the document; computed text is an event's text. Without it a document
                is one event. A place that does not exist makes the document invalid.
            time: A pointer or an expression for the time of an event, evaluated on the event
                (`here`; `root` is the document). One that does not end in `as_time()` is RFC 3339.
                An event without a valid time is invalid. Without it: the time of reading.
            keep: A predicate, evaluated on the event: others are dropped.
            invalid: "skip" counts and logs what is invalid and goes on with the next event or
                document; "fail" raises InvalidEventError at the source's `yield`, or from `put`,
                and sends no event of that document.
            max_size: Maximum bytes of a document; larger ones are invalid.

        Raises:
            ValueError: the declaration is invalid; the text says why.

        """
        if invalid not in _POLICIES:
            raise ValueError(f"JsonDocuments(invalid={invalid!r}): it is one of {_POLICIES}")
        if isinstance(max_size, bool) or not isinstance(max_size, int) or max_size < 1:
            raise ValueError(f"JsonDocuments(max_size={max_size!r}): it is a number of bytes")
        if max_size > _MAX_SIZE:
            raise ValueError(f"JsonDocuments(max_size={max_size}): at most {_MAX_SIZE}")
        self.split = _expression("split", split)
        self.time = None if time is None else _time(_expression("time", time))
        self.keep = keep
        if keep is not None:
            predicates("keep=", (keep,))
        self.invalid, self.max_size = invalid, max_size
        inside = [("keep", keep), ("time", self.time)]
        for name, one, most in (("split", self.split, 0), *((n, e, 1) for n, e in inside)):
            if one is not None and one.contexts() > most:
                raise ValueError(f"JsonDocuments({name}=): outer() leads out of the document")
            if one is not None and one.arguments():
                raise ValueError(f"JsonDocuments({name}=): there is no argument, as a field has it")
        self.trees = (
            _existing(self.split),
            const(value=True) if keep is None else keep,
            here if self.time is None else self.time,
        )
        head = b"FKD1" + struct.pack("<B", self.time is not None)
        self.splitting = head + b"".join(tree.encode() for tree in self.trees)

    def __repr__(self) -> str:
        return "JsonDocuments()"

    def evaluate(self, document: bytes | str, *, ts_ns: int = 0, number: int = 1) -> list[Event]:
        """Return the events of a document, in tests: by the C that the plugin runs.

        Args:
            document: The document.
            ts_ns: The time at which it was read: of events without a declared time, and `event.ts`.
            number: Its number in the capture: `event.number`.

        Raises:
            PluginError: it is invalid, or one of its events is, whatever `invalid` says.

        """
        testing = sys.modules.get("falcokit.testing")  # which can compile
        if testing is None:
            raise PluginError("evaluate runs the C of the glue: import falcokit.testing")
        raw = document.encode() if isinstance(document, str) else document
        return testing.evaluate_documents(self, raw, ts_ns=ts_ns, number=number)  # type: ignore[no-any-return]


def _expression(name: str, given: Any) -> Expression:
    if isinstance(given, str):
        return path(given)
    if not isinstance(given, Expression):
        raise ValueError(f"JsonDocuments({name}={given!r}): a JSON pointer or an expression")  # noqa: TRY004
    return given


def _time(given: Expression) -> Expression:
    """Convert to a time, as a field of that type does."""
    if given.many:
        raise ValueError("JsonDocuments(time=): there may be several values; choose with first()")
    return given if _is_time(given) else given.as_time()


def _is_time(node: Node) -> bool:
    if node.op in (Op.WHEN, Op.COALESCE, Op.PICK, Op.REQUIRED, Op.SWITCH):
        operands = node.kids[_BRANCHES.get(node.op, 0) :]
        return all(map(_is_time, operands))
    return node.op == Op.TIME


def _existing(node: Node) -> Node:
    """Make the place required that a split leads through first.

    An empty array has no events; a document without the array is not what was declared. What is a
    choice by itself, as coalesce() is, stays one.
    """
    if node.op in _BRANCHES:
        from_ = _BRANCHES[node.op]
        return _with_kids(node, [*node.kids[:from_], *map(_existing, node.kids[from_:])])
    if node.op == Op.ELEMENTS and not node.kids[0].many:
        return _with_kids(node, [_required(node.kids[0])])
    if node.many and node.kids and node.op != Op.COALESCE:
        return _with_kids(node, [_existing(node.kids[0]), *node.kids[1:]])
    return node if node.many or node.op in (Op.COALESCE, Op.HERE, Op.ROOT) else _required(node)


def _required(node: Node) -> Node:
    return Expression(Op.REQUIRED, [node])


def _with_kids(node: Node, kids: list[Node]) -> Node:
    return type(node)(node.op, kids, flags=node.flags, texts=node.texts, a=node.a, b=node.b)
