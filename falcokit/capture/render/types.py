# SPDX-License-Identifier: Apache-2.0
"""Renderers for parameter types: one function for each parameter of an event code.

`shower` runs once for each and chooses by type and number format; the function that it returns
takes the stored bytes, never empty, and returns the raw and the resolved text.

The quirks are libsinsp's. It prints every decimal number as a signed one even where the type is
not, and hexadecimal ones in capitals without 0x.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from falcokit.capture.events.event_table import event_table
from falcokit.capture.events.flags import enum_names, flag_names, mode_names
from falcokit.capture.events.values import decoder
from falcokit.capture.format.text import invalid_text
from falcokit.capture.render.buffers import buffer_shower
from falcokit.runtime.event.event_values import INTEGERS, WIDTHS, PolledFd

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
#: In place of an fd: the current directory.
_AT_FDCWD: Final = -100
_NO_ID: Final = 2**32 - 1
_SIGN: Final = 2**31
_NO_SPAN: Final = 2**64 - 1
_SIGNALS: Final = 32
_NS: Final = 1_000_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


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
        make = _number if kind in INTEGERS else _plain
    return make(param, order)


def _buffer(show_buffer: Callable[[bytes], str]) -> Show:
    def show(raw: bytes, _scene: Scene | None) -> tuple[str, str]:
        return show_buffer(raw), ""

    return show


def _number(param: Param, order: ByteOrder) -> Show:
    """Show an integer in the format that the event table gives it."""
    width = INTEGERS[param.type][0]
    mask = 2 ** (8 * width) - 1
    if param.fmt == "PF_HEX":
        return _of_number(param, order, lambda number, _: (f"{number & mask:X}", ""))
    if param.fmt == "PF_OCT":
        return _of_number(param, order, lambda number, _: (_octal(number & mask), ""))
    form = "09d" if param.fmt == "PF_10_PADDED_DEC" else ""

    def show(raw: bytes, _scene: Scene | None) -> tuple[str, str]:  # the most frequent kind
        if len(raw) == width or len(raw) in WIDTHS:
            return format(int.from_bytes(raw, order, signed=True), form), ""
        return invalid_text(raw), ""

    return show


def _of_number(
    param: Param, order: ByteOrder, text: Callable[[int, Scene | None], tuple[str, str]]
) -> Show:
    decode = decoder(param, order)

    def show(raw: bytes, scene: Scene | None) -> tuple[str, str]:
        number = decode(raw)
        return text(number, scene) if isinstance(number, int) else (invalid_text(raw), "")

    return show


def _octal(number: int) -> str:
    return f"0{number:o}" if number else "0"


def _flags(param: Param, order: ByteOrder) -> Show:
    """Show flags, enumerations and modes with the names of their values."""
    table = param.flags or ""
    if param.type == "PT_MODE":
        return _of_number(param, order, lambda mode, _: (_octal(mode), mode_names(table, mode)))
    names = enum_names if param.type.startswith("PT_ENUM") else flag_names
    return _of_number(param, order, lambda value, _: (str(value), names(table, value)))


def _error_name(number: int) -> str:
    """Return the error name of a negative number; empty for all others."""
    return event_table().errno.get(-number, "") if number < 0 else ""


def _errno(param: Param, order: ByteOrder) -> Show:
    return _of_number(param, order, lambda result, _: (str(result), _error_name(result)))


def _named(param: Param, order: ByteOrder) -> Show:
    """Show the driver's id of a system call, or the number of a signal, with its name."""
    table = event_table()
    names = table.ppm_sc if param.type == "PT_SYSCALLID" else table.signals
    return _of_number(param, order, lambda number, _: (str(number), names.get(number, "")))


def _signals(param: Param, order: ByteOrder) -> Show:
    """Show the names of the signals in a set, bit 0 being signal 1."""
    names = event_table().signals

    def text(bits: int, _: Scene | None) -> tuple[str, str]:
        numbers = [at + 1 for at in range(_SIGNALS) if bits >> at & 1]
        return " ".join(names[number] for number in numbers if number in names), ""

    return _of_number(param, order, text)


