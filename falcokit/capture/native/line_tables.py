# SPDX-License-Identifier: Apache-2.0
"""The event table as C reads it to show parameters: names, types, flags, and the texts of them."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from falcokit.capture.events.event_table import (
    ASYNC_EVENT,
    GENERIC_SYSCALLS,
    PLUGIN_EVENT,
    event_table,
)
from falcokit.capture.events.values import NULL_WHEN_EMPTY
from falcokit.runtime.event.event_values import INTEGERS, STRINGS

if TYPE_CHECKING:
    from falcokit.capture.events.event_table import EventType, Param
    from falcokit.capture.native.scan import Library

__all__ = ["LineTables", "line_tables"]

#: With more event codes than this, the tables of all are made, and kept.
_FEW: Final = 100

_FORMATS: Final = {
    "PF_NA": "FK_DECIMAL",
    "PF_DEC": "FK_DECIMAL",
    "PF_HEX": "FK_HEX",
    "PF_OCT": "FK_OCTAL",
}
#: The types that are not just a number in the format of the table.
_KINDS: Final = {
    "PT_DYN": "FK_CHOICE",
    "PT_BYTEBUF": "FK_BUFFER",
    "PT_CHARBUF_PAIR_ARRAY": "FK_BUFFER",
    "PT_CHARBUFARRAY": "FK_TEXTS",
    **dict.fromkeys(STRINGS, "FK_TEXT"),
    **dict.fromkeys(("PT_FD", "PT_FD32"), "FK_FD"),
    **dict.fromkeys(("PT_PID", "PT_PID32"), "FK_DECIMAL"),
    **dict.fromkeys(("PT_UID", "PT_GID"), "FK_ID"),
    "PT_FDLIST": "FK_FDS",
    "PT_ERRNO": "FK_ERROR",
    "PT_SIGTYPE": "FK_SIGNAL",
    "PT_SIGSET": "FK_SIGNAL_SET",
    "PT_RELTIME": "FK_SPAN",
    "PT_ABSTIME": "FK_TIME",
    **dict.fromkeys(("PT_FLAGS8", "PT_FLAGS16", "PT_FLAGS32"), "FK_FLAG_NAMES"),
    **dict.fromkeys(("PT_ENUMFLAGS8", "PT_ENUMFLAGS16", "PT_ENUMFLAGS32"), "FK_ENUM_NAME"),
    "PT_MODE": "FK_MODE",
    "PT_SOCKADDR": "FK_ADDRESS",
    "PT_SOCKTUPLE": "FK_SOCKETS",
    **dict.fromkeys(("PT_IPV4ADDR", "PT_IPV6ADDR", "PT_IPADDR"), "FK_IP"),
}
#: Occurs in generic events only, of which no parameter is shown.
_NEVER_SHOWN: Final = "PT_SYSCALLID"


class LineTables:
    """The event table as C reads it, in the structures of lines.h, while this lives.

    How a type is shown must agree with `render.types`. With `codes`, only for events of these; with
    `payloads`, the parameters of plugin and async events are as those of others.
    """

    def __init__(
        self, loaded: Library, codes: frozenset[int] | None = None, *, payloads: bool = False
    ) -> None:
        self._ffi, self._lib = loaded.ffi, loaded.lib
        self._payloads = payloads
        self._texts = bytearray()
        self._words: dict[str, tuple[int, int]] = {}
        self._flags: dict[str, Any] = {}
        self._arrays: list[Any] = []
        lib, table = self._lib, event_table()
        shown = table.events[: lib.FK_CODES]
        self._shown = {
            "shapes": self._shapes([e for e in shown if codes is None or e.id in codes]),
            "syscalls": self._word_array(table.ppm_sc, lib.FK_SYSCALLS),
            "errors": self._word_array(table.errno, lib.FK_ERRORS),
            "signals": self._word_array(table.signals, lib.FK_SIGNALS),
            "texts": self._ffi.new("uint8_t[]", bytes(self._texts)),
        }

    def describe_to(self, lines: Any) -> None:
        """Point `lines`, a pointer to struct fk_lines, to the tables."""
        for name, array in self._shown.items():
            setattr(lines, name, array)

    def _shapes(self, event_types: list[EventType]) -> Any:
        shapes = self._array("struct fk_shape[]", self._lib.FK_CODES)
        for event_type in event_types:
            shape, code = shapes[event_type.id], event_type.id
            shape.name, shape.direction = self._word(event_type.name), ord(event_type.dir)
            if not self._payloads and code in {*GENERIC_SYSCALLS, PLUGIN_EVENT, ASYNC_EVENT}:
                shape.usable = True  # without their parameters
            elif self._payloads or not event_type.large_payload:
                shape.count = len(event_type.params)
                shape.params = self._params(event_type.params)
                shape.usable = all(shape.params[at].kind for at in range(shape.count))
        return shapes

    def _params(self, params: tuple[Param, ...]) -> Any:
        array = self._array("struct fk_param[]", len(params))
        for entry, param in zip(array, params, strict=True):
            entry.prefix = self._word(f"{param.name}=")
            entry.empty_null = param.type in NULL_WHEN_EMPTY
            kind = _kind(param)
            width, signed = INTEGERS.get(param.type, (0, False))
            entry.width, entry.is_signed = width, signed or kind == "FK_DECIMAL"
            entry.kind = getattr(self._lib, kind) if kind and self._is_usable(param) else 0
            if param.flags:
                flags = event_table().flags_tables[param.flags]
                entry.count, entry.flags = len(flags), self._flag_array(param.flags, flags)
            elif param.type == "PT_DYN":
                choices = _choices(param)
                entry.count, entry.choices = len(choices), self._params(choices)
        return array

    def _flag_array(self, name: str, flags: tuple[tuple[str, int], ...]) -> Any:
        array = self._flags.get(name)
        if array is None:
            self._flags[name] = array = self._array("struct fk_flag[]", len(flags))
            for entry, (text, bits) in zip(array, flags, strict=True):
                entry.name, entry.bits = self._word(text), bits
        return array

    def _is_usable(self, param: Param) -> bool:
        """Return whether C can show a parameter, within the room that it has for names."""
        names = event_table().flags_tables.get(param.flags or "", ())
        if sum(len(name) + 1 for name, _ in names) > self._lib.FK_NAMES_ROOM // 2:
            return False
        return _kind(param) is not None and all(map(self._is_usable, _choices(param)))

    def _word_array(self, names: dict[int, str], count: int) -> Any:
        array = self._array("struct fk_word[]", count)
        for number, name in names.items():
            if 0 <= number < count:
                array[number] = self._word(name)
        return array

    def _word(self, text: str) -> tuple[int, int]:
        """Return place and size of a text, as struct fk_word has them."""
        word = self._words.get(text)
        if word is None:
            data = text.encode()
            self._words[text] = word = len(self._texts), len(data)
            self._texts += data
        return word

    def _array(self, kind: str, count: int) -> Any:
        array = self._ffi.new(kind, count)
        self._arrays.append(array)
        return array


def _kind(param: Param) -> str | None:
    """Return the FK_ name of how C shows a parameter, None where Python must do it."""
    if param.type in _KINDS:
        return _KINDS[param.type]
    if param.type in INTEGERS and param.type != _NEVER_SHOWN:
        return _FORMATS.get(param.fmt)
    return None


def _choices(param: Param) -> tuple[Param, ...]:
    """Return what a dynamic parameter can hold, in its own number format."""
    held = event_table().dynamic_tables.get(param.dynamic or "", ())
    return tuple(choice._replace(fmt=param.fmt) for choice in held)


def line_tables(
    loaded: Library, codes: frozenset[int] | None, *, payloads: bool = False
) -> LineTables:
    """Return the tables for events of some codes; None: all."""
    if codes is not None and len(codes) <= _FEW:
        return LineTables(loaded, codes, payloads=payloads)
    return _all_tables(loaded, payloads)


@functools.cache
def _all_tables(loaded: Library, payloads: bool) -> LineTables:
    """Return the tables of all events, which take longer to make than many lines."""
    return LineTables(loaded, payloads=payloads)
