# SPDX-License-Identifier: Apache-2.0
"""Drive a plugin in an author's own tests: in the very process of the test, or in a host.

    from falcokit.testing import start_plugin

    def test_ticks() -> None:
        with start_plugin(Ticker, config={"interval_ms": 10}) as running:
            assert running.next_event(timeout=2.0).name == "tick"

What runs is the library that Falco would load, made by the C compiler as `falcokit build` makes it
and kept in the cache, in a host that has the framework's rules. The class is the one that the test
has, so breakpoints work; no hook is given up for the time that it takes.

`pytest_plugin` has the fixtures that pytest finds by itself. Names are loaded when they are asked
for: every run of pytest where falcokit is installed imports this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from falcokit.testing._alerts import Alerts
    from falcokit.testing._fixtures import (
        AssertAlert,
        AssertNoAlert,
        MakeEvent,
        Replay,
        RunPlugins,
    )
    from falcokit.testing._golden import Golden
    from falcokit.testing._hosts import HostedPlugin, HostRun
    from falcokit.testing._json import evaluate as evaluate_field
    from falcokit.testing._json import evaluate_documents
    from falcokit.testing._replay import ReplayedEvent
    from falcokit.testing._running import LogMessage, RunningPlugin, start_plugin
    from falcokit.testing._source import Batch, RunningSource

__all__ = [
    "Alerts",
    "AssertAlert",
    "AssertNoAlert",
    "Batch",
    "Golden",
    "HostRun",
    "HostedPlugin",
    "LogMessage",
    "MakeEvent",
    "Replay",
    "ReplayedEvent",
    "RunPlugins",
    "RunningPlugin",
    "RunningSource",
    "evaluate_documents",
    "evaluate_field",
    "start_plugin",
]

_PLACES: Final = {
    "Alerts": "_alerts",
    "AssertAlert": "_fixtures",
    "AssertNoAlert": "_fixtures",
    "Batch": "_source",
    "Golden": "_golden",
    "HostRun": "_hosts",
    "HostedPlugin": "_hosts",
    "LogMessage": "_running",
    "MakeEvent": "_fixtures",
    "Replay": "_fixtures",
    "ReplayedEvent": "_replay",
    "RunPlugins": "_fixtures",
    "RunningPlugin": "_running",
    "RunningSource": "_source",
    "evaluate_documents": "_json",
    "evaluate_field": "_json",
    "start_plugin": "_running",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    module = import_module(f"{__name__}.{_PLACES[name]}")
    found = getattr(module, "evaluate" if name == "evaluate_field" else name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
