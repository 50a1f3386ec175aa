# SPDX-License-Identifier: Apache-2.0
"""The callbacks that the glue library calls: the only module that uses the generated ffi.

Each takes the same steps: find the state, call it, catch every exception, write a text that a
person can act on, return the framework's code. The glue imports this when Python starts.
"""

from __future__ import annotations

import functools
import sys
import threading
from typing import Any, Final

import _falcokit_hot

from falcokit.runtime.async_event.capability import AsyncCounters, AsyncEventHandler
from falcokit.runtime.async_event.producers import place_of_thread
from falcokit.runtime.base import errors, logs
from falcokit.runtime.base.stack import STACK_BYTES
from falcokit.runtime.event.event import AsyncEvent, Event, payload_bytes
from falcokit.runtime.event.event_payload import decode_json, params_of
from falcokit.runtime.host import debugging
from falcokit.runtime.host.author_modules import import_plugin
from falcokit.runtime.host.plugin_state import PluginState

__all__ = ["connect", "newest_state"]

_ABI: Final = 6  # FK_ABI of abi/abi.h
if _falcokit_hot.ABI != _ABI:
    raise ImportError("the library was built by a different version of falcokit")

_SUCCESS: Final = 0
_FAILURE: Final = 1
_WARNING: Final = 4
_HEADER: Final = 26
_SWITCH_SECONDS: Final = 3e-5
_TEXT_PARAMS, _TEXT_EVENT, _TEXT_PROGRESS = range(3)  # fk_text of source/source.c

_states: dict[int, PluginState] = {}
_ffi: Any = None
_lib: Any = None


def newest_state() -> PluginState:
    """Return the state of the last init: for `falcokit.testing`, which has the instance of it."""
    return _states[next(reversed(_states))]


def _write(out: Any, size: int, text: str) -> None:
    """Put a text into one of the host's buffers, cut at a whole character and without NUL."""
    raw = text.replace("\0", "\\0").encode(errors="replace")[: size - 1]
    raw = raw.decode(errors="ignore").encode()
    _ffi.memmove(out, raw + b"\0", len(raw) + 1)


def _text(pointer: Any) -> str:
    return "" if pointer == _ffi.NULL else str(_ffi.string(pointer).decode(errors="replace"))


def _paths(array: Any) -> list[str]:
    found: list[str] = []
    while array[len(found)] != _ffi.NULL:
        found.append(_text(array[len(found)]))
    return found


def _init(call: Any) -> None:
    key, name, folder = int(call.plugin), _text(call.name), _text(call.source_dir)
    target, config, paths = _text(call.target), _text(call.text), _paths(call.paths)
    state = PluginState(name, folder, _falcokit_hot.link(key))
    logs.current.set(state)
    carried = sys.modules.get("_falcokit_payload")  # carried_modules, in a packaged plugin
    if carried is None:
        debugging.listen()
    else:
        _prepare_packaged(carried.PACKAGES)
    if not paths:  # packaged, or the class of a test: there is no folder whose code changes
        state.init(import_plugin(target, folder, paths), config)
    else:
        from falcokit.runtime.host import development_builds  # noqa: PLC0415  # not if packaged

        told = development_builds.enter(folder, target, _text(call.build))
        try:
            if told:
                state.write_log(_WARNING, None, told)
            state.init(import_plugin(target, folder, paths), config)
        except BaseException:
            development_builds.leave(folder)
            raise
        state.on_destroy = functools.partial(development_builds.leave, folder)
    _states[key] = state


def _prepare_packaged(packages: tuple[int, str] | None) -> None:
    from falcokit.runtime.host import certificates  # noqa: PLC0415

    certificates.trust_system()
    if packages is not None:
        from falcokit.runtime.host.unpacked import find_packages  # noqa: PLC0415

        find_packages(*packages)


