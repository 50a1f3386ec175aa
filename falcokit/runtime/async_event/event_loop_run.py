# SPDX-License-Identifier: Apache-2.0
"""Runs an asyncio loop to its end, whatever the author's tasks raise. On falcokit's own threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

__all__ = ["run_through"]


def run_through(
    loop: asyncio.AbstractEventLoop,
    main: asyncio.Future[Any],
    report_error: Callable[[BaseException], None],
) -> None:
    """Run a loop until `main` is done.

    asyncio lets SystemExit and KeyboardInterrupt of any task or callback leave the loop, so that
    sys.exit() in one task would end all others: here it is reported, and the others continue.

    Raises:
        BaseException: the exception of `main` itself.

    """
    loop.set_exception_handler(_handle)
    while True:
        try:
            loop.run_until_complete(main)
        except (SystemExit, KeyboardInterrupt) as e:
            if main.done() and not main.cancelled() and main.exception() is e:
                raise
            report_error(e)
        else:
            return


def _handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Do as asyncio does, except for what `run_through` reports: no caller awaits those tasks."""
    if not isinstance(context.get("exception"), (SystemExit, KeyboardInterrupt)):
        loop.default_exception_handler(context)
