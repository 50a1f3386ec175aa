# SPDX-License-Identifier: Apache-2.0
"""A filter of `falcokit inspect` that reads fields of the plugin of `--plugin`.

Events go through it in batches: the plugin runs in a process of its own, which answers many
questions at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from falcokit.build.loaded_plugin import loaded_plugin
from falcokit.capture.filter.compile import compile_filter, condition_of
from falcokit.capture.filter.fields import CaptureFields, Context
from falcokit.capture.format.errors import MalformedEventError
from falcokit.cli.inspect.extraction import extracting
from falcokit.errors import FalcokitError
from falcokit.filter.batch import Batch
from falcokit.package.artifact.library_facts import library_facts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from falcokit.capture.events.event import Event
    from falcokit.capture.filter.compile import Filter
    from falcokit.filter.condition import Condition
    from falcokit.filter.fields import FieldSpec
    from falcokit.filter.tree import FieldRef
    from falcokit.runner.extract import Value

    _Item = TypeVar("_Item")

__all__ = ["PluginFilter", "filter_with_plugin"]

_BATCH: Final = 4096
_BATCH_BYTES: Final = 1 << 24


def filter_with_plugin(
    text: str, plugin: Path, init_config: str | None, *, at_once: bool
) -> Filter | PluginFilter:
    """Compile a filter that may read a plugin's fields; raise FilterError where it is wrong.

    With `at_once` each event is answered before the next is read.
    """
    about = library_facts(plugin, load=True).about
    sources = {about.plugin_id: about.event_source} if about and about.event_source else {}
    specs = () if about is None else loaded_plugin(about).fields
    fields = _Fields(specs, sources)
    condition = condition_of(text, fields)
    asked = [field for field in condition.fields if field.name in fields.of_plugin]
    if not asked:
        return compile_filter(text, sources=sources)
    return PluginFilter(condition, fields, asked, plugin, init_config, at_once=at_once)


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
        self._condition, self._fields = condition, fields
        self._plugin, self._init_config = plugin, init_config
        names = dict.fromkeys(field.written for field in asked)
        self._columns: Final = {name: at for at, name in enumerate(names)}
        self._size: Final = 1 if at_once else _BATCH

    def select(self, items: Iterable[_Item], event_of: Callable[[_Item], Event]) -> Iterator[_Item]:
        """Yield the items whose events pass."""
        with extracting(self._plugin, self._init_config, list(self._columns)) as extraction:
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
            if len(portion) >= self._size or held >= _BATCH_BYTES:
                yield portion
                portion, held = [], 0
        if portion:
            yield portion

    def _passing(
        self, items: list[_Item], found: list[tuple[Event, tuple[Value, ...] | None]]
    ) -> Iterator[_Item]:
        def read(field: FieldRef) -> Sequence[Any]:
            at = self._columns.get(field.written)
            if at is not None:
                return [None if values is None else values[at] for _, values in found]
            get = self._fields.reader(field).get
            return [_value(get, event) for event, _ in found]

        true = self._condition.evaluate(Batch(len(items), read)).true
        return (item for at, item in enumerate(items) if true >> at & 1)


def _value(get: Callable[[Event], Any], event: Event) -> Any:
    try:
        return get(event)
    except MalformedEventError:
        return None
