# SPDX-License-Identifier: Apache-2.0
"""`falcokit dev`: run the plugin and watch it while you edit."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any, Final

from falcokit.cli.interrupt import signals_as_interrupts
from falcokit.cli.option_values import (
    check_replay,
    read_init_config,
    recording_path,
    replayed,
)
from falcokit.dev.supervisor import Supervisor
from falcokit.project.settings import load_project

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from falcokit.cli.options import DevOptions
    from falcokit.dev.supervisor import Build
    from falcokit.project.settings import Project
    from falcokit.runner.reports import Report
    from falcokit.runner.run import Runner

__all__ = ["dev"]

STATS_MS: Final = 50
"""How often the child reports; the time to the first event is measured by it."""


def dev(options: DevOptions) -> None:
    """Run the plugin with live statistics."""
    check_replay(options)
    found = load_project(options.project)
    watch = options.watch
    has_screen = not options.as_json and _is_screen()
    runner_options: dict[str, Any] = {
        "init_config": read_init_config(options.init_config),
        "open_params": options.open_params,
        "fields": options.fields or "*",
        "record": recording_path(options.record),
        "speed": options.speed,
        "stats_ms": STATS_MS,
        "metrics": True,
    }
    supervisor = Supervisor(
        build=_builder(found), start=_starter(found, options, runner_options), watch=watch
    )
    with contextlib.ExitStack() as stack:
        stack.enter_context(signals_as_interrupts())
        if has_screen:
            from falcokit.cli.dev.output import ChildOutput  # noqa: PLC0415

            runner_options["stderr"] = stack.enter_context(ChildOutput(supervisor.add_report)).fd
        if watch:
            from falcokit.dev.files import Watcher  # noqa: PLC0415

            stack.enter_context(Watcher(found, supervisor.saved))
        show = stack.enter_context(
            _screen(supervisor, found, watch=watch)
            if has_screen
            else _stream(watch=watch, as_json=options.as_json)
        )
        reports = stack.enter_context(contextlib.closing(supervisor.reports(options.duration)))
        for report in reports:
            show(report)
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


def _starter(
    project: Project, given: DevOptions, options: dict[str, Any]
) -> Callable[[Build], Runner]:
    """Take from pyproject.toml what the command line does not have, anew each time."""

    def start(built: Any) -> Runner:
        from falcokit.runner.run import Runner, RunOptions  # noqa: PLC0415

        now = load_project(project.root)
        replay = replayed(given, now, built)
        params = options["open_params"]
        if params is None and replay is None:
            params = now.open_params
        more = {"open_params": params, "replay": replay}
        return Runner(RunOptions(library=built.library, **{**options, **more}))

    return start


def _screen(
    supervisor: Supervisor, project: Project, *, watch: bool
) -> AbstractContextManager[Callable[[Report], Any]]:
    from falcokit.cli.dev.screen import DevScreen  # noqa: PLC0415

    return DevScreen(supervisor, project, watch=watch)


def _stream(*, watch: bool, as_json: bool) -> AbstractContextManager[Callable[[Report], Any]]:
    if as_json:
        from falcokit.cli.console import json_line  # noqa: PLC0415

        return contextlib.nullcontext(json_line)
    from falcokit.cli.dev.lines import DevLines  # noqa: PLC0415

    return contextlib.nullcontext(DevLines(watch=watch).show)
