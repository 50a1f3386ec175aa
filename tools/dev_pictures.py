# SPDX-License-Identifier: Apache-2.0
"""Write the pictures of docs/dev.md: the screen of `falcokit dev` in each state.

Nothing is built and nothing runs: reports as a run writes them, at times of their own, make the
state, and Textual draws it.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from falcokit.cli.dev.app import DevApp
from falcokit.dev.child import ChildCost, ChildMeter
from falcokit.dev.state import DevState
from falcokit.project.settings import Project

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.pilot import Pilot

__all__ = ["FOLDER", "SIZES", "STATES", "Recording", "picture", "pictures"]

PROJECT: Final = Project(
    root=Path("/home/ada/gate"), plugin="gate:Gate", source_dir=Path("/home/ada/gate/src")
)
SIZES: Final = ((80, 24), (120, 40), (200, 50))
FOLDER: Final = Path(__file__).parent.parent / "docs" / "pictures"
_START_NS: Final = 1_700_000_000_000_000_000
_SECONDS: Final = 40
#: When things happen, in steps of half a second.
_FULL, _COLD, _WARNED = 16, 20, 40
_NO_SENSOR: Final = """\
producer of 'gate_cold': /home/ada/gate/src/gate.py:31: read: OSError: no sensor
  called at /home/ada/gate/src/gate.py:24 in cold
"""
_WHY_SILENT: Final = """\
no event passed evt.hostname = night (0 of 9240)
and: 0 of 9240
  gate.who exists 9050 of 9240
  evt.hostname = night 0 of 9240"""
_VERDICTS: Final = {
    "Full (gate)": "false   gate.percent >= 90    (gate.percent has no value)",
    "Night (gate)": """\
