# SPDX-License-Identifier: Apache-2.0
"""The errors of the tool side, and the exit code of each.

    FalcokitError 1              what failed, the likely cause, what to do next (hint)
    ├ ConfigError 3              pyproject.toml, a name, an option's value
    ├ PluginDefinitionError 4    the plugin class is wrong; carries file:line
    ├ ToolMissingError 5         a compiler, a shared libpython, a header
    ├ BuildError 6               the compiler failed; carries command and output
    ├ PackageError 7             the plugin cannot be packaged: a dependency, a library, a check
    ├ NotAPluginError 8          the library is no Falco plugin
    ├ PublishError 9             a registry refused, or cannot be reached
    └ PluginFailedError 10       init, open or next_batch failed while running

Exit code 2 is typer's (wrong usage), 130 an interruption. Raised by every tool module,
turned into a message and an exit code only in `falcokit.cli.failure`.
"""

from __future__ import annotations

import errno
import os
from typing import ClassVar, Final

__all__ = [
    "BuildError",
    "ConfigError",
    "FalcokitError",
    "NotAPluginError",
    "PackageError",
    "PluginDefinitionError",
    "PluginFailedError",
    "PublishError",
    "ToolMissingError",
    "is_of_the_system",
    "system_error",
]

_SPACE: Final = "free some space there"
_RIGHTS: Final = "make it writable for you, or work on a copy elsewhere"
_FILES: Final = "raise the limit of open files (ulimit -n)"
_MEMORY: Final = "end other programs, or raise the limit of memory or processes (ulimit -a)"
#: What a machine refuses to a program without a fault, and what to do about it.
_OF_THE_SYSTEM: Final = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), _SPACE),
    **dict.fromkeys((errno.EROFS, errno.EACCES, errno.EPERM), _RIGHTS),
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), _FILES),
    **dict.fromkeys((errno.ENOMEM, errno.EAGAIN), _MEMORY),
    errno.EFBIG: "raise the limit of a file's size (ulimit -f)",
    errno.EIO: "the device may be broken: see the system's log",
    errno.ENAMETOOLONG: "use a folder with a shorter path",
    errno.ELOOP: "a link there leads to itself: remove it",
}
_NO_FOLDER: Final = "No usable temporary directory"  # ENOENT, and Python's own text


class FalcokitError(Exception):
    """What failed, in one sentence, and in `hint` what to do next."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(FalcokitError):
    """The project's or the command's configuration is wrong."""

    exit_code = 3


class PluginDefinitionError(FalcokitError):
    """The plugin class cannot become a plugin; says where when that is known."""

    exit_code = 4

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        file: str | None = None,
        line: int | None = None,
    ) -> None:
        where = f"{file}:{line}: " if file and line else f"{file}: " if file else ""
        super().__init__(where + message, hint=hint)
        self.file = file
        self.line = line


class ToolMissingError(FalcokitError):
    """Something the build needs is not on this machine."""

    exit_code = 5


class BuildError(FalcokitError):
    """The C compiler refused; keeps the command and what it printed."""

    exit_code = 6

    def __init__(
        self, message: str, *, command: list[str], output: str, hint: str | None = None
    ) -> None:
        output = output.strip()
        super().__init__(f"{message}:\n{output}" if output else message, hint=hint)
        self.command = command
        self.output = output


class PackageError(FalcokitError):
    """The plugin cannot be packaged, or what was packaged does not hold."""

    exit_code = 7


class NotAPluginError(FalcokitError):
    """The file is not a library that Falco would load."""

    exit_code = 8


class RulesError(FalcokitError):
    """The rules have errors: a Falco that loads them does not start."""

    exit_code = 9


class PublishError(FalcokitError):
    """The registry refused the artifact, or could not be reached."""

    exit_code = 11


class PluginFailedError(FalcokitError):
    """The plugin failed inside the host: init, open or next_batch."""

    exit_code = 10


def is_of_the_system(error: OSError) -> bool:
    """Tell whether the machine has refused something, which is no mistake of the program."""
    return error.errno in _OF_THE_SYSTEM or _NO_FOLDER in str(error)


def system_error(error: OSError, what: str) -> FalcokitError:
    """Say that `what` cannot be done, with the file, the system's reason, and what to do."""
    if _NO_FOLDER in str(error):
        hint = "there is no folder for temporary files: free some space, or set TMPDIR"
        return FalcokitError(f"{what}: {error.strerror}", hint=hint)
    parts = (what, error.filename2 or error.filename, error.strerror or str(error))
    message = ": ".join(os.fsdecode(p) if isinstance(p, bytes) else str(p) for p in parts if p)
    return FalcokitError(message, hint=_OF_THE_SYSTEM.get(error.errno or 0))
