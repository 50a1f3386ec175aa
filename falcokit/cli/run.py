# SPDX-License-Identifier: Apache-2.0
"""`falcokit run`: load a plugin into the runner and show its events."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, NamedTuple

from falcokit.build.about import library_about
from falcokit.cli import console
from falcokit.cli.falco import falco_for
from falcokit.cli.interrupt import StoppedBySignal, signals_as_interrupts
from falcokit.cli.lines import EventLines
from falcokit.cli.option_values import (
    check_config,
    check_replay,
    plugin_config,
    read_init_config,
    recording_path,
    refuse_speed,
    replay_path,
    replayed,
)
from falcokit.cli.rules import refuse_wrong_rules
from falcokit.cli.rules_of_run import RulesOfRun
from falcokit.errors import ConfigError, NotAPluginError
from falcokit.runner.reports import plugin_failure
from falcokit.runner.run import Runner
from falcokit.runner.run import RunOptions as RunnerOptions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from falcokit.build.about import LibraryAbout
    from falcokit.build.metadata import PluginMetadata
    from falcokit.cli.option_values import PluginConfig
    from falcokit.cli.options import RunOptions
    from falcokit.cli.profile import Profile
    from falcokit.runner.falco import Falco
    from falcokit.runner.reports import Report

__all__ = ["run"]


def run(options: RunOptions) -> None:
    """Build the plugin, if no library is given, run it and show its events and alerts."""
    record = recording_path(options.record)
    check_replay(options)
    profile = None if options.profile is None else _profile(options.profile, options.falco)
    rules = RulesOfRun(options, explained=options.explain)
    read_init_config(options.init_config)  # before anything else is looked at
    plugin = _plugin(options)
    init_config, open_params = plugin.config
    show = console.json_line if options.as_json else EventLines().show
    child: Runner | Falco
    if options.falco is not None:
        child = falco_for(
            options, plugin.about(), plugin.library,
            init_config=init_config, open_params=open_params,
            rules=plugin.rules, replay=plugin.replay,
        )  # fmt: skip
    else:
        child = Runner(
            RunnerOptions(
                library=plugin.library,
                init_config=init_config,
                open_params=None if plugin.replay is not None else open_params,
                replay=plugin.replay,
                speed=options.speed,
                rows=_begin_rules(rules, plugin, show),
                fields=options.fields or "*",
                limit=options.limit,
                duration=options.duration,
                record=record,
                metrics=options.as_json,
            )
        )
    with profile or contextlib.nullcontext():
        error = _follow(child, rules, show, profile)
    failure = plugin_failure(error, child.returncode, library=plugin.library.name)
    if failure is not None:
        raise failure


def _begin_rules(rules: RulesOfRun, plugin: _Plugin, show: Callable[[Report], Any]) -> str | None:
    """Return the fields that the rules of a plugin read; None: it has no rules."""
    begun = rules.begin(plugin.rules, plugin.about()) if plugin.rules else None
    if begun is None:
        return None
    fields, report = begun
    show(report)
    refuse_wrong_rules(len(report["errors"]))
    return fields


def _profile(file: Path, falco: str | None) -> Profile:
    from falcokit.cli.profile import Profile  # noqa: PLC0415

    if falco is not None:
        raise ConfigError("--profile looks at the runner", hint="leave out --falco or --profile")
    return Profile(file)


def _follow(
    child: Runner | Falco,
    rules: RulesOfRun,
    show: Callable[[Report], Any],
    profile: Profile | None,
) -> Report | None:
    """Run it to its end, and return the last error that it reported."""
    error: Report | None = None

    def show_all() -> None:
        nonlocal error
        for report in child.reports():
            if profile is not None:  # Python runs in it when it reports something
                profile.start(child.pid)
            for each in rules.follow(report):
                show(each)
            if report["report"] == "error":
                error = report

    with signals_as_interrupts(), child:
        try:
            show_all()
        except (KeyboardInterrupt, StoppedBySignal):
            child.stop()
            show_all()  # how the capture was closed
            raise
    return error


class _Plugin(NamedTuple):
    """What is run: a project's plugin, or a library."""

    library: Path
    metadata: PluginMetadata | None
    config: PluginConfig
    replay: Path | None
    rules: tuple[Path, ...]

    def about(self) -> LibraryAbout:
        """Return what the library says of itself; one of another SDK is loaded to be asked."""
        if self.metadata is not None:
            return library_about(self.metadata)
        from falcokit.package.artifact.library_facts import library_facts  # noqa: PLC0415

        about = library_facts(self.library, load=True).about
        if about is None:
            raise NotAPluginError(f"{self.library.name} does not say what fields it has")
        return about


def _plugin(options: RunOptions) -> _Plugin:
    library = options.library
    if library is None:
        return _built(options)
    check_config(options, None)
    if library.is_dir():
        raise ConfigError(f"{library} is a folder, not a library", hint="a project goes with -C")
    if not library.exists():
        raise ConfigError(f"{library}: no such file", hint="`falcokit build` makes build/*.so")
    replay = None if options.replay is None else replay_path(options.replay, "--replay")
    if replay is None:
        refuse_speed(options)
    config = plugin_config(options, None)
    return _Plugin(library.absolute(), None, config, replay, options.rules)


def _built(options: RunOptions) -> _Plugin:
    from falcokit.project.settings import load_project  # noqa: PLC0415

    found = load_project(options.project)
    check_config(options, found)  # before the compiler is started in vain
    from falcokit.build.build_project import build  # noqa: PLC0415  cffi is slow to load

    result = build(found)
    for warning in result.metadata.warnings:
        console.warning(warning)
    meta = result.metadata
    return _Plugin(
        result.library.absolute(),
        meta,
        plugin_config(options, found, name=meta.name, schema=meta.init_schema),
        replayed(options, found, result),
        options.rules or found.rules,
    )