def _call_python(call: Any) -> int:
    op = call.op
    hooks = {
        _lib.FK_OP_INIT: "init",
        _lib.FK_OP_DESTROY: "destroy",
        _lib.FK_OP_SET_CONFIG: "set_config",
        _lib.FK_OP_START: "start_async",
        _lib.FK_OP_STOP: "stop_async",
        _lib.FK_OP_DUMP: "dump_state",
        _lib.FK_OP_OPEN_PARAMS: "list_open_params",
        _lib.FK_OP_OPEN: "open",
        _lib.FK_OP_CLOSE: "close",
        _lib.FK_OP_CAPTURE_OPEN: "capture_open",
        _lib.FK_OP_CAPTURE_CLOSE: "capture_close",
    }
    err, errlen, key = call.err, int(call.errlen), int(call.plugin)
    try:
        debugging.join_tracing()
        if op == _lib.FK_OP_INIT:
            _init(call)
            return _SUCCESS
        state = _states.pop(key) if op == _lib.FK_OP_DESTROY else _states[key]
        logs.current.set(state)
        if op == _lib.FK_OP_DESTROY:
            try:
                state.destroy()
            finally:
                state.host.close()
                state.on_destroy()
        elif op == _lib.FK_OP_SET_CONFIG:
            state.set_config(_text(call.text))
        elif op == _lib.FK_OP_START:
            state.start()
        elif op == _lib.FK_OP_STOP:
            state.stop()
        elif op in {_lib.FK_OP_OPEN_PARAMS, _lib.FK_OP_OPEN, _lib.FK_OP_CLOSE}:
            _call_source(state, call)
        elif op == _lib.FK_OP_CAPTURE_OPEN:
            state.capture_open()
        elif op == _lib.FK_OP_CAPTURE_CLOSE:
            state.capture_close()
        else:
            state.dump()
    except BaseException as e:  # noqa: BLE001  # no exception may reach the host
        _write(err, errlen, errors.format_error(e, hooks[op]))
        _log_trace(e)
        return _FAILURE
    return _SUCCESS


def _call_source(state: PluginState, call: Any) -> None:
    if call.op == _lib.FK_OP_OPEN:
        call.channel = state.open(None if call.text == _ffi.NULL else _text(call.text)).key
    elif call.op == _lib.FK_OP_CLOSE:
        state.close(int(call.channel))
    else:
        params = state.list_open_params()
        _falcokit_hot.keep_text(int(call.plugin), _TEXT_PARAMS, params.encode())


def _log_trace(error: BaseException) -> None:
    """Log what does not fit into the last error; the state may not exist yet."""
    state = logs.current.get()
    if isinstance(state, PluginState):
        state.write_trace(error)


def _python_where(plugin: int, out: Any, size: int) -> int:
    state = _states.get(int(plugin)) or next(
        (s for s in reversed(logs.targets) if isinstance(s, PluginState)), None
    )
    if state is not None:
        _write(out, int(size), state.where())
    return _SUCCESS


def _python_progress(plugin: int, channel: int, err: Any, size: int) -> int:
    """Return the progress from 0 to 10000, or -1."""
    state = _states.get(int(plugin))
    try:
        share, text = _states[int(plugin)].sources[int(channel)].progress()
        _falcokit_hot.keep_text(int(plugin), _TEXT_PROGRESS, _encoded(text))
    except BaseException as e:  # noqa: BLE001
        _write(err, int(size), errors.format_error(e, "progress"))
        if state is not None:
            state.write_repeated(e, errors.format_error(e, "progress"), "progress")
        return -1
    return share


def _python_event_to_string(plugin: int, given: Any, err: Any, size: int) -> int:
    state = _states.get(int(plugin))
    try:
        text = _states[int(plugin)].event_to_string(_event(given))
        _falcokit_hot.keep_text(int(plugin), _TEXT_EVENT, _encoded(text))
    except BaseException as e:  # noqa: BLE001
        _write(err, int(size), errors.format_error(e, "event_to_string"))
        if state is not None:
            state.write_repeated(e, errors.format_error(e, "event_to_string"), "event_to_string")
        return _FAILURE
    return _SUCCESS


