# SPDX-License-Identifier: Apache-2.0
"""Drive a plugin class in an author's own tests, in the very process of the test.

    from falcokit.testing import start_plugin

    def test_ticks() -> None:
        with start_plugin(Ticker, config={"interval_ms": 10}) as running:
            assert running.next_event(timeout=2.0).name == "tick"

What runs is the library that Falco would load, made by the C compiler as `falcokit build` makes it
and kept in the cache, in a host that has the framework's rules. The class is the one that the test
has, so breakpoints work; no hook is given up for the time that it takes.
"""

from falcokit.runtime.json import field
from falcokit.testing import _json
from falcokit.testing._running import LogMessage, RunningPlugin, start_plugin
from falcokit.testing._source import Batch, RunningSource

__all__ = ["Batch", "LogMessage", "RunningPlugin", "RunningSource", "start_plugin"]

field.evaluator = _json.evaluate
