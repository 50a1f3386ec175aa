# SPDX-License-Identifier: Apache-2.0
"""A plugin's own fields for the events of a capture, extracted in the runner, a child process.

    with ExtractionClient(library) as extraction:
        for event, values in extraction.extract(capture):
            ...

A plugin that crashes or hangs affects only the child. The protocol of the pipes is described in
native/src/runner/extract/extract.h.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

from falcokit.errors import ConfigError, PluginFailedError
from falcokit.runner.extract_child import ExtractionChild
from falcokit.runner.extract_frames import FrameEncoder, columns_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

    from falcokit.capture.events.event import Event
    from falcokit.capture.reader import Capture

__all__ = ["ExtractionClient", "FieldInfo", "Value"]

#: Times (reltime, abstime) are ns, addresses are text; None: the event has no such value.
Value: TypeAlias = int | str | bool | list[Any] | None

_DEADLINE_S: Final = 30.0
_SEND_BYTES: Final = 1 << 17
#: Maximum number of events that wait for their values, and their bytes.
_MAX_WAITING: Final = 8192
_MAX_WAITING_BYTES: Final = 1 << 24


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldInfo:
    """One column: a field as requested, with its properties from the plugin."""

    name: str  # with its argument, as in "x.header[host]"
    type: str  # uint64, string, bool, reltime, abstime, ipaddr, ipnet
    is_list: bool
    description: str


class ExtractionClient:
    """A plugin from which fields are extracted; started on enter, ended on exit."""

    def __init__(
        self,
        library: Path,
        fields: Sequence[str] | None = None,
        init_config: str | None = None,
        *,
        deadline: float = _DEADLINE_S,
        meanwhile: Callable[[], object] | None = None,
    ) -> None:
        """Extract `fields`, such as "x.seq" or "x.header[host]"; None: all that need no argument.

        A plugin whose init, or any other call, takes longer than `deadline` seconds has failed.
        `meanwhile` is called while the plugin starts.

        Raises:
            ConfigError: a name in `fields` is not valid.

        """
        for name in fields or ():
            if not name or "\0" in name or "]," in name or name[0] in "*,[":
                raise ConfigError(f"{name!r} is not a field name")
        wanted = "*" if fields is None else ",".join(fields)
        self._child = ExtractionChild(
            library, wanted=wanted, init_config=init_config, deadline=deadline
        )
        self.columns: tuple[FieldInfo, ...] = ()
        #: Whether every event changes what the plugin knows.
        self.parses = False
        #: The codes of events that it wants, and the ids of plugin and async events; None: all.
        self.codes: tuple[int, ...] = ()
        self.plugin_ids: tuple[int, ...] | None = ()
        self._chosen = (0, 0)
        self._meanwhile = meanwhile
        self._encoder = FrameEncoder(codes=(), plugin_ids=())
        self._threads: list[list[str]] | None = None
        self._follow: Callable[[Event], None] | None = None
        self._extracting = False

    def __enter__(self) -> Self:
        """Start the plugin; afterwards `columns` are known.

        Raises:
            NotAPluginError: the library cannot be loaded.
            ConfigError: the plugin has no such field, or it takes another kind of argument.
            PluginFailedError: its init failed, crashed or took too long.

        """
        try:
            self._child.launch()
            if self._meanwhile is not None:
                self._meanwhile()
            loaded, extracting = self._child.started()
        except BaseException:
            self._child.kill()
            raise
        self.columns = tuple(
            _field_info(column["name"], loaded["fields"][column["field"]])
            for column in extracting["columns"]
        )
        self.parses = "parse" in loaded["capabilities"]
        self.codes, ids = tuple(extracting["codes"]), extracting["plugin_ids"]
        self.plugin_ids = None if ids is None else tuple(ids)
        self._encoder = FrameEncoder(codes=self.codes, plugin_ids=self.plugin_ids)
        self._threads = extracting.get("threads")
        self._chosen = (0, len(self.columns))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let the plugin end properly, or end it after an error."""
        if kind is None:
            self._child.close()
        else:
            self._child.kill()

    @property
    def failure(self) -> str | None:
        """The plugin's message when it first failed to extract from an event; None: never."""
        return self._child.failure

    def follow(self, capture: Capture) -> None:
        """Keep the plugin's table of threads, if it has one, by all events of a capture.

        The capture was opened with its lists, and all its events are given to `extract`.
        """
        if self._threads is None:
            return
        from falcokit.capture.state.moments import CaptureState  # noqa: PLC0415 - of few plugins
        from falcokit.runner.extract_frames import threads_frame  # noqa: PLC0415
        from falcokit.runner.thread_changes import ThreadChanges  # noqa: PLC0415

        changes = ThreadChanges(*self._threads)
        state = CaptureState(capture, changes)

        def apply(event: Event) -> None:
            state.apply(event)
            for change in changes.take():
                self._child.send(threads_frame(change))

        self._follow = apply

    def extract(self, events: Iterable[Event]) -> Iterator[tuple[Event, tuple[Value, ...] | None]]:
        """Yield every event in order, with one value for each column; None: not for this plugin.

        Events outside the plugin's event types and sources are not sent to it, nor are damaged
        events. It may be called again for further events; it returns when all of `events` have
        their values, so pass live events in portions.

        Raises:
            PluginFailedError: the plugin crashed or took too long; with the signal and the number
                of the event. Earlier results have been yielded.

        """
        if self._extracting:
            raise RuntimeError("the values of earlier events have not been consumed")
        self._extracting = True
        waiting: deque[tuple[Event, bool]] = deque()
        held = 0
        encode = self._encoder.encode
        try:
            for event in events:
                if self._follow is not None:
                    self._follow(event)
                frame = encode(event)
                if frame is None and not waiting:
                    yield event, None
                    continue
                waiting.append((event, frame is not None))
                held += event.size
                if frame is not None:
                    self._child.send(frame)
                full = len(waiting) >= _MAX_WAITING or held >= _MAX_WAITING_BYTES
                if full or self._child.unsent >= _SEND_BYTES:
                    # Half of it at least: then there is room for a good while.
                    goal = len(waiting) // 2 if full else len(waiting)
                    for answered in self._answered(waiting, goal):
                        held -= answered[0].size
                        yield answered
            yield from self._answered(waiting, 0)
        finally:
            self._child.forget(sum(sent for _, sent in waiting))
            self._extracting = False

    def choose_columns(self, first: int, end: int) -> None:
        """Have values of these columns alone from here on; at first they are all."""
        if (first, end) != self._chosen:
            self._child.send(columns_frame(first, end))
            self._chosen = first, end

    def send(self, frames: bytes) -> None:
        """Send frames of events that were made elsewhere; each gets a row."""
        self._child.send(frames)
        self._child.exchange(None)

    def take_rows(self, count: int, number: int) -> list[tuple[Value, ...] | None]:
        """Return the next `count` rows of frames that were sent, the oldest first.

        `number` is that of the first event. If the plugin fails after some of them, those are
        returned, and the next call raises as `extract`.
        """
        rows: list[tuple[Value, ...] | None] = []
        while len(rows) < count:
            try:
                self._child.exchange(number)
            except PluginFailedError:
                if not rows:
                    raise
                break
            ready = self._child.rows
            rows += [ready.popleft() for _ in range(min(count - len(rows), len(ready)))]
        return rows

    def _answered(
        self, waiting: deque[tuple[Event, bool]], goal: int
    ) -> Iterator[tuple[Event, tuple[Value, ...] | None]]:
        """Yield events that have their values, until no more than `goal` events wait."""
        rows = self._child.rows
        self._child.exchange(None)
        while waiting:
            event, sent = waiting[0]
            if sent and not rows:
                if len(waiting) <= goal:
                    return
                self._child.exchange(event.number)
            else:
                waiting.popleft()
                yield event, rows.popleft() if sent else None


def _field_info(name: str, field: dict[str, Any]) -> FieldInfo:
    return FieldInfo(
        name=name,
        type=str(field["type"]),
        is_list=field.get("isList") is True,
        description=str(field.get("desc") or ""),
    )
