# SPDX-License-Identifier: Apache-2.0
"""Programs in Python as processes of their own, without the time that their imports take.

A server imports a program once; each run is a fork of it, with arguments, environment, working
folder and output of its own. Used by tests that run falcokit, pip or pytest many times; one that is
about the start of a process, a terminal or a signal starts a real one.
"""

from __future__ import annotations

import atexit
import functools
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["run_forked"]

_LARGEST = 1 << 20  # of a request: the environment and the arguments

#: What is imported ahead, and the module whose `main` is the program.
_PROGRAMS = {
    "falcokit": (
        ("falcokit.cli.app", "falcokit.package.artifact.artifact", "falcokit.cli.package_view"),
        "falcokit.__main__",
    ),
    "pip": (("pip._internal.commands.install",), "pip._internal.cli.main"),
    "pytest": (("falcokit.testing",), "pytest"),
}


def run_forked(
    program: str,
    arguments: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path | str | None = None,
    timeout: float = 200,
) -> subprocess.CompletedProcess[str]:
    """Run a program of _PROGRAMS as `subprocess.run` would, its output captured."""
    request = {
        "arguments": [program, *arguments],
        "cwd": str(cwd or os.getcwd()),  # noqa: PTH109
        "env": dict(env),
    }
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process, server = _server(program)
        server.settimeout(timeout)
        try:
            line = json.dumps(request).encode()
            socket.send_fds(server, [line], [out.fileno(), err.fileno()])
            answer = server.recv(16)
        except BaseException:  # its answer would be taken for the next one's
            os.killpg(process.pid, signal.SIGKILL)
            _server.cache_clear()
            raise
        assert answer, f"the server of {program} has ended: {process.wait()}"
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess([*arguments], int(answer), out.read(), err.read())


@functools.cache
def _server(program: str) -> tuple[subprocess.Popen[bytes], socket.socket]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in (ours, theirs):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _LARGEST)
    command = [sys.executable, "-P", __file__, program, str(theirs.fileno())]
    process = subprocess.Popen(
        command,
        pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return process, ours


def _serve(program: str, connection: socket.socket) -> None:
    ahead, _ = _PROGRAMS[program]
    for module in ahead:
        importlib.import_module(module)
    while True:
        request, fds, _, _ = socket.recv_fds(connection, _LARGEST, 2)
        if not request:
            return
        child = os.fork()
        if not child:
            connection.close()
            _run(program, json.loads(request), fds)
        for fd in fds:
            os.close(fd)
        _, status = os.waitpid(child, 0)
        connection.send(str(os.waitstatus_to_exitcode(status)).encode())


def _run(program: str, request: dict[str, object], fds: Sequence[int]) -> NoReturn:
    status: object = 1
    try:
        for fd, target in zip(fds, (1, 2), strict=True):
            os.dup2(fd, target)
            os.close(fd)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.chdir(str(request["cwd"]))
        given = request["env"]
        assert isinstance(given, dict)
        os.environ.clear()
        os.environ.update(given)
        arguments = request["arguments"]
        assert isinstance(arguments, list)
        sys.argv[:] = arguments
        if program == "falcokit":
            from falcokit.package.artifact import archive

            archive.LEVEL = 0  # as in outside.PACKAGE
        status = importlib.import_module(_PROGRAMS[program][1]).main()
    except SystemExit as e:
        status = e.code
    except BaseException:
        traceback.print_exc()
    finally:
        if isinstance(status, str):
            sys.stderr.write(f"{status}\n")
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status if isinstance(status, int) else int(status is not None))


if __name__ == "__main__":
    _serve(sys.argv[1], socket.socket(fileno=int(sys.argv[2])))
