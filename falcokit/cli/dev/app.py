# SPDX-License-Identifier: Apache-2.0
"""The screen of `falcokit dev`: a Textual application over the state that the reports add up to.

It looks at the state a few times a second, on its own thread, and draws the panes that are visible:
what comes faster than that is never drawn. Keys act here or are passed on to `Actions`.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from typing import TYPE_CHECKING, ClassVar, Final, Protocol

from rich.table import Table
from rich.text import Text
from textual.app import App
from textual.binding import Binding
from textual.containers import Container
from textual.widgets import Input, Static

from falcokit.cli.console import printable, printable_lines
from falcokit.cli.dev.detail import Detail
from falcokit.cli.dev.event_detail import event_detail
from falcokit.cli.dev.figures import bytes_text, microseconds, span
from falcokit.cli.dev.panes import Alerts, listings
from falcokit.cli.dev.table import Pane
from falcokit.cli.lines import reasons
from falcokit.dev.child import ChildCost, ChildMeter
from falcokit.dev.state import SeenEvent

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import RenderableType
    from textual import events
    from textual.app import ComposeResult
    from textual.driver import Driver

    from falcokit.dev.problems import Problem
    from falcokit.dev.state import DevState
    from falcokit.project.settings import Project

__all__ = ["Actions", "DevApp"]

_LOOK_SECONDS: Final = 0.25
_SHARE: Final = 0.05
"""Of a core, for drawing; a large screen full of changes is drawn less often."""
_MOST_DEBT: Final = 1.5 * _SHARE
"""After so many seconds at the latest it is drawn again."""
_METER_SECONDS: Final = 1.0
_MOST_FAULT_LINES: Final = 4
#: The least width and height from which on several panes are side by side.
_MEDIUM: Final = (110, 32)
_LARGE: Final = (180, 44)
#: Always visible from _MEDIUM on, below the pane that was chosen.
_BELOW: Final = ("alerts", "log")


class Actions(Protocol):
    """What keys ask of whoever builds and runs; called on the screen's thread."""

    def rebuild(self) -> None:
        """Build and restart."""

    def explain(self) -> None:
        """Tell why rules are silent: `explanations` of the state."""

    def explain_event(self, number: int) -> None:
        """Tell what each rule says of an event: `verdicts` of the state."""


