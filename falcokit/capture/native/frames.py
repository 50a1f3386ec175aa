# SPDX-License-Identifier: Apache-2.0
"""Events of a capture as frames for the runner, many at once: FrameEncoder does the same of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from falcokit.capture.native.scan import NativeScan

if TYPE_CHECKING:
    from collections.abc import Collection

    from falcokit.capture.native.scan import Library
    from falcokit.capture.reader import Capture

__all__ = ["Frames", "NativeFrames"]

#: Events, and bytes of frames, that are made at once.
_EVENTS: Final = 4096
_ROOM: Final = 1 << 20


class Frames(NamedTuple):
    """Frames of the events up to `end` of a buffer; `sent` has a 1 for each that gets a row."""

    end: int
    data: bytes
    sent: bytes


class NativeFrames:
    """Makes frames of events that may pass a condition; of all others if the plugin parses.

    `plugin_ids` are those of the plugin and async events that are wanted, None for all.
    """

    def __init__(
        self,
        loaded: Library,
        *,
        codes: Collection[int],
        plugin_ids: Collection[int] | None,
        condition: Any,
        parses: bool,
    ) -> None:
        self._ffi = loaded.ffi
        self._frames = frames = loaded.ffi.new("struct fk_frames *")
        self._out = loaded.ffi.new("uint8_t[]", _ROOM)
        self._sent = loaded.ffi.new("uint8_t[]", _EVENTS)
        self._ids = loaded.ffi.new("uint32_t[]", list(plugin_ids or ()))
        frames.out, frames.room = self._out, _ROOM
        frames.sent = self._sent
        frames.any_id = plugin_ids is None
        frames.ids, frames.ids_count = self._ids, len(self._ids)
        for code in codes:
            if code < loaded.lib.FK_CODES:
                frames.codes[code] = 1
        frames.parses = parses
        if condition is not None:
            frames.condition = condition
        self._scan = NativeScan(loaded, frames=frames)

    def make(
        self,
        capture: Capture,
        buffer: bytes,
        at: int,
        base: int,
        *,
        end: int,
        count: int,
        most: int | None = None,
    ) -> Frames:
        """Make frames of the events from `at` on, before which there are `count` in the capture.

        They are at most so many as fit, and never more than `most`.
        """
        frames = self._frames
        frames.most = min(_EVENTS, len(self._sent)) if most is None else most
        frames.used = frames.count = 0
        came_to = self._scan.peek(capture, buffer, at, base, end=end, count=count)
        data = self._ffi.buffer(frames.out, frames.used)[:]
        return Frames(came_to, data, self._ffi.buffer(frames.sent, frames.count)[:])
