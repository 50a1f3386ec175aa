# SPDX-License-Identifier: Apache-2.0
"""One open event source: the object that the author's `open` returned, and the thread reading it.

Opened and closed on the state's worker thread. An iterator has its own thread from its first step,
when the host asks for the first events, until it is closed.
"""

from __future__ import annotations

import contextvars
import time
from typing import TYPE_CHECKING, Any, Final

from falcokit.runtime.async_event.producers import place_of
from falcokit.runtime.base.annotations import evaluate_annotation, own_annotations
from falcokit.runtime.base.closing import scope
from falcokit.runtime.base.config import decode_json
from falcokit.runtime.base.errors import (
    InvalidEventError,
    PluginError,
    QueueFullError,
    SourceClosedError,
    WorkCancelledError,
    format_error,
)
from falcokit.runtime.base.logs import loggable
from falcokit.runtime.base.stack import OwnThread
from falcokit.runtime.source.event_queue import EventQueue

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from falcokit.runtime.host.plugin_state import PluginState

__all__ = ["OpenSource", "open_params_json", "params_type"]

_WARNING: Final = 4
_PROGRESS_FULL: Final = 10_000
_STOP_SECONDS: Final = 4.0  # one less than the host waits, which leaves time to report the reason
_GRACE_SECONDS: Final = 0.5  # before close() is called although the iterator is still running


def params_type(plugin: type[Any]) -> Any:
    """Return the annotation of `params` in the author's `open`; None: it has none.

    Raises:
        NameError: the annotation uses a name that the module does not define.

    """
    function = plugin.open
    code = getattr(function, "__code__", None)
    name = code.co_varnames[1] if code is not None and code.co_argcount > 1 else "params"
    return evaluate_annotation(own_annotations(function).get(name), function)


def _decoded(plugin: Any, name: str, text: str | None) -> Any:
    kind = params_type(type(plugin))
    if kind is str:
        return text or ""
    if kind is None or kind is Any or kind == str | None:
        return text
    try:
        return decode_json(kind, text or "", "open params")
    except PluginError as e:  # a host names the plugin when init failed, but not when open failed
        raise PluginError(f"plugin {name}: {e}") from e.__cause__


