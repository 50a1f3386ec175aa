# SPDX-License-Identifier: Apache-2.0
"""A plugin between init and destroy, driven in this process. Public as `falcokit.testing`."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import queue
import threading
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from falcokit.runtime.base import errors
from falcokit.runtime.base.errors import PluginError
from falcokit.runtime.event.event import Event
from falcokit.testing import _given
from falcokit.testing._library import build_plugin, lend_host, return_host
from falcokit.testing._replay import ReplayedEvent, events_of
from falcokit.testing._source import RunningSource
from falcokit.testing._tables import DictTables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from falcokit.runtime.host.plugin_state import PluginState
    from falcokit.testing._replay import Events

__all__ = ["LogMessage", "RunningPlugin", "host_text", "start_plugin"]

_WAIT_NS: Final = 20_000_000
_LENGTH_AT: Final = 16
_T = TypeVar("_T")

_starting = threading.Lock()  # from naming the class to finding its state


class LogMessage(NamedTuple):
    """One message as the host's log gets it: severity, component (None: the plugin) and text."""

    severity: str
    component: str | None
    text: str


class _EventInput(ctypes.Structure):  # ss_plugin_event_input
    _fields_ = (
        ("event", ctypes.c_char_p),
        ("number", ctypes.c_uint64),
        ("source", ctypes.c_char_p),
    )


