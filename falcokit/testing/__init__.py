# SPDX-License-Identifier: Apache-2.0
"""Drive a plugin class in an author's own tests, without a compiler and without a host.

    from falcokit.testing import start_plugin

    def test_ticks() -> None:
        with start_plugin(Ticker, config={"interval_ms": 10}) as running:
            assert running.next_event(timeout=2.0).name == "tick"

The class goes through the same state as inside Falco; the handler keeps the framework's rules
(declared names, lengths, timestamps, thread ids, the event source), and what it accepts is encoded
and decoded again, so that a test sees what a rule would.
"""

from falcokit.testing._running import LogMessage, RunningPlugin, start_plugin
from falcokit.testing._source import Batch, RunningSource

__all__ = ["Batch", "LogMessage", "RunningPlugin", "RunningSource", "start_plugin"]
