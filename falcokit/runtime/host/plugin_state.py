# SPDX-License-Identifier: Apache-2.0
"""One plugin state: an instance of the author's class between init and destroy, and its capture.

    loaded -init-> ready -start-> capturing -stop-> ready ... -destroy-> gone
    dump_state and set_config are possible in ready and capturing.

Modules for a single capability are imported only when it is used, since each slows down every init.

All methods except `metrics` and `parse_failed` run on the state's own worker thread.
"""

from __future__ import annotations

import functools
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from falcokit.runtime.async_event.capability import AsyncEvents
from falcokit.runtime.async_event.producers import Producers, declared_producers, place_of
from falcokit.runtime.base.closing import Closing, follow, scope
from falcokit.runtime.base.config import config_type, decode_config
from falcokit.runtime.base.errors import PluginError, format_error, format_hook_error, is_whole
from falcokit.runtime.base.logs import current, loggable, targets, whole_trace
from falcokit.runtime.base.metrics import checked
from falcokit.runtime.parse.capability import EventParsing, wanted_events
from falcokit.runtime.tables.tables import bind_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from _falcokit_hot import Link

    from falcokit.runtime.async_event.producers import Producer
    from falcokit.runtime.async_event.supervision import ProducerState, Supervision
    from falcokit.runtime.base.counters import Counters
    from falcokit.runtime.event.event import Event
    from falcokit.runtime.listen.routines import Routines
    from falcokit.runtime.source.open_source import OpenSource

__all__ = ["PluginState"]

_ERROR, _WARNING, _DEBUG = 3, 4, 7
_NO_CONFIG = frozenset({"", "{}", "null"})
_UNUSED_CONFIG = (
    "the init_config is ignored, since this plugin declares none (the class declares one by"
    " annotating `config`)"
)
_LOG_MAX = 1 << 16  # characters of one message: the host copies it several times
_REPEAT_SECONDS = 60.0  # interval at which a repeated error is logged again
_REPEATED_MAX = 100
_HELPERS_SECONDS = 3.0  # of the 5 s that destroy may take


