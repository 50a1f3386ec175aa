# SPDX-License-Identifier: Apache-2.0
"""One plugin state: an instance of the author's class between init and destroy, and its capture.

    loaded -init-> ready -start-> capturing -stop-> ready ... -destroy-> gone
    dump_state and set_config are possible in ready and capturing.

What one capability alone needs is imported when that is used: each module costs every init time.

Used by `_bridge` for the host, and by `falcokit.testing` without one. All methods but `metrics` and
`parse_failed` run on the state's own worker thread.
"""

from __future__ import annotations

import functools
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from falcokit.runtime.async_event.producers import Producers, declared_producers, place_of
from falcokit.runtime.base.config import config_type, decode_config
from falcokit.runtime.base.errors import PluginError, is_whole, tell, tell_of
from falcokit.runtime.base.logs import current, loggable, targets
from falcokit.runtime.base.metrics import checked
from falcokit.runtime.parse.capability import EventParsing, wanted_events
from falcokit.runtime.tables.tables import bind_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from falcokit.runtime.async_event.producers import Producer
    from falcokit.runtime.async_event.supervision import ProducerState, Supervision
    from falcokit.runtime.event.event import Event
    from falcokit.runtime.host.link import Host
    from falcokit.runtime.listen.routines import Routines
    from falcokit.runtime.source.open_source import OpenSource

__all__ = ["PluginState"]

_ERROR, _WARNING, _DEBUG = 3, 4, 7
_NO_CONFIG = frozenset({"", "{}", "null"})
_UNUSED_CONFIG = (
    "an init_config is given, and this plugin has none: it is ignored (the class declares one by"
    " annotating `config`)"
)
_LOG_MAX = 1 << 16  # characters of one message: the host copies it several times
_REPEAT_SECONDS = 60.0  # an error that repeats is logged so often
_REPEATED_MAX = 100
_TRACE_MAX = 100  # frames of a whole traceback, the innermost ones


class PluginState:
    """The state behind an ss_plugin_t."""

    def __init__(self, name: str, source_dir: str, host: Host) -> None:
        self.name = name
        self.source_dir = source_dir
        self.host = host
        self._plugin: Any = None
        self._config_type: type | None = None
        self.capturing = False  # from before start_async to before stop_async
        self._producers: Producers | None = None
        self._supervised: list[tuple[Producer, Supervision]] = []
        self.sources: dict[int, OpenSource] = {}  # open event sources, by key
        self._routines: Routines | None = None
        self._thread = threading.current_thread()
        self._repeated: dict[object, float] = {}

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
                plugin.name = self.name  # left out: it came from pyproject
            value = decode_config(self._config_type, config)
            if self._config_type is None and config.strip() not in _NO_CONFIG:
                self.write_log(_WARNING, None, _UNUSED_CONFIG)
            self._plugin = object.__new__(plugin)
            self._plugin.config = value  # there before the author's __init__ runs
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
            return  # nobody can have declared any
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
            publish = functools.partial(self.host.set_producer, index)
            self._supervised.append((producer, Supervision(producer, publish)))

    def producer_states(self) -> tuple[ProducerState, ...]:
        """Return the state of each decorated producer, from any thread."""
        return tuple(supervision.state for _, supervision in self._supervised)

    def destroy(self) -> None:
        """Call the author's destroy; the state is gone whatever it does."""
        try:
            for key in list(self.sources):
                self.close(key)
            self._plugin.destroy()
        finally:
            targets.remove(self)

    def set_config(self, text: str) -> None:
        """Offer the author another config."""
        value = decode_config(self._config_type, text)
        self._plugin.set_config(value)
        self._plugin.config = value

    def open(self, params: str | None) -> OpenSource:
        """Open the event source."""
        from falcokit.runtime.source.open_source import OpenSource  # noqa: PLC0415

        opened = OpenSource(self, params)
        self.sources[opened.key] = opened
        return opened

    def close(self, key: int) -> None:
        """Close it."""
        self.sources.pop(key).close()

    def list_open_params(self) -> str:
        """Return the author's open params to choose from, as JSON."""
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
        self.capturing = True
        try:
            self._plugin.start_async(handler)
        except BaseException:
            self.capturing = False
            raise
        self._producers = Producers(self._plugin, handler, self)
        try:
            self._producers.start(self._supervised)
        except BaseException:
            try:
                self.stop()
            except Exception as e:  # noqa: BLE001  # what failed first is what the host is told
                self.write_failure(e, tell(e, "stop_async"))
            raise

    def stop(self) -> None:
        """Close it: stop_async and every producer, each whatever the other does."""
        self.capturing = False
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
        """Let the author listen to a capture, and subscribe routines to it."""
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
        """Tell the routines and the author that it closes, and wait for the routines."""
        routines, self._routines = self._routines, None
        if routines is None:
            return
        routines.tell_closing()
        try:
            self._plugin.capture_close(routines.capture)
        finally:
            routines.close()

    def parse_failed(self, error: BaseException) -> str:
        """Log why parse_event failed, which the framework does not, and return it."""
        text = tell(error, "parse_event")
        self.write_repeated(error, text, "parse_event")
        return loggable(text)

    def extraction_failed(self, name: str, error: BaseException, method: Any) -> str:
        """Log why a field has no value, and return it for the last error."""
        text = tell_of(error, f"field {name}", method)
        self.write_repeated(error, text, name)
        return loggable(text)

    def metrics(self) -> Iterator[tuple[str, int, int, float]]:
        """Yield the author's metrics as name, kind, value type and value.

        Raises:
            PluginError: one is of an unknown type, or does not fit its own.

        """
        token = current.set(self)
        try:
            for metric in self._plugin.get_metrics():
                yield checked(metric)
        finally:
            current.reset(token)

    def metrics_failed(self, error: BaseException) -> None:
        """Log why there are none of the author's metrics."""
        text = tell_of(error, "get_metrics", self._plugin.get_metrics)
        self.write_repeated(error, text, "get_metrics")

    def write_log(self, severity: int, component: str | None, text: str) -> None:
        """Write to the host's log, where NUL and half a surrogate pair cannot be."""
        more = len(text) - _LOG_MAX
        if more > 0:
            text = f"{text[:_LOG_MAX]}… ({more} more characters)"
        self.host.log(severity, component and loggable(component), loggable(text))

    def write_error(self, text: str) -> None:
        """Write an error to the host's log."""
        self.write_log(_ERROR, None, text)

    def write_trace(self, error: BaseException) -> None:
        """Write the whole traceback for who looks closer, where the told error is not all of it."""
        if isinstance(error, PluginError) or is_whole(error):
            return
        import traceback  # noqa: PLC0415

        text = "".join(traceback.format_exception(error, limit=-_TRACE_MAX)).rstrip()
        self.write_log(_DEBUG, None, text)

    def write_failure(self, error: BaseException, text: str) -> None:
        """Write an error that ended something, and what else there is to know."""
        self.write_error(text)
        self.write_trace(error)

    def write_repeated(self, error: BaseException, text: str, what: str = "") -> None:
        """Write an error of a hot path: of those of one hook, line and type, one a minute."""
        if self.is_news(error, what):
            self.write_failure(error, text)

    def is_news(self, error: BaseException, what: str = "") -> bool:
        """Tell whether none of this line and type was written within the last minute."""
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
        """Say at which line the worker thread is."""
        return place_of(self._thread).removeprefix("at ")
