# SPDX-License-Identifier: Apache-2.0
"""The routines of the in-process driver: a thread for each, as on a host without a pool."""

from __future__ import annotations

import ctypes
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["InProcessRoutines"]


class InProcessRoutines:
    """What `falcokit.runtime.listen.routines.RoutineHost` asks for."""

    def __init__(self) -> None:
        self._routines: dict[int, threading.Thread] = {}
        self._over: set[int] = set()

    def subscribe(self, function: Callable[[], bool]) -> int:
        """Have a function called from when `capture_open` has returned; return its number."""
        number = len(self._routines)

        def run() -> None:
            while number not in self._over and function():
                pass

        self._routines[number] = threading.Thread(target=run, name="routine", daemon=True)
        return number

    def start_routines(self) -> None:
        """Begin to call them: `capture_open` has returned."""
        for thread in self._routines.values():
            if thread.ident is None:
                thread.start()

    def unsubscribe(self, number: int) -> None:
        """Call it no more; a call under way goes on."""
        self._over.add(number)

    def interrupt(self, number: int, error: type[BaseException]) -> None:
        """Raise an exception in the thread that is within it."""
        ident = ctypes.c_ulong(self._routines[number].ident or 0)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(error))

    def drain(self, seconds: float) -> list[tuple[int, int]]:
        """Wait until no function runs; return number and thread ident of those that do."""
        until = time.monotonic() + seconds
        for thread in self._routines.values():
            if thread.ident is not None:
                thread.join(max(0.0, until - time.monotonic()))
        return [(n, t.ident or 0) for n, t in self._routines.items() if t.is_alive()]
