# SPDX-License-Identifier: Apache-2.0
"""The command line read without typer, which takes longer than most commands.

Only what is written in the usual way is read here; help, mistakes and rare spellings are left to
typer, whose declaration of the options is in the commands' own modules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["COMMANDS", "read_arguments"]

_STDIN: Final = "-"
_DIGITS: Final = 18


class _OtherwiseError(Exception):
    """The arguments are typer's."""


def _path(text: str) -> Any:
    from pathlib import Path  # noqa: PLC0415 - 5 ms

    return Path(text)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise _OtherwiseError
    return int(text)


def _count(text: str) -> int:
    if (count := _number(text)) == 0:
        raise _OtherwiseError
    return count


def _seconds(text: str) -> float:
    whole, _, rest = text.partition(".")
    _number(whole)
    _number(rest or "0")
    if (seconds := float(text)) < 0.001:  # noqa: PLR2004 - as `options` declares it
        raise _OtherwiseError
    return seconds


def _layout(text: str) -> str:
    if text not in {"file", "dir"}:
        raise _OtherwiseError
    return text


def _init(words: tuple[str, ...]) -> dict[str, Any]:
    (name,) = words
    return {"name": name}


def _inspect(words: tuple[str, ...]) -> dict[str, Any]:
    if not words:
        raise _OtherwiseError
    return {"words": words}


def _run(words: tuple[str, ...]) -> dict[str, Any]:
    if not words:
        return {}
    (library,) = words
    return {"library": _path(library)}


def _none(words: tuple[str, ...]) -> dict[str, Any]:
    () = words
    return {}


_Options = dict[str, tuple[str, "Callable[[str], Any] | None"]]
"""The parameter of each spelling, and how its value is read; a flag has none."""

_PROJECT: Final[_Options] = {
    "-C": ("project", _path),
    "--project": ("project", _path),
    "--json": ("as_json", None),
}
_OPENING: Final[_Options] = {
    "--init-config": ("init_config", str),
    "--open-params": ("open_params", str),
}
_RUNNING: Final[_Options] = {
    **_PROJECT,
    **_OPENING,
    "--fields": ("fields", str),
    "--duration": ("duration", _seconds),
    "--record": ("record", _path),
}
_LIMIT: Final[_Options] = {"-n": ("limit", _count), "--limit": ("limit", _count)}

COMMANDS: Final[dict[str, tuple[Callable[[tuple[str, ...]], dict[str, Any]], _Options]]] = {
    "init": (
        _init,
        {
            "-t": ("template", str),
            "--template": ("template", str),
            "--dir": ("directory", _path),
            "--no-input": ("no_input", None),
            "--force": ("force", None),
            "--json": ("as_json", None),
        },
    ),
    "build": (_none, _PROJECT),
    "run": (_run, {**_RUNNING, **_LIMIT}),
    "dev": (_none, {**_RUNNING, "-w": ("watch", None), "--watch": ("watch", None)}),
    "package": (
        _none,
        {
            **_PROJECT,
            **_OPENING,
            "--layout": ("layout", _layout),
            "--runtime": ("runtime", str),
            "--max-glibc": ("max_glibc", str),
            "--no-verify": ("no_verify", None),
            "--oci": ("oci", None),
        },
    ),
    "inspect": (
        _inspect,
        {
            **_LIMIT,
            "--tail": ("tail", _count),
            "--events": ("events", None),
            "--follow": ("follow", None),
            "-f": ("follow", None),
            "--processes": ("processes", None),
            "--fds": ("fds", None),
            "--users": ("users", None),
            "--stats": ("stats", None),
            "--load": ("load", None),
            "--jsonl": ("jsonl", None),
            "--json": ("as_json", None),
            "--time": ("time", str),
            "--init-config": ("init_config", str),
            "--export": ("export", _path),
            "--cut": ("cut", _path),
            "--diff": ("diff", _path),
            "--plugin": ("plugin", _path),
            "--type": ("types", str),
            "--name": ("names", str),
            "--source": ("sources", str),
            "--tid": ("tids", _number),
        },
    ),
}
"""Of each command: what its words without a dash are, and its options."""

_REPEATED: Final = {"types", "names", "sources", "tids"}


def read_arguments(arguments: Sequence[str]) -> dict[str, Any] | None:
    """Return what the command `arguments[0]` is given; None where typer must read it."""
    if not arguments or arguments[0] not in COMMANDS:
        return None
    words_of, options = COMMANDS[arguments[0]]
    found: dict[str, Any] = {}
    words: tuple[str, ...] = ()
    left = iter(arguments[1:])
    try:
        for word in left:
            if word == _STDIN or (word and not word.startswith("-")):
                words += (word,)
            elif word in options:
                _take(*options[word], left, found)
            else:
                return None
        return {**words_of(words), **found}
    except (_OtherwiseError, ValueError):
        return None


def _take(
    name: str,
    read: Callable[[str], Any] | None,
    left: Iterator[str],
    found: dict[str, Any],
) -> None:
    """Read the value of an option."""
    if read is None:
        found[name] = True
        return
    text = next(left, "")
    if not text or text.startswith("-"):
        raise _OtherwiseError
    value = read(text)
    found[name] = (*found.get(name, ()), value) if name in _REPEATED else value
