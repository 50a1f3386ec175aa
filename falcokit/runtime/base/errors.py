# SPDX-License-Identifier: Apache-2.0
"""The exceptions that plugins see, what each means to the framework, and their message texts.

    PluginError                    -> SS_PLUGIN_FAILURE
    ├ EmitError                    an event was not emitted; `reason` is the counter it went to
    │ ├ UndeclaredEventError       not in async_events                   undeclared_name
    │ ├ CaptureClosedError         before start_async or after stop      capture_closed
    │ ├ InvalidEventError          the data, a timestamp or thread id    invalid_data
    │ │ ├ EventTooLargeError       more than 64 MiB of data              too_large
    │ │ └ FutureTimestampError     more than 10 s ahead                  future_timestamp
    │ ├ RingFullError              no room, and waiting is not possible: ring_full
    │ │                            in a hook, after timeout=, or while
    │ │                            a hook blocks Falco's thread
    │ └ EventRefusedError          refused by the host, with its text    host
    └ TableError                   invalid use of a table, or its owner refused
      ├ TableFieldError            no such field; an AttributeError and TypeError too
      ├ TableTypeError             a value of another type; a TypeError too
      ├ TableRangeError            an int out of range; an OverflowError too
      └ TableValueError            a str that no table can hold; a ValueError too
    HookTimeoutError               raised in a hook that blocks Falco's thread; not an Exception,
                                   since the hook may catch those in a loop
    WorkCancelledError             raised by Plugin.sleep when the capture closes; ends a producer,
                                   a source or a thread without an error, and no Exception either

The callbacks of `runtime.host` turn them into a return code and a last error. `format_error`
imports nothing and reads no file: it must work where neither is possible.
"""

from __future__ import annotations

import errno
import os
import sys
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple, Protocol, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType

__all__ = [
    "CaptureClosedError",
    "EmitError",
    "EventRefusedError",
    "EventTooLargeError",
    "FutureTimestampError",
    "HookTimeoutError",
    "InvalidEventError",
    "Place",
    "PluginError",
    "QueueFullError",
    "RingFullError",
    "SourceClosedError",
    "TableError",
    "TableFieldError",
    "TableRangeError",
    "TableTypeError",
    "TableValueError",
    "UndeclaredEventError",
    "WorkCancelledError",
    "brief",
    "describe_error",
    "format_error",
    "format_hook_error",
    "is_whole",
    "observers",
    "own_frames",
    "places_of",
    "tell_emitted",
]

_TEXT_MAX: Final = 8192  # characters of an exception's own text
_FRAMES_MAX: Final = 8  # calls shown for one exception
_CHAIN_MAX: Final = 5
_DEPTH_OF_GROUPS: Final = 3  # groups in groups whose members are shown
_CAUSES_MAX: Final = 20  # lines of all causes together
_ENDINGS: Final = {"GeneratorExit", "CancelledError"}  # requests to end, not the cause of an error
_DEPTH_MAX: Final = 500  # frames examined, from the innermost: a recursion may have many more


class PluginError(Exception):
    """Base of what falcokit raises into a plugin; a hook that raises it fails with its text."""


class EmitError(PluginError):
    """An async event was not emitted.

    Attributes:
        emitted: How many events `emit_many` emitted before the one that failed.

    """

    reason: ClassVar[str] = "invalid_data"
    emitted: int = 0

    def __str__(self) -> str:
        """Return the text, with the number of events of the batch that were emitted."""
        text = super().__str__()
        return f"{text} ({_before(self.emitted)})" if self.emitted else text


class UndeclaredEventError(EmitError):
    """The name is not among the plugin's `async_events`."""

    reason = "undeclared_name"


class CaptureClosedError(EmitError):
    """No capture is open, or the handler belongs to another capture."""

    reason = "capture_closed"


class InvalidEventError(EmitError):
    """The data, its size, the timestamp or the thread id cannot be sent."""


class EventTooLargeError(InvalidEventError):
    """There is more data than an event can hold."""

    reason = "too_large"


class FutureTimestampError(InvalidEventError):
    """The timestamp lies so far ahead that the framework would drop the event."""

    reason = "future_timestamp"


class RingFullError(EmitError):
    """The ring is full and the call cannot wait: in a hook, after `timeout`, or while one hangs."""

    reason = "ring_full"


def _before(count: int) -> str:
    return f"emit_many emitted {count} before it"


def tell_emitted(error: BaseException, count: int) -> None:
    """Add to the error that ended an `emit_many` how many events were emitted before it."""
    if isinstance(error, EmitError):
        error.emitted = count
    elif count:
        error.add_note(_before(count))


class SourceClosedError(PluginError):
    """An event was put into a queue whose event source has ended or was closed."""


class QueueFullError(PluginError):
    """The queue is full and the call cannot wait: a hook, after `timeout`, or while one hangs."""