def _span(param: Param, order: ByteOrder) -> Show:
    """Show a duration in nanoseconds, and in seconds."""

    def text(span: int, _: Scene | None) -> tuple[str, str]:
        return ("none", "") if span == _NO_SPAN else (str(span), f"{span / _NS:g}s")

    return _of_number(param, order, text)


def _time(param: Param, order: ByteOrder) -> Show:
    """Show a time of day in UTC; libsinsp uses the reader's time zone."""

    def text(ts_ns: int, _: Scene | None) -> tuple[str, str]:
        seconds, rest = divmod(ts_ns, _NS)
        moment = _EPOCH + timedelta(seconds=seconds)
        return f"{moment:%Y-%m-%d %H:%M:%S}.{rest:09d}", ""

    return _of_number(param, order, text)


def _fd(param: Param, order: ByteOrder) -> Show:
    """Show a file descriptor: errors and AT_FDCWD have their own names."""

    def text(fd: int, scene: Scene | None) -> tuple[str, str]:
        if fd >= 0:
            return str(fd), (scene.resolver.fd_name(scene.event, fd) if scene else None) or ""
        return str(fd), "AT_FDCWD" if fd == _AT_FDCWD else _error_name(fd)

    return _of_number(param, order, text)


def _pid(param: Param, order: ByteOrder) -> Show:
    """Show a thread or process id, with its command."""

    def text(pid: int, scene: Scene | None) -> tuple[str, str]:
        return str(pid), (scene.resolver.process_name(pid) if scene else None) or ""

    return _of_number(param, order, text)


def _id(param: Param, order: ByteOrder) -> Show:
    """Show a user or group id, with its name."""
    user = param.type == "PT_UID"

    def text(number: int, scene: Scene | None) -> tuple[str, str]:
        if number == _NO_ID:
            return "-1", "<NONE>"
        shown = str(number - 2 * _SIGN if number >= _SIGN else number)
        if scene is None:
            return shown, ""
        ask = scene.resolver.user_name if user else scene.resolver.group_name
        return shown, ask(scene.event, number) or "<NA>"

    return _of_number(param, order, text)


def _fds(param: Param, order: ByteOrder) -> Show:
    """Show polled file descriptors, each with its type and, in hexadecimal, its flags."""
    decode = decoder(param, order)

    def show(raw: bytes, scene: Scene | None) -> tuple[str, str]:
        fds = decode(raw)
        if not isinstance(fds, tuple):
            return invalid_text(raw), ""
        return " ".join(_polled(item, scene) for item in fds if isinstance(item, PolledFd)), ""

    return show


def _polled(item: PolledFd, scene: Scene | None) -> str:
    kind = scene.resolver.fd_type(scene.event, item.fd) if scene else None
    # Both numbers are shown unsigned, the flags extended to 32 bits before.
    return f"{item.fd % 2**64}:{kind or '?'}{item.flags % 2**32:x}"


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
    fd = int.from_bytes(raw, order, signed=True) if len(raw) in WIDTHS else _AT_FDCWD
    return None if fd == _AT_FDCWD else fd


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
    "PT_FD": _fd,
    "PT_FD32": _fd,
    "PT_PID": _pid,
    "PT_PID32": _pid,
    "PT_FDLIST": _fds,
    "PT_UID": _id,
    "PT_GID": _id,
    "PT_ERRNO": _errno,
    "PT_SYSCALLID": _named,
    "PT_SIGTYPE": _named,
    "PT_SIGSET": _signals,
    "PT_RELTIME": _span,
    "PT_ABSTIME": _time,
    "PT_FLAGS8": _flags,
    "PT_FLAGS16": _flags,
    "PT_FLAGS32": _flags,
    "PT_ENUMFLAGS8": _flags,
    "PT_ENUMFLAGS16": _flags,
    "PT_ENUMFLAGS32": _flags,
    "PT_MODE": _flags,
}
