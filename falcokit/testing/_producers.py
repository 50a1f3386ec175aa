# SPDX-License-Identifier: Apache-2.0
"""The states of producers in the in-process driver, as async_event/producers.c has them.

A part of `_running.RunningPlugin`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from falcokit.runtime.async_event.supervision import ProducerState

__all__ = ["InProcessProducers"]


class InProcessProducers:
    """Keeps what gives the states; there are no metrics to publish them in."""

    _view: Callable[[], tuple[ProducerState, ...]] | None = None

    def set_producers(
        self, _labels: tuple[str, ...], view: Callable[[], tuple[ProducerState, ...]], /
    ) -> None:
        """Keep what gives the states."""
        self._view = view

    def set_producer(self, *_: Any) -> None:
        """Note nothing: the view has it."""

    @property
    def producers(self) -> tuple[ProducerState, ...]:
        """The state of each decorated producer."""
        return self._view() if self._view else ()
