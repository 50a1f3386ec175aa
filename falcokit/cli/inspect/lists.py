# SPDX-License-Identifier: Apache-2.0
"""What existed when a capture began, as tables and as JSON: threads, descriptors, users.

The tables of --processes, --fds and --users are made here once, and shown by `output`;
every text of the file in them has passed `safe_text`.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeVar

from falcokit.capture.format.list_records import readable
from falcokit.capture.format.text import safe_text
from falcokit.capture.lists.users import Group, User
from falcokit.cli.format import number_text, size_text
from falcokit.cli.inspect.report import Table, columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from falcokit.capture.lists.descriptors import FileDescriptor
    from falcokit.capture.lists.lists import Lists
    from falcokit.capture.lists.processes import Process

    _Record = TypeVar("_Record")

__all__ = [
    "MAX_ROWS",
    "SHOWN",
    "fd_objects",
    "fd_table",
    "process_objects",
    "process_table",
    "user_objects",
    "user_table",
]

#: Rows of a table, and names looked up for one: a file can hold millions of tiny records.
MAX_ROWS: Final = 100_000
_CELL_CHARS: Final = 64
_KIB: Final = 1024


def process_table(lists: Lists) -> Table:
    """List the threads, with their users by name."""
    users = _users(lists)

    def row(process: Process) -> tuple[str, ...]:
        return (
            str(process.tid),
            str(process.pid),
            str(process.parent_tid),
            users.get(process.uid, str(process.uid)),
            size_text(process.vm_rss_kb * _KIB),
            _cell(process.comm),
            _text(" ".join((process.exe, *process.args))) or "-",
        )

    titles = (">thread", ">process", ">parent", "user", ">memory", "name", "command line")
    return _table("Threads", titles, lists.processes(), row)


def fd_table(lists: Lists) -> Table:
    """List the open file descriptors, with their threads by name."""
    threads = {p.tid: _cell(p.comm) for p in islice(lists.processes(), MAX_ROWS)}

    def row(descriptor: FileDescriptor) -> tuple[str, ...]:
        return (
            str(descriptor.tid),
            threads.get(descriptor.tid, "-"),
            str(descriptor.fd),
            descriptor.kind,
            descriptor.protocol or "-",
            _text(descriptor.name) or "-",
        )

    titles = (">thread", "of", ">fd", "type", "protocol", "name")
    return _table("File descriptors", titles, lists.descriptors(), row)


def user_table(lists: Lists) -> Table:
    """List users, then groups, in the order of the file."""

    def row(entry: User | Group) -> tuple[str, ...]:
        if isinstance(entry, Group):
            return ("group", str(entry.gid), "-", _cell(entry.name), "-", "-")
        places = _cell(entry.home) or "-", _text(entry.shell) or "-"
        return ("user", str(entry.uid), str(entry.gid), _cell(entry.name), *places)

    titles = ("kind", ">ID", ">group", "name", "home", "shell")
    return _table("Users and groups", titles, lists.users(), row)


def process_objects(lists: Lists) -> Iterator[dict[str, Any]]:
    """Yield every thread for JSON, with all fields of `Process`."""
    return map(_fields, lists.processes())


def fd_objects(lists: Lists) -> Iterator[dict[str, Any]]:
    """Yield every descriptor for JSON: the fields of its type, and its name in a replay."""
    for descriptor in lists.descriptors():
        fields = {name: value for name, value in _fields(descriptor).items() if value is not None}
        fields["kind"] = descriptor.kind
        fields["name"] = readable(descriptor.name)
        if descriptor.protocol is not None:
            fields["protocol"] = descriptor.protocol
        yield fields


def user_objects(lists: Lists) -> Iterator[dict[str, Any]]:
    """Yield every user and group for JSON; `kind` distinguishes them."""
    for entry in lists.users():
        yield {"kind": "user" if isinstance(entry, User) else "group"} | _fields(entry)


def _table(
    title: str,
    titles: tuple[str, ...],
    records: Iterable[_Record],
    row: Callable[[_Record], tuple[str, ...]],
) -> Table:
    rows = tuple(map(row, islice(records, MAX_ROWS + 1)))
    if len(rows) > MAX_ROWS:
        rows = rows[:MAX_ROWS]
        title = f"{title} (the first {number_text(MAX_ROWS)}; --json has all)"
    return Table(title=title, columns=columns(*titles), rows=rows)


def _users(lists: Lists) -> dict[int, str]:
    entries = islice(lists.users(), MAX_ROWS)
    return {entry.uid: _cell(entry.name) for entry in entries if isinstance(entry, User)}


def _cell(text: str) -> str:
    """Return a text cut to a column, to whose width all rows are padded."""
    shown = _text(text[: _CELL_CHARS + 1])
    return shown if len(shown) <= _CELL_CHARS else shown[: _CELL_CHARS - 3] + "..."


def _text(text: str) -> str:
    return safe_text(readable(text))


def _fields(record: Any) -> dict[str, Any]:
    return {name: _value(getattr(record, name)) for name in record.field_names}


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return readable(value)
    return [readable(part) for part in value] if isinstance(value, tuple) else value


#: By the option: its table, and its objects for JSON.
SHOWN: Final[dict[str, tuple[Callable[[Lists], Table], Callable[[Lists], Iterator[Any]]]]] = {
    "processes": (process_table, process_objects),
    "fds": (fd_table, fd_objects),
    "users": (user_table, user_objects),
}
