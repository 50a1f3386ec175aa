# SPDX-License-Identifier: Apache-2.0
"""Parameters that are one number: formats, flags, errors, signals, times.

The quirks are libsinsp's. It prints every decimal number as a signed one even where the type is
not, and hexadecimal ones in capitals without 0x.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from falcokit.capture.events.decoding import INTEGERS, WIDTHS, decoder
from falcokit.capture.events.event_table import event_table
from falcokit.capture.events.flags import enum_names, flag_names, mode_names
from falcokit.capture.format.text import invalid_text
from falcokit.capture.render.state import error_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from falcokit.capture.events.event_table import Param
    from falcokit.capture.render.state import Scene, Show
    from falcokit.runtime.event.socket_values import ByteOrder

__all__ = [
    "show_errno",
    "show_flags",
    "show_number",
    "show_signal",
    "show_signals",
    "show_span",
    "show_syscall",
    "show_time",
]

_NO_SPAN: Final = 2**64 - 1
_SIGNALS: Final = 32
_NS: Final = 1_000_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def show_number(param: Param, order: ByteOrder) -> Show:
    """Show an integer in the format that the event table gives it."""
    width = INTEGERS[param.type][0]
    mask = 2 ** (8 * width) - 1
    if param.fmt == "PF_HEX":
        return _from_number(param, order, lambda number: (f"{number & mask:X}", ""))
    if param.fmt == "PF_OCT":
        return _from_number(param, order, lambda number: (_octal(number & mask), ""))
    form = "09d" if param.fmt == "PF_10_PADDED_DEC" else ""
    return _decimal(width, order, form)


def show_flags(param: Param, order: ByteOrder) -> Show:
    """Show flags, enumerations and modes with the names of their values."""
    table = param.flags or ""
    if param.type == "PT_MODE":
        return _from_number(param, order, lambda mode: (_octal(mode), mode_names(table, mode)))
    names = enum_names if param.type.startswith("PT_ENUM") else flag_names
    return _from_number(param, order, lambda value: (str(value), names(table, value)))


def show_errno(param: Param, order: ByteOrder) -> Show:
    """Show a result, with the name of the error when it is negative."""
    return _from_number(param, order, lambda result: (str(result), error_name(result)))


def show_syscall(param: Param, order: ByteOrder) -> Show:
    """Show the driver's id of a system call with its name."""
    names = event_table().ppm_sc
    return _from_number(param, order, lambda number: (str(number), names.get(number, "")))


def show_signal(param: Param, order: ByteOrder) -> Show:
    """Show the number of a signal with its name."""
    names = event_table().signals
    return _from_number(param, order, lambda number: (str(number), names.get(number, "")))


def show_signals(param: Param, order: ByteOrder) -> Show:
    """Show the names of the signals in a set, bit 0 being signal 1."""
    names = event_table().signals

    def text(bits: int) -> tuple[str, str]:
        numbers = [at + 1 for at in range(_SIGNALS) if bits >> at & 1]
        return " ".join(names[number] for number in numbers if number in names), ""

    return _from_number(param, order, text)


def show_span(param: Param, order: ByteOrder) -> Show:
    """Show a duration in nanoseconds, and in seconds."""

    def text(span: int) -> tuple[str, str]:
        return ("none", "") if span == _NO_SPAN else (str(span), f"{span / _NS:g}s")

    return _from_number(param, order, text)


def show_time(param: Param, order: ByteOrder) -> Show:
    """Show a time of day in UTC; libsinsp uses the reader's time zone."""

    def text(ts_ns: int) -> tuple[str, str]:
        seconds, rest = divmod(ts_ns, _NS)
        moment = _EPOCH + timedelta(seconds=seconds)
        return f"{moment:%Y-%m-%d %H:%M:%S}.{rest:09d}", ""

    return _from_number(param, order, text)


def _from_number(param: Param, order: ByteOrder, text: Callable[[int], tuple[str, str]]) -> Show:
    decode = decoder(param, order)

    def show(raw: bytes, _scene: Scene | None) -> tuple[str, str]:
        number = decode(raw)
        return text(number) if isinstance(number, int) else (invalid_text(raw), "")

    return show


def _decimal(width: int, order: ByteOrder, form: str) -> Show:
    """Show the most frequent kind of parameter with as few calls as possible."""

    def show(raw: bytes, _scene: Scene | None) -> tuple[str, str]:
        if len(raw) == width or len(raw) in WIDTHS:
            return format(int.from_bytes(raw, order, signed=True), form), ""
        return invalid_text(raw), ""

    return show


def _octal(number: int) -> str:
    return f"0{number:o}" if number else "0"
