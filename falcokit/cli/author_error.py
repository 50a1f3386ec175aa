# SPDX-License-Identifier: Apache-2.0
"""An error of the author's code on a terminal: places as file:line, each with its source line.

Editors and terminals open `file:line`, so a file below the working folder is written relative to
that. The text has been made printable.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from falcokit.cli import console
from falcokit.runner.author_error import read_error

if TYPE_CHECKING:
    from falcokit.runner.author_error import AuthorError, Cause, Place

__all__ = ["error_lines", "error_text"]


def error_text(message: str) -> str:
    """Return what is shown for a message: an error of the author's with its source lines."""
    error = read_error(message)
    return console.printable_lines(message) if error is None else "\n".join(error_lines(error))


def error_lines(error: AuthorError) -> list[str]:
    """Return an error as lines: what it is, the calls that led there, and what caused it."""
    shown = console.printable_lines(error.message)
    lines = _with_source(f"{_at(error.place)}: {shown}" if error.place else shown, error.place, 0)
    for call in error.calls:
        what = f"  called at {_at(call)} in {console.printable(call.function or '?')}"
        lines += _with_source(what, call, 0)
    for cause in error.causes:
        lines += _with_source(_cause(cause), cause.place, cause.depth)
    return [*lines, *(f"  {console.printable_lines(note)}" for note in error.notes)]


def _cause(cause: Cause) -> str:
    text = console.printable_lines(f"{cause.type}: {cause.text}" if cause.text else cause.type)
    indent = "  " * (cause.depth + 1)
    relation = f"{cause.relation}:" if cause.relation == "one of them" else cause.relation
    return f"{indent}{relation} {text}{f', at {_at(cause.place)}' if cause.place else ''}"


def _with_source(text: str, place: Place | None, depth: int) -> list[str]:
    if place is None or place.source is None:
        return [text]
    source = f"{place.line:>{6 + 2 * depth}} | {console.printable(place.source.expandtabs())}"
    return [text, console.paint(source, "dim", sys.stderr)]


def _at(place: Place | None) -> str:
    return "" if place is None else f"{_shorter(place.file)}:{place.line}"


def _shorter(file: str) -> str:
    """Return a path relative to the working folder, if the file is below it."""
    try:
        folder = os.getcwd()  # noqa: PTH109
    except OSError:  # it was removed
        return console.printable(file)
    below = file.startswith(f"{folder}{os.sep}") and folder != os.sep
    return console.printable(file[len(folder) + 1 :] if below else file)
