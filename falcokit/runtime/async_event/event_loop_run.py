# SPDX-License-Identifier: Apache-2.0
"""Runs an asyncio loop to its end, whatever a task of the author's raises at it.

Used by `event_loop` and `async_source`, on threads of falcokit's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

__all__ = ["run_through"]


def run_through(
    loop: asyncio.AbstractEventLoop,
    main: asyncio.Future[Any],
    tell: Callable[[BaseException], None],
) -> None:
    """Run a loop until `main` is done.

    asyncio lets SystemExit and KeyboardInterrupt of any task or callback out of the loop, which
    would end all that runs on it for a sys.exit() in one: it is told, and the others go on.

    Raises:
        BaseException: what `main` itself raised.

    """
    loop.set_exception_handler(_handle)
    while True:
        try:
            loop.run_until_complete(main)
        except (SystemExit, KeyboardInterrupt) as e:
            if main.done() and not main.cancelled() and main.exception() is e:
                raise
            tell(e)
        else:
            return


def _handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Do as asyncio does, but for what `run_through` has told: nobody fetches it from its task."""
    if not isinstance(context.get("exception"), (SystemExit, KeyboardInterrupt)):
        loop.default_exception_handler(context)
