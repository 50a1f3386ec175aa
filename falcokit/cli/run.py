# SPDX-License-Identifier: Apache-2.0
"""`falcokit run`: load a plugin into the runner and show its events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from falcokit.cli import console
from falcokit.cli.interrupt import StoppedBySignal, signals_as_interrupts
from falcokit.cli.lines import EventLines
from falcokit.cli.option_values import (
    check_replay,
    read_init_config,
    recording_path,
    replay_path,
    replayed,
)
from falcokit.errors import ConfigError
from falcokit.runner.reports import plugin_failure
from falcokit.runner.run import Runner
from falcokit.runner.run import RunOptions as RunnerOptions

if TYPE_CHECKING:
    from pathlib import Path

    from falcokit.cli.options import RunOptions
    from falcokit.runner.reports import Report

__all__ = ["run"]


def run(options: RunOptions) -> None:
    """Build the plugin, if no library is given, run it and show its events."""
    schema: Any = None
    library, open_params = options.library, options.open_params
    record, replay = recording_path(options.record), None
    check_replay(options)
    if library is None:
        read_init_config(options.init_config)  # before the compiler is started in vain
        built = _built(options)
        library, schema, replay = built.library, built.init_schema, built.replay
        open_params = open_params if open_params is not None else built.open_params
    elif library.is_dir():
        raise ConfigError(f"{library} is a folder, not a library", hint="a project goes with -C")
    elif not library.exists():
        raise ConfigError(f"{library}: no such file", hint="`falcokit build` makes build/*.so")
    elif options.replay is not None:
        replay = replay_path(options.replay, "--replay")
    runner_options = RunnerOptions(
        library=library.absolute(),
        init_config=read_init_config(options.init_config, schema=schema),
        open_params=None if replay is not None else open_params,
        replay=replay,
        speed=options.speed,
        fields=options.fields or "*",
        limit=options.limit,
        duration=options.duration,
        record=record,
        metrics=options.as_json,
    )
    show = console.json_line if options.as_json else EventLines().show
    error: Report | None = None
    with signals_as_interrupts(), Runner(runner_options) as runner:
        try:
            for report in runner.reports():
                show(report)
                if report["report"] == "error":
                    error = report
        except (KeyboardInterrupt, StoppedBySignal):
            runner.stop()
            for report in runner.reports():  # how the capture was closed
                show(report)
            raise
    failure = plugin_failure(error, runner.returncode, library=library.name)
    if failure is not None:
        raise failure


class _Built(NamedTuple):
    library: Path
    init_schema: dict[str, Any] | None
    open_params: str | None
    replay: Path | None


def _built(options: RunOptions) -> _Built:
    from falcokit.project.settings import load_project  # noqa: PLC0415

    found = load_project(options.project)
    from falcokit.build.build_project import build  # noqa: PLC0415  cffi is slow to load

    result = build(found)
    for warning in result.metadata.warnings:
        console.warning(warning)
    return _Built(
        result.library,
        result.metadata.init_schema,
        found.open_params,
        replayed(options, found, result),
    )
