# SPDX-License-Identifier: Apache-2.0
"""The command line of `falcokit inspect` read without typer, which takes longer than the command.

Called by `falcokit.__main__`. Only what is written in the usual way is read here; help, mistakes
and rare spellings are left to typer, whose declaration of the options is in `inspect`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["read_arguments"]

_STDIN: Final = "-"
_FLAGS: Final = {
    "--events": "events",
    "--follow": "follow",
    "-f": "follow",
    "--processes": "processes",
    "--fds": "fds",
    "--users": "users",
    "--stats": "stats",
    "--load": "load",
    "--jsonl": "jsonl",
    "--json": "as_json",
}
_TEXTS: Final = {"--time": "time", "--init-config": "init_config"}
_PATHS: Final = {"--export": "export", "--cut": "cut", "--diff": "diff", "--plugin": "plugin"}
_COUNTS: Final = {"--limit": "limit", "-n": "limit", "--tail": "tail"}
_REPEATED: Final = {"--type": "types", "--name": "names", "--source": "sources"}
_THREADS: Final = {"--tid": "tids"}
_DIGITS: Final = 18


class _OtherwiseError(Exception):
    """The arguments are typer's."""


def read_arguments(arguments: Sequence[str]) -> dict[str, Any] | None:
    """Return the `Wishes` of the arguments behind `inspect`; None where typer must read them."""
    found: dict[str, Any] = {"words": ()}
    left = iter(arguments)
    try:
        for word in left:
            if word in _FLAGS:
                found[_FLAGS[word]] = True
            elif word == _STDIN or not word.startswith("-"):
                found["words"] += (word,)
            else:
                _take(word, left, found)
    except _OtherwiseError:
        return None
    return found if found["words"] else None


def _take(option: str, left: Iterator[str], found: dict[str, Any]) -> None:
    """Read the value of an option."""
    value = next(left, "-")
    if value.startswith("-"):
        raise _OtherwiseError
    if option in _TEXTS:
        found[_TEXTS[option]] = value
    elif option in _REPEATED:
        name = _REPEATED[option]
        found[name] = (*found.get(name, ()), value)
    elif option in _PATHS:
        from pathlib import Path  # noqa: PLC0415 - 5 ms

        found[_PATHS[option]] = Path(value)
    elif option in _COUNTS:
        if (count := _number(value)) == 0:
            raise _OtherwiseError
        found[_COUNTS[option]] = count
    elif option in _THREADS:
        name = _THREADS[option]
        found[name] = (*found.get(name, ()), _number(value))
    else:
        raise _OtherwiseError


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise _OtherwiseError
    return int(text)
