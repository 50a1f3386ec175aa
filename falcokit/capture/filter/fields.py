# SPDX-License-Identifier: Apache-2.0
"""The fields of the filter language: name, meaning, and how an event's value is read.

Names and meanings are Falco's, for fields whose value is in the stored event itself: those that
need the processes and descriptors at the time of an event exist only in a replay. docs/filters.md
has the same table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from falcokit.capture.events.event_table import event_table
from falcokit.capture.filter import readers
from falcokit.filter.fields import FieldCatalog, FieldFaultError, FieldSpec, nearest
from falcokit.filter.tree import FieldRef
from falcokit.filter.types import FieldType
from falcokit.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from falcokit.capture.events.event import Event
    from falcokit.capture.events.event_table import EventType
    from falcokit.capture.filter.readers import Reader
    from falcokit.capture.render.state import Resolver

    _Make: TypeAlias = Callable[[str, "Context"], Reader]

__all__ = ["FIELDS", "CaptureFields", "Context", "Field", "find_reader"]

_WAITS: Final = 0x80


class Context(Record):
    """Information from outside the event: event sources by plugin id, the state of processes."""

    sources: Mapping[int, str]
    resolver: Resolver | None


class Field(Record):
    """One field; `form` shows its argument, `make` gets that and returns the reader."""

    name: str
    form: str
    description: str
    make: _Make


def find_reader(name: str, bracket: str | None, context: Context) -> Reader:
    """Return the reader of a field as written; raise FieldFaultError when there is none."""
    field = _BY_NAME.get(name)
    if field and field.form == name and bracket is None:
        return field.make("", context)
    for prefix, dotted in _WITH_ARGUMENT.items():
        if name == prefix and bracket is not None and "[" in dotted.form:
            return dotted.make(f"[{bracket}", context)
        if name.startswith(prefix + ".") and bracket is None and "." in dotted.form[len(prefix) :]:
            return dotted.make(name[len(prefix) + 1 :], context)
    if field:
        asked = f"{field.form} is how it is written" if field.form != name else "it has no argument"
        raise FieldFaultError(f"{name}: {asked}")
    if name.startswith(_REPLAY_ONLY):
        raise FieldFaultError(f"{name} needs the state of a replay, which a stored event lacks")
    raise FieldFaultError(f"there is no field {name}{_nearest(name, _BY_NAME)}")


class CaptureFields(FieldCatalog):
    """The fields of stored events, whose arguments may follow a dot: `evt.arg.name`."""

    def __init__(self, context: Context) -> None:
        """Make the catalog of one filter; `context` is for the readers."""
        super().__init__(())
        self._context = context
        self._readers: dict[str, Reader] = {}

    def find(self, name: str) -> FieldSpec | None:
        """Return the field of that name."""
        if name not in _BY_NAME and not name.startswith(_DOTTED):
            return None
        try:
            return self.resolve(FieldRef(name=name, argument=None, position=0))
        except FieldFaultError:
            return None

    def resolve(self, field: FieldRef) -> FieldSpec:
        """Return the field as it is written; raise FieldFaultError if there is none, or none so."""
        reader = self.reader(field)
        single = not reader.mixed
        return FieldSpec(
            name=field.written,
            type=reader.type,
            right=single,
            transformable=single,
            raw=reader.mixed,
        )

    def reader(self, field: FieldRef) -> Reader:
        """Return what reads a field; raise FieldFaultError if there is none."""
        if field.written not in self._readers:
            found = find_reader(field.name, field.argument, self._context)
            self._readers[field.written] = found
        return self._readers[field.written]


def _nearest(name: str, known: Any) -> str:
    close = nearest(name, known)
    return f"; nearest: {', '.join(close)}" if close else ""


def _argument(written: str, context: Context) -> Reader:
    from falcokit.capture.filter import args  # noqa: PLC0415 - see _of_results

    if not written.startswith("["):
        return args.argument(_known(written), context.resolver)
    if not written[1:].isdecimal() or len(written) > len("[99"):
        raise FieldFaultError(f"evt.arg{written}] is not the position of a parameter")
    return args.argument(int(written[1:]), context.resolver)


def _known(name: str) -> str:
    from falcokit.capture.filter.args import argument_names  # noqa: PLC0415 - see _of_results

    if name not in argument_names():
        close = _nearest(name, argument_names())
        raise FieldFaultError(f"no event has a parameter {name}{close}")
    return name


def _raw_argument(name: str, _: Context) -> Reader:
    from falcokit.capture.filter.args import raw_argument  # noqa: PLC0415 - see _of_results

    return raw_argument(_known(name))


def _all_arguments(_: str, context: Context) -> Reader:
    from falcokit.capture.filter.args import all_arguments  # noqa: PLC0415 - see _of_results

    return all_arguments(context.resolver)


def _buffer(_: str, __: Context) -> Reader:
    from falcokit.capture.filter.args import buffer  # noqa: PLC0415 - see _of_results

    return buffer()


def _of_results(name: str, *arguments: str) -> _Make:
    """Return a reader from `results`, imported late: it loads the renderers, which takes 10 ms."""

    def make(_: str, __: Context) -> Reader:
        from falcokit.capture.filter import results as filter_results  # noqa: PLC0415

        reader: Reader = getattr(filter_results, name)(*arguments)
        return reader

    return make


def _type_is(name: str, _: Context) -> Reader:
    if all(entry.name != name for entry in event_table().events):
        close = _nearest(name, {entry.name for entry in event_table().events})
        raise FieldFaultError(f"there is no event type {name}{close}")
    return readers.typed(FieldType.UINT32, lambda entry: int(entry.name == name), 0)


def _number(field_type: FieldType, get: Callable[[Event], int], where: str) -> _Make:
    return lambda _, __: readers.number(field_type, get, where)


def _time(convert: Callable[[int], int], where: str = "FK_FROM_TIME") -> _Make:
    return lambda _, __: readers.timestamp(convert, where)


def _clock(form: str, *, ns: str = "", utc: bool = False) -> _Make:
    return lambda _, __: readers.clock(form, ns=ns, utc=utc)


def _typed(field_type: FieldType, get: Callable[[EventType], Any], unknown: Any = None) -> _Make:
    return lambda _, __: readers.typed(field_type, get, unknown)


def _flag(bit: int) -> _Make:
    return _typed(FieldType.BOOL, lambda entry: bool(entry.flags & bit), unknown=False)


def _field(name: str, description: str, make: _Make, form: str | None = None) -> Field:
    return Field(name=name, form=form or name, description=description, make=make)


FIELDS: Final = (
    _field(
        "evt.num",
        "the number in the file, from 1",
        _number(FieldType.UINT64, lambda e: e.number, "FK_FROM_NUMBER"),
    ),
    _field("evt.time", "local time, 09:05:00.000000001", _clock("%H:%M:%S", ns=".{:09}")),
    _field("evt.time.s", "local time without a fraction", _clock("%H:%M:%S")),
    _field(
        "evt.time.iso8601",
        "UTC, 2026-01-31T09:05:00.000000001+0000",
        _clock("%Y-%m-%dT%H:%M:%S", ns=".{:09}+0000", utc=True),
    ),
    _field("evt.datetime", "local date and time", _clock("%Y-%m-%d %H:%M:%S", ns=".{:09}")),
    _field("evt.datetime.s", "the same without a fraction", _clock("%Y-%m-%d %H:%M:%S")),
    _field("evt.rawtime", "nanoseconds since 1970", _time(lambda ts: ts)),
    _field(
        "evt.rawtime.s",
        "whole seconds since 1970",
        _time(lambda ts: ts // readers.NS, "FK_FROM_SECONDS"),
    ),
    _field(
        "evt.rawtime.ns",
        "nanoseconds beyond the second",
        _time(lambda ts: ts % readers.NS, "FK_FROM_NANOSECONDS"),
    ),
    _field(
        "evt.around",
        "within that many milliseconds of that time; only has =",
        _time(lambda ts: ts),
        "evt.around[NS]",
    ),
    _field(
        "evt.source",
        "syscall, or the event source of a plugin; its id where no name is known",
        lambda _, context: readers.source(context.sources),
    ),
    _field("evt.is_async", "made in user space", _typed(FieldType.BOOL, readers.is_async, False)),
    _field("evt.asynctype", "the name of an async event", lambda _, __: readers.async_type()),
    _field(
        "evt.type",
        "the name of the event; an async event's own",
        lambda _, __: readers.named(syscalls_only=False),
    ),
    _field("evt.type.is", "1 for events of that type, else 0", _type_is, "evt.type.is.NAME"),
    _field(
        "syscall.type",
        "as evt.type, of system calls alone",
        lambda _, __: readers.named(syscalls_only=True),
    ),
    _field("evt.dir", "> enter, < exit", _typed(FieldType.CHARBUF, lambda entry: entry.dir)),
    _field(
        "evt.category", "file, net, process and so on", _typed(FieldType.CHARBUF, readers.category)
    ),
    _field("evt.cpu", "the processor", _number(FieldType.INT16, lambda e: e.cpu, "FK_FROM_CPU")),
    _field(
        "evt.args",
        "all parameters in one line",
        _all_arguments,
    ),
    _field("evt.info", "as evt.args", _all_arguments),
    _field(
        "evt.arg",
        "one parameter as text: what its number stands for, or the number",
        _argument,
        "evt.arg.NAME or evt.arg[N]",
    ),
    _field(
        "evt.rawarg",
        "one parameter as a number, text or bytes",
        _raw_argument,
        "evt.rawarg.NAME",
    ),
    _field("evt.buffer", "the bytes of the parameter data", _buffer),
    _field("evt.buflen", "bytes read or written", _of_results("buffer_length")),
    _field("evt.res", "SUCCESS or the name of an error", _of_results("result_name")),
    _field("evt.rawres", "the return value", _of_results("result_number")),
    _field("evt.failed", "whether an error was returned", _of_results("failed")),
    _field("evt.is_io", "reads or writes a descriptor", _flag(readers.READS | readers.WRITES)),
    _field("evt.is_io_read", "reads a descriptor", _flag(readers.READS)),
    _field("evt.is_io_write", "writes a descriptor", _flag(readers.WRITES)),
    _field("evt.io_dir", "read or write", _typed(FieldType.CHARBUF, readers.io_direction)),
    _field("evt.is_wait", "makes the thread wait", _flag(_WAITS)),
    _field("evt.is_open_read", "opened to read", _of_results("opened", "read")),
    _field("evt.is_open_write", "opened to write", _of_results("opened", "write")),
    _field("evt.is_open_create", "made a file", _of_results("opened", "create")),
    _field(
        "evt.is_open_exec",
        "made a file that can be executed",
        _of_results("opened", "exec"),
    ),
    _field("thread.tid", "the thread, -1 for none", lambda _, __: readers.thread()),
)
_BY_NAME: Final = {field.name: field for field in FIELDS}
_WITH_ARGUMENT: Final = {field.name: field for field in FIELDS if field.form != field.name}
_DOTTED: Final = tuple(f"{name}." for name in _WITH_ARGUMENT)
#: Falco's other fields: they depend on processes, descriptors, containers, loaded plugins or on
#: earlier events.
_REPLAY_ONLY: Final = (
    "proc.", "thread.", "fd.", "fs.", "fdlist.", "user.", "group.", "container.", "k8s.",
    "evt.reltime", "evt.deltatime", "evt.latency", "evt.wait_latency", "evt.plugin",
    "evt.hostname", "evt.is_syslog", "evt.count", "evt.abspath",
)  # fmt: skip
