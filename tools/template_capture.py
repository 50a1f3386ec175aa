# SPDX-License-Identifier: Apache-2.0
"""Write the captures of the templates: a few events, in which every name and number is invented.

In those for system calls a shell starts three programs, which open files. The other one has events
of the own source of its template. The capture of an example has processes in containers.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any, Final

from falcokit.capture import CaptureWriter, FileDescriptor, Process
from falcokit.capture.events.event_table import event_table
from falcokit.capture.format.sections import Machine
from falcokit.runtime.event.event_values import INTEGERS, STRINGS

__all__ = ["FILE", "FOLDERS", "event_params", "template_capture"]

#: The templates and the example that have one.
FOLDERS: Final = (
    "templates/extract",
    "templates/full",
    "templates/parse",
    "examples/container-metadata",
)
FILE: Final = "events.scap"

_START_NS: Final = 1_700_000_000_000_000_000
_STEP_NS: Final = 40_000_000
_CLONE, _EXECVE, _OPENAT, _READ, _CLOSE, _EXIT = 223, 293, 307, 7, 5, 186
_SHELL: Final = 200
_PLUGIN_ID: Final = 999
_LOADS: Final = ((0.4, 1.1), (0.5, 1.8), (0.5, 2.6), (0.7, 3.9), (0.6, 1.2))
_FILE: Final = 16
_O_RDONLY, _O_WRONLY, _O_CREAT = 1 << 0, 1 << 1, 1 << 2
_AT_FDCWD: Final = -100
#: Each child of the shell: the programs that it executes one after the other, with their arguments,
#: and the files that the last one opens, with flags.
_CHILDREN: Final = (
    (
        (("/usr/bin/cat", "notes.txt", "/etc/hostname"),),
        (("notes.txt", _O_RDONLY), ("/etc/hostname", _O_RDONLY)),
    ),
    (
        (("/usr/bin/nice", "backup", "/srv/www"), ("/usr/bin/backup", "/srv/www")),
        (
            ("/srv/www/index.html", _O_RDONLY),
            ("/etc/ssl/private/server.key", _O_RDONLY),
            ("/var/backups/site.tar.gz", _O_WRONLY | _O_CREAT),
        ),
    ),
    ((("/usr/bin/wg-show",),), (("/etc/wireguard/wg0.conf", _O_RDONLY),)),
)


def template_capture(folder: str) -> bytes:
    """Return the capture of one of FOLDERS."""
    target = io.BytesIO()
    with CaptureWriter(target, compress=False) as writer:
        if folder == "templates/full":
            _samples(writer)
        elif folder == "examples/container-metadata":
            _containers(writer)
        else:
            _system_calls(writer)
    return target.getvalue()


def _samples(writer: CaptureWriter) -> None:
    """Write the load of two hosts, one of which is too high for a while."""
    for at, loads in enumerate(_LOADS):
        for host, load in zip(("alpha", "beta"), loads, strict=True):
            sample = {"host": host, "load": load, "load5": 1.0, "cpus": 2}
            writer.plugin_event(
                _PLUGIN_ID, json.dumps(sample).encode(), ts_ns=_START_NS + at * 500_000_000
            )


def _system_calls(writer: CaptureWriter) -> None:
    boot = _START_NS - 3600 * 10**9
    writer.machine(
        Machine(hostname="example", cpus=2, memory_bytes=1 << 32, max_pid=32768, boot_ts_ns=boot)
    )
    shell: dict[str, Any] = {
        "comm": "sh",
        "exe": "sh",
        "exe_path": "/usr/bin/sh",
        "cwd": "/home/dev/",
        "root": "/",
        "fd_limit": 1024,
        "uid": 1000,
        "gid": 1000,
        "session": _SHELL,
    }
    writer.processes(
        [
            Process(tid=1, pid=1, parent_tid=0, virtual_tid=1, virtual_pid=1, comm="init"),
            Process(
                tid=_SHELL, pid=_SHELL, parent_tid=1, virtual_tid=_SHELL, virtual_pid=_SHELL,
                **shell,
            ),
        ]
    )  # fmt: skip
    terminal = FileDescriptor(tid=_SHELL, fd=0, type=_FILE, path="/dev/pts/0", open_flags=1, dev=5)
    writer.descriptors(1, [])
    writer.descriptors(_SHELL, [terminal])
    _Events(writer).children()


def _containers(writer: CaptureWriter) -> None:
    """Write a shell in a container that was there before, and a container that comes and goes."""
    web, api = _container("3f2a", "web", "nginx:1.27"), _container("c0de", "api", "shop/api:latest")
    groups = {
        container["id"]: (f"cpu=/system.slice/docker-{container['id']}{'0' * 52}.scope",)
        for container in (web, api)
    }
    host: dict[str, Any] = {"fd_limit": 1024, "cwd": "/", "root": "/"}
    writer.processes(
        [
            Process(tid=1, pid=1, parent_tid=0, virtual_tid=1, virtual_pid=1, comm="init", **host),
            Process(tid=300, pid=300, parent_tid=1, virtual_tid=300, virtual_pid=300, comm="shim",
                    exe="shim", exe_path="/usr/bin/shim", **host),
            Process(tid=400, pid=400, parent_tid=300, virtual_tid=400, virtual_pid=1,
                    comm="nginx", exe="nginx", exe_path="/usr/sbin/nginx",
                    cgroups=groups[web["id"]], **host),
        ]
    )  # fmt: skip
    for tid in (1, 300, 400):
        writer.descriptors(tid, [])
    writer.async_event("container", json.dumps(web).encode(), ts_ns=None)
    events = _Events(writer)
    events.open(300, "/etc/shim.toml")
    events.open(400, "/etc/nginx/nginx.conf")
    events.tell("container", api)
    events.start(300, 500, "/app/api", groups[api["id"]])
    events.open(500, "/app/config.json")
    events.start(300, 401, "/bin/sh", groups[web["id"]])
    events.open(401, "/etc/passwd")
    events.tell("container_removed", {"id": api["id"]})
    events.open(500, "/app/late")


def _container(start: str, name: str, image: str) -> dict[str, Any]:
    labels = {"team": "shop"}
    return {
        "id": start + "0" * 8, "engine": "docker", "name": name, "image": image, "labels": labels
    }  # fmt: skip


class _Events:
    def __init__(self, writer: CaptureWriter) -> None:
        self._writer = writer
        self._now = _START_NS

    def children(self) -> None:
        for at, (programs, files) in enumerate(_CHILDREN):
            tid = _SHELL + 1 + at
            self._clone(tid)
            for program, *arguments in programs:
                self._execve(tid, program, arguments)
            for name, flags in files:
                self._event(
                    _OPENAT, tid, fd=3, dirfd=_AT_FDCWD, name=name, flags=flags, mode=0o644, dev=8,
                    ino=1000 + at,
                )  # fmt: skip
                if flags == _O_RDONLY:
                    self._event(_READ, tid, res=6, data=b"hello\n", fd=3, size=4096)
                self._event(_CLOSE, tid, res=0, fd=3)
            self._event(_EXIT, tid, status=0, ret=0, sig=0, core=0, reaper_tid=0)

    def tell(self, name: str, data: dict[str, Any]) -> None:
        self._writer.async_event(name, json.dumps(data).encode(), ts_ns=self._now)
        self._now += _STEP_NS

    def open(self, tid: int, name: str) -> None:
        self._event(
            _OPENAT, tid, fd=3, dirfd=_AT_FDCWD, name=name, flags=_O_RDONLY, mode=0, dev=8, ino=9
        )

    def start(self, parent: int, child: int, program: str, cgroups: tuple[str, ...]) -> None:
        """Start a program in the cgroups of a container, as a shim does."""
        name, groups = program.rpartition("/")[2], "".join(f"{g}\0" for g in cgroups).encode()
        born = {"tid": child, "pid": child, "ptid": parent, "vtid": 2, "vpid": 2, "fdlimit": 1024}
        self._event(_CLONE, child, res=0, exe="shim", comm="shim", cgroups=groups, **born)
        self._event(
            _EXECVE, child, res=0, exe=name, args=b"", tid=child, pid=child, ptid=parent,
            fdlimit=1024, comm=name, cgroups=groups, env=b"", trusted_exepath=program, pgid=child,
            filename=program,
        )  # fmt: skip

    def _clone(self, child: int) -> None:
        same: dict[str, int | str | bytes] = {
            "exe": "sh", "args": b"", "fdlimit": 1024, "comm": "sh", "cgroups": b"", "flags": 0,
            "uid": 1000, "gid": 1000,
        }  # fmt: skip
        parent = {"tid": _SHELL, "pid": _SHELL, "ptid": 1, "vtid": _SHELL, "vpid": _SHELL}
        self._event(_CLONE, _SHELL, res=child, **same, **parent)
        born = {"tid": child, "pid": child, "ptid": _SHELL, "vtid": child, "vpid": child}
        self._event(_CLONE, child, res=0, **same, **born)

    def _execve(self, tid: int, program: str, arguments: list[str]) -> None:
        name = program.rpartition("/")[2]
        self._event(
            _EXECVE, tid, res=0, exe=name, args="".join(f"{word}\0" for word in arguments).encode(),
            tid=tid, pid=tid, ptid=_SHELL, cwd="", fdlimit=1024, comm=name,
            env=b"HOME=/home/dev\0PATH=/usr/bin\0", tty=34816, vpgid=tid, loginuid=1000, flags=0,
            uid=1000, trusted_exepath=program, pgid=tid, gid=1000, filename=program,
        )  # fmt: skip

    def _event(self, code: int, thread: int, /, **given: int | str | bytes) -> None:
        self._writer.event(code, event_params(code, **given), ts_ns=self._now, tid=thread)
        self._now += _STEP_NS


def event_params(code: int, /, **given: int | str | bytes) -> list[bytes]:
    """Return the parameters of an event of the table; those not given are zero or empty."""
    event_type = event_table().events[code]
    params = [_bytes(param.type, given.pop(param.name, None)) for param in event_type.params]
    if given:
        raise ValueError(f"{event_type.name} has no {', '.join(given)}")
    return params


def _bytes(kind: str, value: int | str | bytes | None) -> bytes:
    if isinstance(value, bytes):
        return value
    if kind in STRINGS:
        return str(value or "").encode() + b"\0"
    width = INTEGERS[kind][0] if kind in INTEGERS else 0
    return (int(value or 0) % (1 << 8 * width)).to_bytes(width, "little")


if __name__ == "__main__":
    for folder in FOLDERS:
        (Path(__file__).parent.parent / folder / FILE).write_bytes(template_capture(folder))