false   and:
false     gate.who exists    (gate.who has no value)
false     evt.hostname = night    (evt.hostname is 'host')""",
}
_DOORS: Final = ("north", "south", "west")
_GUESTS: Final = ("ada", "ben", "cy", "dora", "eve")

#: The keys that lead to each state from the start, and what happens before them.
STATES: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "async-events": ((), "run"),
    "events": (("2",), "run"),
    "producers": (("3",), "run"),
    "sources": (("4",), "run"),
    "fields": (("5",), "run"),
    "metrics": (("6",), "run"),
    "alerts": (("7",), "run"),
    "silent-rules": (("e",), "run"),
    "log": (("8",), "run"),
    "reloads": (("9",), "run"),
    "detail": (("2", "enter"), "run"),
    "filter": (("8", "/", *"cold", "enter"), "run"),
    "paused": (("s", "p"), "run"),
    "help": (("?",), "run"),
    "first-build": ((), "first-build"),
    "failed-build": ((), "failed-build"),
    "crash": ((), "crash"),
}

#: All of them are in one picture of the largest size.
_PANES: Final = ("events", "producers", "sources", "fields", "metrics", "alerts", "log", "reloads")


class Recording:
    """A state with clocks that go only when they are told, and what keys asked of the build."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.asked: list[str] = []
        self.state = DevState(clock=lambda: self.now, wall=lambda: 1_700_000_000.0 + self.now)

    def apply(self, *reports: dict[str, Any]) -> None:
        """Apply reports at this moment."""
        for report in reports:
            self.state.apply(report)

    def start(self) -> None:
        """Build for the first time, load the plugin and its rules, and open the source."""
        self.apply({"report": "building", "changed": []})
        self.now += 0.4
        self.apply(
            {"report": "build", "ok": True, "ms": 412.0, "compiled": True, "library": "libgate.so"},
            {"report": "started", "run": 1, "pid": 4711, "changed": []},
            {"report": "rules", "files": [], "rules": ["Full (gate)", "Night (gate)"], "errors": [],
             "warnings": []},
            {"report": "loaded", "plugin": "gate", "version": "0.3.0", "event_source": "gate",
             "async_events": ["gate_full", "gate_cold", "sensor"], "fields": [
                 {"name": "gate.who", "type": "string", "desc": "Who came in"},
                 {"name": "gate.door", "type": "string", "desc": "By which door"},
                 {"name": "gate.percent", "type": "uint64", "desc": "How full it is"},
                 {"name": "gate.tags", "type": "string", "isList": True, "desc": "What is known"}]},
            {"report": "open", "source": "gate", "plugin_id": 999, "cycle": 0},
            log("info", "three doors, room for 200"),
            {"report": "reload", "run": 1, "ms": 530.0, "changed": []},
        )  # fmt: skip

    def run(self) -> None:
        """Let it run: events of a source and three async events, one of which has stopped."""
        self.start()
        counts = {"gate_full": 0, "gate_cold": 0, "sensor": 0}
        number = guests = 0
        for step in range(2 * _SECONDS):
            self.now += 0.5
            guests += 40 + 25 * (step % 7)
            counts["sensor"] += 500 + 30 * (step % 11)
            counts["gate_full"] += step % _FULL == _FULL - 1
            counts["gate_cold"] += step < _COLD
            number += 4
            self.apply(
                event(number, step, None),
                event(number + 1, step, "sensor"),
                self.stats(step, counts, guests),
            )
            if step % _FULL == _FULL - 1:
                self.apply(alert(number, step))
            if step in {21, 23}:
                self.apply(log("error", _NO_SENSOR))
            if step == _WARNED:
                self.apply(log("warning", "the south door is held open"))
        self.apply(self.metrics(counts, guests))

    def stats(self, step: int, counts: dict[str, int], guests: int) -> dict[str, Any]:
        """Return the statistics of one moment."""
        figures = {
            name: {"count": count, "bytes": count * 48, "last_data": _payload(name, step)}
            for name, count in counts.items()
        }
        return {
            "report": "stats", "elapsed_ms": (step + 1) * 500, "async": figures,
            "plugin_events": {"count": guests, "bytes": guests * 60},
            "rejected": {}, "dropped": {}, "queued": 3, "rss_kb": 19_000,
        }  # fmt: skip

    def metrics(self, counts: dict[str, int], guests: int) -> dict[str, Any]:
        """Return the author's metrics and falcokit's."""
        emitted = sum(counts.values())
        found = {
            "people_inside": 163, "doors_open": 2, "sensor_errors": 9,
            "async_emitted": emitted, "async_sent": emitted, "async_delivered": emitted,
            "async_waiting": 0, "async_held": 0, "async_unconfirmed": 0, "async_lost": 0,
            "async_discarded": 0, "async_undelivered": 0, "async_refused": 0,
            "async_delivery_p50_us": 41, "async_delivery_p99_us": 380,
            "source_events": guests, "source_bytes": guests * 60, "source_batches": guests // 3,
            "source_waiting": 2, "source_dropped_oversize": 0, "source_dropped_queue_full": 0,
            "source_discarded": 0,
        }  # fmt: skip
        for name, state, in_row in (("gate_full", 0, 0), ("gate_cold", 2, 3), ("sensor", 0, 0)):
            found |= {
                f"producer_{name}_state": state, f"producer_{name}_failures": 3 * in_row,
                f"producer_{name}_failures_in_row": in_row,
                f"producer_{name}_retry_ms": 11_800 * (state == 2),  # noqa: PLR2004 - waiting
            }  # fmt: skip
        return {"report": "metrics", "plugin": "gate", "metrics": found}

    def happen(self, what: str) -> None:
        """Let the named thing happen."""
        if what == "first-build":
            self.apply({"report": "building", "changed": []})
            self.now += 6.2
            return
        self.run()
        saved = ["/home/ada/gate/src/gate.py"]
        if what == "failed-build":
            error = {
                "exit": 4, "message": "src/gate.py:31: SyntaxError: '(' was never closed",
                "hint": None, "file": "/home/ada/gate/src/gate.py", "line": 31,
            }  # fmt: skip
            failed = {"report": "build", "ok": False, "ms": 96.0, "running": True, "error": error}
            self.apply({"report": "building", "changed": saved}, failed)
        if what == "crash":
            status = "killed by signal 11 (SIGSEGV)"
            self.apply({"report": "ended", "run": 1, "ok": False, "status": status})

    # ---- what keys ask for ---------------------------------------------------------------------

    def rebuild(self) -> None:
        """Note that it was asked for."""
        self.asked.append("rebuild")

    def explain(self) -> None:
        """Tell why a rule is silent."""
        self.asked.append("explain")
        self.apply({"report": "explanations", "rules": {"Night (gate)": _WHY_SILENT}})

    def explain_event(self, number: int) -> None:
        """Tell what the rules say of an event."""
        self.asked.append(f"explain_event {number}")
        rules = [
            {"rule": rule, "answer": "false", "text": text} for rule, text in _VERDICTS.items()
        ]
        self.apply({"report": "event_explanation", "number": number, "known": True, "rules": rules})

    def app(self) -> DevApp:
        """Return a screen that shows this state."""
        return DevApp(self.state, PROJECT, self, watch=True, meter=_Meter())


class _Meter(ChildMeter):
    def look(self, pid: int | None) -> ChildCost | None:
        """Return the same cost at all times."""
        return None if pid is None else ChildCost(2.4, 19_000, 5)


def log(severity: str, message: str) -> dict[str, Any]:
    """Return a line of the plugin's log."""
    return {"report": "log", "severity": severity, "plugin": "gate", "message": message}