class DevApp(App[int], inherit_bindings=False):
    """The screen; `return_value` is the number of the signal that ended it, 0 for the key."""

    ENABLE_COMMAND_PALETTE: ClassVar = False
    CSS: ClassVar = """
    #head, #tabs, #faults, #keys { height: auto; width: 100%; }
    #head { background: $panel; height: 2; }
    #head, #tabs, #faults, #keys { text-wrap: nowrap; text-overflow: ellipsis; }
    #tabs, #keys { link-style: none; link-color: $text; link-background-hover: $accent; }
    #keys { background: $panel; }
    #faults { max-height: 4; }
    #panes { height: 1fr; }
    #filter { height: 1; border: none; padding: 0 1; display: none; }
    Pane { height: 100%; border: round $panel-lighten-2; border-title-color: $text-muted;
           border-subtitle-color: $text-muted; }
    Pane:focus { border: round $accent; border-title-color: $accent; border-title-style: bold; }
    .-medium #panes { layout: grid; grid-size: 2 2; grid-rows: 3fr 2fr; }
    .-medium .main { column-span: 2; }
    .-large #panes { layout: grid; grid-size: 3 3; grid-columns: 5fr 5fr 4fr; }
    .-large #tabs { display: none; }
    """
    BINDINGS: ClassVar = [
        Binding("q", "stop(0)", "quit"),
        Binding("r", "rebuild", "rebuild"),
        Binding("p", "pause", "pause"),
        Binding("slash", "filter", "filter", key_display="/"),
        Binding("s", "sort", "sort"),
        Binding("t", "turn", "turn order"),
        Binding("enter", "detail", "detail", key_display="⏎"),
        Binding("e", "silent", "silent rules"),
        Binding("f", "faults", "faults"),
        Binding("c", "clear", "clear log"),
        Binding("z", "zoom", "zoom"),
        Binding("question_mark", "help", "help", key_display="?"),
        *(Binding(str(number), f"show({number})", show=False) for number in range(1, 10)),
        Binding("escape", "leave_filter", show=False),
        Binding("ctrl+c", "stop(2)", show=False, priority=True),
        Binding("ctrl+z", "suspend_process", show=False, priority=True),
    ]

    def __init__(
        self,
        state: DevState,
        project: Project,
        actions: Actions,
        *,
        watch: bool,
        driver_class: type[Driver] | None = None,
        meter: ChildMeter | None = None,
        is_gone: Callable[[], bool] = lambda: False,
    ) -> None:
        """`is_gone` says whether there is no terminal any more: a hangup may be ignored."""
        super().__init__(driver_class=driver_class)
        self.title = "falcokit dev"
        self.state = state
        self.paused = False
        self._actions = actions
        self._watched = f"watching {project.source_dir.name}/" if watch else "no --watch"
        self._root = f"{project.root}/"
        self._panes = [Pane(each, at + 1) for at, each in enumerate(listings(self.short))]
        self._current = self._main = self._panes[0]
        self._zoomed = False
        self._meter = meter or ChildMeter()
        self._cost: ChildCost | None = None
        self._measured_at = float("-inf")
        self._faults: list[Problem] = []
        self._is_gone = is_gone
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped: int | None = None
        self._spent = self._debt = 0.0  # seconds of this thread: so far, and too many

    def stop(self, number: int) -> None:
        """End the screen; any thread may call this, also before it begins and when it has ended.

        `number` is the signal that wants it, or 0.
        """
        if self._stopped is None:
            self._stopped = number
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._leave)

    def _leave(self) -> None:
        self.exit(self._stopped)

    def short(self, text: str) -> str:
        """Shorten the paths of the project's files to what its author calls them."""
        return text.replace(self._root, "")

    # ---- layout --------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Make the widgets, each of which exists all the time."""
        yield Static(id="head")
        yield Static(id="tabs")
        yield Static(id="faults")
        with Container(id="panes"):
            yield from self._panes
        yield Input(id="filter", placeholder="text to look for", compact=True)
        yield Static(id="keys")

    def on_mount(self) -> None:
        """Show what there is, and look again and again from now on."""
        self._loop = asyncio.get_running_loop()
        if self._stopped is not None:
            self._leave()
            return
        self._arrange()
        self.look()
        self._spent = time.thread_time()
        self.set_interval(_LOOK_SECONDS, self._tick)
        self._current.focus()

    def on_resize(self, event: events.Resize) -> None:
        """Put as many panes side by side as there is room for."""
        self._arrange(event.size.width, event.size.height)
        self.look()

    def _arrange(self, width: int | None = None, height: int | None = None) -> None:
        size = (width or self.size.width, height or self.size.height)
        large = size[0] >= _LARGE[0] and size[1] >= _LARGE[1] and not self._zoomed
        medium = size[0] >= _MEDIUM[0] and size[1] >= _MEDIUM[1] and not self._zoomed and not large
        self.screen.set_class(large, "-large")
        self.screen.set_class(medium, "-medium")
        for pane in self._panes:
            below = medium and pane.id in _BELOW
            main = pane is (self._main if medium else self._current)
            pane.display = large or below or main
            pane.set_class(main and medium, "main")
        self.query_one("#keys", Static).update(_keys(size[0]))
        self._draw_tabs()

    def _draw_tabs(self) -> None:
        tabs = [
            f"[@click=app.show({at})]"
            + (f"[reverse]{at}{name}[/]" if pane is self._current else f"[b]{at}[/b]{name}")
            + "[/]"
            for at, (name, pane) in enumerate(
                ((pane.listing.name, pane) for pane in self._panes), start=1
            )
        ]
        self.query_one("#tabs", Static).update(" ".join(tabs))

    # ---- looking at the state ------------------------------------------------------------------

    def _tick(self) -> None:
        """Look, unless what was drawn lately has cost more than its share of a core.

        Keys are answered at once in any case.
        """
        spent = time.thread_time()
        allowed = _SHARE * _LOOK_SECONDS
        self._debt = min(max(0.0, self._debt + spent - self._spent - allowed), _MOST_DEBT)
        self._spent = spent
        if self._debt <= allowed:
            self.look()

    def look(self) -> None:
        """Draw what has changed; while paused only that it is paused."""
        if self._loop is None or not self.screen_stack:
            return
        base, state = self.screen_stack[0], self.state
        if not base.query("#head"):  # the end has begun
            return
        self._measure()
        with state.lock:
            state.settle()
            head = self._head()
            if not self.paused:
                self._faults = state.faults()
                for pane in self._panes:
                    if pane.display:
                        pane.take(state)
        base.query_one("#head", Static).update(head)
        self._draw_faults(base.query_one("#faults", Static))
        if isinstance(self.screen, Detail):
            self.screen.renew()

    def _measure(self) -> None:
        now = self.state.clock()
        if now - self._measured_at >= _METER_SECONDS:
            self._measured_at = now
            self._cost = self._meter.look(self.state.pid)
            if self._is_gone():
                self.stop(signal.SIGHUP)

    def _head(self) -> Text:
        """Say what runs, and what it costs: two lines."""
        state = self.state
        bad = state.fault is not None and state.fault.serious
        status = printable(state.status)
        if state.building_since is not None:
            took = state.clock() - state.building_since
            first = ": the first build compiles falcokit's own C" if state.run == 0 else ""
            status = f"building {span(took)}{first if took > 1 else ''}"
        first_line = [
            (
                f" {printable(state.plugin or 'falcokit')} {printable(state.version)} ",
                "bold reverse",
            ),
            ("  PAUSED " if self.paused else "  ", "bold yellow"),
            (status, "bold red" if bad else "bold green"),
        ]
        if state.source:
            first_line.append((f"  source {printable(state.source)}", ""))
        first_line.append((f"  run {state.run}", ""))
        if state.opened_at is not None:
            first_line.append((f"  up {span(state.clock() - state.opened_at)}", ""))
        first_line.append((f"  {printable(self._watched)}", "dim"))
        return Text.assemble(*first_line, "\n ", *self._figures())

    def _figures(self) -> list[tuple[str, str]]:
        state, cost = self.state, self._cost
        rate = sum(row.rate for row in state.events.values())
        parts = [(f"{rate:,.1f} events/s", "")]
        p50, p99 = state.delivery.get("delivery_p50_us"), state.delivery.get("delivery_p99_us")
        if p50 and p99:
            parts.append(
                (f"  emit to delivery p50 {microseconds(p50)} p99 {microseconds(p99)}", "")
            )
        if cost is not None:
            parts.append((f"  cpu {cost.cpu_percent:.1f} %", ""))
        rss_kb = cost.rss_kb if cost is not None else state.rss_kb
        if rss_kb and state.pid is not None:
            parts.append((f"  rss {bytes_text(rss_kb * 1024)}", ""))
        if state.queued:
            parts.append((f"  queued {state.queued:,}", ""))
        parts += [(f"  {what}: {reasons(counts)}", "yellow") for what, counts in state.refusals()]
        return parts

    def _draw_faults(self, shown: Static) -> None:
        faults = self._faults
        shown.display = bool(faults)
        if not faults:
            return
        lines = [
            Text(printable(self.short(line)), "bold red" if fault.serious else "yellow")
            for fault in faults
            for line in _lines(fault)
        ]
        more = len(lines) > _MOST_FAULT_LINES
        if more:
            rest = len(lines) - _MOST_FAULT_LINES + 1
            lines = lines[: _MOST_FAULT_LINES - 1]
            lines.append(Text(f"and {rest} more lines: f shows all", "dim"))
        shown.update(Text("\n").join(lines))

    # ---- keys ----------------------------------------------------------------------------------

    def action_stop(self, number: int) -> None:
        """End; `number` is that of a signal, or 0."""
        self.stop(number)

    def action_rebuild(self) -> None:
        """Build and restart."""
        self._actions.rebuild()

    def action_pause(self) -> None:
        """Freeze all panes, also those that are not visible, or look again."""
        self.paused = not self.paused
        if self.paused:
            with self.state.lock:
                for pane in self._panes:
                    pane.take(self.state)
        self.look()

    def action_show(self, number: int) -> None:
        """Show a pane, and give it the focus."""
        self._choose(self._panes[number - 1])

    def action_next(self, steps: int) -> None:
        """Show the next pane, or the one before."""
        at = self._panes.index(self._current)
        self._choose(self._panes[(at + steps) % len(self._panes)])

    def _choose(self, pane: Pane) -> None:
        self._current = pane
        if pane.id not in _BELOW:
            self._main = pane
        self._arrange()
        pane.focus()
        if not self.paused:
            with self.state.lock:
                pane.take(self.state)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Follow a click into another pane."""
        if isinstance(event.widget, Pane) and event.widget is not self._current:
            self.query_one("#filter", Input).display = False
            self._current = event.widget
            if event.widget.id not in _BELOW:
                self._main = event.widget
            self._draw_tabs()

    def action_filter(self) -> None:
        """Ask for a text; only rows with it are shown."""
        field = self.query_one("#filter", Input)
        field.display = True
        field.value = self._current.words
        field.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while the text is typed."""
        self._current.words = event.value
        self._current.choose_rows()

    def on_input_submitted(self) -> None:
        """Keep the filter, and go back to the rows."""
        self.query_one("#filter", Input).display = False
        self._current.focus()

    def action_leave_filter(self) -> None:
        """Take the filter away."""
        field = self.query_one("#filter", Input)
        field.value = ""
        field.display = False
        self._current.words = ""
        self._current.choose_rows()
        self._current.focus()

    def action_sort(self) -> None:
        """Sort by the next column."""
        self._current.sort_next()

    def action_turn(self) -> None:
        """Turn the order round."""
        self._current.turn()

    def action_zoom(self) -> None:
        """Show the current pane alone, or all that have room."""
        self._zoomed = not self._zoomed
        self._arrange()
        self.look()

    def action_clear(self) -> None:
        """Forget the log."""
        self.state.clear_logs()
        self.look()

    def action_silent(self) -> None:
        """Show the rules with why they are silent, or the alerts again."""
        pane = next(pane for pane in self._panes if isinstance(pane.listing, Alerts))
        listing = pane.listing
        if not isinstance(listing, Alerts):
            return
        listing.silent = not listing.silent
        if listing.silent:
            self._actions.explain()
        pane.renew_listing()
        self._choose(pane)

    def action_detail(self) -> None:
        """Show all that is known of the row under the cursor."""
        item = self._current.current
        if item is None:
            return
        if isinstance(item, SeenEvent):
            self._open_event(item)
            return
        found = self._current.listing.detail(item)
        if found is not None:
            self._open(found)

    def on_pane_opened(self) -> None:
        """Open the row that was clicked twice."""
        self.action_detail()

    def _open_event(self, event: SeenEvent) -> None:
        number, verdicts = event.number, self.state.verdicts
        with self.state.lock:
            # While paused it may be one of an earlier run, whose numbers are given anew.
            is_of_this_run = any(each is event for each in self.state.seen)
        if not is_of_this_run:
            verdicts = {}
        elif self.state.rules:
            self._actions.explain_event(number)
        self.push_screen(
            Detail(lambda: event_detail(event, verdicts.get(number)), lambda: number in verdicts)
        )

    def _open(self, found: tuple[str, RenderableType]) -> None:
        self.push_screen(Detail(lambda: found, lambda: True))

    def action_faults(self) -> None:
        """Show all that is wrong, whole."""
        texts = [
            Text(
                printable_lines(self.short("\n".join(_lines(fault)))),
                "red" if fault.serious else "yellow",
            )
            for fault in self._faults
        ]
        shown = Text("\n\n").join(texts) if texts else Text("nothing is wrong")
        self._open(("what is wrong", shown))

    def action_help(self) -> None:
        """List all keys."""
        table = Table.grid(padding=(0, 2))
        for key, text in _help():
            table.add_row(Text(key, "bold"), text)
        self._open(("keys", table))


