# SPDX-License-Identifier: Apache-2.0
"""What is wrong, in words and with its place: the one room where errors of reports are read.

Whatever more a report has of an error one day, a cause or frames of the author's code, is put into
a `Problem` here, and is shown wherever problems are shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from falcokit.runner.reports import Report

__all__ = ["Place", "Problem", "problem_of_error", "problem_of_text", "problems_of_rules"]

#: A file and a line at the beginning of a text, or after a word, a blank or a bracket.
_PLACE: Final = re.compile(
    r"(?:^|[\s(])((?:/|\./|\w)[^\s:(]*\.(?:py|yaml|yml|toml|json)):(\d+)(?::(\d+))?"
)


@dataclass(frozen=True)
class Place:
    """A place in a file: lines and columns count from 1; 0: not known."""

    file: str
    line: int = 0
    column: int = 0

    def is_in(self, text: str) -> bool:
        """Return whether a text begins with this place, from whatever folder it names the file."""
        found = _PLACE.match(text)
        if found is None:
            return False
        return int(found[2]) == self.line and f"/{self.file}".endswith(f"/{found[1].lstrip('/')}")

    def __str__(self) -> str:
        numbers = [str(number) for number in (self.line, self.column) if number]
        return ":".join([self.file, *numbers])


@dataclass(frozen=True)
class Problem:
    """Something that is wrong: one line or more, without control characters made visible."""

    text: str
    place: Place | None = None
    hint: str | None = None
    #: False: nothing is broken, and it goes on.
    serious: bool = True

    @property
    def line(self) -> str:
        """Its first line, which begins with the place unless the text has it."""
        first = self.text.split("\n", 1)[0]
        if self.place is None or self.place.is_in(first):
            return first
        return f"{self.place}: {first}"


def problem_of_error(error: Report) -> Problem:
    """Return the problem of the error of a build, or of a report of the kind `error`."""
    text = str(error.get("message") or "").rstrip("\n")
    phase = error.get("phase")
    if phase and f"{phase}: " not in text:  # a plugin's own last error mostly names its hook
        text = f"{phase}: {text}"
    hint = error.get("hint")
    if error.get("file"):
        place = Place(str(error["file"]), int(error.get("line") or 0))
        return Problem(text, place, str(hint) if hint else None)
    return Problem(text, problem_of_text(text).place, str(hint) if hint else None)


def problem_of_text(text: str) -> Problem:
    """Return a problem that is known as text only, with the first place that is in it."""
    found = _PLACE.search(text)
    if found is None:
        return Problem(text)
    return Problem(text, Place(found[1], int(found[2]), int(found[3] or 0)))


def problems_of_rules(report: Report) -> list[Problem]:
    """Return what is wrong with rules, in a report of the kind `rules`; errors first."""
    return [
        Problem(
            f"{found['message']}"
            + (f" ({found['hint']})" if found.get("hint") else "")
            + f" [{found['code']}]",
            Place(str(found["file"]), int(found["line"] or 0), int(found["column"] or 0))
            if found.get("file")
            else None,
            serious=serious,
        )
        for serious, all_found in ((True, report["errors"]), (False, report["warnings"]))
        for found in all_found
    ]
