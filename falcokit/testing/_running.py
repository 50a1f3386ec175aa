# SPDX-License-Identifier: Apache-2.0
"""A plugin between init and destroy, driven in this process. Public as `falcokit.testing`."""

from __future__ import annotations

import contextlib
import json
import queue
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from falcokit.runtime.async_event.capability import AsyncEventHandler, AsyncEvents
from falcokit.runtime.async_event.producers import declared_producers
from falcokit.runtime.base.errors import EventRefusedError, TableError
from falcokit.runtime.base.logs import current, install_once
from falcokit.runtime.host.plugin_state import PluginState
from falcokit.runtime.listen.capability import CaptureListening
from falcokit.testing._delivery import Delivery
from falcokit.testing._fields import InProcessFields
from falcokit.testing._handler import InProcessHandler
from falcokit.testing._listening import InProcessRoutines
from falcokit.testing._producers import InProcessProducers
from falcokit.testing._source import RunningSource
from falcokit.testing._store import StoredEntry, StoredTable, new_table
from falcokit.testing._tables import DictTables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from falcokit.runtime.event.event import AsyncEvent, Event
    from falcokit.runtime.tables.exported_table import Shape

__all__ = ["LogMessage", "RunningPlugin", "start_plugin"]

_SEVERITIES = ("", "fatal", "critical", "error", "warning", "notice", "info", "debug", "trace")


class LogMessage(NamedTuple):
    """One message as the host's log gets it: severity, component (None: the plugin) and text."""

    severity: str
    component: str | None
    text: str


