# SPDX-License-Identifier: Apache-2.0
"""Options of the runner that go over a pipe: every user can read a process's command line.

An init config and open params may contain tokens and passwords, and the fields that rules read may
be more than a command line has room for. The runner reads them from stdin, at the position of a
single option on the command line, before it loads anything.
"""

from __future__ import annotations

import contextlib
import os
import select
import struct
import time
from typing import IO, TYPE_CHECKING, Final

from falcokit.errors import PluginFailedError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["STDIN_OPTIONS", "hand_over", "stdin_options"]

#: The option that stands for them on the command line.
STDIN_OPTIONS: Final = "--stdin-options"
_PATIENCE_S: Final = 10.0


def stdin_options(options: Mapping[str, str | None]) -> bytes:
    """Return the bytes for the runner's stdin; empty if no option has a value.

    Raises:
        ValueError: a value contains NUL, which would end it.

    """
    words = [
        word for option, value in options.items() if value is not None for word in (option, value)
    ]
    if any("\0" in word for word in words):
        raise ValueError("an option of the runner contains a NUL character")
    data = b"".join(os.fsencode(word) + b"\0" for word in words)
    return struct.pack("=I", len(data)) + data if data else b""


def hand_over(stream: IO[bytes], data: bytes, *, close: bool = True) -> None:
    """Write all of it to the runner's stdin, and close that unless more follows.

    A runner that has already ended explains why in its reports.

    Raises:
        PluginFailedError: the runner does not read.

    """
    end = time.monotonic() + _PATIENCE_S
    poll = select.poll()
    poll.register(stream, select.POLLOUT)
    os.set_blocking(stream.fileno(), False)
    with stream if close else contextlib.nullcontext():
        while data:
            if not poll.poll(max(end - time.monotonic(), 0) * 1000):
                raise PluginFailedError("the runner does not read its options")
            try:
                data = data[os.write(stream.fileno(), data) :]
            except BrokenPipeError:
                return
