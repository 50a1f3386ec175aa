# SPDX-License-Identifier: Apache-2.0
"""`falcokit inspect` at work: opens what was named, and shows of it what was asked for.

Each kind of output has a module of its own; here is who comes when, and what is still shown after
Ctrl-C.
"""

from __future__ import annotations

import contextlib
import os
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Any

from falcokit.capture.format.text import safe_text
from falcokit.capture.reader import open_capture
from falcokit.capture.summary.summarize import Tally
from falcokit.cli import console
from falcokit.cli.failure import show_error
from falcokit.cli.format import count_of
from falcokit.cli.inspect.choice import Choice, filter_text
from falcokit.cli.inspect.kind import is_library_or_artifact
from falcokit.cli.inspect.options import STDIN, Wishes
from falcokit.cli.inspect.output import json_text, show_report, show_table, warn
from falcokit.cli.inspect.progress import reading
from falcokit.cli.interrupt import StoppedBySignal, signals_as_interrupts
from falcokit.errors import ConfigError, FalcokitError
from falcokit.runner.reports import error_object

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from falcokit.capture.events.event import Event
    from falcokit.capture.format.errors import Notice
    from falcokit.capture.reader import Capture

__all__ = ["Inspection", "Wishes"]


class Inspection:
    """One run of the command."""

    def __init__(self, wishes: Wishes) -> None:
        self._wishes = wishes
        self._stopped: BaseException | None = None
        self._any_shown = False

    def run(self) -> None:
        """Show what is wanted; an interruption is raised again after what was found so far."""
        files = self._wishes.files
        with signals_as_interrupts():
            for at, file in enumerate(files, 1):
                try:
                    self._show(file)
                except FalcokitError as e:
                    if self._any_shown or at < len(files):
                        show_error(error_object(e) | {"hint": None})
                    else:  # of several files none can be read
                        raise
                if self._stopped is not None:
                    raise self._stopped

    def _show(self, file: str) -> None:
        if file != STDIN and is_library_or_artifact(file):
            self._show_library(file)
        else:
            self._inspect(file)
        self._any_shown = True

    # ---- libraries ------------------------------------------------------------------------------

    def _show_library(self, file: str) -> None:
        from pathlib import Path  # noqa: PLC0415 - not for captures

        if not self._wishes.for_library:
            raise ConfigError(
                f"{safe_text(Path(file).name)} is a library or an artifact, not a capture",
                hint="of such a file all is shown at once; only --json and --load go with it",
            )
        from falcokit.cli.inspect.library import (  # noqa: PLC0415 - not for captures
            library_object,
            library_report,
            read_library,
        )

        facts = read_library(Path(file), load=self._wishes.load)
        if self._wishes.as_json:
            console.data(json_text(library_object(facts)))
        else:
            show_report(library_report(facts))

    # ---- captures -------------------------------------------------------------------------------

    def _inspect(self, file: str) -> None:
        wishes = self._wishes
        if wishes.load:
            raise ConfigError("--load is for a plugin library or an artifact, not for a capture")
        choice = self._choice(file)
        lists = wishes.processes or wishes.fds or wishes.users or wishes.cut is not None
        with open_capture(file, lists=lists, follow=wishes.follow) as capture:
            notices = self._dispatch(capture, choice) or capture.notices
        warn(notices)

    def _dispatch(self, capture: Capture, choice: Choice) -> tuple[Notice, ...]:
        """Do what is asked for; return what a summary has found wrong beyond the capture's own."""
        wishes = self._wishes
        if wishes.processes or wishes.fds or wishes.users:
            self._show_lists(capture)
        elif wishes.export is not None:
            self._export(capture, choice, wishes.export)
        elif wishes.cut is not None:
            self._cut(capture, choice, wishes.cut)
        elif wishes.diff is not None:
            return self._compare(capture, choice, wishes.diff)
        elif wishes.as_json or wishes.stats or not (wishes.is_listing or wishes.jsonl):
            return self._summarize(capture, choice)
        else:
            self._list(capture, choice)
        return ()

    def _choice(self, file: str) -> Choice:
        wishes = self._wishes

        def first_ns() -> int:
            if file == STDIN or not os.path.isfile(file):  # noqa: PTH113 - pathlib takes 5 ms
                raise ConfigError(
                    "--time cannot count from the first event of a pipe, which is read only once",
                    hint="give times of day, or save the capture to a file",
                )
            with open_capture(file) as capture:
                for event in capture:
                    if event.ts_ns is not None:
                        return event.ts_ns
            raise ConfigError(f"{safe_text(file)} has no event with a time to count --time from")

        return Choice.of(
            filter_text(
                wishes.filter,
                types=list(wishes.types),
                names=list(wishes.names),
                sources=list(wishes.sources),
                tids=list(wishes.tids),
                time=wishes.time,
                first_ns=first_ns,
            )
        )

    @contextlib.contextmanager
    def _pass(self, capture: Capture) -> Iterator[None]:
        """Read with a progress bar; an interruption ends that, and what was found is shown."""
        try:
            with reading(capture):
                yield
        except (KeyboardInterrupt, StoppedBySignal) as e:
            self._stopped = e
            console.message("interrupted; this is what was found so far")

    # ---- the summary ----------------------------------------------------------------------------

    def _summarize(self, capture: Capture, choice: Choice) -> tuple[Notice, ...]:
        tally = Tally()
        listed: list[Event] = []
        limit = self._wishes.limit
        with self._pass(capture):
            if choice.filter is None and limit is None:
                tally.count(capture)
            else:
                for event in choice.events(capture):
                    tally.add(event)
                    if limit is not None and len(listed) < limit:
                        listed.append(event)
        summary = tally.summary(capture)
        if choice.filter is not None:  # of a part it cannot be said how the file replays
            of_reading = (n for n in summary.notices if n.kind not in {"replay", "no-events"})
            summary = summary.replace(notices=tuple(of_reading))
        if self._wishes.as_json:
            from falcokit.capture.summary.document import render, summary_object  # noqa: PLC0415

            document = summary_object(summary, None if limit is None else listed)
            if self._wishes.plugin is not None:
                from falcokit.cli.inspect.fields import add_fields  # noqa: PLC0415

                plugin, init_config = self._wishes.plugin, self._wishes.init_config
                add_fields(document["listed"], listed, plugin, init_config)
            console.data(render(document))
            return summary.notices
        from falcokit.cli.inspect.report import build_report  # noqa: PLC0415 - not for --json

        show_report(build_report(summary))
        return summary.notices

    # ---- events ---------------------------------------------------------------------------------

    def _list(self, capture: Capture, choice: Choice) -> None:
        from falcokit.cli.inspect.listing import Listing  # noqa: PLC0415

        wishes = self._wishes
        listing = Listing(
            plugin=wishes.plugin,
            init_config=wishes.init_config,
            at_once=wishes.follow,
            buffers=wishes.buffers,
        )
        if wishes.tail is None and not wishes.jsonl:
            listing.write_all_lines(capture, choice, wishes.limit)
            return
        events = choice.events(capture)
        if wishes.tail is not None:
            last: deque[Event] = deque(maxlen=wishes.tail)
            with self._pass(capture):
                last.extend(events)
            events = iter(last)
        events = islice(events, wishes.limit)
        if wishes.jsonl:
            listing.write_json(events)
        else:
            listing.write_lines(events)

    def _export(self, capture: Capture, choice: Choice, target: Path) -> None:
        from falcokit.cli.inspect.files import export_events  # noqa: PLC0415

        with reading(capture):
            count = export_events(
                self._wanted(choice.events(capture)),
                target,
                plugin=self._wishes.plugin,
                init_config=self._wishes.init_config,
            )
        self._tell_written(count, target)

    def _cut(self, capture: Capture, choice: Choice, target: Path) -> None:
        from falcokit.cli.inspect.files import cut_events  # noqa: PLC0415

        with reading(capture):
            count = cut_events(capture, self._wanted(choice.events(capture)), target)
        self._tell_written(count, target)

    def _wanted(self, events: Iterator[Event]) -> Iterator[Event]:
        if self._wishes.tail is not None:
            return iter(deque(events, maxlen=self._wishes.tail))
        return islice(events, self._wishes.limit)

    def _tell_written(self, count: int, target: Path) -> None:
        console.message(f"{count_of(count, 'event')} written")
        console.data(str(target))

    def _compare(self, capture: Capture, choice: Choice, other: Path) -> tuple[Notice, ...]:
        from falcokit.capture.summary.compare import Comparing  # noqa: PLC0415
        from falcokit.cli.inspect.diff import diff_object, diff_report  # noqa: PLC0415

        others = self._choice(str(other))  # where --time counts from the first event
        comparing = Comparing()
        with open_capture(other) as second:
            with self._pass(capture):
                comparing.read(choice.events(capture), others.events(second))
            names = (str(capture.path), str(second.path))
            notices = [
                notice.replace(message=f"{name}: {notice.message}")
                for name, side in zip(names, (capture, second), strict=True)
                for notice in side.notices
            ]
        found = comparing.found()
        if self._wishes.as_json:
            console.data(json_text(diff_object(found, names)))
        else:
            show_report(diff_report(found, names))
        return tuple(notices)

    def _show_lists(self, capture: Capture) -> None:
        from falcokit.cli.inspect import lists as inspect_lists  # noqa: PLC0415

        with self._pass(capture):
            for _ in capture:  # the lists may come in any section
                pass
        assert capture.lists is not None  # noqa: S101  # asked for when it was opened
        wishes, lists = self._wishes, capture.lists
        kind = "processes" if wishes.processes else "fds" if wishes.fds else "users"
        if wishes.as_json:
            objects: dict[str, Any] = {
                "processes": inspect_lists.process_objects,
                "fds": inspect_lists.fd_objects,
                "users": inspect_lists.user_objects,
            }
            console.data(json_text({"version": 1, kind: list(objects[kind](lists))}))
            return
        tables = {
            "processes": inspect_lists.process_table,
            "fds": inspect_lists.fd_table,
            "users": inspect_lists.user_table,
        }
        show_table(tables[kind](lists))
