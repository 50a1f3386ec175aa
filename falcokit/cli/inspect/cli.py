# SPDX-License-Identifier: Apache-2.0
"""`falcokit inspect FILE [FILTER]`: what a capture, a plugin library or an artifact holds.

Here are the options; `inspect_run` does what they ask for. What is wrong with a file that can still
be read goes to stderr and leaves the exit code at 0.
"""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  typer reads the annotations while running
from typing import Annotated, Literal

import typer

from falcokit.cli.options import InitConfig, Json  # noqa: TC001  typer reads the annotations

__all__ = ["inspect"]


def inspect(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE... [FILTER]",
            help="Captures, plain or gzip, - for standard input; or a plugin library or artifact."
            " Then a filter in Falco's syntax.",
        ),
    ],
    *,
    events: Annotated[bool, typer.Option("--events", help="List the events.")] = False,
    limit: Annotated[
        int | None, typer.Option("-n", "--limit", metavar="N", min=1, help="List the first N.")
    ] = None,
    tail: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="List the last N events.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("-f", "--follow", help="List events as they are written.")
    ] = False,
    types: Annotated[
        list[str] | None, typer.Option("--type", metavar="NAME", help="Events of that type.")
    ] = None,
    names: Annotated[
        list[str] | None, typer.Option("--name", metavar="NAME", help="Async events so named.")
    ] = None,
    sources: Annotated[
        list[str] | None, typer.Option("--source", metavar="NAME", help="Of that event source.")
    ] = None,
    tids: Annotated[
        list[int] | None, typer.Option("--tid", metavar="TID", help="Events of that thread.")
    ] = None,
    time: Annotated[
        str | None,
        typer.Option(metavar="FROM..TO", help="+1.5..+3 seconds, or times in UTC, or ns."),
    ] = None,
    processes: Annotated[
        bool, typer.Option("--processes", help="The threads at the head.")
    ] = False,
    fds: Annotated[bool, typer.Option("--fds", help="Their open files.")] = False,
    users: Annotated[bool, typer.Option("--users", help="Users and groups at the head.")] = False,
    stats: Annotated[bool, typer.Option("--stats", help="Count the events of a filter.")] = False,
    export: Annotated[
        Path | None, typer.Option(metavar="FILE.csv|.parquet", help="Write the events as a table.")
    ] = None,
    cut: Annotated[
        Path | None, typer.Option(metavar="OUT.scap", help="Write the events as a new capture.")
    ] = None,
    diff: Annotated[
        Path | None, typer.Option(metavar="OTHER.scap", help="Compare with another capture.")
    ] = None,
    buffers: Annotated[
        Literal["hex", "hex-ascii", "ascii", "base64"] | None,
        typer.Option(help="Show buffers and payloads whole, in that form."),
    ] = None,
    plugin: Annotated[
        Path | None, typer.Option(metavar="LIB.so", help="Show this plugin's fields as columns.")
    ] = None,
    init_config: InitConfig = None,
    load: Annotated[
        bool,
        typer.Option(
            "--load", help="Load the library and ask it: its code runs, with all your rights."
        ),
    ] = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Write an event a line, as JSON.")] = False,
    as_json: Json = False,
) -> None:
    """Show what a capture file, a plugin library or an artifact holds."""
    from falcokit.cli.inspect.command import Inspection, Wishes  # noqa: PLC0415

    Inspection(
        Wishes(
            words=tuple(files),
            events=events,
            limit=limit,
            tail=tail,
            follow=follow,
            types=tuple(types or ()),
            names=tuple(names or ()),
            sources=tuple(sources or ()),
            tids=tuple(tids or ()),
            time=time,
            processes=processes,
            fds=fds,
            users=users,
            stats=stats,
            export=export,
            cut=cut,
            diff=diff,
            buffers=buffers,
            plugin=plugin,
            init_config=init_config,
            load=load,
            jsonl=jsonl,
            as_json=as_json,
        )
    ).run()