class EventRefusedError(EmitError):
    """The host refused the event, for instance because its event source does not match."""

    reason = "host"


class TableError(PluginError):
    """A table cannot be used here, or its owner refused; the text ends with the owner's text."""


class TableFieldError(TableError, AttributeError, TypeError):
    """An entry has no such field: as an attribute, or as a keyword of `insert`."""


class TableTypeError(TableError, TypeError):
    """A key or a value does not have the type that the table has."""


class TableRangeError(TableError, OverflowError):
    """An int does not fit the type of a key or a field."""


class TableValueError(TableError, ValueError):
    """A str has a NUL or half of a surrogate pair, which no table can hold."""


class HookTimeoutError(BaseException):
    """A hook on Falco's own thread did not return: raised by the hang detector, held_up.c."""

    def __init__(self) -> None:
        super().__init__("it did not return within 5 s, and Falco waited for it")


class WorkCancelledError(BaseException):
    """The capture closes while work of it sleeps."""


class Place(NamedTuple):
    """A line of code that an exception came through."""

    filename: str
    lineno: int
    name: str


class _Frame(Protocol):
    @property
    def filename(self) -> str: ...


_F = TypeVar("_F", bound=_Frame)


def places_of(error: BaseException | None) -> list[Place]:
    """Return the lines an exception passed through, outermost first; only the innermost if many."""
    trace: TracebackType | None = None if error is None else error.__traceback__
    found: deque[Place] = deque(maxlen=_DEPTH_MAX)
    while trace is not None:
        code = trace.tb_frame.f_code
        found.append(Place(code.co_filename, trace.tb_lineno or 0, code.co_name))
        trace = trace.tb_next
    return list(found)


def own_frames(frames: Iterable[_F]) -> list[_F]:
    """Return the frames of the author's own code.

    If there are none, those of packages, else those of the standard library; never falcokit's.
    """
    others = [f for f in frames if not _is_ours(f.filename)]
    packaged = [f for f in others if "-packages" in f.filename]
    outside = [f for f in others if not _is_stdlib(f.filename)]
    theirs = [f for f in outside if "-packages" not in f.filename]
    return theirs or packaged or others


def _is_stdlib(filename: str) -> bool:
    # Not os.__file__: code in a packaged plugin has other file names than the archive holding it.
    return filename.startswith(os.path.dirname(cast.__code__.co_filename))


def _is_ours(filename: str) -> bool:
    return (
        "/falcokit/runtime/" in filename
        or "/falcokit/sources/" in filename
        or "/falcokit/testing/" in filename
        or "/falcokit/build/describe.py" in filename
        or "/_falcokit_payload" in filename
        or filename.startswith("<frozen")
    )


def _of_author(frames: Iterable[_F]) -> list[_F]:
    """Return the frames of the author's own code; if there are none, the last of the others."""
    found = own_frames(frames)
    theirs = [f for f in found if "-packages" not in f.filename and not _is_stdlib(f.filename)]
    return theirs or found[-1:]


def is_whole(error: BaseException) -> bool:
    """Return whether `format_error` shows all frames: no library code is involved."""
    places = places_of(error)
    return len(own_frames(places)) == sum(not _is_ours(p.filename) for p in places)


#: falcokit.testing's: called with each exception that is reported, and the hook; it must not raise.
observers: list[Callable[[BaseException, str], None]] = []


def format_error(error: BaseException, hook: str, place: str = "") -> str:
    """Describe an error in `hook` in one sentence: the place (file:line), the type and the text.

    The place is the innermost line of the author's own code if there is any, else `place`. A line
    follows for each call in that code that led there, and for each exception that caused it.
    """
    for observe in observers:
        observe(error, hook)
    return describe_error(error, hook, place)


def describe_error(error: BaseException, hook: str, place: str = "") -> str:
    """Do so for an error that the author's code has caught."""
    places = places_of(error)
    own = _of_author(places)
    if isinstance(error, SyntaxError) and error.filename:
        place = f"{error.filename}:{error.lineno}"
        own = [] if own and _is_stdlib(own[-1].filename) else own  # of importlib
    else:
        # StopIteration out of a generator becomes a RuntimeError without the generator's frame.
        cause = error.__cause__ if isinstance(error, RuntimeError) else None
        inner = own or own_frames(places_of(cause))
        place = f"{inner[-1].filename}:{inner[-1].lineno}" if inner else place
        own = own[:-1]
    text, kind = _text_of(error), type(error).__name__
    if isinstance(error, PluginError) and not place:
        first = f"{hook}: {text}" if isinstance(error, EmitError) else text
    else:
        first = ": ".join(part for part in (place, hook, kind, text) if part)
    try:
        return "\n  ".join([first + _shortage(error), *_more(error, places, own)])
    except Exception:  # noqa: BLE001  # of the author's own attributes
        return first


