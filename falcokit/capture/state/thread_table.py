# SPDX-License-Identifier: Apache-2.0
"""The threads that a replay knows, and their descriptors; each change is told to the runner.

Captures are hostile input: what is kept has a bound; what goes beyond it is left out and counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from falcokit.capture.state.listed_descriptors import listed_descriptor, server_ports

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from falcokit.capture.lists.descriptors import FileDescriptor
    from falcokit.capture.lists.processes import Process
    from falcokit.capture.state.changes import Changes, Value

__all__ = ["MAX_TID", "Thread", "ThreadTable", "cgroups", "folder", "joined"]

#: As the key of a table; a number above it is none of a thread.
MAX_TID: Final = 2**63 - 1
#: About as many as libsinsp keeps.
_MAX_THREADS: Final = 131_072
_MAX_DESCRIPTORS: Final = 262_144
_MAX_TEXT: Final = 1 << 28  # of all threads together

_CLONE_FILES, _NAME_CHANGED, _CLOSED, _ACTIVE = 1 << 0, 1 << 17, 1 << 18, 1 << 19
_MAIN_THREAD: Final = 1 << 30
_FD_CLONED: Final = 1 << 14
_NOBODY: Final = 2**32 - 1
_MAX_PATH: Final = 1024
_NA: Final = "<NA>"
_CGROUPS: Final = {"perf": "perf_event", "mem": "memory", "io": "blkio"}


class Thread:
    """One thread; `values` are the fields of the table."""

    __slots__ = (
        *("args", "cgroups", "clone_ts", "cmdline", "env", "fds", "text", "unsure", "values"),
    )

    def __init__(self, **values: Value) -> None:
        self.values: dict[str, Any] = values
        self.fds: dict[int, dict[str, Value]] = {}
        self.args: tuple[str, ...] = ()
        #: The name of the program and its arguments, as they were when these were set.
        self.cmdline = str(values.get("comm", ""))
        #: The names of values that a real host may know otherwise.
        self.unsure: frozenset[str] = frozenset()
        self.env: tuple[str, ...] = ()
        self.cgroups: tuple[tuple[str, str], ...] = ()
        self.clone_ts = 0
        self.text = 0  # its share of the bound

    @property
    def tid(self) -> int:
        """The key in the table."""
        return int(self.values["tid"])

    @property
    def pid(self) -> int:
        """Of the process; -1 while nothing is known of the thread."""
        return int(self.values["pid"])

    @property
    def flags(self) -> int:
        """Bits PPM_CL_*."""
        return int(self.values.get("flags", 0))

    @property
    def dead(self) -> bool:
        """Whether it has ended, and other threads of its process have not."""
        return bool(self.flags & _CLOSED)

    @property
    def invalid(self) -> bool:
        """Whether nothing is known of it."""
        return self.pid < 0

    @property
    def main(self) -> bool:
        """Whether it is the main thread of its process."""
        return self.tid == self.pid or bool(self.flags & _MAIN_THREAD)


class ThreadTable:
    """The threads of one section of a capture."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self.threads: dict[int, Thread] = {}
        self.groups: dict[int, set[int]] = {}
        self.children: dict[int, set[int]] = {}
        self._fd_count = self._text = 0
        self.gone: int | None = None
        self.closed: list[tuple[Thread, int]] = []
        #: How much was left out because there was too much.
        self.refused = 0
        #: Whether a process may have asked for the orphans of its descendants.
        self.subreapers = False
        #: Another one after each change of a thread; descriptors do not count.
        self.version = 0

    def begin(
        self,
        processes: Iterable[Process],
        descriptors: Sequence[FileDescriptor],
    ) -> None:
        """Forget everything, and start from the lists at the head of a section."""
        for tid in self.threads:
            self._changes.thread_gone(tid)
        self.version += 1
        self.subreapers = False
        self.threads.clear()
        self.groups.clear()
        self.children.clear()
        self._fd_count = self._text = 0
        self.gone, self.closed = None, []
        for thread in [self._listed(process) for process in processes]:
            if thread is not None:
                self.relate(thread)
        servers = server_ports(descriptors)
        for descriptor in descriptors:
            owner = self.threads.get(descriptor.tid)
            values = listed_descriptor(descriptor, servers)
            if owner is not None and values is not None:
                self.add_fd(owner, descriptor.fd, values)

    def write(self, thread: Thread, **values: Value) -> None:
        """Write fields of a thread in the table."""
        self.version += 1
        thread.values = {**thread.values, **values}  # a moment may keep the old ones
        self._changes.set_thread(thread.tid, values)

    def set_lists(
        self,
        thread: Thread,
        *,
        args: tuple[str, ...] | None = None,
        env: tuple[str, ...] | None = None,
        cgroups: tuple[tuple[str, str], ...] | None = None,
    ) -> None:
        """Replace lists of a thread in the table, unless there is too much text in it."""
        for texts in (args, env, cgroups):
            size = sum(len(text) + 64 for text in texts or ())
            if self._text + size > _MAX_TEXT:
                self.refused += 1
                thread.unsure |= {"args"}
                return
            self._text += size
            thread.text += size
        tid = thread.tid
        self.version += 1
        if args is not None:
            thread.args = args
            comm = str(thread.values.get("comm", ""))
            thread.cmdline = " ".join((comm, *args)) if comm else ""
            self._changes.set_list(tid, "args", ((text,) for text in args))
        if env is not None:
            thread.env = env
            self._changes.set_list(tid, "env", ((text,) for text in env))
        if cgroups is not None:
            thread.cgroups = cgroups
            self._changes.set_list(tid, "cgroups", cgroups)

    def add(self, thread: Thread) -> bool:
        """Put it into the table, in the place of one with the same id."""
        old = self.threads.get(thread.tid)
        if old is None and len(self.threads) >= _MAX_THREADS:
            self.refused += 1
            return False
        if old is not None:
            self._drop(old)
        self.version += 1
        self.threads[thread.tid] = thread
        self._changes.new_thread(thread.tid, thread.values)
        return True

    def _drop(self, thread: Thread) -> None:
        tid = thread.tid
        self.version += 1
        self.threads.pop(tid, None)
        self._fd_count -= len(thread.fds)
        self._text -= thread.text
        group = self.groups.get(thread.pid)
        if group is not None:
            group.discard(tid)
            if not group:
                del self.groups[thread.pid]
        children = self.children.get(int(thread.values.get("ptid", 0)))
        if children is not None:
            children.discard(tid)

    def relate(self, thread: Thread) -> None:
        """Enter it into its process, and under its parent, which must be known."""
        if thread.invalid:
            return
        self.groups.setdefault(thread.pid, set()).add(thread.tid)
        if thread.pid == 1:
            return
        parent = self.threads.get(int(thread.values.get("ptid", 0)))
        if parent is None or parent.invalid:
            self.write(thread, ptid=0)
        else:
            self.children.setdefault(parent.tid, set()).add(thread.tid)

    def unknown(self, tid: int) -> Thread | None:
        """Add a thread of which nothing but its events is known; None: there are too many."""
        thread = Thread(
            tid=tid, pid=-1, ptid=-1, comm=_NA, exe=_NA, flags=_NAME_CHANGED,
            uid=_NOBODY, gid=_NOBODY, loginuid=_NOBODY,
        )  # fmt: skip
        return thread if self.add(thread) else None

    def _listed(self, process: Process) -> Thread | None:
        if process.tid > MAX_TID:
            return None
        main = process.tid == process.pid
        thread = Thread(
            tid=process.tid, pid=process.pid, ptid=process.parent_tid, sid=process.session,
            vpgid=process.virtual_group, pgid=process.group, comm=process.comm, exe=process.exe,
            exe_path=process.exe_path, exe_writable=process.exe_writable,
            exe_upper_layer=process.exe_upper_layer, exe_lower_layer=process.exe_lower_layer,
            exe_from_memfd=process.exe_from_memfd, flags=process.flags | _NAME_CHANGED | _ACTIVE,
            fd_limit=process.fd_limit, uid=process.uid, gid=process.gid,
            loginuid=process.login_uid, exe_ino=process.exe_inode,
            exe_ino_ctime=process.exe_inode_ctime, exe_ino_mtime=process.exe_inode_mtime,
            vtid=process.virtual_tid, vpid=process.virtual_pid, root=process.root,
            pidns_init_start_ts=process.pid_namespace_start_ns, tty=process.tty,
            **({"cwd": folder(process.cwd, "")} if main else {}),
        )  # fmt: skip
        if not self.add(thread):
            return None
        self.set_lists(
            thread,
            args=process.args,
            env=process.env if main else None,
            cgroups=cgroups(process.cgroups),
        )
        return thread

    def late(self) -> None:
        """Remove what the last event ended: parsers still saw it then."""
        if self.gone is not None:
            tid, self.gone = self.gone, None
            if (thread := self.threads.get(tid)) is not None:
                self.remove(thread)
        if self.closed:
            closed, self.closed = self.closed, []
            for owner, fd in closed:
                self.drop_fd(owner, fd)

    def remove(self, thread: Thread) -> None:
        """Remove a thread that has ended, and give its children a new parent."""
        tid, pid = thread.tid, thread.pid
        others = self.groups.get(pid, set()) - {tid}
        for child in self.children.pop(tid, set()):
            if (orphan := self.threads.get(child)) is not None:
                reaper = self._reaper(thread, others)
                if self.subreapers and not int(thread.values.get("reaper_tid", -1)) > 0:
                    orphan.unsure |= {"ptid"}
                self.write(orphan, ptid=reaper)
                if reaper:
                    self.children.setdefault(reaper, set()).add(child)
        if thread.main and not thread.invalid and any(other in self.threads for other in others):
            # The main thread's entry stays until the last thread of the process is gone.
            self.write(thread, flags=thread.flags | _CLOSED)
            return
        self._drop(thread)
        self._changes.thread_gone(tid)
        main = self.threads.get(pid)
        if main is not None and main is not thread and main.dead and others == {pid}:
            self.remove(main)

    def _reaper(self, thread: Thread, others: set[int]) -> int:
        given = int(thread.values.get("reaper_tid", -1))
        known = self.threads.get(given)
        if given > 0 and known is not None and not known.invalid:
            return given
        for other in sorted(others):
            found = self.threads.get(other)
            if found is not None and not found.dead:
                return other
        return 1 if 1 in self.threads and thread.tid != 1 else 0

    # ---- descriptors ----------------------------------------------------------------------------

    def files(self, thread: Thread) -> Thread | None:
        """Return the thread whose descriptors it uses."""
        if not thread.flags & _CLONE_FILES:
            return thread
        return self.threads.get(thread.pid)

    def add_fd(self, thread: Thread, fd: int, values: dict[str, Value]) -> None:
        """Put a descriptor in the place of one with the same number."""
        owner = self.files(thread)
        if owner is None or fd < 0:
            return
        if fd not in owner.fds:
            if self._fd_count >= _MAX_DESCRIPTORS:
                self.refused += 1
                return
            self._fd_count += 1
        owner.fds[fd] = values
        self._changes.new_descriptor(owner.tid, fd, {**values, "fd": fd})

    def drop_fd(self, owner: Thread, fd: int) -> None:
        """Remove a descriptor, if `owner` and the descriptor are still there."""
        if self.threads.get(owner.tid) is owner and owner.fds.pop(fd, None) is not None:
            self._fd_count -= 1
            self._changes.descriptor_gone(owner.tid, fd)

    def copy_fds(self, thread: Thread, parent: Thread) -> None:
        """Give a new process copies of all descriptors of its parent."""
        owner = self.files(parent)
        if owner is None or not owner.fds:
            return
        if self._fd_count + len(owner.fds) > _MAX_DESCRIPTORS:
            self.refused += 1
            return
        self._fd_count += len(owner.fds)
        thread.fds = {fd: _cloned(values) for fd, values in owner.fds.items()}
        self._changes.copy_descriptors(thread.tid, owner.tid)

    def fd(self, thread: Thread | None, fd: int | None) -> dict[str, Value] | None:
        """Return the fields of a descriptor."""
        owner = self.files(thread) if thread is not None else None
        return owner.fds.get(fd) if owner is not None and fd is not None else None

    def cwd(self, thread: Thread) -> str:
        """Return the current directory, with a slash at its end."""
        holder = thread if thread.main else self.threads.get(thread.pid)
        return "./" if holder is None else str(holder.values.get("cwd", ""))


