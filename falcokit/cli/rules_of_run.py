# SPDX-License-Identifier: Apache-2.0
"""The rules beside a plugin that `falcokit run` and `falcokit dev` run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from falcokit.cli.option_values import check_rules_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from falcokit.build.about import LibraryAbout
    from falcokit.cli.options import DevOptions, RunOptions
    from falcokit.runner.reports import Report
    from falcokit.runner.rules import LiveRules

__all__ = ["RulesOfRun"]

#: Reports that are for the rules, and for nobody else.
_QUESTIONS: Final = frozenset({"rows", "rules_changed", "explain", "explain_event"})


class RulesOfRun:
    """The rules beside a running plugin: takes the reports of its run, and adds alerts.

    They are loaded anew with each start, since a build may have changed the plugin's fields.
    """

    def __init__(self, options: RunOptions | DevOptions, *, explained: bool) -> None:
        check_rules_files(options.rules)
        self._options, self._explained = options, explained
        self._live: LiveRules | None = None

    def begin(self, files: Sequence[Path], about: LibraryAbout) -> tuple[str, Report] | None:
        """Load the rules for a plugin that is about to start; None: there are none.

        Returns the fields that the run has to give, for the runner, and the report of the rules.
        """
        self._live = None
        if not files:
            return None
        # Without rules these would take a tenth of a second for nothing.
        from falcokit.build.loaded_plugin import loaded_plugin  # noqa: PLC0415
        from falcokit.runner.rules import LiveRules  # noqa: PLC0415

        self._live = LiveRules(
            files,
            loaded_plugin(about),
            plugin_id=about.plugin_id,
            rule_matching=self._options.rule_matching,
            priority=self._options.priority,
            explained=self._explained,
        )
        report = self._live.load()
        return self._live.columns(), report

    def follow(self, report: Report) -> Iterator[Report]:
        """Yield a report and what the rules have to say of it."""
        kind, live = report["report"], self._live
        if kind in _QUESTIONS:
            if live is not None:
                yield from self._answer(live, report)
            return
        if live is not None and kind == "event":
            live.keep(int(report["number"]))
        if live is not None and kind == "closed":
            yield live.counts()
            if self._explained:
                yield {"report": "explanations", "rules": live.explanations()}
        yield report

    @staticmethod
    def _answer(live: LiveRules, report: Report) -> Iterator[Report]:
        kind = report["report"]
        if kind == "rows":
            yield from live.take(report)
        elif kind == "rules_changed":
            yield live.load()
        elif kind == "explain":
            yield {"report": "explanations", "rules": live.explanations()}
        else:
            yield live.event_explanation(int(report["number"]))
