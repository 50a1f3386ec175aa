# SPDX-License-Identifier: Apache-2.0
"""Reports: the JSON objects that tell what happens to a running plugin, each with a "report" key.

The C runner writes most of them; `falcokit.supervisor` adds build, started, reload and ended.
`falcokit run` and `falcokit dev` show them or pass them on. docs/cli.md describes each.
"""

from __future__ import annotations

import signal
from typing import Any, TypeAlias

from falcokit.errors import ConfigError, FalcokitError, NotAPluginError, PluginFailedError

__all__ = ["Report", "error_object", "event_total", "exit_status", "plugin_failure"]

Report: TypeAlias = dict[str, Any]


def error_object(error: FalcokitError) -> Report:
    """Give an error as programs read it."""
    return {
        "exit": error.exit_code,
        "message": error.message,
        "hint": error.hint,
        "file": getattr(error, "file", None),
        "line": getattr(error, "line", None),
    }


def event_total(stats: Report) -> int:
    """Count the events of a stats report, async and plugin events together."""
    events = stats.get("async", {}).values()
    plugin_events = stats.get("plugin_events") or {}
    return sum(int(event["count"]) for event in events) + int(plugin_events.get("count", 0))


def exit_status(returncode: int | None) -> str:
    """Say how a process ended."""
    if returncode is None:
        return "it did not end"
    if returncode < 0:
        try:
            name = signal.Signals(-returncode).name
        except ValueError:
            name = "?"
        return f"killed by signal {-returncode} ({name})"
    return f"exit status {returncode}"


def plugin_failure(
    error: Report | None, returncode: int | None, *, library: str
) -> FalcokitError | None:
    """Turn the end of a run into the error it was, or None if it ended well."""
    if error is not None:
        plugin, phase = error.get("plugin") or library, error.get("phase") or "run"
        text = str(error.get("message") or "").strip() or f"rc {error.get('rc')}, no last error"
        if phase == "load":
            return NotAPluginError(f"{library} cannot be loaded as a plugin: {text}")
        if phase == "record":  # no fault of the plugin's
            return FalcokitError(f"the events could not be recorded: {text}")
        if phase == "fields":
            return ConfigError(text)
        return PluginFailedError(f"plugin {plugin} failed in {phase}: {text}")
    if returncode == 0:
        return None
    return PluginFailedError(
        f"the process of the plugin {library} ended too soon: {exit_status(returncode)}",
        hint="a crash in native code (an extension module, ctypes) ends the host in this way",
    )
