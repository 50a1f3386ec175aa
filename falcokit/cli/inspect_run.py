# SPDX-License-Identifier: Apache-2.0
"""`falcokit inspect` at work: opens what was named, and shows of it what was asked for.

Called by `inspect`. Each kind of output has a module of its own; here is who comes when, and what
is still shown after Ctrl-C.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from falcokit.capture.reader import open_capture
from falcokit.capture.summarize import Tally
from falcokit.capture.text import safe_text
from falcokit.cli import console
from falcokit.cli.inspect_choice import Choice, filter_text
from falcokit.cli.inspect_wishes import STDIN, Wishes
from falcokit.cli.interrupt import StoppedBySignal, signals_as_interrupts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from falcokit.capture.errors import Notice
    from falcokit.capture.event import Event
    from falcokit.capture.reader import Capture
    from falcokit.cli.inspect_report import Report, Table

__all__ = ["Inspection", "Wishes"]


class Inspection:
    """One run of the command."""

    def __init__(self, wishes: Wishes) -> None:
        self._wishes = wishes
        self._stopped: BaseException | None = None

    def run(self) -> None:
        """Show what is wanted; an interruption is raised again after what was found so far."""
        with signals_as_interrupts():
            for file in self._wishes.files:
                if file != STDIN and self._is_library(Path(file)):
                    self._show_library(Path(file))
                else:
                    self._inspect(file)
                if self._stopped is not None:
                    raise self._stopped

    # ---- libraries ------------------------------------------------------------------------------

    def _is_library(self, file: Path) -> bool:
        from falcokit.package.library_facts import is_library_or_artifact  # noqa: PLC0415

        return is_library_or_artifact(file)

    def _show_library(self, file: Path) -> None:
        from falcokit.cli.inspect_library import (  # noqa: PLC0415 - not for captures
            library_object,
            library_report,
            read_library,
        )

        facts = read_library(file)
        if self._wishes.as_json:
            console.json_line(library_object(facts))
        else:
            self._show(library_report(facts))

    # ---- captures -------------------------------------------------------------------------------

    def _inspect(self, file: str) -> None:
        wishes = self._wishes
        choice = self._choice(file)
        lists = wishes.processes or wishes.fds or wishes.users or wishes.cut is not None
        with (
            open_capture(file, lists=lists, follow=wishes.follow) as capture,
            self._progress(capture),
        ):
            notices = self._dispatch(capture, choice) or capture.notices
        self._warn(notices)

    def _dispatch(self, capture: Capture, choice: Choice) -> tuple[Notice, ...]:
        """Do what is asked for; return what a summary has found wrong beyond the capture's own."""
        wishes = self._wishes
        if wishes.processes or wishes.fds or wishes.users:
            self._show_lists(capture)
        elif wishes.export is not None:
            self._export(choice.events(capture), wishes.export)
        elif wishes.cut is not None:
            self._cut(capture, choice, wishes.cut)
        elif wishes.diff is not None:
            self._compare(capture, choice, wishes.diff)
        elif wishes.jsonl:
            self._list_json(choice.events(capture))
        elif wishes.as_json or wishes.stats or not wishes.is_listing:
            return self._summarize(capture, choice)
        else:
            self._list(choice.events(capture))
        return ()

    def _choice(self, file: str) -> Choice:
        wishes = self._wishes

        def first_ns() -> int | None:
            with open_capture(file) as capture:
                return next((event.ts_ns for event in capture if event.ts_ns is not None), None)

        return Choice.of(
            filter_text(
                wishes.filter,
                types=list(wishes.types),
                names=list(wishes.names),
                sources=list(wishes.sources),
                tids=list(wishes.tids),
                time=wishes.time,
                first_ns=first_ns,
            ),
            self._sources(),
        )

    def _sources(self) -> dict[int, str]:
        """Ask the plugin of the command line for the name of its event source."""
        if self._wishes.plugin is None:
            return {}
        from falcokit.package.library_facts import event_source  # noqa: PLC0415

        return event_source(self._wishes.plugin)

    # ---- the summary ----------------------------------------------------------------------------

    def _summarize(self, capture: Capture, choice: Choice) -> tuple[Notice, ...]:
        tally = Tally()
        listed: list[Event] = []
        limit = self._wishes.limit
        try:
            if choice.filter is None and limit is None:
                tally.count(capture)
            else:
                for event in choice.events(capture):
                    tally.add(event)
                    if limit is not None and len(listed) < limit:
                        listed.append(event)
        except (KeyboardInterrupt, StoppedBySignal) as e:
            self._stopped = e
            console.message("interrupted; this is what was found so far")
        summary = tally.summary(capture)
        if self._wishes.as_json:
            from falcokit.capture.document import render, summary_object  # noqa: PLC0415

            console.data(render(summary_object(summary, None if limit is None else listed)))
            return summary.notices
        from falcokit.cli.inspect_report import build_report  # noqa: PLC0415 - not for --json

        self._show(build_report(summary))
        return summary.notices

    # ---- events ---------------------------------------------------------------------------------

    def _wanted(self, events: Iterable[Event]) -> Iterator[Event]:
        from collections import deque  # noqa: PLC0415
        from itertools import islice  # noqa: PLC0415

        if self._wishes.tail is not None:
            return iter(deque(events, maxlen=self._wishes.tail))
        return islice(events, self._wishes.limit)

    def _list(self, events: Iterable[Event]) -> None:
        from falcokit.cli.inspect_listing import list_events  # noqa: PLC0415

        list_events(
            self._wanted(events),
            plugin=self._wishes.plugin,
            init_config=self._wishes.init_config,
            at_once=self._wishes.follow,
        )

    def _list_json(self, events: Iterable[Event]) -> None:
        from falcokit.capture.document import event_object  # noqa: PLC0415

        for event in self._wanted(events):
            console.json_line(event_object(event))

    def _export(self, events: Iterable[Event], target: Path) -> None:
        from falcokit.cli.inspect_files import export_events  # noqa: PLC0415

        count = export_events(self._wanted(events), target)
        console.message(f"{count} events written")
        console.data(str(target))

    def _cut(self, capture: Capture, choice: Choice, target: Path) -> None:
        from falcokit.cli.inspect_files import cut_events  # noqa: PLC0415

        count = cut_events(capture, self._wanted(choice.events(capture)), target)
        console.message(f"{count} events written")
        console.data(str(target))

    def _compare(self, capture: Capture, choice: Choice, other: Path) -> None:
        from falcokit.capture.compare import compare  # noqa: PLC0415
        from falcokit.cli.inspect_diff import diff_object, diff_report  # noqa: PLC0415

        with open_capture(other) as second:
            found = compare(choice.events(capture), choice.events(second))
            names = (str(capture.path), str(second.path))
        if self._wishes.as_json:
            console.json_line(diff_object(found, names))
        else:
            self._show(diff_report(found, names))

    def _show_lists(self, capture: Capture) -> None:
        from falcokit.cli import inspect_lists  # noqa: PLC0415

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
            console.json_line({"version": 1, kind: list(objects[kind](lists))})
            return
        tables = {
            "processes": inspect_lists.process_table,
            "fds": inspect_lists.fd_table,
            "users": inspect_lists.user_table,
        }
        self._show_table(tables[kind](lists))

    # ---- output ---------------------------------------------------------------------------------

    def _show(self, report: Report) -> None:
        if _on_screen():
            from falcokit.cli.inspect_screen import show  # noqa: PLC0415 - rich costs 60 ms

            show(report)
        else:
            from falcokit.cli.inspect_plain import report_lines  # noqa: PLC0415

            console.data_lines(report_lines(report))

    def _show_table(self, table: Table) -> None:
        from falcokit.cli.inspect_plain import table_lines  # noqa: PLC0415

        console.data_lines(table_lines(table))

    def _progress(self, capture: Capture) -> contextlib.AbstractContextManager[None]:
        from falcokit.cli.inspect_progress import reading  # noqa: PLC0415

        # events that are listed are progress enough
        listing = self._wishes.is_listing or self._wishes.jsonl
        return contextlib.nullcontext() if listing else reading(capture)

    def _warn(self, notices: Iterable[Notice]) -> None:
        label = console.paint("warning:", "yellow", sys.stderr)
        for notice in notices:
            times = f" ({notice.count} times)" if notice.count > 1 else ""
            where = f" (at byte {notice.offset})" if notice.offset else ""
            console.message(f"{label} {safe_text(notice.message)}{where}{times}")


def _on_screen() -> bool:
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
