# SPDX-License-Identifier: Apache-2.0
"""Why a condition holds or not: each part's truth for one event, and its counts over a stream.

print(render_answer(explain_event(condition, batch, 0)))

counts = ConditionCounts(condition)
counts.add(batch)
print(counts.cause())
print(render_counts(counts.root))
"""

from __future__ import annotations

from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, final

from falcokit.filter.clauses import Clause
from falcokit.filter.condition import evaluate_part
from falcokit.filter.tree import text_of
from falcokit.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from falcokit.filter.batch import Batch, Truth
    from falcokit.filter.condition import Branch, Condition, Part

__all__ = [
    "Answer",
    "ConditionCounts",
    "PartAnswer",
    "PartCounts",
    "explain_event",
    "render_answer",
    "render_counts",
]

_SHOWN: Final = 60  # characters of a value in a line
_LONGEST: Final = 200  # characters of a part of a condition in a sentence
_MOST_PAIRED: Final = 100  # parts joined by `and` of which each is compared with each
_MOST_VALUES: Final = 4  # values that a field had, of a clause that no event passed
_EMPTY: Final = "has no value"


class Answer(StrEnum):
    """Whether a part of a condition holds for an event."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"


class PartAnswer(Record):
    """A part of a condition, and whether it holds for one event.

    `word` is `and`, `or`, `not`, `macro` (whose name is the text) or, for a clause, empty. A clause
    has the `values` of its left side and, where that is a field too, of its right side, each with
    the text of that side: None where the event has none, UNKNOWN where only a real Falco can tell.
    """

    word: str
    text: str
    answer: Answer
    position: int
    values: tuple[tuple[str, Any], ...] = ()
    children: tuple[PartAnswer, ...] = ()


def explain_event(condition: Condition, batch: Batch, row: int) -> PartAnswer:
    """Return each part of a condition with its truth for the event `row` of a batch."""
    return _answer(condition.root, batch, row)


def _answer(part: Part, batch: Batch, row: int) -> PartAnswer:
    answer = _of(evaluate_part(part, batch, 1 << row), row)
    if isinstance(part, Clause):
        sides = [part.left] if part.right is None else [part.left, part.right]
        return PartAnswer(
            word="",
            text=part.key,
            answer=answer,
            position=part.check.position,
            values=tuple((side.key, batch.column(side).rows[row]) for side in sides),
        )
    return PartAnswer(
        word=part.word,
        text=_text(part),
        answer=answer,
        position=part.position,
        children=tuple(_answer(child, batch, row) for child in part.children),
    )


def _of(truth: Truth, row: int) -> Answer:
    if truth.true >> row & 1:
        return Answer.TRUE
    return Answer.UNKNOWN if truth.unknown >> row & 1 else Answer.FALSE


def _text(branch: Branch) -> str:
    return branch.name if branch.word == "macro" else branch.word


def render_answer(answer: PartAnswer, *, open_macros: bool = False) -> str:
    """Write an explanation as lines of plain text, with what is in macros if that is asked for.

    A line has the truth, the part, and the value that decided it.
    """
    return "\n".join(_answer_lines(answer, 0, open_macros=open_macros))


def _answer_lines(part: PartAnswer, depth: int, *, open_macros: bool) -> Iterator[str]:
    values = "; ".join(f"{text} {_value_text(value)}" for text, value in part.values)
    text = part.text if part.word in {"", "macro"} else f"{part.word}:"
    yield f"{part.answer:<8}{'  ' * depth}{text}" + (f"    ({values})" if values else "")
    if part.word != "macro" or open_macros:
        for child in part.children:
            yield from _answer_lines(child, depth + 1, open_macros=open_macros)


def _value_text(value: Any) -> str:
    if value is None:
        return _EMPTY
    if not isinstance(value, str | bytes | int | tuple):
        return "is known to a real Falco only"
    return f"is {_shown(value)}"


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."


@final
class PartCounts:
    """A part of a condition, and for how many events it held.

    `reached` are the events for which all before it in the same `and` held; `passed` are those of
    them for which it held as well. `true` and `unknown` count over all `events`.
    """

    def __init__(self, part: Part) -> None:
        self.word: Final = "" if isinstance(part, Clause) else part.word
        self.text: Final = text_of(part.check) if isinstance(part, Clause) else _text(part)
        self.position: Final = part.check.position if isinstance(part, Clause) else part.position
        children: Sequence[Part] = () if isinstance(part, Clause) else part.children
        self.children: Final = tuple(map(PartCounts, children))
        self.events = self.true = self.unknown = self.reached = self.passed = 0

    @property
    def alone(self) -> str:
        """For how many of all events it held, or may have."""
        return f"{self.true + self.unknown} of {self.events}"


@final
class ConditionCounts:
    """Counts of each part of a condition, over as many batches as are added."""

    def __init__(self, condition: Condition) -> None:
        self._condition: Final = condition
        self.root: Final = PartCounts(condition.root)
        self._joined: Final = list(_joined(condition.root, self.root))
        self._paired: Final = [part for part, _ in self._joined[:_MOST_PAIRED]]
        #: For each of these, a bit for each one before it that held for the same event.
        self._together: Final = [0] * len(self._paired)
        #: Some values of the left side of each clause that no event has passed.
        self._values: Final[list[dict[Any, None]]] = [{} for _ in self._paired]

    def add(self, batch: Batch) -> None:
        """Count the events of one batch."""
        _count(self._condition.root, self.root, batch, batch.every)
        masks = []
        for at, part in enumerate(self._paired):
            true, unknown = evaluate_part(part, batch, batch.every)
            masks.append(true | unknown)
            if isinstance(part, Clause) and len(self._values[at]) <= _MOST_VALUES:
                had = batch.column(part.left).masks
                self._values[at].update(dict.fromkeys(islice(had, _MOST_VALUES + 1)))
            if not masks[at] or self._together[at] == (1 << at) - 1:
                continue
            for before in range(at):
                if masks[before] & masks[at]:
                    self._together[at] |= 1 << before

    def cause(self) -> str | None:
        """Return in a sentence why the condition held for no event, None if it did for one."""
        root = self.root
        if root.true:
            return None
        if not root.events:
            return "no event came"
        if root.passed:
            unknown = next(each for each in self._joined if each[1].unknown)
            return f"only a real Falco can tell whether {_written(_unknown_clause(*unknown))}"
        for at, (part, counts) in enumerate(self._joined):
            if not counts.true and not counts.unknown:
                values = self._values[at] if at < len(self._values) else None
                return f"no event passed {_written(part)} ({counts.alone}){_had(part, values)}"
        for at, seen in enumerate(self._together):
            if seen != (1 << at) - 1:
                before = next(number for number in range(at) if not seen >> number & 1)
                one, other = (
                    f"{_written(part)} ({counts.alone})"
                    for part, counts in (self._joined[before], self._joined[at])
                )
                return f"no event has both {one} and {other}"
        part, counts = next(each for each in self._joined if not each[1].passed)
        return f"no event passed {_written(part)}: none of the {counts.reached} that came so far"


def _joined(part: Part, counts: PartCounts) -> Iterator[tuple[Part, PartCounts]]:
    """Yield the parts that all have to hold: those that `and` joins, also in macros."""
    if isinstance(part, Clause) or part.word not in {"and", "macro"}:
        yield part, counts
        return
    for child, of_child in zip(part.children, counts.children, strict=True):
        yield from _joined(child, of_child)


def _had(part: Part, values: Iterable[Any] | None) -> str:
    """Return what the left side of a clause was, for a sentence that ends with this."""
    if values is None or not isinstance(part, Clause) or part.check.operator == "exists":
        return ""
    shown = [_shown(value) for value in sorted(values)]
    if not shown:
        return f": no event has {part.left.key}"
    more = ", ..." if len(shown) > _MOST_VALUES else ""
    return f": {part.left.key} is {', '.join(shown[:_MOST_VALUES])}{more}"


def _unknown_clause(part: Part, counts: PartCounts) -> Part:
    """Return the first clause in a part that was unknown for an event."""
    while not isinstance(part, Clause):
        within = zip(part.children, counts.children, strict=True)
        part, counts = next(each for each in within if each[1].unknown)
    return part


def _written(part: Part) -> str:
    """Return a part of a condition as it could be written, cut if it is long."""
    text = _condition_text(part)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _condition_text(part: Part) -> str:
    if isinstance(part, Clause):
        return text_of(part.check)
    if part.word == "macro":
        return part.name
    inner = [
        f"({_condition_text(child)})"
        if not isinstance(child, Clause) and child.word in {"and", "or"}
        else _condition_text(child)
        for child in part.children
    ]
    return f"not {inner[0]}" if part.word == "not" else f" {part.word} ".join(inner)


def _count(part: Part, counts: PartCounts, batch: Batch, within: int) -> int:
    """Count a part over the events `within`; return those that it leaves, unknown ones too."""
    true, unknown = evaluate_part(part, batch, batch.every)
    counts.events += batch.size
    counts.true += true.bit_count()
    counts.unknown += unknown.bit_count()
    counts.reached += within.bit_count()
    left = within & (true | unknown)
    counts.passed += left.bit_count()
    if not isinstance(part, Clause):
        inside = within
        for child, of_child in zip(part.children, counts.children, strict=True):
            after = _count(child, of_child, batch, inside)
            inside = after if part.word == "and" else inside
    return left


def render_counts(counts: PartCounts, *, open_macros: bool = False) -> str:
    """Write counts as lines of plain text: which part was passed by how many events."""
    return "\n".join(_count_lines(counts, 0, open_macros=open_macros))


def _count_lines(part: PartCounts, depth: int, *, open_macros: bool) -> Iterator[str]:
    unknown = f", {part.unknown} of {part.events} unknown" if part.unknown else ""
    alone = "" if part.reached == part.events else f" ({part.true} of {part.events} alone)"
    yield f"{'  ' * depth}{part.text}: {part.passed} of {part.reached}{alone}{unknown}"
    if part.word != "macro" or open_macros:
        for child in part.children:
            yield from _count_lines(child, depth + 1, open_macros=open_macros)
