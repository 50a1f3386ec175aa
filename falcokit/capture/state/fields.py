# SPDX-License-Identifier: Apache-2.0
"""Fields of conditions whose values are in a `Moment`: processes, descriptors, users and groups.

Each has the value that Falco's own library shows on a replay of the same capture. What it may know
better, or otherwise, is UNKNOWN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from falcokit.capture.state.moments import MAX_ANCESTORS
from falcokit.filter.batch import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from falcokit.capture.lists.users import User
    from falcokit.capture.state.changes import Value
    from falcokit.capture.state.moments import Moment, ThreadView

__all__ = ["STATE_FIELDS", "state_reader"]

_MAX_ID: Final = 2**32 - 1
_MAX_DIGITS: Final = 4
_NA: Final = "<NA>"
_FILE, _DIRECTORY = 16, 2
_FILES: Final = {1, _FILE}
#: By the number of a type; sockets of IPv6 are left out, which may become ones of IPv4.
_TYPES: Final = {
    1: "file", _FILE: "file", _DIRECTORY: "directory", 3: "ipv4", 5: "ipv4", 7: "pipe", 8: "unix",
    9: "event", 11: "signalfd", 12: "eventpoll", 13: "inotify", 14: "timerfd", 15: "netlink",
    17: "bpf", 18: "userfaultfd", 19: "io_uring", 20: "memfd",
}  # fmt: skip
#: Descriptors whose names change without a call that is followed, or hang on addresses.
_SOCKETS: Final = {0, 3, 4, 5, 6, 8, 15}


def state_reader(name: str, argument: str | None) -> Callable[[Moment], Any] | None:
    """Return what reads a field; None: it is none of these, or takes no such argument.

    A reader returns None where the event has no value, UNKNOWN where only a real Falco can tell.
    """
    if argument is None:
        if name in _OF_THREAD:
            return _of_thread(_OF_THREAD[name])
        return _OF_DESCRIPTOR.get(name)
    if not argument.isascii() or not argument.isdecimal() or len(argument) > _MAX_DIGITS:
        return None
    ancestor, number = _OF_ANCESTOR.get(name), int(argument)
    if ancestor is not None and number <= MAX_ANCESTORS:
        return _of_thread(_ancestor(ancestor, number))
    return _of_thread(_argument(number)) if name == "proc.args" else None


def _of_thread(get: Callable[[ThreadView], Any]) -> Callable[[Moment], Any]:
    def read(moment: Moment) -> Any:
        if moment.thread is None:
            return UNKNOWN if moment.lost else None
        return get(moment.thread)

    return read


def _value(name: str, missing: Value | None = None) -> Callable[[ThreadView], Any]:
    def get(thread: ThreadView) -> Any:
        return UNKNOWN if name in thread.unsure else thread.values.get(name, missing)

    return get


def _id(name: str) -> Callable[[ThreadView], Any]:
    def get(thread: ThreadView) -> int | None:
        number = int(thread.values.get(name, -1))
        return number if -1 <= number <= _MAX_ID else None

    return get


def _virtual(name: str) -> Callable[[ThreadView], Any]:
    def get(thread: ThreadView) -> int | None:
        number = int(thread.values.get(name, -1))
        return None if number == -1 else number

    return get


def _args(thread: ThreadView) -> Any:
    return UNKNOWN if "args" in thread.unsure else " ".join(thread.args)


def _argument(position: int) -> Callable[[ThreadView], Any]:
    def get(thread: ThreadView) -> Any:
        if "args" in thread.unsure:
            return UNKNOWN
        return thread.args[position] if position < len(thread.args) else ""

    return get


def _cmdline(thread: ThreadView) -> Any:
    if "args" in thread.unsure:
        return UNKNOWN
    return thread.cmdline or str(thread.values.get("comm", ""))


def _exeline(thread: ThreadView) -> Any:
    if "args" in thread.unsure:
        return UNKNOWN
    return f"{thread.values.get('exe', '')} {' '.join(thread.args)}"


def _parent(get: Callable[[ThreadView], Any]) -> Callable[[ThreadView], Any]:
    return _ancestor(get, 1)


def _ancestor(get: Callable[[ThreadView], Any], steps: int) -> Callable[[ThreadView], Any]:
    def read(thread: ThreadView) -> Any:
        found = thread.main
        for _ in range(steps):
            if found is None:
                return None
            if "ptid" in found.unsure:
                return UNKNOWN
            found = found.parent
        return None if found is None else get(found)

    return read


def _user(get: Callable[[User], str], of: str, root: Any) -> Callable[[ThreadView], Any]:
    """Return a reader; `root` is the value of the user 0 that is not in the list."""

    def read(thread: ThreadView) -> Any:
        if thread.users is None:
            return UNKNOWN
        uid = int(thread.values.get(of, _MAX_ID))
        user = thread.users.users.get(uid)
        return _of_nobody(uid, root) if user is None else get(user)

    return read


def _group(thread: ThreadView) -> Any:
    if thread.users is None:
        return UNKNOWN
    gid = int(thread.values.get("gid", _MAX_ID))
    group = thread.users.groups.get(gid)
    return _of_nobody(gid, "root") if group is None else group.name


def _of_nobody(number: int, root: Any) -> Any:
    """Return a name for a number that is not in the list: a host looks it up in its own list."""
    return _NA if number == _MAX_ID else root if number == 0 else UNKNOWN


def _login(thread: ThreadView) -> int:
    number = int(thread.values.get("loginuid", _MAX_ID))
    return number if number < _MAX_ID else -1


_comm: Final = _value("comm", "")
_exe: Final = _value("exe", "")
_exe_path: Final = _value("exe_path", "")
_pid: Final = _id("pid")
_OF_ANCESTOR: Final[Mapping[str, Callable[[ThreadView], Any]]] = {
    "proc.aname": _comm, "proc.aexe": _exe, "proc.aexepath": _exe_path, "proc.apid": _pid,
    "proc.acmdline": _cmdline, "proc.aargs": _args,
}  # fmt: skip
_OF_THREAD: Final[Mapping[str, Callable[[ThreadView], Any]]] = {
    "proc.name": _comm,
    "proc.pid": _pid,
    "proc.exe": _exe,
    "proc.exepath": _exe_path,
    "proc.args": _args,
    "proc.cmdline": _cmdline,
    "proc.exeline": _exeline,
    "proc.cmdnargs": lambda t: UNKNOWN if "args" in t.unsure else len(t.args),
    "proc.cwd": lambda thread: thread.cwd,
    "proc.tty": _value("tty", 0),
    "proc.sid": _value("sid", -1),
    "proc.vpgid": _value("vpgid", -1),
    "proc.vpid": _virtual("vpid"),
    "thread.vtid": _virtual("vtid"),
    "proc.pname": _parent(_comm),
    "proc.ppid": _parent(_pid),
    "proc.pexe": _parent(_exe),
    "proc.pexepath": _parent(_exe_path),
    "proc.pcmdline": _parent(_cmdline),
    "user.uid": _value("uid", _MAX_ID),
    "user.name": _user(lambda user: user.name, "uid", "root"),
    "user.homedir": _user(lambda user: user.home, "uid", "/root"),
    "user.shell": _user(lambda user: user.shell, "uid", UNKNOWN),
    "user.loginuid": _login,
    "user.loginname": _user(lambda user: user.name, "loginuid", "root"),
    "group.gid": _value("gid", _MAX_ID),
    "group.name": _group,
}


def _of_descriptor(
    get: Callable[[Mapping[str, Value]], Any], failed: Callable[[str], Any] | None = None
) -> Callable[[Moment], Any]:
    """Return a reader; `failed` makes its value from the path that could not be opened."""

    def read(moment: Moment) -> Any:
        if not moment.has_fd:
            return UNKNOWN if moment.lost else None
        if moment.info is not None:
            return get(moment.info)
        if moment.fd is not None and moment.fd < 0 and moment.path is not None:
            return None if failed is None else failed(moment.path)
        return UNKNOWN

    return read


def _number(moment: Moment) -> Any:
    if not moment.has_fd:
        return UNKNOWN if moment.lost else None
    return UNKNOWN if moment.fd is None else moment.fd


def _name(info: Mapping[str, Value]) -> Any:
    return UNKNOWN if info.get("type") in _SOCKETS else str(info.get("name", ""))


def _type(info: Mapping[str, Value]) -> Any:
    return _TYPES.get(int(info.get("type", 0)), UNKNOWN)


def _directory(info: Mapping[str, Value]) -> Any:
    kind = info.get("type")
    if kind in _FILES:
        return _folder(str(info.get("name", "")))
    return str(info.get("name", "")) if kind == _DIRECTORY else None


def _folder(path: str) -> str:
    at = path.rfind("/")
    if at <= 0:
        return "/"
    return path[:at] if at < len(path) - 1 else path


def _filename(info: Mapping[str, Value]) -> Any:
    if info.get("type") not in _FILES:
        return None
    path = str(info.get("name", ""))
    _, slash, after = path.rpartition("/")
    return (after or path) if slash else "/"


_OF_DESCRIPTOR: Final[Mapping[str, Callable[[Moment], Any]]] = {
    "fd.num": _number,
    "fd.name": _of_descriptor(_name, lambda path: path),
    "fd.type": _of_descriptor(_type),
    "fd.directory": _of_descriptor(_directory, _folder),
    "fd.filename": _of_descriptor(_filename),
}

#: The fields that need no argument.
STATE_FIELDS: Final = (*_OF_THREAD, *_OF_DESCRIPTOR)