def _more(error: BaseException, places: list[Place], own: list[Place]) -> Iterator[str]:
    notes = getattr(error, "__notes__", None)
    if isinstance(notes, list):
        yield from (str(note)[:_TEXT_MAX] for note in notes[:_CHAIN_MAX])
    # falcokit's own messages are complete; how falcokit noticed does not help the author.
    if not (isinstance(error, PluginError) and places and _is_ours(places[-1].filename)):
        yield from _calls(own)
        yield from islice(_causes(error), _CAUSES_MAX)


def _text_of(error: BaseException) -> str:
    try:
        text = error.msg if isinstance(error, SyntaxError) else str(error)
    except BaseException as e:  # noqa: BLE001  # the author's __str__, which may even exit
        return f"its text is unavailable ({type(e).__name__})"
    more = len(text) - _TEXT_MAX
    return text if more <= 0 else f"{text[:_TEXT_MAX]}… ({more} more characters)"


def _calls(own: list[Place]) -> Iterator[str]:
    """Yield the calls that led to the place, the nearest first; limited, for recursions."""
    for place in own[: -_FRAMES_MAX - 1 : -1]:
        yield f"called at {place.filename}:{place.lineno} in {place.name}"
    if len(own) > _FRAMES_MAX:
        yield "called by more of the plugin's own code"


def _chain(error: BaseException) -> Iterator[tuple[str, BaseException]]:
    """Yield each cause or context of an exception, the nearest first, and which it is."""
    known = [error]
    while len(known) <= _CHAIN_MAX:
        relation, cause = "caused by", error.__cause__
        if cause is None and not error.__suppress_context__:
            relation, cause = "while handling", error.__context__
        if cause is None or any(cause is one for one in known):
            return
        if type(cause).__name__ in _ENDINGS:
            return
        yield relation, cause
        known.append(cause)
        error = cause


def _causes(error: BaseException, depth: int = 0) -> Iterator[str]:
    for relation, cause in _chain(error):
        yield f"{relation} {brief(cause)}"
        yield from _members(cause, depth)
    yield from _members(error, depth)


def _members(error: BaseException, depth: int) -> Iterator[str]:
    """Yield the exceptions of a group, and indented what caused each."""
    if not isinstance(error, BaseExceptionGroup):
        return
    for one in error.exceptions[:_CHAIN_MAX]:
        yield f"one of them: {brief(one)}"
        if depth < _DEPTH_OF_GROUPS:
            yield from (f"  {line}" for line in _causes(one, depth + 1))
    more = len(error.exceptions) - _CHAIN_MAX
    if more > 0:
        yield f"and {more} more"


def brief(error: BaseException) -> str:
    """Return the type, text and place of one exception, without its causes."""
    text, own = _text_of(error), own_frames(places_of(error))
    summary = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return f"{summary}, at {own[-1].filename}:{own[-1].lineno}" if own else summary


def _shortage(error: BaseException) -> str:
    """Name the reason of an exception whose own text does not mention it, and what to do."""
    chain = [error, *(cause for _, cause in _chain(error))]
    if any("can't start new thread" in str(one) for one in chain if type(one) is RuntimeError):
        return (
            " (the process may have no more threads: that is the limit of its user, ulimit -u, or"
            " of its container, pids.max)"
        )
    if any(_lacks_a_file(one) for one in chain):
        return (
            " (the process has no file descriptor left: its limit is"
            f" {os.sysconf('SC_OPEN_MAX')}, ulimit -n or LimitNOFILE= of its service)"
        )
    missing = next((one for one in chain if isinstance(one, ModuleNotFoundError)), None)
    return _missing(missing.name) if missing is not None and missing.name else ""


def _missing(module: str) -> str:
    """Return what to do about a module that is not installed where the plugin was built."""
    package, _, _ = module.partition(".")
    if package in sys.stdlib_module_names:
        return f" (it is of the standard library, but this Python was built without {package!r})"
    if package in sys.modules:  # the author's own, or one without that part
        return ""
    return (
        f" (the environment that built the plugin has no {package!r}: add what provides it to the"
        " dependencies in pyproject.toml, install that, and build again)"
    )


def _lacks_a_file(error: BaseException) -> bool:
    full = (errno.EMFILE, errno.ENFILE)
    if isinstance(error, OSError):
        return error.errno in full
    if not isinstance(error, ImportError):
        return False
    if any(os.strerror(number) in str(error) for number in full):
        return True
    try:  # Python reports a module that it cannot open as missing
        os.close(os.open("/", os.O_RDONLY))
    except OSError as e:
        return e.errno in full
    return False


def format_hook_error(error: BaseException, hook: str, function: object) -> str:
    """Describe an error in a hook; without a line of it in the trace, the place is its `def`."""
    code = getattr(function, "__code__", None)
    return format_error(error, hook, f"{code.co_filename}:{code.co_firstlineno}" if code else "")
