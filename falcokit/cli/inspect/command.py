# SPDX-License-Identifier: Apache-2.0
"""`falcokit inspect FILE [FILTER]`: what a capture, a plugin library or an artifact holds.

Each kind of output has a module of its own; here is which of them is used when, and what is still
shown after Ctrl-C. What is wrong with a file that can still be read goes to stderr and leaves the
exit code at 0.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Final

from falcokit.capture.format.text import json_text, safe_text
from falcokit.capture.reader import open_capture
from falcokit.capture.summary.summarize import Tally
from falcokit.cli import console
from falcokit.cli.failure import show_error
from falcokit.cli.format import count_of
from falcokit.cli.inspect.choice import choose, select_events
from falcokit.cli.inspect.options import STDIN
from falcokit.cli.inspect.output import reading, screen_width, show_report, show_table, warn
from falcokit.cli.interrupt import StoppedBySignal, signals_as_interrupts
from falcokit.errors import ConfigError, FalcokitError
from falcokit.runner.reports import error_object

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from falcokit.capture.events.event import Event
    from falcokit.capture.format.errors import Notice
    from falcokit.capture.reader import Capture
    from falcokit.cli.inspect.choice import Wanted
    from falcokit.cli.inspect.options import InspectOptions

__all__ = ["Inspection", "inspect", "is_library_or_artifact"]


def inspect(options: InspectOptions) -> None:
    """Show what a file holds."""
    Inspection(options).run()


class Inspection:
    """One run of the command."""

    def __init__(self, options: InspectOptions) -> None:
        self._options = options
        self._stopped: BaseException | None = None
        self._any_shown = False

    def run(self) -> None:
        """Show what is wanted; raise an interruption again once what was found so far is shown."""
        files = self._options.files
        with signals_as_interrupts():
            for at, file in enumerate(files, 1):
                try:
                    self._show(file)
                except FalcokitError as e:
                    if self._any_shown or at < len(files):
                        show_error(error_object(e) | {"hint": None})
                    else:  # none of the files can be read
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

        name = safe_text(Path(file).name)
        if not self._options.for_library:
            raise ConfigError(
                f"{name} is a library or an artifact, not a capture",
                hint="only --json and --load can be combined with such a file",
            )
        from falcokit.cli.inspect.library import library_object, library_report  # noqa: PLC0415
        from falcokit.package.artifact.library_facts import library_facts  # noqa: PLC0415

        if self._options.load:
            console.message(f"loading {name}: its code runs now, with all your rights")
        facts = library_facts(Path(file), load=self._options.load)
        if self._options.as_json:
            console.data(json_text(library_object(facts)))
        else:
            show_report(library_report(facts))

    # ---- captures -------------------------------------------------------------------------------

    def _inspect(self, file: str) -> None:
        options = self._options
        if options.load:
            raise ConfigError("--load is for a plugin library or an artifact, not for a capture")
        wanted = self._filter(file)
        lists = options.processes or options.fds or options.users or options.cut is not None
        with open_capture(
            file, lists=lists or bool(options.rules), follow=options.follow
        ) as capture:
            notices = self._dispatch(capture, wanted) or capture.notices
        warn(notices)

    def _dispatch(self, capture: Capture, wanted: Wanted) -> tuple[Notice, ...]:
        """Write the output; return the notices of a summary, which include those of the capture."""
        options = self._options
        if options.processes or options.fds or options.users:
            self._show_lists(capture)
        elif options.rules:
            self._show_alerts(capture, wanted)
        elif (target := options.export or options.cut) is not None:
            self._write(capture, wanted, target)
        elif options.diff is not None:
            return self._compare(capture, wanted, options.diff)
        elif options.as_json or options.stats or not (options.is_listing or options.jsonl):
            return self._summarize(capture, wanted)
        else:
            self._list(capture, wanted)
        return ()

    def _filter(self, file: str) -> Wanted:
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

        return choose(self._options, first_ns)

    @contextlib.contextmanager
    def _pass(self, capture: Capture, *, bar: bool = True) -> Iterator[None]:
        """Read with a progress bar; after an interruption what was found so far is shown."""
        try:
            with reading(capture) if bar else contextlib.nullcontext():
                yield
        except (KeyboardInterrupt, StoppedBySignal) as e:
            self._stopped = e
            console.message("interrupted; this is what was found so far")

    # ---- the summary ----------------------------------------------------------------------------

    def _summarize(self, capture: Capture, wanted: Wanted) -> tuple[Notice, ...]:
        tally = Tally()
        listed: list[Event] = []
        limit = self._options.limit
        with self._pass(capture):
            if wanted is None and limit is None:
                tally.count(capture)
            else:
                for event in select_events(capture, wanted):
                    tally.add(event)
                    if limit is not None and len(listed) < limit:
                        listed.append(event)
        summary = tally.summary(capture)
        if wanted is not None:  # a selection does not show how the file replays
            of_reading = (n for n in summary.notices if n.kind not in {"replay", "no-events"})
            summary = summary.replace(notices=tuple(of_reading))
        if self._options.as_json:
            from falcokit.capture.summary.summary import summary_object  # noqa: PLC0415

            document = summary_object(summary, None if limit is None else listed)
            if self._options.plugin is not None and limit is not None:
                from falcokit.cli.inspect.listing import add_fields  # noqa: PLC0415

                plugin, init_config = self._options.plugin, self._options.init_config
                add_fields(document["listed"], listed, plugin, init_config)
            console.data(json_text(document, indent=2))
            return summary.notices
        from falcokit.cli.inspect.report import build_report  # noqa: PLC0415 - not for --json

        show_report(build_report(summary))
        return summary.notices

    # ---- events ---------------------------------------------------------------------------------

    def _list(self, capture: Capture, wanted: Wanted) -> None:
        from falcokit.cli.inspect.listing import Listing  # noqa: PLC0415

        options = self._options
        listing = Listing(options)
        if options.tail is None and not options.jsonl:
            listing.write_all_lines(capture, wanted, options.limit)
            return
        events = select_events(capture, wanted)
        if options.tail is not None:
            last: deque[Event] = deque(maxlen=options.tail)
            with self._pass(capture):
                last.extend(events)
            events = iter(last)
        events = islice(events, options.limit)
        if options.jsonl:
            listing.write_json(events)
        else:
            listing.write_lines(events)

    def _show_alerts(self, capture: Capture, wanted: Wanted) -> None:
        from falcokit.cli.inspect.alerts import AlertListing  # noqa: PLC0415 - not without rules
        from falcokit.cli.inspect.listing import project_plugin  # noqa: PLC0415

        plugin = self._options.plugin or project_plugin()
        alerts = AlertListing(self._options, plugin)
        # On a terminal the alerts are where the bar would be.
        bar = screen_width() is None
        alerts.show(capture, wanted, lambda: self._pass(capture, bar=bar))

    def _write(self, capture: Capture, wanted: Wanted, target: Path) -> None:
        from falcokit.cli.inspect.files import cut_events, export_events  # noqa: PLC0415

        options = self._options
        events = self._limited(select_events(capture, wanted))
        with reading(capture):
            if options.cut is not None:
                count = cut_events(capture, events, target)
            else:
                plugin, init_config = options.plugin, options.init_config
                count = export_events(events, target, plugin=plugin, init_config=init_config)
        console.message(f"{count_of(count, 'event')} written")
        console.data(str(target))

    def _limited(self, events: Iterator[Event]) -> Iterator[Event]:
        if self._options.tail is not None:
            return iter(deque(events, maxlen=self._options.tail))
        return islice(events, self._options.limit)

    def _compare(self, capture: Capture, wanted: Wanted, other: Path) -> tuple[Notice, ...]:
        from falcokit.capture.summary.compare import Comparing  # noqa: PLC0415
        from falcokit.cli.inspect.diff import diff_object, diff_report  # noqa: PLC0415

        of_other = self._filter(str(other))  # where --time counts from the first event
        comparing = Comparing()
        with open_capture(other) as second:
            with self._pass(capture):
                comparing.read(select_events(capture, wanted), select_events(second, of_other))
            names = (str(capture.path), str(second.path))
            notices = [
                notice.replace(message=f"{name}: {notice.message}")
                for name, side in zip(names, (capture, second), strict=True)
                for notice in side.notices
            ]
        found = comparing.found()
        if self._options.as_json:
            console.data(json_text(diff_object(found, names)))
        else:
            show_report(diff_report(found, names))
        return tuple(notices)

    def _show_lists(self, capture: Capture) -> None:
        from falcokit.cli.inspect.lists import SHOWN  # noqa: PLC0415

        with self._pass(capture):
            for _ in capture:  # the lists may come in any section
                pass
        assert capture.lists is not None  # noqa: S101  # asked for when it was opened
        options = self._options
        kind = "processes" if options.processes else "fds" if options.fds else "users"
        table, objects = SHOWN[kind]
        if options.as_json:
            console.data(json_text({"version": 1, kind: list(objects(capture.lists))}))
        else:
            show_table(table(capture.lists))


_ELF: Final = b"\x7fELF"
_GZIP: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 31
_START: Final = 4096
#: What a tar has in the header of its first file.
_TAR: Final = b"ustar"
_TAR_AT: Final = 257


def is_library_or_artifact(file: str) -> bool:
    """Return whether `file` is ELF, or a gzip with a tar inside."""
    try:
        if not os.path.isfile(file):  # noqa: PTH113 - opening a pipe would take its first reader
            return False
        with open(file, "rb") as stream:  # noqa: PTH123 - pathlib takes 5 ms to load
            start = stream.read(_START)
    except (OSError, ValueError):
        return False
    if not start.startswith(_GZIP):
        return start.startswith(_ELF)
    try:
        inflated = zlib.decompressobj(_GZIP_WINDOW).decompress(start, _START)
    except zlib.error:
        return False
    return inflated[_TAR_AT:].startswith(_TAR)
