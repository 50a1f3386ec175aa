# SPDX-License-Identifier: Apache-2.0
"""The routines of one capture: begun in capture_open, ended when it closes.

Made by `_state` for each capture. The pool, or the thread, that calls a routine is the host's side:
`RoutineHost`, which is `Link` of base/module.c, or `falcokit.testing._listening`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from falcokit.runtime.async_event.producers import place_of_thread
from falcokit.runtime.base.errors import CaptureClosedError, tell
from falcokit.runtime.base.logs import current
from falcokit.runtime.listen.capability import Capture, Routine

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from falcokit.runtime.base.logs import LogTarget

    class RoutineHost(Protocol):
        """What calls routines. A function is called again as long as it returns True."""

        def subscribe(self, function: Callable[[], bool]) -> int:  # C methods
            """Begin to call a function, and return its number."""

        def unsubscribe(self, number: int) -> None:
            """Call it no more; a call under way goes on."""

        def interrupt(self, number: int, error: type[BaseException]) -> None:
            """Raise an exception in the thread that is within it."""

        def drain(self, seconds: float) -> list[tuple[int, int]]:
            """Wait until no function runs; return number and thread ident of those that do."""


__all__ = ["Routines"]

_RETURN_SECONDS = 2.0
_INTERRUPTED_SECONDS = 1.0


class Routines:
    """What a `Capture` begins and a `Routine` ends."""

    def __init__(self, host: RoutineHost, log: LogTarget) -> None:
        self.capture = Capture(self)
        self.opening = True
        self._host = host
        self._log: Any = log
        self._numbers: dict[Routine, int] = {}

    def begin(self, function: Callable[[], bool | None]) -> Routine:
        """Subscribe a function of the author's."""
        if not self.opening:
            raise RuntimeError("routines are subscribed in capture_open")
        if not callable(function):
            raise TypeError(f"a routine is a function without arguments, not {function!r}")
        routine = Routine(function, self)
        self._numbers[routine] = self._host.subscribe(lambda: self._call(function))
        return routine

    def end(self, routine: Routine) -> None:
        """Have a routine not called again."""
        number = self._numbers.pop(routine, None)
        if number is not None:
            self._host.unsubscribe(number)

    def _call(self, function: Callable[[], bool | None]) -> bool:
        if self.capture.closing:
            return False
        token = current.set(self._log)
        try:
            return _is_to_go_on(function())
        except SystemExit:
            return False  # told to end, by itself or by `close`
        except BaseException as e:  # noqa: BLE001  # the host must not see it
            # The handler of async events closes before the listeners are told.
            if not isinstance(e, CaptureClosedError):
                self._log.write_repeated(e, tell(e, "routine"), "routine")
            return False
        finally:
            current.reset(token)

    def tell_closing(self) -> None:
        """Let the routines know that they are to return."""
        self.capture._closing.set()  # noqa: SLF001  # not for authors

    def close(self) -> None:
        """End every routine; raise in those that do not return, and tell if that is in vain."""
        self.opening = False
        self.tell_closing()
        for routine in list(self._numbers):
            self.end(routine)
        for number, _ in self._host.drain(_RETURN_SECONDS):
            self._host.interrupt(number, SystemExit)
        for _, ident in self._host.drain(_INTERRUPTED_SECONDS):
            self._log.write_error(
                "a routine does not return, though the capture is closing: it is"
                f" {place_of_thread(ident)}"
            )


def _is_to_go_on(answer: object) -> bool:
    if answer is not None and not isinstance(answer, bool):
        raise TypeError(f"a routine returns True, False or None, not {answer!r}")
    return answer is not False
