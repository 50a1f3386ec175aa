# SPDX-License-Identifier: Apache-2.0
"""Rules on the events of a test, without a Falco: the fixtures `alerts` and `assert_alert`."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from falcokit.build.about import library_about
from falcokit.build.loaded_plugin import loaded_plugin
from falcokit.capture.reader import open_capture
from falcokit.capture.state.moments import moments_of
from falcokit.filter.explain import ConditionCounts, explain_event, render_answer, render_counts
from falcokit.filter.fields import nearest
from falcokit.filter.types import FieldType, packed_address
from falcokit.project.settings import find_rules
from falcokit.rules import (
    SYSCALL,
    Engine,
    LoadedPlugin,
    RulesFile,
    captured_batch,
    load_rules,
)
from falcokit.rules.captured import is_replayed
from falcokit.testing._library import metadata_of
from falcokit.testing._replay import write_capture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from falcokit.capture.state.moments import Moment
    from falcokit.filter.fields import FieldSpec
    from falcokit.filter.tree import FieldRef
    from falcokit.rules import Alert, EventBatch, Rule, Ruleset
    from falcokit.testing._hosts import HostedPlugin
    from falcokit.testing._replay import Events, ReplayedEvent
    from falcokit.testing._running import RunningPlugin

__all__ = ["Alerts", "AlertsError", "Rules"]

#: Files, or the text of rules.
Rules: TypeAlias = "str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | None"

_ADDRESSES: Final = frozenset({FieldType.IPADDR, FieldType.IPNET})
_MOST_SHOWN: Final = 20


class AlertsError(AssertionError):
    """The rules gave something else than the test expects."""


class _Run(NamedTuple):
    """The rules, what they gave, and the events that they were run on."""

    ruleset: Ruleset
    found: list[Alert]
    batches: list[EventBatch]
    engine: Engine


class Alerts:
    """Runs rules on what passes the plugin of the test; made by the fixture `alerts`."""

    def __init__(
        self, plugin: RunningPlugin | HostedPlugin, tested: type[Any], folder: Callable[[], Path]
    ) -> None:
        """Run them on `plugin`, of the class `tested`; the project is in `folder`."""
        self._plugin = plugin
        self._folder = folder
        self._loaded: LoadedPlugin = loaded_plugin(library_about(metadata_of(tested)))
        self._specs = {spec.name: spec for spec in self._loaded.fields}
        self._run: _Run | None = None

    def __call__(
        self,
        events: Events,
        rules: Rules = None,
        *,
        plugins: Sequence[LoadedPlugin] = (),
        rule_matching: str = "first",
        priority: str = "debug",
    ) -> list[Alert]:
        """Replay events, and return what the rules give for them, in their order.

        Args:
            events: A capture file, or events.
            rules: Rules files, in their order, or their text; None: rules/*.yaml of the project.
            plugins: What else is loaded, for fields and requirements of the rules; an event source
                that the plugin wants, and that none of them has, is taken as there.
            rule_matching: "first" or "all", as in falco.yaml.
            priority: The lowest priority that counts, as in falco.yaml.

        Raises:
            AlertsError: Falco would not load the rules.
            Exception: what a field of the plugin raises.

        """
        __tracebackhide__ = True  # pytest shows the test's own lines
        ruleset = load_rules(
            self._files(rules), plugins=[self._loaded, *plugins, *self._sources(plugins)],
            rule_matching=rule_matching, priority=priority,
        )  # fmt: skip
        if ruleset.errors:
            raise AlertsError("\n".join(map(str, ruleset.errors)))
        engine = Engine(ruleset, rule_matching=rule_matching, priority=priority)
        batches = self._batches(events, ruleset)
        found = [alert for batch in batches for alert in engine.process(batch)]
        found.sort(key=lambda alert: alert.number)  # of one event they keep their order
        self._run = _Run(ruleset, found, batches, engine)
        return found

    def _sources(self, plugins: Sequence[LoadedPlugin]) -> list[LoadedPlugin]:
        """Return a plugin for each event source that none of these has."""
        known = {SYSCALL, *(each.event_source for each in (self._loaded, *plugins))}
        wanted = dict.fromkeys((self._plugin.source, *self._loaded.extract_sources))
        return [
            LoadedPlugin(name=source, version="0.1.0", event_source=source)
            for source in wanted
            if source not in known
        ]

    def _files(self, rules: Rules) -> Iterable[Path | RulesFile]:
        __tracebackhide__ = True
        if rules is None:
            files = find_rules(self._folder())
            if not files:
                raise AlertsError(f"there are no rules in {self._folder() / 'rules'}")
            return files
        if isinstance(rules, str) and "\n" in rules:
            return [RulesFile(name="rules of the test", content=rules.encode())]
        given = [rules] if isinstance(rules, (str, os.PathLike)) else list(rules)
        return [self._folder() / each for each in given]

    def _batches(self, events: Events, ruleset: Ruleset) -> list[EventBatch]:
        """Replay the events, with what the rules need, and return them by source."""
        names = {name: None for source in ruleset.sources for name in ruleset.fields(source)}
        own = [name for name in names if name.partition("[")[0] in self._specs]
        with tempfile.TemporaryDirectory() as folder:
            is_capture = isinstance(events, (str, os.PathLike))
            if isinstance(events, (str, os.PathLike)):
                file = Path(events)
            else:
                events, file = list(events), Path(folder) / "test.scap"
                write_capture(events, file)
            rows = self._plugin.replay(events, own)
            with open_capture(file, lists=True) as capture:
                stored = list(moments_of(capture))
        of_source: dict[str, list[tuple[ReplayedEvent, Moment]]] = {}
        for row, moment in zip(rows, stored, strict=True):
            # What a test makes is as in a live stream, where no async event is state.
            if row.event.source is not None and (not is_capture or is_replayed(moment.event)):
                of_source.setdefault(row.event.source, []).append((row, moment))
        times = (moment.event.ts_ns for moment in stored)
        first = next((time for time in times if time is not None), None)
        return [
            self._batch(source, pairs, first, is_capture=is_capture)
            for source, pairs in of_source.items()
        ]

    def _batch(
        self,
        source: str,
        pairs: Sequence[tuple[ReplayedEvent, Moment]],
        first: int | None,
        *,
        is_capture: bool,
    ) -> EventBatch:
        def read(field: FieldRef) -> Sequence[Any] | None:
            spec = self._specs.get(field.name)
            if spec is None or not self._loaded.extracts_from(source):
                return None
            return [_plain(row.fields.get(field.written), spec) for row, _ in pairs]

        return captured_batch(
            [moment.event for _, moment in pairs],
            source=source,
            read=read,
            plugin=self._loaded.name if source == self._loaded.event_source else None,
            sources={row.event.plugin_id: source for row, _ in pairs},
            first_time_ns=first,
            # Of events that a test has made, nothing says which process they are from.
            moments=[moment for _, moment in pairs] if is_capture else None,
        )

    # ---- what a test expects ------------------------------------------------------------------

    def assert_alert(
        self,
        rule: str,
        output: str | re.Pattern[str] | None = None,
        *,
        count: int | None = None,
        fields: dict[str, Any] | None = None,
    ) -> Alert:
        """Assert that a rule fired in the last run of `alerts`, and return its first such alert.

        Args:
            rule: Its name.
            output: The formatted output, whole, or a pattern to search in it.
            count: How often it fired with that; None: at least once.
            fields: Values of output_fields that the alert has, among others.

        Raises:
            AlertsError: it did not; with what it gave, or which clause was false.

        """
        __tracebackhide__ = True
        run = self._last()
        found = self._rule(run, rule)
        of_rule = [alert for alert in run.found if alert.rule == rule]
        fitting = [alert for alert in of_rule if _fits(alert, output, fields or {})]
        if fitting and count in {None, len(fitting)}:
            return fitting[0]
        if not of_rule:
            raise AlertsError(f"the rule {rule!r} gave no alert\n{_why(run, found)}")
        wanted = "" if count is None else f"{count} times "
        raise AlertsError(
            f"the rule {rule!r} did not fire {wanted}as expected, but with:\n{_shown(of_rule)}"
        )

    def assert_no_alert(self, rule: str | None = None) -> None:
        """Assert that a rule, or with None no rule, fired in the last run of `alerts`.

        Raises:
            AlertsError: it did, or whether it did only a real Falco can tell.

        """
        __tracebackhide__ = True
        run = self._last()
        if rule is not None:
            self._rule(run, rule)
        found = [alert for alert in run.found if rule in {None, alert.rule}]
        if found:
            raise AlertsError(f"there are alerts:\n{_shown(found)}")
        possible = [
            name
            for name, each in run.engine.counts.items()
            if each.possible and rule in {None, name}
        ]
        if possible:
            raise AlertsError(
                f"whether {', '.join(map(repr, possible))} fires only a real Falco can tell"
            )

    def _last(self) -> _Run:
        __tracebackhide__ = True
        if self._run is None:
            raise AlertsError("no rules have been run: call alerts(events) first")
        return self._run

    def _rule(self, run: _Run, name: str) -> Rule:
        __tracebackhide__ = True
        found = run.ruleset.rule(name)
        if found is None:
            names = [rule.name for rule in run.ruleset.rules]
            close = nearest(name, names) or names[:_MOST_SHOWN]
            raise AlertsError(f"there is no rule {name!r}; there is {', '.join(map(repr, close))}")
        return found


def _plain(value: Any, spec: FieldSpec) -> Any:
    """Return a value of a plugin's field as conditions have it."""
    if isinstance(value, list):
        return tuple(_plain(each, spec) for each in value)
    if spec.type in _ADDRESSES and isinstance(value, str):
        return packed_address(value)
    return value


def _fits(alert: Alert, output: str | re.Pattern[str] | None, fields: dict[str, Any]) -> bool:
    if isinstance(output, re.Pattern) and not output.search(alert.message):
        return False
    if isinstance(output, str) and output != alert.message:
        return False
    return all(alert.output_fields.get(name) == value for name, value in fields.items())


def _shown(alerts: Sequence[Alert]) -> str:
    lines = [
        f"  event {alert.number}: {alert.rule}: {alert.message}" for alert in alerts[:_MOST_SHOWN]
    ]
    more = len(alerts) - len(lines)
    return "\n".join([*lines, *([f"  and {more} more"] if more else [])])


def _why(run: _Run, rule: Rule) -> str:
    """Say what kept a rule from firing."""
    lines = [str(problem) for problem in run.ruleset.warnings]
    if not rule.enabled:
        lines.append("it is disabled")
    batches = [batch for batch in run.batches if batch.source == rule.source]
    if not batches:
        sources = ", ".join(batch.source for batch in run.batches) or "none"
        lines.append(f"it is for events of {rule.source}; the events are of {sources}")
    elif rule.name not in run.engine.counts:
        lines.append("it is not run: its priority is too low")
    elif sum(len(batch) for batch in batches) == 1:
        lines.append(
            render_answer(explain_event(rule.condition, batches[0].batch, 0), open_macros=True)
        )
    else:
        counts = ConditionCounts(rule.condition)
        for batch in batches:
            counts.add(batch.batch)
        lines.append(render_counts(counts.root, open_macros=True))
    if run.found:
        lines.append(f"the alerts were:\n{_shown(run.found)}")
    return "\n".join(lines)
