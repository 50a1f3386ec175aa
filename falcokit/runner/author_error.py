# SPDX-License-Identifier: Apache-2.0
"""An author's error as data: read from the text that `falcokit.runtime.base.errors` writes.

The text is all that leaves a host: as a plugin's last error, or in its log. `read_error` finds in
it the place, the calls that led there, and the causes; with each place comes its line of source,
read from the file as it is now. `document` is the form of `--json`; `falcokit.cli.author_error`
shows it on a terminal.
"""

from __future__ import annotations

import functools
import re
import stat
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["AuthorError", "Cause", "Place", "document", "read_error", "with_exception"]

#: What precedes the place (such as "plugin x failed in init: "), the place, and what is said.
_HEAD: Final = re.compile(r"(?P<before>(.*?: )?)(?P<file>/[^\0:]*\.py):(?P<line>\d+): (?P<said>.*)")
_CALL: Final = re.compile(r"called at (?P<file>/[^\0]*):(?P<line>\d+) in (?P<function>.*)")
_CAUSE: Final = re.compile(r"(?P<relation>caused by|while handling|one of them:) (?P<said>.*)")
_AT: Final = re.compile(r"(?P<said>.*), at (?P<file>/[^\0]*):(?P<line>\d+)", re.DOTALL)
_NAME: Final = re.compile(r"[^\W\d]\w*")
_INDENT: Final = "  "
_SOURCE_MAX: Final = 200  # characters of a line
_FILE_MAX: Final = 1 << 22  # bytes of a file that is read
#: Severities whose messages may be errors of the author's code.
_SEVERITIES: Final = frozenset({"fatal", "critical", "error"})


class Place(NamedTuple):
    """A line of the author's own code.

    Attributes:
        file: Absolute path.
        line: From 1.
        function: What it is in; None: not known.
        source: The line itself, without its indentation; None: the file has no such line now.

    """

    file: str
    line: int
    function: str | None
    source: str | None


class Cause(NamedTuple):
    """An exception that led to another.

    Attributes:
        relation: caused by (`raise ... from`), while handling (raised in an `except` or `finally`),
            or one of them (of an exception group).
        depth: 0, or how deep in groups it is.
        type: The exception's class.
        text: Its text.
        place: The innermost line of the author's own code, if there is any.

    """

    relation: str
    depth: int
    type: str
    text: str
    place: Place | None


class AuthorError(NamedTuple):
    """What went wrong in the author's code.

    Attributes:
        message: All that is said of it, without its place; the first line names it.
        hook: In which hook, producer or thread; None: not known.
        type: The exception's class; None: not known.
        text: Its text.
        place: The innermost line of the author's own code; None: there is none.
        calls: The calls that led there, the nearest first.
        causes: The exceptions that caused it, the nearest first.
        notes: The exception's notes, and what happens next.

    """

    message: str
    hook: str | None
    type: str | None
    text: str
    place: Place | None
    calls: tuple[Place, ...]
    causes: tuple[Cause, ...]
    notes: tuple[str, ...]


def read_error(text: str) -> AuthorError | None:
    """Return the error that a text tells of; None: it tells of no place in the author's code."""
    head, *parts = _parts(text)
    found = _HEAD.fullmatch(head, endpos=len(head.partition("\n")[0]))
    before, said, place = "", head, None
    if found is not None:
        before, said = found["before"], found["said"] + head[found.end() :]
        place = _place(found)
    calls: list[Place] = []
    causes: list[Cause] = []
    notes: list[str] = []
    for depth, part in parts:
        if call := _CALL.fullmatch(part):
            calls.append(_place(call, call["function"]))
        elif cause := _CAUSE.match(part):
            causes.append(_cause(depth, cause["relation"], part[cause.start("said") :]))
        else:
            notes.append(part)
    if place is None and not calls and not causes:
        return None
    hook, kind, own = _named(said)
    if hook is not None and before.endswith(f" in {hook}: "):  # "plugin x failed in init: "
        said = said.removeprefix(f"{hook}: ")
    return AuthorError(
        before + said, hook, kind, own, place, tuple(calls), tuple(causes), tuple(notes)
    )


def _parts(text: str) -> Iterator[Any]:
    """Yield the head, then each indented line with its depth; others continue the one above."""
    depth, current = -1, ""
    for number, line in enumerate(text.rstrip("\n").split("\n")):
        if number and line.startswith(_INDENT):
            yield (depth, current) if depth >= 0 else current
            stripped = line.lstrip(" ")
            depth, current = (len(line) - len(stripped)) // len(_INDENT) - 1, stripped
        else:
            current += f"\n{line}" if number else line
    yield (depth, current) if depth >= 0 else current


def _named(said: str) -> tuple[str | None, str | None, str]:
    """Return the hook, the class and the text of `hook: Class: text`, or of `Class: text`."""
    first, _, rest = said.partition(": ")
    kind, _, text = rest.partition(": ")
    if _NAME.fullmatch(kind) and kind[0].isupper():
        return first, kind, text
    if _NAME.fullmatch(first) and first.endswith("Error"):
        return None, first, rest
    return None, None, said


def _cause(depth: int, relation: str, said: str) -> Cause:
    place = None
    if at := _AT.fullmatch(said):
        said, place = at["said"], _place(at)
    kind, _, text = said.partition(": ")
    return Cause(relation.rstrip(":"), depth, kind, text, place)


def _place(found: re.Match[str], function: str | None = None) -> Place:
    file, line = found["file"], int(found["line"])
    return Place(file, line, function, _source(file, line))


@functools.lru_cache(maxsize=32)  # an error may repeat, and most of its places are in one file
def _lines(path: Path, _changed_ns: int) -> list[str]:
    return path.read_text(errors="replace").splitlines()


def _source(file: str, number: int) -> str | None:
    """Return a line of a file of Python; a text of the plugin's may name any other."""
    if not file.endswith(".py"):
        return None
    try:
        from pathlib import Path  # noqa: PLC0415 - of errors alone

        path = Path(file)
        state = path.stat()
        if not stat.S_ISREG(state.st_mode) or state.st_size > _FILE_MAX:
            return None
        lines = _lines(path, state.st_mtime_ns)
    except (OSError, ValueError):
        return None
    line = lines[number - 1].strip() if 0 < number <= len(lines) else ""
    return (line if len(line) <= _SOURCE_MAX else f"{line[:_SOURCE_MAX]}…") or None


def document(error: AuthorError) -> dict[str, Any]:
    """Return an error as the JSON object `exception` of errors and log messages."""
    nowhere = dict.fromkeys(("file", "line", "function", "source"))

    def of(place: Place | None) -> dict[str, Any]:
        return nowhere if place is None else place._asdict()

    causes = [{**cause._asdict(), **of(cause.place)} for cause in error.causes]
    for cause in causes:
        del cause["place"]
    return {
        "message": error.message,
        "hook": error.hook,
        "type": error.type,
        "text": error.text,
        **of(error.place),
        "calls": [of(place) for place in error.calls],
        "causes": causes,
        "notes": list(error.notes),
    }


def with_exception(report: dict[str, Any]) -> dict[str, Any]:
    """Add `exception` to a report whose message tells of an error in the author's code."""
    kind = report.get("report")
    if kind in {"error", "extract_failed"} or (
        kind == "log" and report.get("severity") in _SEVERITIES
    ):
        error = read_error(str(report.get("message") or ""))
        if error is not None:
            report["exception"] = document(error)
    return report