def _payload(name: str, step: int) -> str:
    if name == "gate_full":
        return json.dumps({"percent": 90 + step % 10})
    return json.dumps({"celsius": round(18.5 + step % 5 / 4, 2), "door": _DOORS[step % 3]})


def event(number: int, step: int, name: str | None) -> dict[str, Any]:
    """Return an event: of the source, or an async one."""
    who, door = _GUESTS[step % 5], _DOORS[step % 3]
    data = _payload(name, step) if name else json.dumps({"who": who, "door": door, "percent": step})
    found = {
        "report": "event", "number": number, "ts_ns": _START_NS + step * 500_000_000, "tid": -1,
        "code": 402 if name else 322, "type": name or "pluginevent", "source": "gate",
        "plugin_id": 999, "name": name, "size": len(data), "data": data,
    }  # fmt: skip
    if name is None:
        fields = {
            "gate.who": who,
            "gate.door": door,
            "gate.percent": step,
            "gate.tags": ["day", "A7"],
        }
        found["fields"] = fields
    return found


def alert(number: int, step: int) -> dict[str, Any]:
    """Return an alert."""
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(1_700_000_000 + step // 2))
    percent = 90 + step % 10
    return {
        "report": "alert", "number": number, "time": f"{at}.000000000Z", "rule": "Full (gate)",
        "priority": "Warning", "source": "gate", "tags": ["gate"],
        "output": f"{at}.000000000+0000: Warning The gate is full (percent={percent})",
        "output_fields": {"gate.percent": percent},
    }  # fmt: skip


def picture(state: str, size: tuple[int, int]) -> str:
    """Return the screen in one state, as SVG."""
    keys, what = STATES[state]
    recording = Recording()
    recording.happen(what)
    app = recording.app()

    async def draw() -> str:
        async with app.run_test(size=size) as pilot:
            await press(pilot, keys)
            app.look()
            await pilot.pause()
            return app.export_screenshot(title=f"falcokit dev, {size[0]}x{size[1]}", simplify=True)

    return small(asyncio.run(draw()))


async def press(pilot: Pilot[Any], keys: Iterable[str]) -> None:
    """Press keys one after the other."""
    names = {"/": "slash", "?": "question_mark"}
    await pilot.press(*(names.get(key, key) for key in keys))
    await pilot.pause()


def small(svg: str) -> str:
    """Leave out of a picture what it looks the same without: two thirds of it."""
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # from elsewhere
    svg = re.sub(r'<clipPath id="[^"]*-line-\d+">.*?</clipPath>\s*', "", svg, flags=re.DOTALL)
    svg = re.sub(r' clip-path="url\(#[^"]*-line-\d+\)"', "", svg)
    svg = re.sub(r"terminal-\d+-", "", svg)
    svg = re.sub(r'="(\d+\.\d)\d{3,}"', r'="\1"', svg)
    svg = svg.replace(' shape-rendering="crispEdges"', "").replace("&#160;", "\N{NO-BREAK SPACE}")
    svg = re.sub(r"<text [^>]*>\s*</text>", "", svg)
    svg = re.sub(r"(?:<rect fill=[^>]*/>)+", lambda found: _joined(found[0]), svg)
    return re.sub(r"\s*\n\s*", "\n", svg)


def _joined(rects: str) -> str:
    """Join rectangles that stand side by side, on a ground of the most frequent colour."""
    found = [
        [fill, float(x), y, float(width)]
        for fill, x, y, width in re.findall(
            r'<rect fill="([^"]*)" x="([^"]*)" y="([^"]*)" width="([^"]*)" height="24.65"/>', rects
        )
    ]
    if not found:
        return rects
    areas: Counter[str] = Counter()
    for fill, _, _, width in found:
        areas[str(fill)] += int(float(width))
    ground = areas.most_common(1)[0][0]
    joined: list[list[Any]] = []
    for one in found:
        last = joined[-1] if joined else None
        if last and last[0] == one[0] and last[2] == one[2] and last[1] + last[3] == one[1]:
            last[3] += one[3]
        else:
            joined.append(one)
    whole = f'<rect fill="{ground}" width="100%" height="100%"/>'
    return whole + "".join(
        f'<rect fill="{fill}" x="{x:g}" y="{y}" width="{width:g}" height="24.65"/>'
        for fill, x, y, width in joined
        if fill != ground
    )


def pictures() -> dict[str, str]:
    """Return all pictures by the names of their files."""
    wanted = [(state, size) for size in SIZES for state in STATES]
    return {
        f"{state}-{size[0]}x{size[1]}.svg": picture(state, size)
        for state, size in wanted
        if size != SIZES[-1] or state not in _PANES
    }


def _main() -> None:
    os.environ["TZ"] = "UTC"
    time.tzset()
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.svg"):
        old.unlink()
    for name, text in pictures().items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    _main()
