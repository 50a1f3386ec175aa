# SPDX-License-Identifier: Apache-2.0
"""What events about processes change: clone, execve, exit, and a process's own properties."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from falcokit.capture.state.thread_table import Thread, cgroups, folder

if TYPE_CHECKING:
    from falcokit.capture.events.event import Event
    from falcokit.capture.state.changes import Value
    from falcokit.capture.state.event_args import EventArgs
    from falcokit.capture.state.thread_table import ThreadTable

__all__ = ["chdir", "clone", "execve", "prctl", "procexit", "set_id", "setsid"]

_CLONE_FILES, _CLONE_NEWPID, _CLONE_PARENT, _CLONE_THREAD = 1 << 0, 1 << 6, 1 << 8, 1 << 13
_INVERTED, _NAME_CHANGED, _CLOSED, _ACTIVE = 1 << 16, 1 << 17, 1 << 18, 1 << 19
_PIPE_SOURCE, _PIPE_DESTINATION = 1 << 21, 1 << 22
_VFORK, _IN_PID_NAMESPACE, _MAIN_THREAD = 1 << 27, 1 << 29, 1 << 30
_KEPT_BY_EXECVE: Final = _PIPE_SOURCE | _PIPE_DESTINATION | _MAIN_THREAD | _INVERTED
_O_CLOEXEC: Final = 1 << 12
_EXE_FLAGS: Final = (
    ("exe_writable", 1 << 0), ("exe_upper_layer", 1 << 1),
    ("exe_from_memfd", 1 << 2), ("exe_lower_layer", 1 << 3),
)  # fmt: skip
_STALE_NS: Final = 2_000_000_000
#: What a new thread has of its parent, or of the main thread of its process.
_INHERITED: Final = (
    "exe_path", "exe_writable", "exe_upper_layer", "exe_lower_layer", "exe_from_memfd", "root",
    "sid", "vpgid", "pgid", "tty", "loginuid", "exe_ino", "exe_ino_ctime", "exe_ino_mtime",
)  # fmt: skip


def clone(table: ThreadTable, event: Event, args: EventArgs, thread: Thread | None) -> None:
    """Take a new thread, as its parent sees it, or as it sees itself."""
    child = args.number("res", signed=True)
    if child is None or child < 0 or event.tid is None:
        return
    if child == 0:
        _clone_in_child(table, event, args, thread, event.tid)
    else:
        _clone_in_parent(table, event, args, thread, child)


def _clone_in_parent(
    table: ThreadTable, event: Event, args: EventArgs, thread: Thread | None, child: int
) -> None:
    caller = thread or table.unknown(event.tid or 0)
    if caller is None:
        return
    valid = not caller.invalid
    flags = args.number("flags") or 0
    if not valid:
        vpid = args.number("vpid", signed=True)
        table.write(
            caller,
            pid=args.number("pid", signed=True) or 0,
            ptid=args.number("ptid", signed=True) or 0,
            vtid=caller.tid if vpid is None else args.number("vtid", signed=True) or 0,
            vpid=-1 if vpid is None else vpid,
        )
        table.relate(caller)
    if flags & (_IN_PID_NAMESPACE | _CLONE_NEWPID | _CLONE_PARENT):
        return  # its ids are seen in the child's own event
    vtid = int(caller.values.get("vtid", -1))
    known = table.threads.get(child)
    if caller.tid != vtid or flags & _VFORK or event.event_type is None:
        return
    if event.event_type.name == "vfork":
        return
    if known is not None and known.flags & _INVERTED:
        return
    is_thread = bool(flags & _CLONE_THREAD)
    made = Thread(
        tid=child,
        pid=caller.pid if is_thread else child,
        ptid=int(caller.values.get("ptid", 0)) if is_thread else caller.tid,
        flags=flags | (_CLONE_FILES if is_thread else 0),
        vtid=child,
        vpid=caller.pid if is_thread else child,
        **_started(args),
        **(_inherited(caller) if valid else {}),
    )
    _born(table, event, args, made, caller if valid else None)
    if not valid:
        started = _started(args)
        table.write(caller, exe=started["exe"], comm=started["comm"])
        table.set_lists(caller, args=args.texts("args"))


def _clone_in_child(
    table: ThreadTable, event: Event, args: EventArgs, thread: Thread | None, tid: int
) -> None:
    if thread is not None and thread.clone_ts:
        if (event.ts_ns or 0) - thread.clone_ts < _STALE_NS:
            return  # its parent's event came first
        table.remove(thread)
    flags = (args.number("flags") or 0) | _INVERTED
    is_thread = bool(flags & _CLONE_THREAD)
    pid, ptid = args.number("pid", signed=True) or 0, args.number("ptid", signed=True) or 0
    vpid = args.number("vpid", signed=True)
    source_tid = pid if is_thread else ptid
    source = table.threads.get(source_tid) or table.unknown(source_tid)
    if source is None:
        return
    valid = not source.invalid
    vtid = tid if vpid is None else args.number("vtid", signed=True) or 0
    if not valid and is_thread:
        table.write(
            source, pid=pid, ptid=ptid, vpid=-1 if vpid is None else vpid,
            vtid=-1 if vpid is None else vpid,
        )  # fmt: skip
        table.relate(source)
    start = 0  # the time when the machine started is not known on a replay
    if flags & (_IN_PID_NAMESPACE | _CLONE_NEWPID) or tid != vtid:
        start = args.number("pidns_init_start_ts") or 0
    made = Thread(
        tid=tid,
        pid=pid,
        ptid=ptid,
        flags=flags | (_CLONE_FILES if is_thread else 0),
        vtid=vtid,
        vpid=-1 if vpid is None else vpid,
        pidns_init_start_ts=start,
        **_started(args),
        **(_inherited(source) if valid else {}),
    )
    _born(table, event, args, made, source if valid else None)


def _born(
    table: ThreadTable, event: Event, args: EventArgs, made: Thread, source: Thread | None
) -> None:
    made.clone_ts = event.ts_ns or 0
    if source is not None:
        made.unsure = source.unsure - {"args"}
    leader = not made.values["flags"] & _CLONE_THREAD
    if leader and source is not None:
        made.values["cwd"] = table.cwd(source)
    if not table.add(made):
        return
    table.relate(made)
    groups = cgroups(args.texts("cgroups"))
    table.set_lists(
        made,
        args=args.texts("args"),
        env=source.env if leader and source is not None else None,
        cgroups=groups or None,
    )
    if leader and source is not None:
        table.copy_fds(made, source)


def execve(table: ThreadTable, _event: Event, args: EventArgs, thread: Thread | None) -> None:
    """Take a new program in a process."""
    res = args.number("res", signed=True)
    if res is None or res < 0 or thread is None:
        return
    values: dict[str, Value] = {**_started(args), "pid": args.number("pid", signed=True) or 0}
    if thread.invalid:
        values["ptid"] = args.number("ptid", signed=True) or 0
        if not thread.flags & _IN_PID_NAMESPACE:
            values |= {"vtid": thread.tid, "vpid": values["pid"]}
    was_invalid = thread.invalid
    values |= _executed(args)
    # Without it a host makes the path of what it finds in the enter event.
    thread.unsure = frozenset() if args.has("trusted_exepath") else frozenset({"exe_path"})
    flags = thread.flags & _KEPT_BY_EXECVE | _ACTIVE | _NAME_CHANGED
    _close_on_exec(table, thread)
    table.write(thread, **values, flags=flags)
    if was_invalid:
        table.relate(thread)
    table.set_lists(
        thread,
        args=args.texts("args"),
        env=args.texts("env") if args.has("env") else None,
        cgroups=cgroups(args.texts("cgroups")) if args.has("cgroups") else None,
    )
    for other in table.groups.get(thread.pid, set()) - {thread.tid, thread.pid}:
        if (ended := table.threads.get(other)) is not None:
            table.remove(ended)


def procexit(table: ThreadTable, _event: Event, args: EventArgs, thread: Thread | None) -> None:
    """Take the end of a thread, which the table shows until the next event."""
    if thread is None:
        return
    table.gone = thread.tid
    table.write(thread, flags=thread.flags | _CLOSED)
    if table.children.get(thread.tid):
        reaper = args.number("reaper_tid", signed=True)
        table.write(thread, reaper_tid=-1 if reaper is None else reaper)


def chdir(table: ThreadTable, _event: Event, args: EventArgs, thread: Thread | None) -> None:
    """Take another current directory: chdir, fchdir, getcwd."""
    res = args.number("res", signed=True)
    if thread is None or res is None or res < 0:
        return
    holder = thread if thread.main else table.threads.get(thread.pid, thread)
    if args.has("path"):
        path = args.text("path")
    else:
        info = table.fd(thread, args.number("fd", signed=True))
        if info is None:
            return
        path = str(info.get("name", ""))
    table.write(holder, cwd=folder(path, table.cwd(thread)))


def set_id(table: ThreadTable, event: Event, args: EventArgs, thread: Thread | None) -> None:
    """Take another user or group."""
    if thread is None or args.number("res", signed=True) != 0 or event.event_type is None:
        return
    user = event.event_type.name.endswith("uid")
    names = ("euid", "uid") if user else ("egid", "gid")
    for name in names:
        if (number := args.number(name)) is not None:
            table.write(thread, **{"uid" if user else "gid": number})
            return


def setsid(table: ThreadTable, _event: Event, args: EventArgs, thread: Thread | None) -> None:
    """Take a new session."""
    res = args.number("res", signed=True)
    if thread is not None and res is not None and res >= 0:
        table.write(thread, sid=res)


def prctl(table: ThreadTable, _event: Event, args: EventArgs, _thread: Thread | None) -> None:
    """Take prctl, by which a process may ask for orphans; which one it is is not followed."""
    res = args.number("res", signed=True)
    table.subreapers = table.subreapers or (res is not None and res >= 0)


def _executed(args: EventArgs) -> dict[str, Value]:
    """Return what only execve says; older events lack most of it."""
    values: dict[str, Value] = {
        name: number
        for name in ("tty", "loginuid", "uid", "gid")
        if (number := args.number(name)) is not None
    }
    if (group := args.number("vpgid", signed=True)) is not None:
        values["vpgid"] = group
    values["pgid"] = -1 if (pgid := args.number("pgid", signed=True)) is None else pgid
    if args.has("trusted_exepath"):
        values["exe_path"] = args.text("trusted_exepath")
    if (bits := args.number("flags")) is not None:
        values |= {name: int(bool(bits & bit)) for name, bit in _EXE_FLAGS}
    if args.has("exe_ino_mtime"):
        for name in ("exe_ino", "exe_ino_ctime", "exe_ino_mtime"):
            values[name] = args.number(name) or 0
    return values


def _close_on_exec(table: ThreadTable, thread: Thread) -> None:
    owner = table.files(thread)
    if owner is None:
        return
    for fd, info in list(owner.fds.items()):
        if int(info.get("open_flags", 0)) & _O_CLOEXEC:
            table.drop_fd(owner, fd)


def _started(args: EventArgs) -> dict[str, Value]:
    """Return what clone and execve say alike of the program."""
    exe = args.text("exe")
    values: dict[str, Value] = {"exe": exe, "comm": args.text("comm") if args.has("comm") else exe}
    if (limit := args.number("fdlimit", signed=True)) is not None:
        values["fd_limit"] = limit
    for name in ("uid", "gid"):
        if (number := args.number(name)) is not None:
            values[name] = number
    return values


def _inherited(thread: Thread) -> dict[str, Any]:
    return {name: thread.values[name] for name in _INHERITED if name in thread.values}
