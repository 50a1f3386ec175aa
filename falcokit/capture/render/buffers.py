# SPDX-License-Identifier: Apache-2.0
"""Shows the bytes of a buffer: dotted, or in one of sysdig's complete forms.

A complete form may have several lines; except for its own newlines and tabs it is printable.
"""

from __future__ import annotations

import functools
import re
from base64 import b64encode
from typing import TYPE_CHECKING, Final, Literal

from falcokit.capture.format.text import dotted_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    #: As with sysdig's -x, -X, -A and -b.
    BufferForm: TypeAlias = Literal["hex", "hex-ascii", "ascii", "base64"]

__all__ = ["BUFFER_FORMS", "buffer_shower"]

#: sysdig shows all bytes in a capture; no driver stores more of a buffer than this.
_SHOWN_BYTES: Final = 64 * 1024
_ROW_BYTES: Final = 16
_GROUP_BYTES: Final = 2
_HEX_CELLS: Final = _ROW_BYTES * 5 // 2 + 1
_ENDS: Final = re.compile(rb"\r\n?")
_HIDDEN: Final = bytes(
    code
    for code in range(256)
    if not (chr(code).isascii() and chr(code).isprintable()) and code != ord("\n")
)


def buffer_shower(form: BufferForm | None, limit: int) -> Callable[[bytes], str]:
    """Return the function that shows a buffer; `limit` only applies to the dotted form, None."""
    if form is None:
        return functools.partial(dotted_text, limit=limit)
    return functools.partial(_whole, BUFFER_FORMS[form])


def _whole(show: Callable[[bytes], str], data: bytes) -> str:
    if len(data) <= _SHOWN_BYTES:
        return show(data)
    return f"{show(data[:_SHOWN_BYTES])}... ({len(data)} bytes)"


def _hex(data: bytes) -> str:
    return "".join(f"\n\t{_head(row, at)}".rstrip() for at, row in _rows(data)) + "\n"


def _hex_ascii(data: bytes) -> str:
    rows = []
    for at, row in _rows(data):
        # As in sysdig: half a group at the end takes two cells less.
        cells = _HEX_CELLS - _GROUP_BYTES * (len(row) % _GROUP_BYTES)
        rows.append(f"\n\t{_head(row, at, cells)}{dotted_text(row, _ROW_BYTES)}")
    return "".join(rows) + "\n"


def _rows(data: bytes) -> list[tuple[int, bytes]]:
    return [(at, data[at : at + _ROW_BYTES]) for at in range(0, len(data), _ROW_BYTES)]


def _head(row: bytes, at: int, cells: int = 0) -> str:
    return f"0x{at:04x}: {row.hex(' ', -_GROUP_BYTES):<{cells}}"


def _ascii(data: bytes) -> str:
    text = _ENDS.sub(b"\n", data).translate(None, _HIDDEN).decode("ascii")
    return text if data[:1] == b"\n" else f"\n{text}"


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")


BUFFER_FORMS: Final[dict[BufferForm, Callable[[bytes], str]]] = {
    "hex": _hex,
    "hex-ascii": _hex_ascii,
    "ascii": _ascii,
    "base64": _base64,
}