class OpenSource:
    """An event source between open and close.

    Attributes:
        instance: The object that the author's `open` returned.
        queue: The queue in which its events wait for the host.
        key: The queue's key, which identifies the framework's instance.
        error: The error that ended it.

    """

    def __init__(self, state: PluginState, params: str | None) -> None:
        self._state = state
        self._plugin = state.plugin
        self.error: BaseException | None = None
        self.instance = self._plugin.open(_decoded(self._plugin, state.name, params))
        self._stop: Callable[[], None] = _nothing
        run = self._find()
        whole, size = self._plugin.plugin_id == 0, self._plugin.max_event_size
        try:
            self.key: int = self.queue.attach(whole, size, self._log_dropped)
        except ValueError as e:
            raise PluginError(f"open: {e}") from None
        self._thread: threading.Thread | None = None
        if run is not None:
            context = contextvars.copy_context()
            thread = OwnThread(
                target=context.run, args=(self._run, run), name="event source", daemon=True
            )
            try:
                thread.start()
            except RuntimeError:
                self.close()  # the host does not close it: for the host it was never open
                raise
            self._thread = thread

    def _find(self) -> Callable[[], None] | None:
        """Set `queue`, and return the function that fills it; None: the author fills it."""
        given = self.instance
        if isinstance(given, EventQueue):
            self.queue = given
            return None
        kind = type(given)
        is_async = hasattr(kind, "__aiter__")
        if not is_async and (not hasattr(kind, "__iter__") or isinstance(given, (str, bytes))):
            hint = "an iterator, an async iterator, an EventQueue, or an object with __iter__"
            raise PluginError(f"open returned {kind.__name__}, but must return {hint}")
        iterator = kind.__aiter__(given) if is_async else kind.__iter__(given)
        if isinstance(iterator, EventQueue):
            self.queue = iterator
            return None
        self.queue = EventQueue()
        if is_async:
            from falcokit.runtime.source.async_source import AsyncSource  # noqa: PLC0415  # asyncio: 40 ms

            source = AsyncSource(iterator, self.queue, self._log_task_error)
            self._stop = source.request_stop
            return source.run
        return lambda: self._drain(iterator)

    def _run(self, run: Callable[[], None]) -> None:
        self.queue.wait_asked()  # start_async and capture_open come first
        try:
            run()
        except (SourceClosedError, WorkCancelledError):
            self.queue.end()
        except BaseException as e:  # noqa: BLE001  # next_batch reports it
            self.error = e
            if self.queue.closed:  # the host does not ask for the reason of the end any more
                self._state.write_error(format_error(e, "close"))
            self._state.write_trace(e)
            self.queue.end(loggable(format_error(e, "next_batch")))
        else:
            self.queue.end()
        finally:
            if (closing := scope.get()) is not None:  # tools that the author left open end with it
                closing.set()

    def _drain(self, iterator: Any) -> None:
        given = iterator
        try:
            while True:
                try:
                    self.queue.fill(given)
                except (InvalidEventError, QueueFullError) as e:
                    # Raised at the generator's yield: the error shows its line, and it may go on.
                    # If a hook on Falco's thread waits for a lock that it holds, it releases it.
                    throw = getattr(iterator, "throw", None)
                    if throw is None:
                        raise
                    try:
                        given = iter((throw(e),))
                    except StopIteration:
                        return
                else:
                    if given is iterator:
                        return
                    given = iterator
        finally:
            if iterator is not self.instance or hasattr(iterator, "throw"):
                getattr(iterator, "close", _nothing)()

    def _log_task_error(self, error: BaseException) -> None:
        text = format_error(error, "a task of the event source")
        self._state.write_repeated(error, f"{text}\n  the task has ended, and the source goes on")

    def _log_dropped(self, text: str) -> None:
        self._state.write_log(_WARNING, None, text)

    def progress(self) -> tuple[int, str]:
        """Return the progress of the source from 0 to 10000, and a text for people."""
        function = getattr(self.instance, "progress", None)
        if function is None:
            return 0, ""
        value = function()
        share, text = value if isinstance(value, tuple) else (value, "")
        share = float(share)
        if not 0.0 <= share <= 1.0:
            raise PluginError(f"progress must return a number from 0.0 to 1.0, not {share!r}")
        return round(share * _PROGRESS_FULL), str(text) or f"{share:.2%}"

    def close(self) -> None:
        """End the source: its iterator first, then the author's `close`.

        Raises:
            PluginError: the iterator did not end within 4 s; the message has its line.
            Exception: what the author's `close` raises.

        """
        deadline = time.monotonic() + _STOP_SECONDS
        self.queue.shut()
        self._stop()
        thread = self._thread
        if thread is not None:
            thread.join(_GRACE_SECONDS)
        try:
            self._plugin.close(self.instance)
            if not hasattr(self.instance, "throw"):  # its own thread closes a generator
                getattr(self.instance, "close", _nothing)()
        finally:
            if thread is not None:
                thread.join(max(0.0, deadline - time.monotonic()))
        if thread is not None and thread.is_alive():
            where = place_of(thread)
            raise PluginError(
                f"close: the event source is still {where}, {_STOP_SECONDS:g} s after it was asked"
                " to end: let close() end what it waits for"
            )


def open_params_json(plugin: Any) -> str:
    """Return the items of the author's list_open_params as the framework reads them.

    Raises:
        PluginError: an item is neither a value nor a pair, or its value is empty.

    """
    import json  # noqa: PLC0415

    items: list[dict[str, str]] = []
    for item in plugin.list_open_params():
        pair = (item, "") if isinstance(item, str) else tuple(item)
        if len(pair) != 2 or not all(isinstance(part, str) for part in pair):  # noqa: PLR2004
            raise PluginError(f"list_open_params: {item!r} is neither a value nor (value, desc)")
        if not pair[0]:
            raise PluginError(f"list_open_params: {item!r} has an empty value, which Falco refuses")
        items.append({"value": pair[0], "desc": pair[1]})
    return json.dumps(items)


def _nothing() -> None:
    return None