class RunningPlugin:
    """A plugin between init and destroy. Made by `start_plugin`.

    Attributes:
        plugin: The instance of the author's class.
        name: Its name.
        logs: What it has logged so far.
        source: The event source that is open.
        plugin_id: Its id.
        fields: The plugin's fields that need no argument.

    """

    host = "process"

    def __init__(
        self, plugin: type[Any], source: str, plugin_id: int, tables: dict[str, Any]
    ) -> None:
        path, meta = build_plugin(plugin)
        self.name: str = meta.name
        self.fields: tuple[str, ...] = tuple(
            field.json.name for field in meta.extract.fields if not field.required
        )
        self.source = source
        self.plugin_id = plugin_id
        self.sources: list[RunningSource] = []
        self._path = str(path).encode()
        self._class = plugin
        self._logs: list[LogMessage] = []
        self._error = ""
        self._metrics: dict[str, float] = {}
        self._raised: dict[str, BaseException] | None = None
        self._calling = threading.RLock()  # as Falco has one thread for the calls of a plugin
        self._reading = threading.Lock()
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._number = 0
        self._capturing = False
        self._engine: threading.Thread | None = None
        self._stop = threading.Event()
        self._host = lend_host()
        self.library = _functions_of(path)
        self._state: PluginState
        self._tables = DictTables(plugin, self._host)
        for name, rows in tables.items():
            self._host.fk_test_add_table(ctypes.byref(self._tables.table(name, rows)))

    @property
    def plugin(self) -> Any:
        """The instance of the author's class."""
        return self._state.plugin

    @property
    def state(self) -> int:
        """What the library knows the plugin by."""
        state: int = self._host.fk_test_state()
        return state

    @property
    def logs(self) -> list[LogMessage]:
        """What it has logged so far."""
        self._read_reports()
        return self._logs

    # ---- calls ----------------------------------------------------------------------------------

    def call(self, function: Callable[[], _T], *hooks: str) -> _T:
        """Call into the library, and raise what one of these hooks raised, or what it says."""
        with self._calling:
            self._read_reports()
            self._error, self._raised = "", {}
            self._tables.list_entries()
            errors.observers.append(self._observe)
            try:
                result = function()
            finally:
                errors.observers.remove(self._observe)
                raised, self._raised = self._raised, None
            self._read_reports()
            for hook in hooks:
                error = raised.get(hook)
                if isinstance(error, Exception):
                    raise error
            if self._error:
                raise PluginError(self._error)
            return result

    def fail(self) -> None:
        """Have the call that is under way fail with the library's last error."""
        self._error = self._host.fk_test_last_error().decode(errors="replace")

    def _observe(self, error: BaseException, hook: str) -> None:
        if (raised := self._raised) is not None:
            raised.setdefault(hook, error)

    def _read_reports(self) -> None:
        with self._reading:
            for line in self._host.fk_test_reports().decode(errors="replace").splitlines():
                report = json.loads(line)
                kind = report["report"]
                if kind == "log":
                    text, component = report["message"], report["component"]
                    self._logs.append(LogMessage(report["severity"], component, text))
                elif kind == "metrics":
                    self._metrics = report["metrics"]
                elif kind in {"error", "extract_failed"}:
                    self._error = self._error or report["message"]

    def take_number(self) -> int:
        """Return the number of the next event."""
        with self._calling:
            self._number += 1
            return self._number

    # ---- its life -------------------------------------------------------------------------------

    def init(self, config: Any) -> None:
        """Make and initialise the plugin."""
        text = host_text(config)
        # The host keeps no copies of these.
        self._kept = (self._path, None if text is None else text.encode(), self.source.encode())
        init = self._host.fk_test_init
        with _starting:
            _given.Given = self._class
            try:
                self.call(lambda: init(*self._kept, self.plugin_id), "init")
            except BaseException:
                self._gone()
                raise
            # The library has Python's side of falcokit loaded by now, and not before.
            from falcokit.runtime.host.callbacks import newest_state  # noqa: PLC0415

            self._state = newest_state()

    def start(self) -> None:
        """Open a capture."""
        self.stop()
        self._capturing = True
        self._stop.clear()
        self._engine = threading.Thread(target=self._deliver, name="falcokit-test", daemon=True)
        self._engine.start()
        try:
            self.call(lambda: self._host.fk_test_set_handler(True), "start_async")
            self.call(lambda: self._host.fk_test_listen(True), "capture_open")
        except BaseException:
            with contextlib.suppress(Exception):  # what failed first is told
                self.stop()
            raise

    def stop(self) -> None:
        """Close the capture; does nothing when none is open."""
        if not self._capturing:
            return
        self._capturing = False
        engine, self._engine = self._engine, None
        self._stop.set()
        if engine is not None:
            engine.join()
        with contextlib.ExitStack() as steps:
            steps.callback(self._host.fk_test_closed)
            steps.callback(self.call, lambda: self._host.fk_test_listen(False), "capture_close")
            steps.callback(self.call, lambda: self._host.fk_test_set_handler(False), "stop_async")

    def destroy(self) -> None:
        """Destroy the plugin."""
        with contextlib.ExitStack() as steps:
            steps.callback(self._gone)
            steps.callback(self.call, self._host.fk_test_destroy, "destroy")
            for source in self.sources:
                steps.callback(source.close)

    def _gone(self) -> None:
        self._host.fk_test_destroy()  # it does nothing to what is destroyed
        self._read_reports()
        return_host(self._host)

    def _deliver(self) -> None:
        """Take the async events as they come: the event loop of this host."""
        stopping = False
        while True:
            at = self._host.fk_test_next(0 if stopping else _WAIT_NS)
            if at:
                length = ctypes.c_uint32.from_address(at + _LENGTH_AT).value
                raw = ctypes.string_at(at, length)
                event = Event.from_bytes(raw, source=self.source, number=self.take_number())
                self.parse(event)
                self._events.put(event)
            elif stopping:
                return
            stopping = self._stop.is_set()

    # ---- what a test asks -----------------------------------------------------------------------

    def parse(self, event: Event) -> None:
        """Let the plugin parse an event when it wants those of this type and source."""
        source = self._source_of(event)
        parse = self._host.fk_test_parse
        with self._calling:
            self._tables.list_entries()
            parse(event.raw, event.number, source)

    def _source_of(self, event: Event) -> bytes:
        return (self.source if event.source is None else event.source).encode()

    def extract(self, field: str, event: Event) -> Any:
        """Return the value of a field, such as "x.name" or "x.header[host]", for an event.

        As a host shows it: numbers, text, bool; times in ns, addresses as text, lists of those;
        None where there is no value, also for an event of another type or source.

        Raises:
            LookupError: the plugin has no such field.
            ValueError: the argument is not one that the field takes.
            TypeError: the method returned something else than its annotation says.
            Exception: what the method raises; in Falco there is no value then.

        """
        source = self._source_of(event)

        def ask() -> bytes | None:
            value: bytes | None = self._host.fk_test_extract(
                field.encode(), event.raw, event.number, source
            )
            if value is None:
                self._read_reports()
                said, self._error = self._error, ""
                raise (LookupError if "has no field" in said else ValueError)(said)
            return value

        value = self.call(ask, f"field {field.partition('[')[0]}")
        return json.loads(value or b"null")

    def replay(self, events: Events, fields: Iterable[str] | None = None) -> list[ReplayedEvent]:
        """Let the plugin parse each event, and return it with the values of its fields.

        Args:
            events: A capture file, or events.
            fields: Such as "x.name" or "x.header[host]"; None: all that need no argument.

        Raises:
            Exception: what `extract` raises.
            CaptureError: the file is not a capture, or is damaged.

        """
        wanted = self.fields if fields is None else tuple(fields)
        stored = isinstance(events, (str, os.PathLike))
        rows = []
        for event in events_of(events, {0: "syscall", self.plugin_id: self.source}):
            given = event.replace(source="") if event.source is None and stored else event
            self.parse(given)
            values = ((name, self.extract(name, given)) for name in wanted)
            found = {name: value for name, value in values if value is not None}
            rows.append(ReplayedEvent(event, found))
        return rows

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
        text = host_text(params)
        raw = None if text is None else text.encode()
        answer = ctypes.c_int(-1)

        def open_it() -> int:
            handle: int = self.library.plugin_open(self.state, raw, ctypes.byref(answer))
            if answer.value:
                self.fail()
            return handle

        handle = self.call(open_it, "open")
        opened = self._state.sources
        source = RunningSource(self, opened[next(reversed(opened))], handle)
        self.sources.append(source)
        return source

    def list_open_params(self) -> list[dict[str, str]]:
        """Return the open params to choose from, as the framework reads them."""
        if not hasattr(self.library, "plugin_list_open_params"):
            return []
        answer = ctypes.c_int(-1)

        def ask() -> bytes | None:
            text: bytes | None = self.library.plugin_list_open_params(
                self.state, ctypes.byref(answer)
            )
            if answer.value:
                self.fail()
            return text

        found: list[dict[str, str]] = json.loads(self.call(ask, "list_open_params") or b"[]")
        return found

    def event_to_string(self, event: Event) -> str:
        """Return the plugin's text for an event.

        Raises:
            NotImplementedError: the plugin has no event_to_string, so Falco shows the bytes.

        """
        if not hasattr(self.library, "plugin_event_to_string"):
            raise NotImplementedError(f"plugin {self.name!r} has no event_to_string")
        given = _EventInput(event.raw, event.number, self._source_of(event))

        def ask() -> bytes | None:
            text: bytes | None = self.library.plugin_event_to_string(
                self.state, ctypes.byref(given)
            )
            if text is None:
                self.fail()
            return text

        return (self.call(ask, "event_to_string") or b"").decode(errors="surrogateescape")

    def dump_state(self) -> list[Event]:
        """Dump the state as for a capture file, and return the events written."""
        size = ctypes.c_size_t()

        def dump() -> bytes:
            at = self._host.fk_test_dump(ctypes.byref(size))
            return ctypes.string_at(at, size.value) if size.value else b""

        raw, found = self.call(dump, "dump_state"), []
        while raw:
            event = Event.from_bytes(raw, number=self.take_number())
            source = {self.plugin_id: self.source, 0: "syscall"}.get(event.plugin_id)
            found.append(Event.from_bytes(event.raw, source=source, number=event.number))
            raw = raw[len(event.raw) :]
        return found

    def set_config(self, config: Any) -> None:
        """Offer another config, as text or as what JSON makes of it."""
        text = config if isinstance(config, str) else json.dumps(config)
        self.call(lambda: self._host.fk_test_set_config(text.encode()), "set_config")

    def metrics(self) -> dict[str, float]:
        """Return the plugin's metrics by name, as Falco gets them."""
        self._metrics = {}
        self.call(self._host.fk_test_metrics, "get_metrics")
        return self._metrics


def host_text(value: Any) -> str | None:
    """Return a config or open params as a host gets them: text as it is, all else as JSON."""
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _functions_of(path: Any) -> ctypes.CDLL:
    library = ctypes.CDLL(str(path))
    pointer, text = ctypes.c_void_p, ctypes.c_char_p
    for name, result, arguments in (
        ("open", pointer, 3), ("close", None, 2), ("next_batch", ctypes.c_int, 4),
        ("get_progress", text, 3), ("list_open_params", text, 2), ("event_to_string", text, 2),
    ):  # fmt: skip
        function = getattr(library, f"plugin_{name}", None)
        if function is not None:
            function.restype, function.argtypes = result, [pointer] * arguments
    return library


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
        FalcokitError: the class is wrong, or there is no compiler.

    """
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
