# SPDX-License-Identifier: Apache-2.0
"""A filter of `falcokit inspect` that reads fields of the plugin of `--plugin`.

Events go through it in batches: the plugin runs in a process of its own, which answers many
questions at once.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final, TypeVar

from falcokit.capture.events.event_table import event_table
from falcokit.capture.filter.checks import Part, compile_clause
from falcokit.capture.filter.compile import compile_filter, compile_parts, condition_of, describe
from falcokit.capture.filter.fields import CaptureFields, Context
from falcokit.capture.filter.needs import ANYTHING, Region
from falcokit.capture.format.errors import MalformedEventError
from falcokit.capture.native.condition import NativeClause
from falcokit.cli.inspect.extraction import BATCH_BYTES, BATCH_EVENTS, about_plugin, extracting
from falcokit.errors import FalcokitError, NotAPluginError
from falcokit.filter.batch import Batch, Truth
from falcokit.filter.clauses import Field
from falcokit.filter.condition import Branch
from falcokit.filter.fields import plugin_fields
from falcokit.filter.tree import fields_of
from falcokit.filter.types import FieldType

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from falcokit.build.about import LibraryAbout
    from falcokit.capture.events.event import Event
    from falcokit.capture.filter.compile import Filter
    from falcokit.capture.native.condition import NativeNode
    from falcokit.filter.clauses import Clause
    from falcokit.filter.condition import Condition
    from falcokit.filter.fields import FieldSpec
    from falcokit.filter.tree import FieldRef
    from falcokit.runner.extract import Value

    _Item = TypeVar("_Item")

__all__ = ["PluginFilter", "filter_with_plugin", "shown_fields"]


_ZERO, _ONE = b"01"
#: Types whose values the tests take as the runner gives them.
_AS_THEY_COME: Final = {
    *(FieldType.CHARBUF, FieldType.UINT64, FieldType.BOOL, FieldType.RELTIME, FieldType.ABSTIME),
}  # fmt: skip
_SIMPLE: Final = {
    *("=", "!=", "<", "<=", ">", ">=", "in", "exists", "contains", "startswith", "endswith"),
}  # fmt: skip


def filter_with_plugin(
    text: str, plugin: Path, init_config: str | None, *, at_once: bool
) -> Filter | PluginFilter:
    """Compile a filter that may read a plugin's fields; raise FilterError where it is wrong.

    With `at_once` each event is answered before the next is read.
    """
    about = about_plugin(plugin)
    sources = {about.plugin_id: about.event_source} if about and about.event_source else {}
    specs = _specs(plugin, about)
    fields = _Fields(specs, sources)
    condition = condition_of(text, fields)
    asked = [field for field in condition.fields if field.name in fields.of_plugin]
    if not asked:
        return compile_filter(text, sources=sources)
    return PluginFilter(condition, fields, asked, plugin, init_config, at_once=at_once)


def shown_fields(plugin: Path) -> list[str]:
    """Return the fields that need no argument, which are shown of each event."""
    specs = _specs(plugin, about_plugin(plugin))
    return list(dict.fromkeys(spec.name for spec in specs if not spec.required))


def _specs(plugin: Path, about: LibraryAbout | None) -> tuple[FieldSpec, ...]:
    try:
        return () if about is None else plugin_fields(about.fields)
    except ValueError as e:
        raise NotAPluginError(f"the fields of the plugin {plugin.name} are wrong: {e}") from e


class _Fields(CaptureFields):
    """The fields of stored events, and those of a plugin."""

    def __init__(self, specs: Iterable[FieldSpec], sources: Mapping[int, str]) -> None:
        super().__init__(Context(sources=sources, resolver=None))
        self.of_plugin: Final = {spec.name: spec for spec in specs}

    def find(self, name: str) -> FieldSpec | None:
        """Return the field of that name."""
        return self.of_plugin.get(name) or super().find(name)

    def resolve(self, field: FieldRef) -> FieldSpec:
        """Return the field as it is written; raise FieldFaultError if there is none, or none so."""
        spec = self.of_plugin.get(field.name)
        if spec is None:
            return super().resolve(field)
        spec.check_argument(field.argument)
        return spec


class PluginFilter:
    """A compiled filter that needs the plugin to run."""

    def __init__(
        self,
        condition: Condition,
        fields: _Fields,
        asked: Sequence[FieldRef],
        plugin: Path,
        init_config: str | None,
        *,
        at_once: bool,
    ) -> None:
        self._root = condition.root
        self._fields = fields
        self._plugin, self._init_config = plugin, init_config
        #: The plugin's fields that it reads, as they are written, and their places in rows.
        self.columns: Final = {
            name: at for at, name in enumerate(dict.fromkeys(field.written for field in asked))
        }
        #: The clauses that read them, and those that read the stored event alone.
        self._of_plugin: list[Clause] = []
        self._of_event: dict[str, Part] = {}
        self._described: Final = describe(compile_parts(self._root, self._compile))
        self._size: Final = 1 if at_once else BATCH_EVENTS

    def _compile(self, clause: Clause) -> Part:
        fields = list(fields_of(clause.check))
        of_plugin = [field for field in fields if field.name in self._fields.of_plugin]
        if not of_plugin:
            part = self._of_event[clause.key] = compile_clause(clause, self._fields)
            return part
        native = _unsure
        if len(of_plugin) == len(fields):
            native = functools.partial(_outside, len(self._of_plugin))
            self._of_plugin.append(clause)
        return _left_out(ANYTHING).replace(native=native)

    def native(self) -> NativeNode | None:
        """Describe it for C, None if it is too large; `truths` has what C cannot know."""
        return None if self._described is None else self._described()

    def codes(self, extracted: Collection[int]) -> frozenset[int] | None:
        """Return the codes of events that may pass, None for all; `extracted` have its fields."""
        of_plugin = Region(codes=sum(1 << code for code in extracted))

        def compile_one(clause: Clause) -> Part:
            if clause.key in self._of_event:
                return self._of_event[clause.key]
            return _left_out(of_plugin)

        region = compile_parts(self._root, compile_one).true
        return region.needs(len(event_table().events)).codes

    def truths(self, rows: Sequence[tuple[Value, ...] | None]) -> bytes:
        """Return what C is told of the events of some rows: see struct fk_outside."""
        columns: dict[str, Sequence[Value]] = {}

        def read(field: FieldRef) -> Sequence[Value]:
            if field.written not in columns:
                columns[field.written] = self._column(field, rows)
            return columns[field.written]

        batch = Batch(len(rows), read)
        return b"".join(self._digits(clause, batch, read) for clause in self._of_plugin)

    def _digits(
        self, clause: Clause, batch: Batch, read: Callable[[FieldRef], Sequence[Value]]
    ) -> bytes:
        left = clause.left
        # For each of a thousand values of their own, a mask takes longer than a simple test.
        simple = clause.right is None and clause.check.operator in _SIMPLE and not left.is_list
        if simple and isinstance(left, Field) and left.type in _AS_THEY_COME:
            test = clause.test
            return bytes([_ONE if v is not None and test(v) else _ZERO for v in read(left.field)])
        return _as_bytes(clause.evaluate(batch), batch.size)

    def passes(self, event: Event, row: tuple[Value, ...] | None) -> bool:
        """Return whether an event passes, given the values of `columns`."""
        return bool(self._evaluate([(event, row)]))

    def select(self, items: Iterable[_Item], event_of: Callable[[_Item], Event]) -> Iterator[_Item]:
        """Yield the items whose events pass."""
        with extracting(self._plugin, self._init_config, list(self.columns)) as extraction:
            for portion in self._portions(items, event_of):
                found: list[tuple[Event, tuple[Value, ...] | None]] = []
                try:
                    found.extend(extraction.extract(map(event_of, portion)))
                except FalcokitError:  # what was answered before still counts
                    yield from self._passing(portion[: len(found)], found)
                    raise
                yield from self._passing(portion, found)

    def _portions(
        self, items: Iterable[_Item], event_of: Callable[[_Item], Event]
    ) -> Iterator[list[_Item]]:
        portion: list[_Item] = []
        held = 0
        for item in items:
            portion.append(item)
            held += event_of(item).size
            if len(portion) >= self._size or held >= BATCH_BYTES:
                yield portion
                portion, held = [], 0
        if portion:
            yield portion

    def _passing(
        self, items: list[_Item], found: list[tuple[Event, tuple[Value, ...] | None]]
    ) -> Iterator[_Item]:
        true = self._evaluate(found)
        return (item for at, item in enumerate(items) if true >> at & 1)

    # ---- evaluation ------------------------------------------------------------------------------

    def _evaluate(self, found: list[tuple[Event, tuple[Value, ...] | None]]) -> int:
        """Return for which events it is true, a bit for each."""

        def read(field: FieldRef) -> Sequence[Any]:
            if field.written in self.columns:
                return self._column(field, [values for _, values in found])
            get = self._fields.reader(field).get
            return [_value(get, event) for event, _ in found]

        return self._truth(self._root, Batch(len(found), read), [event for event, _ in found]).true

    def _truth(self, part: Clause | Branch, batch: Batch, events: list[Event]) -> Truth:
        if not isinstance(part, Branch):
            of_event = self._of_event.get(part.key)
            if of_event is None:
                return part.evaluate(batch)
            return Truth(sum(1 << at for at, e in enumerate(events) if of_event.match(e)), 0)
        truths = [self._truth(child, batch, events) for child in part.children]
        true, unknown = truths[0]
        if part.word == "not":
            return Truth(batch.every & ~(true | unknown), unknown)
        for other in truths[1:]:
            # What may be true is what is true or unknown.
            if part.word == "and":
                maybe = (true | unknown) & (other.true | other.unknown)
                true &= other.true
            else:
                maybe = true | unknown | other.true | other.unknown
                true |= other.true
            unknown = maybe & ~true
        return Truth(true, unknown)

    def _column(self, field: FieldRef, rows: Sequence[tuple[Value, ...] | None]) -> Sequence[Value]:
        at = self.columns[field.written]
        return [None if row is None else row[at] for row in rows]


def _left_out(true: Region) -> Part:
    """Return a part that says nothing but where it can be true."""
    return Part(
        match=lambda _: True, true=true, false=ANYTHING, sure=0, cheap=False, native=_unsure
    )


def _unsure() -> NativeNode:
    return NativeClause(source="FK_FROM_CODE", codes={})


def _outside(column: int) -> NativeNode:
    codes = {entry.id: "FK_READ" for entry in event_table().events}
    return NativeClause(source="FK_FROM_OUTSIDE", codes=codes, mask=column)


def _as_bytes(truth: Truth, size: int) -> bytes:
    """Return a digit for each event: 1 where something is true, 2 where it is unknown."""
    found = f"{truth.true:0{size}b}"[::-1]
    if truth.unknown:
        unknown = f"{truth.unknown:0{size}b}"[::-1]
        found = "".join(
            "2" if one == "1" else other for one, other in zip(unknown, found, strict=True)
        )
    return found.encode()


def _value(get: Callable[[Event], Any], event: Event) -> Any:
    try:
        return get(event)
    except MalformedEventError:
        return None