def _lines(fault: Problem) -> list[str]:
    """Return a problem as lines, of which the first has the place."""
    first, *others = fault.text.split("\n")
    hint = [f"  {fault.hint}"] if fault.hint else []
    return [fault.line if first else "", *others, *hint]


def _keys(width: int) -> str:
    """Return the keys as markup, each of which can be clicked, in as many lines as it takes."""
    lines, used = [""], 0
    for each in DevApp.BINDINGS:
        if not isinstance(each, Binding) or not each.show:
            continue
        key = each.key_display or each.key
        length = len(f"{key} {each.description}")
        if used and used + 1 + length > width:
            lines, used = [*lines, ""], 0
        lines[-1] += (
            f"{' ' * bool(used)}[@click=app.{each.action}][b]{key}[/b] {each.description}[/]"
        )
        used += length + bool(used)
    return "\n".join(lines)


_DETAILS: Final = {
    "stop(0)": "quit; Ctrl-C too",
    "rebuild": "build and restart",
    "pause": "freeze the panes, not the plugin; again: go on",
    "filter": "show only rows with a text, and mark it; Esc takes it away",
    "sort": "sort by the next column, after the last by none",
    "turn": "turn the order round",
    "detail": "all that is known of the row: an event's payload, fields and rules",
    "silent": "rules, and why each silent one is silent; again: the alerts",
    "faults": "all that is wrong, with its places",
    "clear": "clear the log",
    "zoom": "the pane alone; again: side by side",
    "help": "this",
}


def _help() -> list[tuple[str, str]]:
    shown = [
        (each.key_display or each.key, _DETAILS[each.action])
        for each in DevApp.BINDINGS
        if isinstance(each, Binding) and each.show
    ]
    return [
        *shown,
        ("1 … 9", "a pane"),
        ("Tab, Shift-Tab", "the next pane, the one before"),
        ("↑ ↓ PgUp PgDn Home End", "rows; at the end new ones are followed"),
        ("Ctrl-Z", "suspend; fg goes on"),
        ("mouse", "click: pane, row, key; twice: detail; heading: sort; wheel: rows"),
    ]
