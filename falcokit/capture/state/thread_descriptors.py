# SPDX-License-Identifier: Apache-2.0
"""What calls that open, copy and close descriptors change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from falcokit.capture.state.thread_table import joined

if TYPE_CHECKING:
    from falcokit.capture.events.event import Event
    from falcokit.capture.state.changes import Value
    from falcokit.capture.state.event_args import EventArgs
    from falcokit.capture.state.thread_table import Thread, ThreadTable

__all__ = [
    "FD_TYPES",
    "OPENED",
    "close",
    "close_range",
    "copies",
    "dup",
    "fcntl",
    "memfd",
    "open_file",
    "path_of",
    "pipe",
    "plain_fd",
    "socket",
]

_PIPE_SOURCE, _PIPE_DESTINATION = 1 << 21, 1 << 22
_O_DIRECTORY, _O_CLOEXEC = 1 << 10, 1 << 12
_O_UPPER_LAYER, _O_LOWER_LAYER = 1 << 15, 1 << 16
_CREATED_UPPER, _CREATED_LOWER = 1 << 0, 1 << 1
_FD_UPPER, _FD_LOWER = 1 << 17, 1 << 18
_CLOSE_RANGE_CLOEXEC: Final = 1 << 2
_IPV4, _IPV6, _UNIX = 3, 4, 8
_FIFO, _EVENT_FD, _FILE, _DIRECTORY, _NETLINK, _MEMFD = 7, 9, 16, 2, 15, 20
#: The type of the descriptor that a call opens which has no other parameters of interest.
FD_TYPES: Final = {
    "signalfd": 11, "signalfd4": 11, "epoll_create": 12, "epoll_create1": 12, "inotify_init": 13,
    "inotify_init1": 13, "timerfd_create": 14, "bpf": 17, "userfaultfd": 18, "io_uring_setup": 19,
    "eventfd": _EVENT_FD, "eventfd2": _EVENT_FD,
}  # fmt: skip
#: The calls that open a file by its path.
OPENED: Final = ("open", "openat", "openat2", "creat", "open_by_handle_at")
_TCP, _UDP, _ICMP, _RAW = 2, 3, 4, 5
_PROTOCOLS: Final = {1: _ICMP, 6: _TCP, 17: _UDP, 255: _RAW}
_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK = 1, 2, 10, 16
_SOCK_STREAM, _SOCK_DGRAM, _SOCK_RAW = 1, 2, 3
_F_DUPFD, _F_SETFD, _F_DUPFD_CLOEXEC, _FD_CLOEXEC = 1, 3, 26, 1
_AT_FDCWD: Final = -100
_NA: Final = "<NA>"


def open_file(table: ThreadTable, event: Event, args: EventArgs, thread: Thread | None) -> None:
    """Take open, openat, openat2, creat and open_by_handle_at."""
    fd = args.number("fd", signed=True)
    if thread is None or fd is None or fd < 0 or event.event_type is None:
        return
    call = event.event_type.name
    given = args.text("path" if call == "open_by_handle_at" else "name")
    name = given if args.has("path" if call == "open_by_handle_at" else "name") else _NA
    flags = args.number("flags") or 0
    if call == "creat":
        created = args.number("creat_flags") or 0
        flags = _O_UPPER_LAYER if created & _CREATED_UPPER else 0
        flags |= _O_LOWER_LAYER if not flags and created & _CREATED_LOWER else 0
        folder = table.cwd(thread)
    elif call == "open":
        folder = table.cwd(thread)
    elif call == "open_by_handle_at":
        folder = ""
    else:
        folder = _dirfd(table, thread, name, args.number("dirfd", signed=True))
    layer = _FD_UPPER if flags & _O_UPPER_LAYER else 0
    layer |= _FD_LOWER if flags & _O_LOWER_LAYER else 0
    values: dict[str, Value] = {
        "type": _DIRECTORY if flags & _O_DIRECTORY else _FILE,
        "open_flags": flags,
        "dev": args.number("dev") or 0,
        "ino": args.number("ino") or 0,
        "name_raw": name,
        "name": joined(folder, name),
    }
    table.add_fd(thread, fd, {**values, "flags": layer} if layer else values)


def path_of(table: ThreadTable, args: EventArgs, thread: Thread, call: str) -> str | None:
    """Return the path of a file that could not be opened; None if that is not known."""
    if call == "open_by_handle_at" or not args.has("name"):
        return None
    name = args.text("name")
    if call in {"openat", "openat2"}:
        if not args.has("dirfd"):
            return None
        folder = _dirfd(table, thread, name, args.number("dirfd", signed=True))
    else:
        folder = table.cwd(thread)
    return joined(folder, name)


def _dirfd(table: ThreadTable, thread: Thread, name: str, dirfd: int | None) -> str:
    if dirfd is None:
        return ""
    if name.startswith("/"):
        return "."
    if dirfd == _AT_FDCWD:
        return table.cwd(thread)
    info = table.fd(thread, dirfd)
    if info is None:
        return "<UNKNOWN>"
    path = str(info.get("name", ""))
    return path if not path or path.endswith("/") else path + "/"


def close(table: ThreadTable, _event: Event, args: EventArgs, thread: Thread | None) -> None:
    """Take close: the table shows the descriptor until the next event."""
    res, fd = args.number("res", signed=True), args.number("fd", signed=True)
    if thread is None or res is None or res < 0 or fd is None:
        return
    owner = table.files(thread)
    if owner is not None and fd in owner.fds:
        table.closed.append((owner, fd))


def close_range(table: ThreadTable, _event: Event, args: EventArgs, thread: Thread | None) -> None:
    """Take close_range."""
    res, first, last = (
        args.number("res", signed=True),
        args.number("first"),
        args.number("last"),
    )
    owner = table.files(thread) if thread is not None else None
    if owner is None or res is None or res < 0 or first is None or last is None:
        return
    for fd in [fd for fd in owner.fds if first <= fd <= last]:
        if (args.number("flags") or 0) & _CLOSE_RANGE_CLOEXEC:
            info = owner.fds[fd]
            flags = int(info.get("open_flags", 0)) | _O_CLOEXEC
            table.add_fd(owner, fd, {**info, "open_flags": flags})
        else:
            table.drop_fd(owner, fd)


def dup(table: ThreadTable, event: Event, args: EventArgs, thread: Thread | None) -> None:
    """Take dup, dup2 and dup3."""
    new, old = args.number("res", signed=True), args.number("oldfd", signed=True)
    info = table.fd(thread, old)
    if thread is None or info is None or new is None or new < 0 or event.event_type is None:
        return
    end = {0: _PIPE_DESTINATION, 1: _PIPE_SOURCE}.get(new, 0)
    if end and not thread.flags & end:
        table.write(thread, flags=thread.flags | end)
    flags = int(info.get("open_flags", 0)) & ~_O_CLOEXEC
    if event.event_type.name == "dup3":
        flags |= (args.number("flags") or 0) & _O_CLOEXEC
    table.add_fd(thread, new, {**info, "open_flags": flags})


def fcntl(table: ThreadTable, _event: Event, args: EventArgs, thread: Thread | None) -> None:
    """Take fcntl, which may copy a descriptor, or have execve close it."""
    new, fd, command = (
        args.number("res", signed=True),
        args.number("fd", signed=True),
        args.number("cmd"),
    )
    info = table.fd(thread, fd)
    if thread is None or info is None or fd is None or new is None or new < 0:
        return
    flags = int(info.get("open_flags", 0)) & ~_O_CLOEXEC
    if command == _F_SETFD and args.has("arg"):
        flags |= _O_CLOEXEC if (args.number("arg") or 0) & _FD_CLOEXEC else 0
        table.add_fd(thread, fd, {**info, "open_flags": flags})
    elif copies(args):
        flags |= _O_CLOEXEC if command == _F_DUPFD_CLOEXEC else 0
        table.add_fd(thread, new, {**info, "open_flags": flags})


def copies(args: EventArgs) -> bool:
    """Return whether an fcntl copies a descriptor."""
    return args.number("cmd") in {_F_DUPFD, _F_DUPFD_CLOEXEC}


def pipe(table: ThreadTable, event: Event, args: EventArgs, thread: Thread | None) -> None:
    """Take pipe, pipe2 and socketpair."""
    res = args.number("res", signed=True)
    if thread is None or res is None or res < 0 or event.event_type is None:
        return
    sockets = event.event_type.name == "socketpair"
    values: dict[str, Value] = {"type": _FIFO, "ino": args.number("ino") or 0}
    if sockets:
        ends = args.number("source") or 0, args.number("peer") or 0
        values = {"type": _UNIX, "socket_unix_src": ends[0], "socket_unix_dest": ends[1]}
    elif args.has("flags"):
        values["open_flags"] = args.number("flags") or 0
    for name in ("fd1", "fd2"):
        if (fd := args.number(name, signed=True)) is not None:
            table.add_fd(thread, fd, dict(values))


def socket(table: ThreadTable, _event: Event, args: EventArgs, thread: Thread | None) -> None:
    """Take socket."""
    fd = args.number("fd", signed=True)
    if thread is None or fd is None or fd < 0:
        return
    domain, kind = args.number("domain") or 0, args.number("type") or 0
    protocol = args.number("proto") or 0
    values: dict[str, Value] = {"type": 0, "open_flags": args.number("flags") or 0}
    if domain == _AF_UNIX:
        values["type"] = _UNIX
    elif domain == _AF_NETLINK:
        values["type"] = _NETLINK
    elif domain in {_AF_INET, _AF_INET6}:
        l4 = _PROTOCOLS.get(protocol, 0) if kind != _SOCK_RAW or protocol == 0 else _RAW
        if protocol == 0:
            l4 = {_SOCK_STREAM: _TCP, _SOCK_DGRAM: _UDP}.get(kind & 0xFF, 0)
        values["type"] = _IPV4 if domain == _AF_INET else _IPV6
        values["socket_ipv4_l4_proto" if domain == _AF_INET else "socket_ipv6_l4_proto"] = l4
    table.add_fd(thread, fd, values)


def plain_fd(table: ThreadTable, event: Event, args: EventArgs, thread: Thread | None) -> None:
    """Take a call of FD_TYPES."""
    event_type = event.event_type
    if thread is None or event_type is None or not event.params:
        return
    fd = args.number("fd" if event_type.name == "bpf" else "res", signed=True)
    if fd is None or fd < 0:
        return
    values: dict[str, Value] = {"type": FD_TYPES[event_type.name]}
    if event_type.name in {"eventfd2", "inotify_init1", "signalfd4", "timerfd_create"}:
        values["open_flags"] = args.number("flags") or 0
    table.add_fd(thread, fd, values)


def memfd(table: ThreadTable, _event: Event, args: EventArgs, thread: Thread | None) -> None:
    """Take memfd_create."""
    fd = args.number("fd", signed=True)
    if thread is not None and fd is not None and fd >= 0:
        name = args.text("name")
        values: dict[str, Value] = {"type": _MEMFD, "name": name}
        table.add_fd(thread, fd, {**values, "open_flags": args.number("flags") or 0})
