# SPDX-License-Identifier: Apache-2.0
"""Threads with a fixed stack size, and calls that recurse in C only to a bounded depth.

For every thread started for a plugin, and for encoding and decoding JSON. The limits are those of
python/stack.c; without a host Python's own limits apply.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    _Argument = TypeVar("_Argument")
    _Result = TypeVar("_Result")

__all__ = ["STACK_BYTES", "OwnThread", "bounded"]

try:
    import _falcokit_hot
except ImportError:
    STACK_BYTES = 8 << 20

    def bounded(function: Callable[[_Argument], _Result], argument: _Argument, /) -> _Result:
        """Call a function that recurses in C; RecursionError at the limit."""
        return function(argument)

    def _name_thread(name: str | None, /) -> None:
        """Do nothing: without a host no hang detector looks at the name."""
else:
    STACK_BYTES = _falcokit_hot.STACK_BYTES
    bounded = _falcokit_hot.bounded
    _name_thread = _falcokit_hot.name_thread


class OwnThread(threading.Thread):
    """A thread that runs a plugin's code, known to the hang detector by its name.

    Its stack has STACK_BYTES, independent of the host's threads and the plugin's own settings.
    """

    def start(self) -> None:
        """Start it."""
        before = threading.stack_size(STACK_BYTES)
        try:
            super().start()
        finally:
            threading.stack_size(before)

    def run(self) -> None:
        """Run the target."""
        _name_thread(self.name)
        try:
            super().run()
        finally:
            _name_thread(None)