def _encoded(text: str) -> bytes:
    return text.replace("\0", "\\0").encode(errors="replace")


def _event(given: Any) -> Event:
    length = int.from_bytes(_ffi.buffer(given.evt, _HEADER)[16:20], sys.byteorder)
    raw = _ffi.buffer(given.evt, length)[:]
    return Event.from_bytes(raw, source=_text(given.evtsrc) or None, number=int(given.evtnum))


def _python_metrics(plugin: int) -> int:
    state = _states.get(int(plugin))
    try:
        for name, kind, number, value in _states[int(plugin)].metrics():
            whole = isinstance(value, int)
            _lib.fk_metric_add(
                name.encode(),
                kind,
                number,
                float(value),
                value if whole and -(2**63) <= value < 2**63 else 0,
                value if whole and value >= 0 else 0,
            )
    except BaseException as e:  # noqa: BLE001
        if state is not None:
            state.metrics_failed(e)
        return _FAILURE
    return _SUCCESS


def _expand(event: object) -> AsyncEvent:
    if not isinstance(event, AsyncEvent):
        raise TypeError(f"emit takes a name and data, or an AsyncEvent, not {type(event).__name__}")
    return AsyncEvent(event.name, event.data, event.ts_ns, event.tid, event.plugin_id)


def _counters(*numbers: Any) -> AsyncCounters:
    return AsyncCounters(*numbers)


def _load_tables() -> None:
    """Load the types of imported tables, when the first plugin imports one."""
    from falcokit.runtime.tables.table_types import Table  # noqa: PLC0415
    from falcokit.runtime.tables.tables import shape_of  # noqa: PLC0415

    kinds = (
        errors.TableFieldError,
        errors.TableTypeError,
        errors.TableRangeError,
        errors.TableValueError,
    )
    _falcokit_hot.tables_ready(Table, functools.partial(shape_of, _falcokit_hot), kinds)


def connect(ffi: Any, lib: Any) -> None:
    """Register the callbacks with the glue; called once, by the code that cffi generated."""
    global _ffi, _lib  # a process has one glue, and this is its module
    _ffi, _lib = ffi, lib
    # How long a busy Python thread may keep the GIL when Falco's thread asks for it: the default
    # would cost 5 ms at each call into Python.
    sys.setswitchinterval(_SWITCH_SECONDS)
    for name, function in (
        ("fk_call_python", _call_python),
        ("fk_python_where", _python_where),
        ("fk_python_metrics", _python_metrics),
        ("fk_python_progress", _python_progress),
        ("fk_python_event_to_string", _python_event_to_string),
    ):
        ffi.def_extern(name=name, error=_FAILURE)(function)
    _falcokit_hot.install(
        (
            errors.UndeclaredEventError,
            errors.CaptureClosedError,
            errors.EventTooLargeError,
            errors.FutureTimestampError,
            errors.InvalidEventError,
            errors.EventRefusedError,
            errors.RingFullError,
        ),
        payload_bytes,
        _expand,
        _counters,
        errors.tell_emitted,
        Event,
        decode_json,
        params_of,
    )
    _falcokit_hot.install_watch(errors.HookTimeoutError, place_of_thread)
    if not threading.stack_size():  # otherwise the plugin's or the host's code has set it
        threading.stack_size(STACK_BYTES)
    library, _, _ = functools.wraps.__code__.co_filename.rpartition("/")
    _falcokit_hot.install_holder(library)
    _falcokit_hot.install_tables(errors.TableError, _load_tables)
    AsyncEventHandler.register(_falcokit_hot.Emitter)
    if _falcokit_hot.STARTED_PYTHON:
        logs.install()
        sys.breakpointhook = debugging.breakpoint_without_terminal
    else:  # the process is that of an author's tests: stdout is theirs, and there are breakpoints
        logs.install_once()
        debugging.begin()
