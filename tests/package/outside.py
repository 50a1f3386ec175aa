# SPDX-License-Identifier: Apache-2.0
"""`falcokit package` as a person or a pipeline runs it: a process of its own."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

from forked import run_forked
from locks import put_lock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["CODE", "PACKAGE", "drafts", "package", "wheel", "write_project"]

#: The command, without the time that compressing takes.
_FAST = (
    "from falcokit.package.artifact import archive; archive.LEVEL = 0;"
    " from falcokit.__main__ import main; main()"
)
PACKAGE = [sys.executable, "-c", _FAST, "package"]

#: Parts of the standard library that need time to compress, and that no plugin here imports.
_LARGE = (
    *("ssl", "_hashlib", "crypt", "lzma", "bz2", "multiprocessing", "xml", "_elementtree"),
    *("pyexpat", "email", "http", "html", "unicodedata", "tarfile"),
    *("argparse", "optparse", "zipfile", "difflib", "plistlib", "configparser", "statistics"),
)

CODE = """
from falcokit import AsyncEvents, Plugin, async_event


class Thing(Plugin, AsyncEvents):
    description = "Shows what a package is."
    contact = "tests@example.com"

    @async_event("tick", every=0.02)
    def tick(self):
        return b"ticked"
"""

_PYPROJECT = """\
[project]
name = "{name}"
version = "0.1.0"
license = "Apache-2.0"
dependencies = [{dependencies}]

[tool.falcokit]
plugin = "{name}_thing:Thing"

[tool.falcokit.package]
exclude = [{exclude}]
{settings}
"""


def write_project(
    root: Path,
    code: str = CODE,
    *,
    name: str = "outer",
    dependencies: tuple[str, ...] = (),
    settings: str = "",
) -> Path:
    """Write a project whose artifact is soon made, and return its folder."""
    (root / "src").mkdir(parents=True)
    if not dependencies:
        put_lock(root)
    (root / "src" / f"{name}_thing.py").write_text(code)
    (root / "pyproject.toml").write_text(
        _PYPROJECT.format(
            name=name,
            dependencies=", ".join(f'"{d}"' for d in dependencies),
            exclude=", ".join(f'"{m}"' for m in _LARGE),
            settings=settings,
        )
    )
    return root


def package(
    root: Path,
    *options: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    prefix: tuple[str, ...] = (),
) -> subprocess.CompletedProcess[str]:
    """Run the command on a project; `prefix` is what starts it, unshare say.

    Without one, and without variables that bend a Python, it is a fork of one that has started.
    """
    arguments = ["-C", str(root), *options]
    environ = {**os.environ, **(env or {})}
    if prefix or any(name.startswith("PYTHON") for name in env or ()):
        return subprocess.run(
            [*prefix, *PACKAGE, *arguments],
            cwd=cwd,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )
    return run_forked("falcokit", ["package", *arguments], cwd=cwd, env=environ)


def drafts(root: Path) -> list[str]:
    """Return what lies in dist/ of a project, but for the folders of older runs."""
    folder = root / "dist"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def wheel(
    folder: Path,
    name: str,
    files: Mapping[str, bytes],
    *,
    version: str = "1.0",
    tag: str = "py3-none-any",
    requires: tuple[str, ...] = (),
) -> Path:
    """Write a wheel by hand, as a builder would, into a folder for PIP_FIND_LINKS."""
    info = f"{name}-{version}.dist-info"
    metadata = [
        *("Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"),
        *(f"Requires-Dist: {need}" for need in requires),
    ]
    contents = {
        **files,
        f"{info}/METADATA": "\n".join([*metadata, ""]).encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
    }
    record = ""
    target = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(target, "w") as archive:
        for path, data in contents.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=")
            record += f"{path},sha256={digest.decode()},{len(data)}\n"
            archive.writestr(path, data)
        archive.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")
    return target
