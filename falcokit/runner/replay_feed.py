# SPDX-License-Identifier: Apache-2.0
"""Sends a capture to the runner, which replays it: at once, or at the pace of its timestamps.

A thread reads the file and writes frames to the runner's stdin. It waits for room in the pipe, for
the time of the next event, and for nothing else; `stop` ends each wait.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from falcokit.capture import open_capture
from falcokit.capture.state.moments import CaptureState
from falcokit.errors import FalcokitError
from falcokit.runner.extract_frames import (
    ASK_FRAME,
    BEGIN_FRAME,
    EVENT_FRAME,
    STATE_FRAME,
    FrameEncoder,
    threads_frame,
)
from falcokit.runner.thread_changes import ThreadChanges

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from typing import IO

    from falcokit.capture import Capture
    from falcokit.capture.state.moments import Moment
    from falcokit.runner.event_rows import EventRow

    StoredRow: TypeAlias = tuple[Moment, EventRow | None]

__all__ = ["ReplayFeed"]

_SEND_BYTES: Final = 1 << 17
_LOOK_MS: Final = 100
_MAX_KEPT: Final = 1 << 15
_ASK_EVERY: Final = 1 << 12
_JOIN_S: Final = 2.0
_NS: Final = 1_000_000_000
#: A longer gap between two events is cut: a wrong time must not hold up a replay for years.
MAX_GAP_S: Final = 3600.0


class ReplayFeed:
    """A capture on its way to the runner."""

    def __init__(
        self, file: Path, speed: float | None, stream: IO[bytes], *, keep: bool = False
    ) -> None:
        """Prepare to write to `stream`, which is closed at the end.

        `speed` is how many times faster than in the capture events come; None: at once. With `keep`
        the events are kept for `take_stored`.
        """
        #: Events, each with whether the plugin gets it; None stands where an answer was asked for.
        self._kept: deque[tuple[Moment, bool] | None] | None = deque() if keep else None
        self._unasked = 0
        self._file, self._speed, self._stream = file, speed, stream
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._out = bytearray()
        #: Events of the capture that were read so far.
        self.count = 0
        #: What ended the replay too soon.
        self.error: FalcokitError | None = None
        #: What a reader should know of the capture.
        self.notices: list[str] = []

    def start(self, wanted: Mapping[str, Any]) -> None:
        """Begin to send the events that the runner's report "replaying" asks for."""
        self._thread = threading.Thread(
            target=self._run, args=(wanted,), name="falcokit-replay", daemon=True
        )
        self._thread.start()

    def take_stored(self, rows: Iterable[EventRow]) -> list[StoredRow]:
        """Return the kept events up to the last of `rows`, each with its row.

        An event that the plugin does not want has no row.
        """
        kept = self._kept
        found: list[StoredRow] = []
        for row in rows:
            while kept:
                entry = kept.popleft()
                if entry is not None:
                    found.append((entry[0], row if entry[1] else None))
                    if entry[1]:
                        break
        return found

    def take_answered(self, *, every: bool = False) -> list[StoredRow]:
        """Return the kept events up to where the answer that has come was asked for, or all."""
        kept = self._kept
        found: list[StoredRow] = []
        while kept:
            entry = kept.popleft()
            if entry is not None:
                found.append((entry[0], None))
            elif not every:
                break
        return found

    def stop(self) -> None:
        """End it; what was not sent is discarded."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(_JOIN_S)
        else:
            self._stream.close()

    def _run(self, wanted: Mapping[str, Any]) -> None:
        with suppress(BrokenPipeError), self._stream:  # the runner has ended, and says why
            os.set_blocking(self._stream.fileno(), False)
            try:
                columns = wanted.get("threads")
                lists = columns is not None or self._kept is not None
                with open_capture(self._file, lists=lists) as capture:
                    self._send_all(capture, wanted, columns)
                    self.notices += [notice.message for notice in capture.notices]
            except FalcokitError as e:
                self.error = e
            except OSError as e:
                if isinstance(e, BrokenPipeError):
                    raise
                self.error = FalcokitError(f"{self._file} cannot be read: {e.strerror}")

    def _send_all(
        self, capture: Capture, wanted: Mapping[str, Any], columns: list[list[str]] | None
    ) -> None:
        encoder = FrameEncoder(codes=wanted["codes"], plugin_ids=wanted["plugin_ids"])
        changes = None if columns is None else ThreadChanges(*columns)
        state = None
        if changes is not None or self._kept is not None:
            state = CaptureState(capture, changes)
        pace = None if self._speed is None else _Pace(self._speed)
        begun = False
        for event in capture:
            self.count += 1
            if state is not None:
                state.apply(event)
            if changes is not None:
                self._out += b"".join(map(threads_frame, changes.take()))
            if not begun and not event.leading:
                begun = True
                self._out += BEGIN_FRAME
            hidden = event.leading or event.state_only
            frame = encoder.encode(event, STATE_FRAME if hidden else EVENT_FRAME)
            if pace is not None and (frame is not None or self._kept is not None):
                self._wait_for(pace.delay(event.ts_ns))
            if self._kept is not None and state is not None and not hidden:
                self._kept.append((state.moment(event), frame is not None))
                self._unasked += 1
            self._out += frame or b""
            self._bound_kept()
            if len(self._out) >= _SEND_BYTES:
                self._flush()
            if self._stopping.is_set():
                return
        self._flush()
        self._note(encoder.refused, 0 if state is None else state.refused)

    def _wait_for(self, delay: float) -> None:
        """Wait until an event is due; those before it are sent, and asked for, meanwhile."""
        if delay > 0:
            self._ask()
            self._flush()
            self._stopping.wait(delay)

    def _bound_kept(self) -> None:
        """Ask for an answer from time to time, and wait while many events are kept."""
        if self._unasked >= _ASK_EVERY:
            self._ask()
        while self._kept and len(self._kept) >= _MAX_KEPT and not self._stopping.is_set():
            self._flush()
            self._stopping.wait(_LOOK_MS / 1000)

    def _ask(self) -> None:
        """Ask for an answer: it tells that the kept events up to here have no more rows."""
        if self._kept is not None and self._unasked:
            self._unasked = 0
            self._kept.append(None)
            self._out += ASK_FRAME

    def _note(self, damaged: int, refused: int) -> None:
        if damaged:
            self.notices.append(f"{damaged} damaged events were not replayed")
        if refused:
            self.notices.append("the capture has more threads or descriptors than a replay keeps")

    def _flush(self) -> None:
        """Write what was collected, waiting for room."""
        descriptor = self._stream.fileno()
        poll = select.poll()
        poll.register(descriptor, select.POLLOUT)
        while self._out and not self._stopping.is_set():
            if not poll.poll(_LOOK_MS):
                continue
            with suppress(BlockingIOError), memoryview(self._out) as view:
                written = os.write(descriptor, view[:_SEND_BYTES])
                view.release()
                del self._out[:written]


class _Pace:
    """When events are due: as far apart as their timestamps, divided by the speed."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._begun: tuple[float, int] | None = None

    def delay(self, ts_ns: int | None) -> float:
        """Return how many seconds are left until an event of that time is due."""
        now = time.monotonic()
        if ts_ns is None:
            return 0.0
        if self._begun is None:
            self._begun = now, ts_ns
        due = self._begun[0] + (ts_ns - self._begun[1]) / _NS / self._speed
        if due - now > MAX_GAP_S:
            self._begun = now + MAX_GAP_S, ts_ns
            return MAX_GAP_S
        return due - now
