# SPDX-License-Identifier: Apache-2.0
"""The screen of `falcokit dev`, driven by Textual's pilot: every key, the mouse, every size.

Nothing is built and nothing waits: the state is that of the pictures in docs/dev.md.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from textual import events

from falcokit.cli.console import printable
from falcokit.cli.dev.app import DevApp
from falcokit.cli.dev.detail import Detail
from falcokit.cli.dev.panes import listings
from falcokit.cli.dev.table import Pane, column_widths
from tools.dev_pictures import FOLDER, SIZES, STATES, Recording, log, picture, press

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from textual.pilot import Pilot

SMALL, MEDIUM, LARGE = SIZES
TABS = "1Async 2Events 3Producers 4Sources 5Fields 6Metrics 7Alerts 8Log 9Reloads"


@pytest.fixture(autouse=True)
def _in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


class Screen:
    """The screen while a test drives it."""

    def __init__(self, recording: Recording, app: DevApp, pilot: Pilot[Any]) -> None:
        self.recording, self.app, self.pilot = recording, app, pilot

    async def press(self, *keys: str) -> None:
        await press(self.pilot, keys)

    async def look(self) -> None:
        self.app.look()
        await self.pilot.pause()

    def lines(self) -> list[str]:
        strips = self.app.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip) for strip in strips]

    def text(self) -> str:
        return "\n".join(self.lines())

    def pane(self) -> Pane:
        pane = self.app.focused
        assert isinstance(pane, Pane)
        return pane

    def first(self) -> list[str]:
        """The first column of the rows of the pane with the focus."""
        listing = self.pane().listing
        widths = self.pane().widths()
        return [listing.cells(item, widths)[0].plain for item in self.pane().shown]


def drive(
    scenario: Callable[[Screen], Awaitable[None]],
    *,
    what: str | None = "run",
    size: tuple[int, int] = SMALL,
    recording: Recording | None = None,
) -> DevApp:
    """Show a state on a screen of this size, and let the scenario drive it."""
    recording = recording or Recording()
    if what is not None:
        recording.happen(what)
    app = recording.app()

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await scenario(Screen(recording, app, pilot))

    asyncio.run(run())
    return app


def pressed(*keys: str, what: str = "run", size: tuple[int, int] = SMALL) -> str:
    """The screen after keys."""
    found: list[str] = []

    async def scenario(screen: Screen) -> None:
        await screen.press(*keys)
        await screen.look()
        found.append(screen.text())

    drive(scenario, what=what, size=size)
    return found[0]


# ---- every pane and every size -------------------------------------------------------------------


def test_at_80x24_every_pane_can_be_reached_by_its_number_and_by_tab() -> None:
    parts = {
        "Async events": ("gate_full", "sensor", "failed 3 times", "last "),
        "Events": ("22:13:59.500000", '{"who"', "more were counted only"),
        "Producers": ("waiting", "0:11"),
        "Sources": ("9,050", "queue 2 · batches 3,016"),
        "Fields": ("gate.who", '"eve"', "string[]", "of event 320"),
        "Metrics": ("people_inside", "163", "380 µs"),
        "Alerts": ("Warning", "The gate is full (percent=99)", "Full (gate) 5, Night (gate) 0"),
        "Log": ("producer of 'gate_cold': src/gate.py:31: read", "called at src/gate.py:24"),
        "Reloads": ("start", "412 ms", "530 ms", "compiled"),
    }

    async def scenario(screen: Screen) -> None:
        assert TABS in screen.text()
        for number, (title, shown) in enumerate(parts.items(), start=1):
            await screen.press(str(number))
            text = screen.text()
            assert f"─ {number} {title} ─" in text
            for part in shown:
                assert part in text, f"{part} in\n{text}"
        await screen.press("tab")
        assert "1 Async events ─" in screen.text()
        await screen.press("shift+tab")
        assert "9 Reloads ─" in screen.text()

    drive(scenario)


@pytest.mark.parametrize(
    ("size", "visible"),
    [(SMALL, ["async"]), (MEDIUM, ["async", "alerts", "log"]), ((109, 50), ["async"])],
)
def test_more_panes_stand_side_by_side_where_there_is_room(
    size: tuple[int, int], visible: list[str]
) -> None:
    async def scenario(screen: Screen) -> None:
        panes = screen.app.query(Pane)
        assert [pane.id for pane in panes if pane.display] == visible

    drive(scenario, size=size)


def test_at_200x50_all_panes_stand_side_by_side_and_a_resize_keeps_the_current_one() -> None:
    async def scenario(screen: Screen) -> None:
        panes = screen.app.query(Pane)
        assert len([pane for pane in panes if pane.display]) == 9
        await screen.press("9")
        await screen.pilot.resize_terminal(*SMALL)
        await screen.pilot.pause()
        assert [pane.id for pane in panes if pane.display] == ["reloads"]
        assert screen.pane().id == "reloads"

    drive(scenario, size=LARGE)


@pytest.mark.parametrize(
    ("what", "size"),
    [("run", (40, 12)), ("failed-build", (20, 6)), ("crash", (40, 12)), ("run", (250, 70))],
)
def test_each_state_fits_every_terminal(what: str, size: tuple[int, int]) -> None:
    lines = pressed(what=what, size=size).split("\n")
    assert len(lines) == size[1]
    assert size[1] < 12 or any("q quit" in line for line in lines[-3:])


@pytest.mark.parametrize("width", [118, 78, 66, 58, 46])
def test_no_heading_is_ever_cut_and_what_is_shown_fits(width: int) -> None:
    recording = Recording()
    recording.run()
    for listing in listings(str):
        listing.take(recording.state)
        widths = column_widths(listing.columns, width)
        shown = [at for at, room in enumerate(widths) if room]
        assert sum(widths) + 2 * (len(shown) - 1) <= max(width, 58)
        for at in shown:
            assert len(listing.heading(at, widths[at])) <= widths[at]


# ---- every key -----------------------------------------------------------------------------------


def test_q_quits_and_ctrl_c_is_a_signal_also_in_a_box() -> None:
    async def quit_by(screen: Screen, *keys: str) -> None:
        await screen.press(*keys)

    assert drive(lambda screen: quit_by(screen, "q")).return_value == 0
    assert drive(lambda screen: quit_by(screen, "question_mark", "ctrl+c")).return_value == 2


def test_r_rebuilds() -> None:
    async def scenario(screen: Screen) -> None:
        await screen.press("r")
        assert screen.recording.asked == ["rebuild"]

    drive(scenario)


def test_p_freezes_the_screen_and_not_the_plugin() -> None:
    async def scenario(screen: Screen) -> None:
        await screen.press("p")
        assert "PAUSED" in screen.text()
        counts = {"gate_full": 77, "gate_cold": 20, "sensor": 99_999}
        screen.recording.apply(screen.recording.stats(81, counts, 9_999))
        await screen.look()
        assert "51,640" in screen.text()
        await screen.press("4")  # a pane that was not visible is of the same moment
        assert "9,050" in screen.text()
        assert "9,999" not in screen.text()
        await screen.press("1", "p")
        assert "99,999" in screen.text()
        assert "PAUSED" not in screen.text()

    drive(scenario)


def test_an_event_of_an_earlier_run_is_not_explained_by_the_rules_of_this_one() -> None:
    async def scenario(screen: Screen) -> None:
        await screen.press("p", "2")
        screen.recording.apply({"report": "started", "run": 2, "pid": 1, "changed": []})
        await screen.press("enter")
        assert "event 321" in screen.text()
        assert screen.recording.asked == []

    drive(scenario)


def test_slash_filters_and_marks_enter_keeps_it_and_escape_takes_it_away() -> None:
    async def scenario(screen: Screen) -> None:
        await screen.press("8", "/", *"SOUTH")
        assert "/SOUTH: 1 of 6" in screen.text()
        await screen.press("enter")
        assert screen.pane().id == "log"
        assert "the south door is held open" in screen.text()
        assert "called at" not in screen.text()
        await screen.press("/", *"[x")
        assert "nothing matches the filter" in screen.text()
        await screen.press("escape")
        assert "called at" in screen.text()

    drive(scenario)


def test_a_message_is_found_as_a_whole() -> None:
    async def scenario(screen: Screen) -> None:
        await screen.press("8", "/", *"cold", "enter")
        assert "called at src/gate.py:24 in cold" in screen.text()
        assert "/cold: 4 of 6" in screen.text()

    drive(scenario)


def test_s_sorts_by_each_visible_column_and_t_turns_the_order() -> None:
    async def scenario(screen: Screen) -> None:
        assert screen.first() == ["gate_full", "gate_cold", "sensor"]
        await screen.press("s")
        assert screen.first() == ["gate_cold", "gate_full", "sensor"]
        assert "event▲" in screen.text()
        await screen.press("s", "t")
        assert screen.first() == ["sensor", "gate_cold", "gate_full"]
        assert "count▼" in screen.text()
        visible = [width for width in screen.pane().widths() if width]
        await screen.press(*["s"] * (len(visible) - 1), "t")
        assert screen.pane().sorted_by is None
        assert screen.first() == ["gate_full", "gate_cold", "sensor"]

    drive(scenario)


def test_enter_opens_the_row_and_more_keys_scroll_and_close_the_box() -> None:
    async def scenario(screen: Screen) -> None:
        for number, part in {
            1: "peak", 5: "Who came in", 7: "output fields", 8: "held open", 9: "first event  530",
        }.items():  # fmt: skip
            await screen.press(str(number), "enter")
            assert isinstance(screen.app.screen, Detail)
            if number == 1:
                await screen.press("down", "up", "pagedown", "pageup", "end", "home")
            assert part in screen.text(), f"{part} in\n{screen.text()}"
            await screen.press("escape")
            assert not isinstance(screen.app.screen, Detail)
        await screen.press("3", "enter")  # a producer is no more than its row
        assert not isinstance(screen.app.screen, Detail)

    drive(scenario)


def test_an_event_is_shown_with_its_payload_its_fields_and_what_each_rule_says() -> None:
    async def scenario(screen: Screen) -> None:
        await screen.press("2", "up", "enter")
        text = screen.text()
        assert screen.recording.asked == ["explain_event 320"]
        for part in ("event 320  gate", "source   gate", '"who": "eve"', "gate.tags"):
            assert part in text, text
        for part in ("Full (gate): does not fire", "gate.percent >= 90", "Night (gate)"):
            assert part in text, text

    drive(scenario, size=MEDIUM)


def test_what_the_rules_say_comes_when_it_comes() -> None:
    recording = Recording()
    recording.explain_event = lambda _: None  # type: ignore[method-assign]

    async def scenario(screen: Screen) -> None:
        await screen.press("2", "enter")
        assert "rules that saw it" not in screen.text()
        answer = {"report": "event_explanation", "number": 321, "known": False, "rules": []}
        recording.apply(answer)
        await screen.look()
        assert "not known: it came before the rules" in screen.text()

    drive(scenario, size=MEDIUM, recording=recording)


def test_e_shows_why_rules_are_silent_and_then_the_alerts_again() -> None:
    async def scenario(screen: Screen) -> None:
        await screen.press("e")
        assert screen.recording.asked == ["explain"]
        await screen.look()
        assert "7 Rules" in screen.text()
        assert "no event passed evt.hostname = night" in screen.text()
        await screen.press("down", "enter")
        assert "gate.who exists 9050 of 9240" in screen.text()
        await screen.press("q", "e")
        assert "7 Alerts" in screen.text()

    drive(scenario)


def test_f_shows_all_that_is_wrong_with_its_places() -> None:
    text = pressed("f", what="failed-build")
    assert "src/gate.py:31: SyntaxError: '(' was never closed" in text
    assert "producer of gate_cold: failed 3 times" in text

    async def nothing(screen: Screen) -> None:
        await screen.press("f")
        assert "nothing is wrong" in screen.text()

    drive(nothing, what="first-build")


def test_c_clears_the_log() -> None:
    text = pressed("8", "c")
    assert "nothing was logged" in text


def test_z_shows_the_pane_alone_and_then_all_again() -> None:
    async def scenario(screen: Screen) -> None:
        panes = screen.app.query(Pane)
        await screen.press("8", "z")
        assert [pane.id for pane in panes if pane.display] == ["log"]
        await screen.press("z")
        assert len([pane for pane in panes if pane.display]) == 9

    drive(scenario, size=LARGE)


def test_the_help_and_the_line_of_keys_have_every_key() -> None:
    async def scenario(screen: Screen) -> None:
        keys = "\n".join(screen.lines()[-2:])
        shown = [each for each in DevApp.BINDINGS if each.show]  # type: ignore[union-attr]
        for each in shown:
            assert f"{each.key_display or each.key} {each.description}" in keys  # type: ignore[union-attr]
        await screen.press("?")
        text = screen.text()
        await screen.press("end")
        text += screen.text()
        for each in shown:
            assert f"│ {each.key_display or each.key} " in text  # type: ignore[union-attr]
        for others in ("1 … 9", "Tab", "PgUp", "Ctrl-Z", "mouse"):
            assert others in text

    drive(scenario)


def test_ctrl_z_suspends(monkeypatch: pytest.MonkeyPatch) -> None:
    suspended: list[bool] = []
    monkeypatch.setattr(DevApp, "action_suspend_process", lambda _: suspended.append(True))

    async def scenario(screen: Screen) -> None:
        await screen.press("ctrl+z")
        assert suspended == [True]

    drive(scenario)


def test_rows_are_followed_until_the_cursor_is_moved_and_again_from_the_last_one_on() -> None:
    async def scenario(screen: Screen) -> None:
        def more() -> None:
            for number in range(30):
                screen.recording.apply(log("info", f"line {number}"))

        await screen.press("8")
        more()
        await screen.look()
        assert "line 29" in screen.text()
        await screen.press("home")
        assert "three doors" in screen.text()
        more()
        await screen.look()
        assert "three doors" in screen.text()
        await screen.press("pagedown", "pageup", "down", "up", "end")
        more()
        await screen.look()
        assert screen.pane().current is screen.pane().shown[-1]

    drive(scenario)


def test_the_cursor_stays_on_its_row_when_the_order_changes() -> None:
    async def scenario(screen: Screen) -> None:
        await screen.press("down")
        assert screen.pane().current.name == "gate_cold"
        await screen.press("s", "t")
        assert screen.first()[2] == "gate_cold"
        assert screen.pane().current.name == "gate_cold"

    drive(scenario)


# ---- the mouse -----------------------------------------------------------------------------------


def test_the_mouse_chooses_panes_rows_headings_and_keys_and_scrolls() -> None:
    async def scenario(screen: Screen) -> None:
        await screen.pilot.click("#log", offset=(5, 3))
        assert screen.pane().id == "log"
        await screen.pilot.click("#async", offset=(5, 3))
        assert screen.pane().current.name == "gate_cold"
        await screen.pilot.click("#async", offset=(3, 1))
        assert screen.pane().sorted_by == 0
        await screen.pilot.click("#async", offset=(3, 1))
        assert screen.pane().turned
        keys = screen.lines()[-1]
        await screen.pilot.click(offset=(keys.index("? help"), SIZES[1][1] - 1))
        await screen.pilot.pause()
        assert isinstance(screen.app.screen, Detail)
        await screen.pilot.click(offset=(0, 0))
        await screen.pilot.pause()
        assert not isinstance(screen.app.screen, Detail)
        tabs = next(line for line in screen.lines() if line.startswith("1Async"))
        at = screen.lines().index(tabs)
        await screen.pilot.click(offset=(tabs.index("Metrics"), at))
        await screen.pilot.pause()
        assert screen.pane().id == "metrics"
        await screen.pilot.click("#metrics", offset=(5, 4), times=2)

    drive(scenario, size=MEDIUM)


def test_a_second_click_on_a_row_opens_it() -> None:
    async def scenario(screen: Screen) -> None:
        await screen.pilot.click("#async", offset=(5, 2), times=2)
        await screen.pilot.pause()
        assert isinstance(screen.app.screen, Detail)

    drive(scenario)


def test_the_wheel_moves_through_the_rows() -> None:
    async def scenario(screen: Screen) -> None:
        await screen.press("6")
        pane = screen.pane()
        for wheel, row in ((events.MouseScrollDown, 3), (events.MouseScrollUp, 0)):
            await screen.pilot._post_mouse_events([wheel], pane, (5, 5))
            assert pane.current is pane.shown[row]

    drive(scenario)


# ---- what is wrong -------------------------------------------------------------------------------


def test_the_first_build_says_what_takes_so_long() -> None:
    text = pressed(what="first-build")
    assert "building 6.2s: the first build compiles falcokit's own C" in text


def test_a_failed_build_is_red_with_its_place_and_the_last_good_version_runs_on() -> None:
    async def scenario(screen: Screen) -> None:
        text = screen.text()
        assert "running the last good version" in text
        assert "src/gate.py:31: SyntaxError: '(' was never closed" in text
        line = next(i for i, line in enumerate(screen.lines()) if "SyntaxError" in line)
        strip = screen.app.screen._compositor.render_strips()[line]
        segment = next(segment for segment in strip if "SyntaxError" in segment.text)
        color = segment.style and segment.style.color
        assert color is not None
        red, green, blue = color.get_truecolor()
        assert red > 2 * max(green, blue)

    drive(scenario, what="failed-build")


def test_a_crash_is_shown_with_its_signal() -> None:
    assert "ended: killed by signal 11 (SIGSEGV)" in pressed(what="crash")


def test_more_that_is_wrong_than_there_is_room_for_is_counted() -> None:
    async def scenario(screen: Screen) -> None:
        wrong = {"code": "X", "message": "no", "file": "/home/ada/gate/r.yaml", "column": 1}
        errors = [{**wrong, "line": line} for line in range(1, 9)]
        screen.recording.apply({"report": "rules", "rules": [], "errors": errors, "warnings": []})
        await screen.look()
        assert "r.yaml:1:1: no [X]" in screen.text()
        assert "and 6 more lines: f shows all" in screen.text()
        await screen.press("f")
        assert "r.yaml:8:1: no [X]" in screen.text()

    drive(scenario)


def test_a_payload_cannot_write_to_the_terminal() -> None:
    evil = "\x1b[2J\x07[red]bold[/red]\x9b31m\u202eabc\r\n\ttail"
    recording = Recording()
    recording.start()
    event = {
        "report": "event", "number": 1, "ts_ns": 1, "code": 402, "type": "sensor", "name": "sensor",
        "source": evil, "size": 9, "data": evil, "text": evil, "fields": {evil: evil},
    }  # fmt: skip
    row = {"count": 1, "bytes": 9, "last_data": evil}
    loaded = {"report": "loaded", "plugin": evil, "version": evil, "async_events": [evil]}
    alert = {"report": "alert", "rule": evil, "priority": evil, "output": f"x {evil}"}
    recording.apply(
        loaded, event, alert, log(evil, f"\x1b]0;title\x07[b]x {evil}"),
        {"report": "stats", "elapsed_ms": 500, "async": {"sensor": row, evil: row}},
        {"report": "metrics", "metrics": {evil: 1}},
    )  # fmt: skip

    def assert_clean(screen: Screen, where: object) -> None:
        for char in ("\x1b", "\x07", "\x9b", "\u202e", "\r", "\t"):
            assert char not in screen.text(), where

    async def scenario(screen: Screen) -> None:
        await screen.look()
        assert_clean(screen, "all panes")
        for number in (1, 2, 5, 7, 8):
            await screen.press(str(number), "enter")
            assert isinstance(screen.app.screen, Detail), number
            assert_clean(screen, number)
            await screen.press("escape")
        assert printable(evil)[:20] in screen.text()

    drive(scenario, what=None, recording=recording, size=LARGE)


def test_a_binary_payload_is_shown_as_a_dump() -> None:
    recording = Recording()
    recording.start()
    event = {
        "report": "event", "number": 1, "ts_ns": 1, "code": 402, "type": "sensor", "name": "sensor",
        "source": "gate", "size": 4, "data_base64": "AAFBQg==",
    }  # fmt: skip
    recording.apply(event)

    async def scenario(screen: Screen) -> None:
        await screen.look()
        await screen.press("2", "enter")
        assert "000000  00 01 41 42" in screen.text()
        assert "..AB" in screen.text()

    drive(scenario, what=None, recording=recording)


def test_the_screen_ends_when_the_terminal_is_gone_and_nobody_said_so() -> None:
    recording = Recording()
    recording.start()
    app = recording.app()
    app._is_gone = lambda: True

    async def run() -> None:
        async with app.run_test(size=SMALL) as pilot:
            await pilot.pause()

    asyncio.run(run())
    assert app.return_value == 1


# ---- what it costs -------------------------------------------------------------------------------


def test_a_look_at_200_names_is_short() -> None:
    recording = Recording()
    recording.start()
    names = {f"name_{n}": {"count": n, "bytes": n, "last_data": "x" * 60} for n in range(200)}

    async def scenario(screen: Screen) -> None:
        for step in range(1, 5):
            recording.apply({"report": "stats", "elapsed_ms": step * 500, "async": names})
        await screen.look()
        begin = time.process_time()
        for _ in range(10):
            await screen.look()
        # Four a second: a look of 25 ms is a tenth of a core.
        assert (time.process_time() - begin) / 10 < 0.1

    drive(scenario, what=None, recording=recording, size=LARGE)


# ---- the pictures --------------------------------------------------------------------------------


def test_a_picture_is_always_the_same_and_asks_nobody_for_fonts() -> None:
    one, other = picture("async-events", SMALL), picture("async-events", SMALL)
    assert one == other
    assert "url(https" not in one
    assert "@import" not in one
    assert {"help", "detail", "paused", "crash"} <= set(STATES)
    assert json.dumps(one)


def test_the_page_of_the_manual_has_every_picture_and_every_key() -> None:
    page = (FOLDER.parent / "dev.md").read_text()
    for file in FOLDER.glob("*-*x*.svg"):
        assert f"](pictures/{file.name})" in page
    for state in STATES:
        assert (FOLDER / f"{state}-80x24.svg").is_file()
        assert (FOLDER / f"{state}-120x40.svg").is_file()
    for each in DevApp.BINDINGS:
        if each.show and each.key != "enter":  # type: ignore[union-attr]
            assert f"`{each.key_display or each.key}`" in page  # type: ignore[union-attr]
