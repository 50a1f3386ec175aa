# SPDX-License-Identifier: Apache-2.0
"""pcapng options: Wireshark and Stratoshark store a user's comments in them, in any block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from falcokit.capture.format.layout import Layout

__all__ = ["APPLICATION", "COMMENT", "read_options"]

COMMENT: Final = 1
#: Only of a section header: the program that wrote the section.
APPLICATION: Final = 4
_END: Final = 0


def read_options(body: bytes, at: int, layout: Layout) -> Iterator[tuple[int, str]]:
    """Yield code and text of each option from `at` on, as long as they are complete.

    An option is code, length and a value that is padded to four bytes; code 0 ends them.
    """
    head = layout.option
    while at + head.size <= len(body):
        code, length = head.unpack_from(body, at)
        at += head.size
        if code == _END or at + length > len(body):
            return
        yield code, body[at : at + length].decode("utf-8", "backslashreplace")
        at += (length + 3) & ~3