def _cloned(values: dict[str, Value]) -> dict[str, Value]:
    flags = int(values.get("flags", 0))
    return values if flags & _FD_CLONED else {**values, "flags": flags | _FD_CLONED}


def cgroups(texts: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Split texts as in "cpu=/path", with the names that libsinsp gives to the subsystems."""
    found = []
    for text in texts:
        name, equals, path = text.partition("=")
        if not equals:
            return ()
        name = name.replace("_cgroup", "", 1)
        found.append((_CGROUPS.get(name, name), path))
    return tuple(found)


def joined(base: str, name: str) -> str:
    """Join as libsinsp does: only `name` is normalized, and there is room for 1024 bytes."""
    if len(base) + len(name) + 1 > _MAX_PATH:
        return "/DIR_TOO_LONG/FILENAME_TOO_LONG"
    if not name:
        return ""
    before = "/" if name.startswith("/") else base
    parts: list[str] = []
    for part in name.split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part == "..":
            before = before.rstrip("/").rpartition("/")[0] + "/"
        elif part not in {"", "."}:
            parts.append(part)
    return before + "/".join(parts)


def folder(path: str, base: str) -> str:
    """Return the current directory after a change to `path`: it ends with a slash."""
    whole = joined(base, path)
    return whole if whole.endswith("/") else whole + "/"