class RunningPlugin(InProcessRoutines, InProcessFields, InProcessProducers):
    """A plugin between init and destroy. Made by `start_plugin`.

    Attributes:
        plugin: The instance of the author's class.
        name: Its name.
        logs: What it has logged so far.
        refused: Emissions that raised, by reason.

    """

    def __init__(
        self, plugin: type[Any], source: str, plugin_id: int, tables: dict[str, Any]
    ) -> None:
        super().__init__()
        self.name: str = getattr(plugin, "name", plugin.__name__.lower())
        self.source = source
        self.plugin_id = plugin_id
        self.logs: list[LogMessage] = []
        self.refused: dict[str, int] = {}
        self.delivery = Delivery()
        self.async_events = {
            *getattr(plugin, "async_events", ()),
            *(p.event for p in declared_producers(plugin)),
        }
        self._class = plugin
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._dumped: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._handler: InProcessHandler | None = None
        self._number = 0
        self._exported: set[str] = set()
        self._listens = False
        self._parser: Any = None
        self._tables = DictTables(tables)
        self.list_tables = self._tables.list_tables
        self.import_table = self._tables.import_table
        self._lock = threading.Lock()
        self._state = PluginState(self.name, "", self)

    @property
    def plugin(self) -> Any:
        """The instance of the author's class."""
        return self._state.plugin

    # What PluginState asks of its host.

    def log(self, severity: int, component: str | None, text: str) -> None:
        """Keep one message."""
        self.logs.append(LogMessage(_SEVERITIES[severity], component, text))

    def emitter(self, dump: bool) -> AsyncEventHandler:  # as the C method
        """Make the handler of a capture or a dump."""
        handler = InProcessHandler(self, self._dumped if dump else self._events, dump=dump)
        if not dump:
            self._handler = handler
        return handler

    def export_table(self, name: str, make_shape: Callable[[type, type], Shape], /) -> object:
        """Make a table that nobody else sees."""
        if name in self._exported:
            raise TableError(f"table {name!r} cannot be exported: there is one of that name")
        self._exported.add(name)
        return new_table(name, make_shape(StoredTable, StoredEntry))

    def bind(self, plugin: Any, extraction_failed: Any) -> None:
        """Find nothing: `extract` does."""

    def set_parser(self, *parser: Any) -> None:
        """Keep what parses events: the function, what it calls when it fails, codes, sources."""
        self._parser = parser

    def close(self) -> None:
        """Nothing to let go of here."""

    # What a handler asks.

    def take_number(self) -> int:
        """Return the number of the next event."""
        with self._lock:
            self._number += 1
            return self._number

    def check_source(self, event: AsyncEvent) -> None:
        """Refuse what the framework refuses for the open event source."""
        sources = self._class.async_event_sources
        if sources and self.source not in sources:
            raise EventRefusedError(
                f"async events of plugin {self.name!r} are not compatible with the open event"
                f" source {self.source!r}"
            )
        if self.plugin_id and event.tid not in {None, -1}:
            raise EventRefusedError("a plugin's event source takes no thread id")

    def parse(self, event: Event) -> None:
        """Let the plugin parse an event when it wants those of this type and source."""
        if self._parser is None:
            return
        function, failed, codes, sources = self._parser
        if event.type not in codes or (sources and event.source not in sources):
            return
        token = current.set(self._state)
        try:
            with self._tables.during():
                function(event)
        except Exception as e:  # noqa: BLE001  # the framework goes on too
            failed(e)
        finally:
            current.reset(token)

    # What a test asks.

    def init(self, config: Any) -> None:
        """Make and initialise the plugin."""
        text = config if isinstance(config, str) else json.dumps(config or {})
        with self._tables.during(init=True):
            self._state.init(self._class, text)

    def start(self) -> None:
        """Open a capture."""
        self.stop()
        if issubclass(self._class, AsyncEvents):
            try:
                self._state.start()
            except BaseException:
                self._close()
                raise
        if issubclass(self._class, CaptureListening):
            self._listens = True
            try:
                with self._tables.during():
                    self._state.capture_open()
            except BaseException:
                self.stop()
                raise
            self.start_routines()

    def _close(self) -> None:
        if (handler := self._handler) is not None:
            handler.close()
        self._handler = None

    def stop(self) -> None:
        """Close the capture; does nothing when none is open."""
        try:
            if self._handler is not None:
                self._state.stop()
        finally:
            self._close()
            listens, self._listens = self._listens, False
            if listens:
                with self._tables.during():
                    self._state.capture_close()

    def destroy(self) -> None:
        """Destroy the plugin."""
        self._state.destroy()

    def next_event(self, timeout: float = 5.0) -> Event:
        """Return the next event of the stream.

        Raises:
            TimeoutError: none came within `timeout` seconds; the text has what was logged.

        """
        try:
            return self._events.get(timeout=timeout)
        except queue.Empty:
            said = "; ".join(m.text for m in self.logs[-3:]) or "nothing was logged"
            raise TimeoutError(f"no event within {timeout} s ({said})") from None

    def open(self, params: Any = None) -> RunningSource:
        """Open the event source: params as text, None, or as what JSON makes of it.

        Close what it returns, or use it in a with statement; destroy closes it too.
        """
        given = params is None or isinstance(params, str)
        return RunningSource(self, self._state.open(params if given else json.dumps(params)))

    def close_source(self, key: int) -> None:
        """Close an event source, if it is open."""
        if key in self._state.sources:
            self._state.close(key)

    def list_open_params(self) -> list[dict[str, str]]:
        """Return the open params to choose from, as the framework reads them."""
        found: list[dict[str, str]] = json.loads(self._state.list_open_params())
        return found

    def event_to_string(self, event: Event) -> str:
        """Return the plugin's text for an event."""
        return self._state.event_to_string(event)

    def dump_state(self) -> list[Event]:
        """Dump the state as for a capture file, and return the events written."""
        self._state.dump()
        return list(_drain(self._dumped))

    def set_config(self, config: Any) -> None:
        """Offer another config, as text or as what JSON makes of it."""
        self._state.set_config(config if isinstance(config, str) else json.dumps(config))

    def metrics(self) -> dict[str, float]:
        """Return the plugin's own metrics by name."""
        return {name: value for name, _, _, value in self._state.metrics()}


def _drain(events: queue.SimpleQueue[Event]) -> Iterator[Event]:
    while True:
        try:
            yield events.get_nowait()
        except queue.Empty:
            return


@contextlib.contextmanager
def start_plugin(
    plugin: type[Any],
    config: Any = None,
    *,
    source: str | None = None,
    plugin_id: int | None = None,
    capture: bool = True,
    tables: dict[str, dict[Any, dict[str, Any]]] | None = None,
) -> Iterator[RunningPlugin]:
    """Run a plugin class: init and start on entry, stop and destroy on exit.

    Args:
        plugin: The class.
        config: Its init config: what JSON can hold, or a text as Falco passes it.
        source: The event source that is open; None: the plugin's own, or "syscall".
        plugin_id: Its id, 0 for "syscall"; None: the plugin's own, or 0.
        capture: Whether to open a capture at once; else `start` does.
        tables: What it can import: entries by key, values by field, for each table; a nested table
            is such a dict too. The plugin changes these dicts.

    Raises:
        Exception: what a hook raises.

    """
    install_once()
    if source is None:
        source = getattr(plugin, "event_source", "") or "syscall"
    if plugin_id is None:
        plugin_id = getattr(plugin, "plugin_id", 0)
    running = RunningPlugin(plugin, source, plugin_id, tables or {})
    running.init(config)
    try:
        try:
            if capture:
                running.start()
            yield running
        finally:
            running.stop()
    finally:
        running.destroy()