class PluginState:
    """The state behind an ss_plugin_t."""

    def __init__(self, name: str, source_dir: str, host: Link) -> None:
        self.name = name
        self.source_dir = source_dir
        self.host = host
        self._plugin: Any = None
        self._config_type: type | None = None
        self.capturing = False  # from before start_async to before stop_async
        self.closing = Closing()  # of the capture, or of the source if there are no async events
        self._source_closing: dict[int, Closing] = {}  # of open sources, by key
        self._producers: Producers | None = None
        self._supervised: list[tuple[Producer, Supervision]] = []
        self.sources: dict[int, OpenSource] = {}  # open event sources, by key
        self._routines: Routines | None = None
        self._thread = threading.current_thread()
        self._repeated: dict[object, float] = {}
        self._counters: dict[str, Counters] = {}
        self._helpers: list[threading.Thread] = []
        self.on_destroy: Callable[[], None] = _nothing

    @property
    def plugin(self) -> Any:
        """The instance of the author's class."""
        return self._plugin

    def init(self, plugin: type[Any], config: str) -> None:
        """Make the instance, with its config, and call the author's init."""
        targets.append(self)
        current.set(self)
        try:
            self._config_type = config_type(plugin)
            if "name" not in vars(plugin):
                plugin.name = self.name  # not set by the class: it comes from pyproject.toml
            value = decode_config(self._config_type, config)
            if self._config_type is None and config.strip() not in _NO_CONFIG:
                self.write_log(_WARNING, None, _UNUSED_CONFIG)
            self._plugin = object.__new__(plugin)
            self._plugin.config = value  # set before the author's __init__ runs
            follow(self._plugin, self.closing)
            self._export_tables(plugin)
            bind_tables(self._plugin, self.host)
            self._plugin.__init__()
            self._plugin.init()
            self.host.bind(self._plugin, self.extraction_failed)
            if isinstance(self._plugin, EventParsing):
                codes, sources = wanted_events(self._plugin)
                self.host.set_parser(self._plugin.parse_event, self.parse_failed, codes, sources)
            self._supervise(plugin)
        except BaseException:
            targets.remove(self)
            raise

    def _export_tables(self, plugin: type[Any]) -> None:
        if "falcokit.runtime.tables.exported_table" not in sys.modules:
            return  # no class can have declared a table
        from falcokit.runtime.tables.exported_table import exported_tables, make_shape  # noqa: PLC0415

        for attribute, declared in exported_tables(plugin).items():
            shape = functools.partial(make_shape, declared)
            vars(self._plugin)[attribute] = self.host.export_table(declared.name, shape)

    def _supervise(self, plugin: type[Any]) -> None:
        declared = declared_producers(plugin)
        if not declared:
            return
        from falcokit.runtime.async_event.supervision import Supervision, metric_labels  # noqa: PLC0415

        self.host.set_producers(tuple(metric_labels(declared)), self.producer_states)
        for index, producer in enumerate(declared):
            producer.interval(self._plugin.config)  # or init fails
            publish = functools.partial(self.host.set_producer, index)
            self._supervised.append((producer, Supervision(producer, publish)))

    def producer_states(self) -> tuple[ProducerState, ...]:
        """Return the state of each decorated producer, from any thread."""
        return tuple(supervision.state for _, supervision in self._supervised)

    def destroy(self) -> None:
        """Call the author's destroy; the state is destroyed even if it raises."""
        self.closing.set()
        try:
            for key in list(self.sources):
                self.close(key)
            self._plugin.destroy()
        finally:
            targets.remove(self)
            self._await_helpers()

    def keep(self, helper: threading.Thread) -> None:
        """Have `destroy` wait for a thread that nobody else waits for."""
        self._helpers = [*(each for each in self._helpers if each.is_alive()), helper]

    def _await_helpers(self) -> None:
        """Wait a while: a host that exits then must not find them within a C library, as OpenSSL.

        That gives back its memory when the process exits, and a thread that uses it crashes.
        """
        deadline = time.monotonic() + _HELPERS_SECONDS
        for helper in self._helpers:
            helper.join(max(0.0, deadline - time.monotonic()))

    def set_config(self, text: str) -> None:
        """Pass a new config to the author."""
        value = decode_config(self._config_type, text)
        for producer, _ in self._supervised:
            producer.interval(value)  # refuses it
        self._plugin.set_config(value)
        self._plugin.config = value

    def open(self, params: str | None) -> OpenSource:
        """Open the event source."""
        from falcokit.runtime.source.open_source import OpenSource  # noqa: PLC0415

        beside = bool(self.sources) or isinstance(self._plugin, AsyncEvents)
        closing = Closing() if beside else self._begin()
        token = scope.set(closing)
        try:
            opened = OpenSource(self, params)
        except BaseException:
            closing.set()
            raise
        finally:
            scope.reset(token)
        self.sources[opened.key] = opened
        self._source_closing[opened.key] = closing
        return opened

    def close(self, key: int) -> None:
        """Close it."""
        self._source_closing.pop(key).set()
        self.sources.pop(key).close()

    def _begin(self) -> Closing:
        """Return what the work of a capture that opens waits on: that of the last one is set."""
        if self.closing.is_set():
            self.closing = Closing()
            follow(self._plugin, self.closing)
        return self.closing

    def list_open_params(self) -> str:
        """Return the author's suggested open params, as JSON."""
        from falcokit.runtime.source.open_source import open_params_json  # noqa: PLC0415

        return open_params_json(self._plugin)

    def event_to_string(self, event: Event) -> str:
        """Return the author's text for an event."""
        token = current.set(self)
        try:
            text = self._plugin.event_to_string(event)
        finally:
            current.reset(token)
        if not isinstance(text, str):
            raise TypeError(f"event_to_string returned {type(text).__name__}, not str")
        return text

    def start(self) -> None:
        """Open a capture: start_async, then the decorated producers."""
        handler = self.host.emitter(False)
        scope.set(self._begin())
        self.capturing = True
        try:
            self._plugin.start_async(handler)
        except BaseException:
            self.capturing = False
            self.closing.set()
            raise
        self._producers = Producers(self._plugin, handler, self)
        try:
            self._producers.start(self._supervised)
        except BaseException:
            try:
                self.stop()
            except Exception as e:  # noqa: BLE001  # the host gets the first error
                self.write_failure(e, format_error(e, "stop_async"))
            raise

    def stop(self) -> None:
        """Close it: end stop_async and every producer, even if one of them fails."""
        self.capturing = False
        self.closing.set()
        producers, self._producers = self._producers, None
        try:
            self._plugin.stop_async()
        finally:
            if producers is not None:
                producers.stop()
            for _, supervision in self._supervised:
                supervision.stopped()

    def dump(self) -> None:
        """Let the author dump the state."""
        self._plugin.dump_state(self.host.emitter(True))

    def capture_open(self) -> None:
        """Call the author's capture_open, in which routines can be subscribed."""
        from falcokit.runtime.listen.routines import Routines  # noqa: PLC0415

        self._routines = routines = Routines(self.host, self)
        try:
            self._plugin.capture_open(routines.capture)
            routines.opening = False
        except BaseException:
            self._routines = None
            routines.close()
            raise

    def capture_close(self) -> None:
        """Notify the routines and the author that it closes, and wait for the routines."""
        routines, self._routines = self._routines, None
        if routines is None:
            return
        routines.announce_closing()
        try:
            self._plugin.capture_close(routines.capture)
        finally:
            routines.close()

    def parse_failed(self, error: BaseException) -> str:
        """Log why parse_event failed, which the framework does not, and return it."""
        text = format_error(error, "parse_event")
        self.write_repeated(error, text, "parse_event")
        return loggable(text)

    def extraction_failed(self, name: str, error: BaseException, method: Any) -> str:
        """Log why a field has no value, and return it for the last error."""
        text = format_hook_error(error, f"field {name}", method)
        self.write_repeated(error, text, name)
        return loggable(text)

    def metrics(self) -> Iterator[tuple[str, int, int, float]]:
        """Yield the author's metrics as name, kind, value type and value.

        Raises:
            PluginError: one is of an unknown type, or does not fit its own.

        """
        for counters in list(self._counters.values()):
            for metric in counters.metrics():
                yield checked(metric)
        token = current.set(self)
        try:
            for metric in self._plugin.get_metrics():
                yield checked(metric)
        finally:
            current.reset(token)

    def counters(self, prefix: str) -> Counters:
        """Return the numbers of that prefix, which are among the metrics from now on."""
        from falcokit.runtime.base.counters import Counters  # noqa: PLC0415  # most have no tool

        found = self._counters.setdefault(prefix, Counters(prefix))
        self.host.show_metrics()
        return found

    def metrics_failed(self, error: BaseException) -> None:
        """Log why the author's metrics are missing."""
        text = format_hook_error(error, "get_metrics", self._plugin.get_metrics)
        self.write_repeated(error, text, "get_metrics")

    def write_log(self, severity: int, component: str | None, text: str) -> None:
        """Write to the host's log, without NUL and halves of surrogate pairs."""
        more = len(text) - _LOG_MAX
        if more > 0:
            text = f"{text[:_LOG_MAX]}… ({more} more characters)"
        self.host.log(severity, component and loggable(component), loggable(text))

    def write_error(self, text: str) -> None:
        """Write an error to the host's log."""
        self.write_log(_ERROR, None, text)

    def write_trace(self, error: BaseException) -> None:
        """Log the full traceback at debug level, if the logged error does not show all of it."""
        if isinstance(error, PluginError) or is_whole(error):
            return
        self.write_log(_DEBUG, None, whole_trace(error))

    def write_failure(self, error: BaseException, text: str) -> None:
        """Log an error that ended something, and its traceback."""
        self.write_error(text)
        self.write_trace(error)

    def write_repeated(self, error: BaseException, text: str, what: str = "") -> None:
        """Log an error of a hot path: one a minute for each hook, line and type."""
        if self.is_news(error, what):
            self.write_failure(error, text)

    def is_news(self, error: BaseException, what: str = "") -> bool:
        """Return whether no error of this line and type was logged within the last minute."""
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        key = (what, type(error), trace and trace.tb_frame.f_code, trace and trace.tb_lineno)
        now = time.monotonic()
        if now - self._repeated.get(key, -_REPEAT_SECONDS) < _REPEAT_SECONDS:
            return False
        if len(self._repeated) >= _REPEATED_MAX:
            self._repeated.clear()
        self._repeated[key] = now
        return True

    def where(self) -> str:
        """Return the line at which the worker thread is."""
        return place_of(self._thread).removeprefix("at ")


def _nothing() -> None:
    return None
