# SPDX-License-Identifier: Apache-2.0
"""Hooks and hostile acts: what libsinsp sees of each, in two processes for each act.

A hook whose failure ends its capture has an inspector of its own, with a state that does the act in
this hook; the others take turns, one in each capture of one inspector.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from author import plugin

if TYPE_CHECKING:
    from pathlib import Path

    from author import Author

__all__ = ["ACTS", "HOOKS", "PLUGIN", "row"]

_OPENING = ("init", "open", "generator", "start_async", "capture_open")
#: Those that a hang keeps the state's own thread in: no other hook is called meanwhile.
_ON_WORKER = ("set_config", "dump_state", "close", "stop_async", "capture_close", "destroy")

#: Hook -> how errors name it.
HOOKS = {
    "init": "init",
    "open": "open",
    "generator": "next_batch",
    "start_async": "start_async",
    "capture_open": "capture_open",
    "set_config": "set_config",
    "dump_state": "dump_state",
    "parse_event": "parse_event",
    "a field": "field acts.x",
    "event_to_string": "event_to_string",
    "progress": "progress",
    "get_metrics": "get_metrics",
    "routine": "routine",
    "producer": "producer of 'plain'",
    "async producer": "producer of 'loop'",
    "close": "close",
    "stop_async": "stop_async",
    "capture_close": "capture_close",
    "destroy": "destroy",
}
ACTS = (
    "raise",
    "BaseException",
    "exit",
    "half a surrogate",
    "100 MB message",
    "write to a closed pipe",
    "close descriptors",
    "fork",
    "hang",
)
PLUGIN = plugin("acts")


Run = Callable[..., dict[str, Any]]


def row(run: Run, author: Author, act: str, folder: Path) -> dict[str, str]:
    """Return what the host saw of an act in each hook."""
    turns = [hook for hook in HOOKS if hook not in _OPENING]
    groups = [("state", list(_OPENING)), ("capture", turns)]
    if act == "hang":
        alone = [*_ON_WORKER, "generator"]
        groups = [("state", [hook for hook in _OPENING if hook not in alone])]
        groups += [("capture", [hook for hook in turns if hook not in alone])]
        groups += [("state", [hook]) for hook in alone]
    cells: dict[str, str] = {}
    assert author.library.exists()  # built before the threads need it
    with ThreadPoolExecutor(3) as pool:  # a hang costs time alone
        for seen in pool.map(lambda g: _group(run, author, act, folder, *g), groups):
            cells |= seen
    return {hook: cells[hook] for hook in HOOKS}


def _group(
    run: Run, author: Author, act: str, folder: Path, each: str, hooks: list[str]
) -> dict[str, str]:
    # "destroy" comes last, of the last capture's turn.
    many = ("--inspectors" if each == "state" else "--cycles", len(hooks))
    answer = run(
        "--plugin", author.library, "--init", f"{act};{each};{','.join(hooks)}", *many, "--open",
        "", "--set-config", "other", "--fields", "acts.x", "--print", 5, "--format",
        "*%evt.plugininfo", "--metrics", "--write", folder / f"{hooks[0]}.scap", "--log",
        "--secs", 1, "--watchdog", 30,
    )  # fmt: skip
    failed, logged = [], []
    for seen in answer.get("inspectors", [answer]):
        failed.append(seen.get("error", ""))
        logged += seen.get("log", ())
        for cycle in seen.get("cycles", ()):
            failed += cycle.get("errors", ())
            failed += [c.get("error", "") for c in cycle.get("set_config", {}).values()]
    return {hook: _cell(HOOKS[hook], hook, failed, logged) for hook in hooks}


def _cell(said: str, hook: str, failed: list[str], logged: list[str]) -> str:
    signs = [f"{said}: ", f"{said} of plugin "]
    if hook == "generator":
        signs += ["close: the event source is still"]
    if "producer" in hook:
        signs += ["producer of plain is still" if hook == "producer" else "producers is still"]
    if hook == "routine":
        signs += ["a routine does not return"]

    def tells(texts: list[str]) -> bool:
        return any(sign in text for text in texts for sign in signs)

    return "fails" if tells(failed) else "logged" if tells(logged) else "goes on"
