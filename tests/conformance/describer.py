# SPDX-License-Identifier: Apache-2.0
"""Describes classes in forks of one process, which has imported what each of them needs.

To start Python for each project takes as long as to compile it. The process has a single thread and
runs this file as the build runs `falcokit.build.describe`; a fork of it runs that module and ends.
Each worker of the tests has one.
"""

from __future__ import annotations

import atexit
import functools
import gc
import json
import os
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from falcokit.toolchain import command as command_of_falcokit

__all__ = ["run_captured"]


@functools.cache
def _process() -> subprocess.Popen[str]:
    command = [sys.executable, "-P", "-E", __file__]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(process.communicate)  # it ends with its stdin
    return process


def run_captured(
    command: list[str], *, text: str | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Do what the build asks of `falcokit.toolchain.command.run_captured`."""
    if command != [sys.executable, "-P", "-E", "-m", "falcokit.build.describe"]:
        return command_of_falcokit.run_captured(command, text=text, **options)
    process = _process()
    assert process.stdin is not None
    assert process.stdout is not None
    request = {"input": text, "cwd": str(Path.cwd()), "env": dict(os.environ)}
    process.stdin.write(json.dumps(request) + "\n")
    process.stdin.flush()
    answer = json.loads(process.stdout.readline())
    return subprocess.CompletedProcess(command, **answer)


def _describe(request: dict[str, Any], files: list[int]) -> None:
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    for standard, file in enumerate(files):
        os.dup2(file, standard)
    sys.stdin = open(0)  # noqa: SIM115 - in place of the one that has read ahead
    sys.argv = ["-m"]
    runpy.run_module("falcokit.build.describe", run_name="__main__", alter_sys=True)


def _serve() -> None:
    # What that module and plugins import, and not itself: it is to be run anew.
    import falcokit.build.check_extract
    import falcokit.build.check_plugin
    import falcokit.build.metadata
    import falcokit.runtime.host.author_modules

    for name in falcokit.__all__:
        getattr(falcokit, name)
    gc.freeze()  # or a fork would copy what it looks through
    for line in sys.stdin:
        request = json.loads(line)
        with (
            tempfile.TemporaryFile() as given,
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
        ):
            given.write(request["input"].encode())
            given.seek(0)
            child = os.fork()
            if not child:
                try:
                    _describe(request, [given.fileno(), out.fileno(), err.fileno()])
                finally:
                    os._exit(1)
            _, status = os.waitpid(child, 0)
            answer: dict[str, Any] = {"returncode": os.waitstatus_to_exitcode(status)}
            for name, file in (("stdout", out), ("stderr", err)):
                file.seek(0)
                answer[name] = file.read().decode(errors="replace")
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
