# SPDX-License-Identifier: Apache-2.0
"""What a plugin state needs of whoever runs it: `Link` of base/module.c, or `falcokit.testing`.

For type checks alone: nothing imports it while a plugin runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from falcokit.runtime.async_event.capability import AsyncEventHandler
    from falcokit.runtime.async_event.supervision import ProducerState
    from falcokit.runtime.event.event import Event
    from falcokit.runtime.listen.routines import RoutineHost
    from falcokit.runtime.tables.exported_table import Shape
    from falcokit.runtime.tables.tables import TableHost

    class Host(RoutineHost, TableHost, Protocol):
        """What a state needs of whoever runs it: a log, handlers, and what calls routines."""

        def log(self, severity: int, component: str | None, text: str) -> None:
            """Write to the host's log."""

        def emitter(self, dump: bool) -> AsyncEventHandler:  # a C method
            """Return the handler of the capture, or the dump, that is open now."""

        def export_table(self, name: str, make_shape: Callable[[type, type], Shape], /) -> object:
            """Make a table of the host's, or this driver's, and of its base classes; return it."""

        def bind(self, plugin: Any, extraction_failed: Callable[..., str], /) -> None:
            """Find the methods that the host's thread will call."""

        def set_parser(
            self,
            function: Callable[[Event], None],
            failed: Callable[[BaseException], str],
            codes: tuple[int, ...],
            sources: tuple[str, ...],
            /,
        ) -> None:
            """Call `function` for each event of these codes and sources; () is any source."""

        def set_producers(
            self, labels: tuple[str, ...], view: Callable[[], tuple[ProducerState, ...]], /
        ) -> None:
            """Name the producers for the metrics, and what gives their states to a handler."""

        def set_producer(
            self, index: int, state: int, failures: int, in_row: int, until_ns: int, /
        ) -> None:
            """Note the state of one of them; see `supervision`."""

        def close(self) -> None:
            """Let go of the author's objects: no hook is called any more."""


__all__ = ["Host"]
