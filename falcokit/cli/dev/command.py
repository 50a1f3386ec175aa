# SPDX-License-Identifier: Apache-2.0
"""`falcokit dev`: run the plugin and watch it while you edit."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any, Final

from falcokit.cli.interrupt import signals_as_interrupts
from falcokit.cli.option_values import (
    check_config,
    check_replay,
    plugin_config,
    recording_path,
    replayed,
)
from falcokit.cli.rules_of_run import RulesOfRun
from falcokit.dev.supervisor import Supervisor
from falcokit.project.settings import load_project

if TYPE_CHECKING:
    from collections.abc import Callable

    from falcokit.cli.options import DevOptions
    from falcokit.dev.supervisor import Build
    from falcokit.project.settings import Project
    from falcokit.runner.falco import Falco
    from falcokit.runner.reports import Report
    from falcokit.runner.run import Runner

__all__ = ["dev"]

STATS_MS: Final = 50
"""How often the child reports; the time to the first event is measured by it."""

SCREEN_STATS_MS: Final = 250
"""How often beside a screen: the first event is reported itself, and nobody reads faster."""

EVENTS_PER_SECOND: Final = 50
"""So many events the child reports whole, for the screen; all others are counted."""


def dev(options: DevOptions) -> None:
    """Run the plugin with live statistics."""
    check_replay(options)
    found = load_project(options.project)
    check_config(options, found)
    watch = options.watch
    has_screen = not options.as_json and _is_screen()
    runner_options: dict[str, Any] = {
        "fields": options.fields or "*",
        "record": recording_path(options.record),
        "speed": options.speed,
        "stats_ms": STATS_MS,
        "debug_port": options.debug,
        "metrics": True,
    }
    rules = RulesOfRun(options, explained=True)
    start = _Starter(found, options, runner_options, rules)
    supervisor = Supervisor(build=_builder(found), start=start, watch=watch)
    start.tell = supervisor.add_report
    with contextlib.ExitStack() as stack:
        if has_screen:
            from falcokit.build.ready import make_ready  # noqa: PLC0415

            make_ready()  # what takes long is told before the screen covers it
            from falcokit.cli.dev.output import ChildOutput  # noqa: PLC0415

            runner_options["stderr"] = stack.enter_context(ChildOutput(supervisor.add_report)).fd
            runner_options["events_per_second"] = EVENTS_PER_SECOND
            runner_options["stats_ms"] = SCREEN_STATS_MS
        else:
            stack.enter_context(signals_as_interrupts())
        if watch:
            from falcokit.dev.files import Watcher  # noqa: PLC0415

            # Falco reads its rules when it starts.
            changed = supervisor.rules_saved if options.falco is None else supervisor.saved
            stack.enter_context(Watcher(found, supervisor.saved, changed, options.rules))
        if has_screen:
            from falcokit.cli import console  # noqa: PLC0415
            from falcokit.cli.dev.session import run_screen  # noqa: PLC0415 - with Textual

            if console.is_verbose():
                console.set_level(0)  # what -v tells would be written across the screen
            run_screen(supervisor, rules.follow, found, watch=watch, duration=options.duration)
        else:
            show = _stream(watch=watch, as_json=options.as_json)
            reports = stack.enter_context(contextlib.closing(supervisor.reports(options.duration)))
            for report in reports:
                for each in rules.follow(report):
                    show(each)
    if supervisor.failure is not None and not watch:
        raise supervisor.failure


def _is_screen() -> bool:
    """Return whether there is a terminal that can place a cursor, and a keyboard."""
    return (
        sys.stdout.isatty()
        and sys.stdin.isatty()
        and os.environ.get("TERM", "dumb") not in {"dumb", "unknown"}
    )


def _builder(project: Project) -> Callable[[], Build]:
    """Read pyproject.toml anew for each build: it may be what was saved."""

    def build() -> Build:
        from falcokit.build.build_project import build as build_library  # noqa: PLC0415

        built: Build = build_library(load_project(project.root))
        return built

    return build


class _Starter:
    """Makes the child of a build: what the command line lacks is in pyproject.toml, read anew."""

    def __init__(
        self, project: Project, given: DevOptions, options: dict[str, Any], rules: RulesOfRun
    ) -> None:
        self._project, self._given, self._options, self._rules = project, given, options, rules
        #: Takes the report of the rules.
        self.tell: Callable[[Report], None] = lambda _: None

    def __call__(self, built: Any) -> Runner | Falco:
        from falcokit.build.about import library_about  # noqa: PLC0415

        now = load_project(self._project.root)
        replay = replayed(self._given, now, built)
        meta = built.metadata
        config = plugin_config(self._given, now, name=meta.name, schema=meta.init_schema)
        params = None if replay is not None else config.open_params
        files, about = self._given.rules or now.rules, library_about(built.metadata)
        if self._given.falco is not None:
            from falcokit.cli.falco import falco_for  # noqa: PLC0415

            return falco_for(
                self._given, about, built.library, init_config=config.init_config,
                open_params=params, rules=files, replay=replay,
            )  # fmt: skip
        from falcokit.runner.run import Runner, RunOptions  # noqa: PLC0415

        begun = self._rules.begin(files, about)
        if begun is not None:
            self.tell(begun[1])
        more = {
            "init_config": config.init_config, "open_params": params, "replay": replay,
            "rows": begun and begun[0],
        }  # fmt: skip
        return Runner(RunOptions(library=built.library, **{**self._options, **more}))


def _stream(*, watch: bool, as_json: bool) -> Callable[[Report], Any]:
    if as_json:
        from falcokit.cli.console import json_line  # noqa: PLC0415

        return json_line
    from falcokit.cli.dev.lines import DevLines  # noqa: PLC0415

    return DevLines(watch=watch).show
