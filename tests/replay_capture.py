# SPDX-License-Identifier: Apache-2.0
"""A capture of system calls that changes everything a replay keeps of threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from falcokit.capture import CaptureWriter, FileDescriptor, Process
from tools.template_capture import event_params

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["write_busy"]

_START: Final = 1_700_000_000_000_000_000
_THREAD, _FILES, _VFORK, _IN_NAMESPACE = 1 << 13, 1 << 0, 1 << 27, 1 << 29
_DIRECTORY = 1 << 10
_CLONE, _FORK, _VFORK_CALL, _EXECVE, _EXIT = 223, 225, 227, 293, 186
_OPEN, _CREAT, _OPENAT, _CLOSE = 3, 59, 307, 5
_DUP, _DUP2, _DUP3, _PIPE, _PIPE2, _SOCKET, _PAIR = 367, 363, 365, 61, 393, 19, 43
_CHDIR, _FCHDIR, _SETUID, _SETRESGID, _SETSID, _READ = 95, 97, 199, 195, 275, 7
#: How many parameters hosts of last year know of these; more would end them.
_OLDER: Final = {_SOCKET: 4, _PAIR: 5}
_MEMFD, _EPOLL, _TIMER, _SIGNAL4, _INOTIFY1 = 405, 375, 137, 399, 395


class _Script:
    def __init__(self, writer: CaptureWriter) -> None:
        self._writer = writer
        self._now = _START

    def __call__(
        self, code: int, thread: int, /, state_only: bool = False, **given: int | str | bytes
    ) -> None:
        self._now += 1_000_000
        params = event_params(code, **given)[: _OLDER.get(code)]
        flags = 1 if state_only else 0
        self._writer.event(code, params, ts_ns=self._now, tid=thread, flags=flags)

    def clone(
        self, caller: int, child: int, *, code: int = _CLONE, flags: int = 0, pid: int = 0,
        sides: str = "pc", vtid: int = 0, pid_of_caller: int = 0,
    ) -> None:  # fmt: skip
        """The events of the parent (p) and the child (c), in that order."""
        same: dict[str, int | str | bytes] = {
            "exe": f"exe{child}", "args": b"-a\0b c\0", "fdlimit": 512, "comm": f"comm{child}",
            "cgroups": b"cpu_cgroup=/a\0mem=/b\0io=/c\0", "flags": flags, "uid": 7, "gid": 8,
        }  # fmt: skip
        caller_pid = pid_of_caller or caller
        for side in sides:
            if side == "p":
                self(code, caller, res=child, tid=caller, pid=caller_pid, ptid=1, vtid=caller,
                     vpid=caller_pid, **same)  # fmt: skip
            else:
                self(code, child, res=0, tid=child, pid=pid or child, ptid=caller,
                     vtid=vtid or child, vpid=vtid or pid or child, pidns_init_start_ts=77,
                     **same)  # fmt: skip

    def execve(self, tid: int, program: str, *, pid: int = 0) -> None:
        self(_EXECVE, tid, res=0, exe=program, args=b"one\0two\0", tid=tid, pid=pid or tid, ptid=1,
             fdlimit=99, comm=program.rpartition("/")[2], cgroups=b"perf=/x\0", env=b"A=1\0B=2\0",
             tty=5, vpgid=tid, loginuid=1001, flags=1, exe_ino=31, exe_ino_ctime=32,
             exe_ino_mtime=33, uid=0, trusted_exepath=program, pgid=tid, gid=0)  # fmt: skip

    def open(self, tid: int, fd: int, name: str, flags: int = 1) -> None:
        self(_OPENAT, tid, fd=fd, dirfd=-100, name=name, flags=flags, dev=8, ino=fd)


def write_busy(file: Path) -> None:
    """Write the capture."""
    with CaptureWriter(file, compress=False) as writer:
        one = Process(
            tid=1, pid=1, parent_tid=0, virtual_tid=1, virtual_pid=1, comm="init", cwd="/"
        )
        shell = Process(
            tid=100, pid=100, parent_tid=1, virtual_tid=100, virtual_pid=100, comm="sh",
            exe="-sh", exe_path="/bin/sh", args=("-l", ""), env=("HOME=/root", "B=2"),
            cwd="/root/dir", cgroups=("cpu=/one", "memory=/two"), fd_limit=64, uid=3, gid=4,
            login_uid=5, session=100, virtual_group=100, group=100, tty=9, root="/",
            exe_writable=True, exe_inode=11,
        )  # fmt: skip
        second = Process(
            tid=101,
            pid=100,
            parent_tid=1,
            virtual_tid=101,
            virtual_pid=100,
            comm="sh2",
            flags=_FILES | _THREAD,
        )
        lost = Process(
            tid=300, pid=300, parent_tid=299, virtual_tid=300, virtual_pid=300, comm="lost"
        )
        writer.processes([one, shell, second, lost])
        writer.descriptors(1, [])
        writer.descriptors(
            100,
            [
                FileDescriptor(tid=100, fd=0, type=16, path="/dev/tty", open_flags=3, dev=5),
                FileDescriptor(tid=100, fd=1, type=7, path="pipe:[1]", inode=44),
                FileDescriptor(tid=100, fd=2, type=2, path="/srv", inode=45),
                FileDescriptor(tid=100, fd=3, type=8, path="/run/x", source_pointer=1,
                               destination_pointer=2),
                FileDescriptor(tid=100, fd=4, type=3, source="10.0.0.1", source_port=1000,
                               destination="10.0.0.2", destination_port=80, l4=2),
                FileDescriptor(tid=100, fd=6, type=3, source="10.0.0.1", source_port=22,
                               destination="10.0.0.9", destination_port=3333, l4=2),
                FileDescriptor(tid=100, fd=5, type=5, source="0.0.0.0", source_port=22, l4=2),
            ],
        )  # fmt: skip
        writer.descriptors(101, [])
        writer.descriptors(300, [])
        _events(_Script(writer), writer)


def _events(do: _Script, writer: CaptureWriter) -> None:
    writer.async_event("tick", b"head", ts_ns=None, tid=1)  # state
    do(_READ, 100, res=1, data=b"x", fd=0, size=1)
    writer.async_event("tick", b"later", ts_ns=_START, tid=1)
    do.open(100, 10, "a.txt")
    do.open(100, 11, "../up/./b", 1)
    do.open(100, 12, "/var//log/../c", _DIRECTORY | 1)
    do(_OPENAT, 100, fd=13, dirfd=12, name="sub/file", flags=2, dev=1, ino=2)
    do(_OPENAT, 100, fd=14, dirfd=99, name="nowhere", flags=2)
    do(_OPENAT, 100, fd=-2, dirfd=-100, name="failed", flags=2)
    do(_OPEN, 100, fd=15, name="plain", flags=1)
    do(_CREAT, 100, fd=16, name="made", mode=0o644, dev=3, ino=4, creat_flags=1)
    _descriptors(do)
    _processes(do)


def _descriptors(do: _Script) -> None:
    do.clone(100, 200)
    do.open(200, 20, "child", 1)
    do(_CHDIR, 200, res=0, path="deeper")
    do.open(200, 21, "there")
    do(_FCHDIR, 200, res=0, fd=12)
    do(_READ, 200, res=1, data=b"x", fd=20, size=1)
    do.execve(200, "/usr/bin/prog")
    do(_READ, 200, res=1, data=b"x", fd=21, size=1)
    do(_CLOSE, 200, res=0, fd=21)
    do(_READ, 200, res=-9, data=b"", fd=21, size=1)
    do.clone(200, 201, flags=_THREAD, pid=200)  # a thread shares what its process has
    do.open(201, 30, "by-thread")
    do(_READ, 200, res=1, data=b"x", fd=30, size=1)
    do(_DUP, 200, res=31, oldfd=30)
    do(_DUP2, 200, res=1, oldfd=30, newfd=1)
    do(_DUP3, 200, res=33, oldfd=30, newfd=33, flags=0)
    do(_PIPE, 200, res=0, fd1=40, fd2=41, ino=5)
    do(_PIPE2, 200, res=0, fd1=42, fd2=43, ino=6, flags=0)
    do(_SOCKET, 200, fd=44, domain=2, type=1, proto=0, flags=0)
    do(_SOCKET, 200, fd=45, domain=10, type=2, proto=17, flags=0)
    do(_SOCKET, 200, fd=46, domain=1, type=1, proto=0, flags=0)
    do(_SOCKET, 200, fd=47, domain=16, type=3, proto=0, flags=0)
    do(_PAIR, 200, res=0, fd1=48, fd2=49, source=3, peer=4, domain=1, type=1, proto=0)
    do(_MEMFD, 200, fd=51, name="mem", flags=2)
    do(_EPOLL, 200, res=52, size=1)
    do(_TIMER, 200, res=53, clockid=1, flags=0)
    do(_SIGNAL4, 200, res=54, flags=1, fd=-1, mask=0)
    do(_INOTIFY1, 200, res=55, flags=1)
    do(_READ, 201, res=1, data=b"x", fd=30, size=1)


def _processes(do: _Script) -> None:
    do(_SETUID, 200, res=0, uid=55)
    do(_SETRESGID, 200, res=0, rgid=1, egid=56, sgid=2)
    do(_SETSID, 200, res=200)
    do(_READ, 200, res=1, data=b"x", fd=0, size=1, state_only=True)
    do.execve(200, "/usr/bin/again")  # ends the other thread
    do(_READ, 200, res=1, data=b"x", fd=0, size=1)
    do.clone(200, 210, sides="cp")  # the child's event came first
    do.clone(200, 211, code=_VFORK_CALL, flags=_VFORK, sides="pc")
    do.execve(211, "/bin/vforked")
    do.clone(200, 212, code=_FORK, flags=_IN_NAMESPACE, vtid=2)
    do(_READ, 212, res=1, data=b"x", fd=0, size=1)
    do.clone(210, 213)
    do(_EXIT, 210, status=0, ret=0, sig=0, core=0, reaper_tid=1)  # 213 gets another parent
    do(_READ, 213, res=1, data=b"x", fd=0, size=1)
    do.clone(213, 214, flags=_THREAD, pid=213)
    do(_EXIT, 213, status=0, ret=0, sig=0, core=0, reaper_tid=0)  # its thread lives on
    do(_READ, 214, res=1, data=b"x", fd=0, size=1)
    do(_EXIT, 214, status=0, ret=0, sig=0, core=0, reaper_tid=0)
    do(_READ, 999, res=1, data=b"x", fd=0, size=1)  # unknown
    do.open(999, 3, "relative")
    do.clone(999, 998)
    do(_READ, 998, res=1, data=b"x", fd=0, size=1)
    do.execve(997, "/bin/unknown")
    do(_EXIT, 996, status=0, ret=0, sig=0, core=0, reaper_tid=0)
    do(_CLOSE, 100, res=0, fd=10)
    do(_READ, 101, res=1, data=b"x", fd=0, size=1)
    do(_READ, 300, res=1, data=b"x", fd=0, size=1)
