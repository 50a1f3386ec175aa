# SPDX-License-Identifier: Apache-2.0
"""Options of the runner that go over a pipe: everybody can read the command line of a process.

An init config and open params hold tokens and passwords; the runner reads them from its stdin, at
the place of the one option that is on the command line, before it loads anything.
"""

from __future__ import annotations

import os
import select
import struct
import time
from typing import IO, TYPE_CHECKING, Final

from falcokit.errors import PluginFailedError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["STDIN_OPTIONS", "hand_over", "stdin_options"]

#: What stands for them on the command line.
STDIN_OPTIONS: Final = "--stdin-options"
_PATIENCE_S: Final = 10.0


def stdin_options(options: Mapping[str, str | None]) -> bytes:
    """Return what the runner is to find on stdin; empty where no option has a value.

    Raises:
        ValueError: a value has a NUL in it, which ends every text of a plugin's.

    """
    words = [
        word for option, value in options.items() if value is not None for word in (option, value)
    ]
    if any("\0" in word for word in words):
        raise ValueError("an option of the runner contains a NUL character")
    data = b"".join(os.fsencode(word) + b"\0" for word in words)
    return struct.pack("=I", len(data)) + data if data else b""


def hand_over(stream: IO[bytes], data: bytes) -> None:
    """Write all of it into the runner's stdin and close that.

    A runner that ended already has said why in its reports.

    Raises:
        PluginFailedError: the runner takes nothing.

    """
    end = time.monotonic() + _PATIENCE_S
    poll = select.poll()
    poll.register(stream, select.POLLOUT)
    os.set_blocking(stream.fileno(), False)
    with stream:
        while data:
            if not poll.poll(max(end - time.monotonic(), 0) * 1000):
                raise PluginFailedError("the runner does not read its options")
            try:
                data = data[os.write(stream.fileno(), data) :]
            except BrokenPipeError:
                return
