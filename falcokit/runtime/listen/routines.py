# SPDX-License-Identifier: Apache-2.0
"""The routines of one capture: begun in capture_open, ended when it closes.

A pool or thread of the host calls them, through a `RoutineHost`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from falcokit.runtime.async_event.producers import place_of_thread
from falcokit.runtime.base.errors import CaptureClosedError, format_error
from falcokit.runtime.base.logs import current
from falcokit.runtime.listen.capability import Capture, Routine

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from falcokit.runtime.base.logs import LogTarget

    class RoutineHost(Protocol):
        """Calls routines: each function repeatedly as long as it returns True."""

        def subscribe(self, function: Callable[[], bool]) -> int:  # C methods
            """Begin to call a function, and return its number."""

        def unsubscribe(self, number: int) -> None:
            """Stop calling it; a running call continues."""

        def interrupt(self, number: int, error: type[BaseException]) -> None:
            """Raise an exception in the thread that is running it."""

        def drain(self, seconds: float) -> list[tuple[int, int]]:
            """Wait until no function runs; return number and thread of those still running."""


__all__ = ["Routines"]

_RETURN_SECONDS = 2.0
_INTERRUPTED_SECONDS = 1.0


class Routines:
    """All routines of one capture."""

    def __init__(self, host: RoutineHost, log: LogTarget) -> None:
        self.capture = Capture(self)
        self.opening = True
        self._host = host
        self._log: Any = log
        self._numbers: dict[Routine, int] = {}

    def begin(self, function: Callable[[], bool | None]) -> Routine:
        """Subscribe one of the author's functions."""
        if not self.opening:
            raise RuntimeError("routines can only be subscribed in capture_open")
        if not callable(function):
            raise TypeError(f"a routine must be a function without arguments, not {function!r}")
        routine = Routine(function, self)
        self._numbers[routine] = self._host.subscribe(lambda: self._call(function))
        return routine

    def end(self, routine: Routine) -> None:
        """Stop calling a routine."""
        number = self._numbers.pop(routine, None)
        if number is not None:
            self._host.unsubscribe(number)

    def _call(self, function: Callable[[], bool | None]) -> bool:
        if self.capture.closing:
            return False
        token = current.set(self._log)
        try:
            return _continues(function())
        except SystemExit:
            return False  # raised by the routine itself or by `close`
        except BaseException as e:  # noqa: BLE001  # the host must not see it
            # The handler of async events closes before capture_close is called.
            if not isinstance(e, CaptureClosedError):
                self._log.write_repeated(e, format_error(e, "routine"), "routine")
            return False
        finally:
            current.reset(token)

    def announce_closing(self) -> None:
        """Signal the routines that they must return."""
        self.capture._closing.set()  # noqa: SLF001  # not for authors

    def close(self) -> None:
        """End every routine: raise in those that do not return, and log those that ignore it."""
        self.opening = False
        self.announce_closing()
        for routine in list(self._numbers):
            self.end(routine)
        for number, _ in self._host.drain(_RETURN_SECONDS):
            self._host.interrupt(number, SystemExit)
        for _, ident in self._host.drain(_INTERRUPTED_SECONDS):
            self._log.write_error(
                "a routine does not return, though the capture is closing: it is"
                f" {place_of_thread(ident)}"
            )


def _continues(answer: object) -> bool:
    if answer is not None and not isinstance(answer, bool):
        raise TypeError(f"a routine must return True, False or None, not {answer!r}")
    return answer is not False
