# SPDX-License-Identifier: Apache-2.0
"""A root file system that holds real sysdig and no Python, and programs run inside it.

Everything is mounted in a mount namespace of its own, which ends with the program: as root, or as
an ordinary user where user namespaces are allowed.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from conftest import RealHost

__all__ = ["EmptyRoot", "Ran", "namespaces", "sysdig_root"]

_LEFT_OUT: Final = ("usr/share/gcc", "usr/share/gdb")  # GCC's printers for debuggers, in Python
_PYTHON: Final = re.compile(r"python|\.py[cdio]?$|\.pyz$", re.IGNORECASE)
_WAYS: Final = (
    ("unshare", "--mount", "--pid", "--fork", "--kill-child"),
    ("unshare", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child"),
)
_SCRIPT: Final = """
set -e
root=$1; shift
while [ "$1" != -- ]; do
    mkdir -p "$root$3"
    mount -t "$1" -o "$2" "$1" "$root$3"
    shift 3
done
shift
[ -z "$SYSCTL" ] || echo "${SYSCTL#*=}" > "$root/proc/sys/${SYSCTL%%=*}" || exit 77
exec "$@"
"""


@functools.cache
def namespaces() -> tuple[str, ...]:
    """Return the command under which another may mount what it wants; or skip the test."""
    for way in _WAYS:
        try:
            trial = [*way, "mount", "-t", "proc", "proc", "/proc"]
            if subprocess.run(trial, capture_output=True, check=False).returncode == 0:
                return way
        except FileNotFoundError:
            break
    message = "neither root nor user namespaces are to be had here"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What a program said, and how it ended."""

    out: str
    err: str
    status: int

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


@dataclass(frozen=True, kw_only=True)
class EmptyRoot:
    """The folder, and what is mounted in it while a program runs."""

    folder: Path

    def put(self, file: Path) -> str:
        """Hand a program or library to the root, with its folder if it has one; return its path."""
        target = self.folder / "plug" / file.name
        target.unlink(missing_ok=True)
        _link(str(file), str(target))
        for folder in file.parent.glob(f"{file.stem.removeprefix('lib')}.rt-*"):
            shutil.rmtree(target.with_name(folder.name), ignore_errors=True)
            shutil.copytree(folder, target.with_name(folder.name), copy_function=_link)
        return f"/plug/{file.name}"

    def run(
        self,
        program: str,
        *arguments: object,
        proc: bool = True,
        mounts: tuple[tuple[str, str, str], ...] = (),
        sysctl: str = "",
        environ: dict[str, str] | None = None,
        stdin: str = "",
    ) -> Ran:
        """Run a program there, with no environment but the one given.

        Args:
            program: Its path in the root.
            arguments: Its arguments.
            proc: Whether there is a /proc.
            mounts: Others: type, options, place in the root.
            sysctl: `name=value` to write, for the namespaces of the program alone.
            environ: Its environment.
            stdin: What it reads.

        """
        mounted = (*((("proc", "rw", "/proc"),) if proc else ()), *mounts)
        flat = [part for mount in mounted for part in mount]
        chroot = shutil.which("chroot", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
        assert chroot is not None
        env = [f"{name}={value}" for name, value in {"PATH": "", **(environ or {})}.items()]
        inside = ["env", "-i", *env, chroot, str(self.folder), program, *map(str, arguments)]
        done = subprocess.run(
            [*namespaces(), "sh", "-c", _SCRIPT, "sh", str(self.folder), *flat, "--", *inside],
            input=stdin,
            env={**os.environ, "SYSCTL": sysctl},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60,
            check=False,
        )
        if done.returncode == 77:
            pytest.skip(f"{sysctl} cannot be set: it takes root, or a newer kernel")
        assert done.returncode >= 0, f"{program} died of signal {-done.returncode}\n{done.stderr}"
        assert done.returncode < 128, f"{program}: status {done.returncode}\n{done.stderr}"
        return Ran(out=done.stdout, err=done.stderr.strip(), status=done.returncode)

    def files(self) -> dict[str, int]:
        """Return every file of the root, and when it was last written."""
        return {
            str(path.relative_to(self.folder)): path.lstat().st_mtime_ns
            for path in sorted(self.folder.rglob("*"))
            if not path.is_dir()
        }

    def pythons(self) -> list[str]:
        """Return what there is of a Python in the root, but for what the plugins bring along."""
        found = (name for name in self.files() if _PYTHON.search(name))
        return [name for name in found if not name.startswith("plug/")]


def sysdig_root(host: RealHost, folder: Path) -> EmptyRoot:
    """Copy sysdig's root (by links, where that is possible), and leave all Python behind."""
    source = host.sysdig.parent / "root"

    def leave(at: str, names: list[str]) -> set[str]:
        inside = Path(at).relative_to(source)
        return {name for name in names if str(inside / name) in _LEFT_OUT}

    shutil.copytree(source, folder, symlinks=True, ignore=leave, copy_function=_link)
    for name in ("plug", "proc", "tmp", "var"):
        (folder / name).mkdir(exist_ok=True)
    root = EmptyRoot(folder=folder)
    for file in (host.baseline, host.sysdig.with_name("plughost.bin")):
        root.put(file)
    return root


def _link(source: str, target: str, **_: object) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)
