# SPDX-License-Identifier: Apache-2.0
"""Renderers for parameter types: one function for each parameter of an event code.

`shower` runs once for each and chooses by type and number format; the function that it returns
takes the stored bytes, never empty, and returns the raw and the resolved text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from falcokit.capture.events.decoding import INTEGERS, WIDTHS, decoder
from falcokit.capture.events.event_table import event_table
from falcokit.capture.format.text import invalid_text
from falcokit.capture.render.buffers import buffer_shower
from falcokit.capture.render.numbers import (
    show_errno,
    show_flags,
    show_number,
    show_signal,
    show_signals,
    show_span,
    show_syscall,
    show_time,
)
from falcokit.capture.render.state import AT_FDCWD, show_fd, show_fds, show_id, show_pid

if TYPE_CHECKING:
    from collections.abc import Callable

    from falcokit.capture.events.event import Event
    from falcokit.capture.events.event_table import Param
    from falcokit.capture.render.buffers import BufferForm
    from falcokit.capture.render.state import Scene, Show
    from falcokit.runtime.event.socket_values import ByteOrder

__all__ = ["holds_buffer", "shower"]

_BUFFERS: Final = frozenset({"PT_BYTEBUF", "PT_CHARBUF_PAIR_ARRAY"})

_MISSING: Final = "<NA>"
#: Longer strings are cut. No driver writes one; the lengths of a hostile file allow 64 MiB.
_STRING_BYTES: Final = 64 * 1024
_ELLIPSIS: Final = "..."


def holds_buffer(param: Param) -> bool:
    """Return whether a parameter is, or may hold, a buffer; if so it never holds text."""
    choices = event_table().dynamic_tables.get(param.dynamic or "", ())
    return param.type in _BUFFERS or any(choice.type in _BUFFERS for choice in choices)


def shower(
    param: Param, order: ByteOrder, buffer_chars: int, buffers: BufferForm | None = None
) -> Show:
    """Return the function that shows a parameter that is not empty.

    Buffers are shown dotted in at most `buffer_chars` characters, or completely in form `buffers`.
    """
    kind = param.type
    if kind == "PT_DYN":
        return _dynamic(param, order, buffer_chars, buffers)
    if kind in _BUFFERS:
        return _buffer(buffer_shower(buffers, buffer_chars))
    make = _MAKERS.get(kind)
    if make is None:
        make = show_number if kind in INTEGERS else _plain
    return make(param, order)


def _buffer(show_buffer: Callable[[bytes], str]) -> Show:
    def show(raw: bytes, _scene: Scene | None) -> tuple[str, str]:
        return show_buffer(raw), ""

    return show


def _string(param: Param, order: ByteOrder) -> Show:
    decode = decoder(param, order)

    def show(raw: bytes, _scene: Scene | None) -> tuple[str, str]:
        text = decode(raw[:_STRING_BYTES])
        cut = _ELLIPSIS if len(raw) > _STRING_BYTES else ""
        return (text + cut if isinstance(text, str) else _MISSING), ""

    return show


def _path(param: Param, order: ByteOrder) -> Show:
    """Show a path, and the absolute path if it is relative."""
    show_text = _string(param, order)
    dirfd_param = param.dirfd_param

    def show(raw: bytes, scene: Scene | None) -> tuple[str, str]:
        text, _ = show_text(raw, scene)
        if scene is None or text.startswith("/") or text in {"", _MISSING}:
            return text, ""
        dirfd = None if dirfd_param is None else _dirfd(scene.event, dirfd_param, order)
        return text, scene.resolver.absolute_path(scene.event, dirfd, text) or ""

    return show


def _dirfd(event: Event, position: int, order: ByteOrder) -> int | None:
    """Return the directory that a path starts at, None for the current one."""
    raw = event.params[position] if position < len(event.params) else b""
    fd = int.from_bytes(raw, order, signed=True) if len(raw) in WIDTHS else AT_FDCWD
    return None if fd == AT_FDCWD else fd


def _plain(param: Param, order: ByteOrder) -> Show:
    """Show types whose decoded value has a text: addresses, and the unused types."""
    decode = decoder(param, order)

    def show(raw: bytes, _scene: Scene | None) -> tuple[str, str]:
        value = decode(raw)
        return (invalid_text(raw) if isinstance(value, bytes) else str(value)), ""

    return show


def _strings(param: Param, order: ByteOrder) -> Show:
    decode = decoder(param, order)

    def show(raw: bytes, _scene: Scene | None) -> tuple[str, str]:
        texts = decode(raw)
        return (".".join(map(str, texts)) if isinstance(texts, tuple) else ""), ""

    return show


def _dynamic(param: Param, order: ByteOrder, buffer_chars: int, buffers: BufferForm | None) -> Show:
    """Show a value by the type that its first byte names, in the outer number format."""
    choices = event_table().dynamic_tables.get(param.dynamic or "", ())
    shows = [
        shower(choice._replace(fmt=param.fmt), order, buffer_chars, buffers) for choice in choices
    ]

    def show(raw: bytes, scene: Scene | None) -> tuple[str, str]:
        if raw[0] >= len(shows):
            return invalid_text(raw), ""
        held = raw[1:]
        if held:
            return shows[raw[0]](held, scene)
        return ("" if choices[raw[0]].type == "PT_BYTEBUF" else _MISSING), ""

    return show


_MAKERS: Final[dict[str, Callable[[Param, ByteOrder], Show]]] = {
    "PT_CHARBUF": _string,
    "PT_FSPATH": _path,
    "PT_FSRELPATH": _path,
    "PT_CHARBUFARRAY": _strings,
    "PT_FD": show_fd,
    "PT_FD32": show_fd,
    "PT_PID": show_pid,
    "PT_PID32": show_pid,
    "PT_FDLIST": show_fds,
    "PT_UID": show_id,
    "PT_GID": show_id,
    "PT_ERRNO": show_errno,
    "PT_SYSCALLID": show_syscall,
    "PT_SIGTYPE": show_signal,
    "PT_SIGSET": show_signals,
    "PT_RELTIME": show_span,
    "PT_ABSTIME": show_time,
    "PT_FLAGS8": show_flags,
    "PT_FLAGS16": show_flags,
    "PT_FLAGS32": show_flags,
    "PT_ENUMFLAGS8": show_flags,
    "PT_ENUMFLAGS16": show_flags,
    "PT_ENUMFLAGS32": show_flags,
    "PT_MODE": show_flags,
}
