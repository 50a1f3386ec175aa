# SPDX-License-Identifier: Apache-2.0
"""Names of the numbers in parameters: flags, enumerations, modes, errors, signals, system calls.

    from falcokit import constants

    if event.params["flags"] & constants.FileFlags.O_CREAT: ...

A class is made when it is asked for. Its numbers are the driver's own, not the kernel's: O_RDONLY
is 1. Import this only where it is needed.
"""

from __future__ import annotations

import enum
import functools
from typing import TYPE_CHECKING, Any, Final, NoReturn

from falcokit.runtime.event.names_text import TEXT

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["constants", "numbers", "own_number"]

#: Tables of which a parameter holds one number, not several bits.
_ENUMERATIONS: Final = frozenset(
    {
        *("socket_families", "lseek_whence", "shutdown_how", "rlimit_resources", "fcntl_commands"),
        *("sockopt_levels", "sockopt_options", "ptrace_requests", "io_uring_register_opcodes"),
        *("fsconfig_cmds", "prctl_options", "keyctl_operations", "bpf_commands"),
        *("anon_inode_fd_types", "errno", "signals", "syscalls"),
    }
)


@functools.cache
def _tables() -> dict[str, str]:
    entries = (entry.partition(" ") for entry in TEXT.strip().replace("\n", " ").split("; "))
    return {name: words for name, _, words in entries}


@functools.lru_cache(maxsize=64)
def numbers(table: str) -> dict[str, int]:
    """Return the numbers of a table by name, in the table's order; empty for an unknown table."""
    words = (word.rpartition("=") for word in _tables().get(table, "").split())
    return {name: int(number) for name, _, number in words}


def own_number(table: str, text: str, what: str) -> int:
    """Return the number of one name.

    Raises:
        ValueError: there is no such name; with those that are near.

    """
    known = numbers(table)
    if text not in known:
        _refuse(text, what, list(known))
    return known[text]


def _refuse(text: str, what: str, known: list[str]) -> NoReturn:
    import difflib  # noqa: PLC0415  # only for an error message

    close = difflib.get_close_matches(text.upper(), known, 3) or difflib.get_close_matches(
        text, known, 3
    )
    raise ValueError(f"{text!r} is not {what}" + (f": {' or '.join(close)}?" if close else ""))


class _Constants:
    """Has each table as a class, by its name in capitals and without underscores.

    `FileFlags` is an `enum.IntFlag`, `SocketFamilies` an `enum.IntEnum`; so are `Errno`, `Signals`
    and `Syscalls`.
    """

    def __getattr__(self, name: str) -> Any:
        table = next((table for table in _tables() if _class_name(table) == name), None)
        if table is None:
            raise AttributeError(f"there are no constants {name!r}; there are {', '.join(self)}")
        kind: Any = enum.IntEnum if table in _ENUMERATIONS else enum.IntFlag
        made = kind(name, numbers(table))
        setattr(self, name, made)
        return made

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the classes."""
        return map(_class_name, _tables())

    def __dir__(self) -> list[str]:
        return list(self)


def _class_name(table: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in table.split("_"))


constants: Final = _Constants()
