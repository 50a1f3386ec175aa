# SPDX-License-Identifier: Apache-2.0
"""Makes conditions and events at random: what C chooses, and sends to plugins, is as in Python.

`python condition_harness.py --runs N --seed S --library FILE` does so with one build of the C code,
as `lines_harness` does for lines; half of the runs are on damaged captures. Used by
test_native_condition.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fuzz_harness import CHANGES, Dribble, seeds
from lines_harness import some_events

from falcokit.capture import CaptureError, open_capture
from falcokit.capture.events.event_table import event_table
from falcokit.capture.filter.compile import compile_filter
from falcokit.capture.filter.fields import FIELDS, Context, find_reader
from falcokit.capture.format.errors import MalformedEventError
from falcokit.capture.native import lines as native_lines
from falcokit.capture.native import scan as native
from falcokit.capture.native.frames import NativeFrames
from falcokit.cli.inspect.choice import query_of
from falcokit.filter.errors import FilterError
from falcokit.filter.fields import FieldFaultError
from falcokit.filter.tree import quoted
from falcokit.runner.extract_frames import FrameEncoder

if TYPE_CHECKING:
    from falcokit.capture import Event
    from falcokit.capture.filter.compile import Filter
    from falcokit.capture.reader import Capture

__all__ = ["Choice", "choose_both", "main", "run"]

SOURCES = {7: "seven", 999: "other"}
_CONTEXT = Context(sources=SOURCES, resolver=None)
_FORMS = [field.form.partition(" or ")[0] for field in FIELDS]
_WORDS = [
    "",
    "a",
    "/",
    "/tmp",
    "SUCCESS",
    "NULL",
    "<NA>",
    ".",
    "tick",
    "name1",
    "state",
    "7",
    "\u00e9",
]
_NUMBERS = [0, 1, 2, 7, -1, -2, 2**31, 2**32, 2**63, 2**64 - 1, -(2**63)]
_OPERATORS = [
    *("=", "!=", "<", "<=", ">", ">=", "in", "in", "intersects", "exists", "contains", "icontains"),
    *("startswith", "endswith", "pmatch", "glob", "bcontains", "bstartswith"),
    *("contains anyof", "startswith oneof", "endswith allof", "!= anyof", "= oneof", "> allof"),
]


class Choice(NamedTuple):
    """The events that a filter chooses, and how many C had left to Python."""

    numbers: list[int]
    asked: int


def choose(content: bytes, wanted: Filter, step: int, *, native: bool) -> Choice | None:
    """Return the choice, None where the capture is refused."""
    asked = 0
    lines: list[str] = []

    def matches(event: Event) -> bool:
        nonlocal asked
        asked += 1
        return wanted.matches(event)

    try:
        with open_capture(Dribble(content, step)) as capture:
            native_lines.write_lines(
                capture,
                line=lambda event: str(event.number),
                write=lines.append,
                query=query_of(wanted),
                matches=matches,
                native=native,
            )
    except CaptureError:
        return None
    return Choice([int(line.split()[0]) for each in lines for line in each.split("\n")], asked)


def choose_both(content: bytes, wanted: Filter, step: int = 65536) -> Choice | None:
    """Assert that both ways choose the same; return the choice of C."""
    python = choose(content, wanted, step, native=False)
    compiled = choose(content, wanted, step, native=True)
    assert (python and python.numbers) == (compiled and compiled.numbers), wanted.text
    return compiled


def frames_both(content: bytes, step: int, rng: random.Random) -> None:
    """Assert that the frames for a plugin are the same both ways."""
    codes = {322, 402, *rng.sample(range(len(event_table().events)), 200)}
    ids = rng.choice((None, [7, 999], []))
    encoder = FrameEncoder(codes=codes, plugin_ids=ids)
    wanted, found = [], []
    with open_capture(Dribble(content, step)) as capture:
        wanted += [encoder.encode(event) or b"" for event in capture]
    with open_capture(Dribble(content, step)) as capture:
        loaded = native.library()
        assert loaded is not None
        frames = NativeFrames(loaded, codes=codes, plugin_ids=ids, condition=None, parses=False)

        def ahead(capture: Capture, buffer: bytes, at: int, base: int) -> int:
            count = capture.event_count
            made = frames.make(capture, buffer, at, base, end=len(buffer), count=count)
            found.append(made.data)
            return made.end

        for event in capture.scan(native.NativeScan(loaded, ahead=ahead)):
            found.append(encoder.encode(event) or b"")  # noqa: PERF401 - `ahead` adds to it too
    assert b"".join(found) == b"".join(wanted)


def some_field(rng: random.Random, event: Event) -> str:
    """A field, rather one that an event has."""
    if rng.random() < 0.5:
        name = rng.choice(_FORMS)
    else:
        name = rng.choice(("evt.arg.NAME", "evt.arg.NAME", "evt.arg[N]", "evt.rawarg.NAME"))
    params = event.event_type.params if event.event_type else ()
    if not params or rng.random() < 0.2:
        params = rng.choice([entry.params for entry in event_table().events if entry.params])
    at = rng.randrange(len(params))
    name = name.replace("[N]", f"[{at}]").replace("[NS]", f"[{event.ts_ns or 5}]")
    if name == "evt.type.is.NAME":
        return name.replace("NAME", event_table().name(event.code))
    return name.replace("NAME", params[at].name)


def some_value(rng: random.Random, field: str, event: Event) -> Any:
    """A value, often that of the event, or a part of it."""
    if rng.random() < 0.3:
        return rng.choice((*_WORDS, *_NUMBERS))
    name, bracket, argument = field.partition("[")
    try:
        reader = find_reader(name, argument.rstrip("]") if bracket else None, _CONTEXT)
        found = reader.get(event)
    except (MalformedEventError, FieldFaultError):
        return rng.choice(_WORDS)
    if isinstance(found, bool):
        return str(found).lower()
    if isinstance(found, int):
        return found + rng.choice((0, 0, 1, -1))
    if isinstance(found, bytes):
        found = found.decode("latin-1")
    text = str(found)[:200]
    first, last = sorted(rng.choices(range(len(text) + 1), k=2))
    part = rng.choice((text, text, text[:last], text[first:], text[first:last]))
    return rng.choice((part, part, part.upper()))


def some_clause(rng: random.Random, events: list[Event]) -> str:
    event = rng.choice(events)
    field, operator = some_field(rng, event), rng.choice(_OPERATORS)
    if operator == "exists":
        return f"{field} exists"
    values = [some_value(rng, field, event) for _ in range(rng.choice((1, 1, 2, 4)))]
    written = [quoted(str(value)) if isinstance(value, str) else str(value) for value in values]
    if operator.startswith("b"):
        written = [str(value).encode("latin-1", "replace").hex() for value in values]
    if operator in {"in", "intersects", "pmatch"} or " " in operator:
        return f"{field} {operator} ({', '.join(written)})"
    return f"{field} {operator} {written[0]}"


def some_condition(rng: random.Random, events: list[Event]) -> Filter | None:
    """A filter, None where what was made is none."""
    clauses = []
    for _ in range(rng.choice((1, 1, 2, 3))):
        clause = some_clause(rng, events)
        clauses.append(f"not {clause}" if rng.random() < 0.2 else clause)
    text = clauses[0]
    for clause in clauses[1:]:
        text = f"({text}) {rng.choice(('and', 'or'))} {clause}"
    if rng.random() < 0.1:
        text = f"not ({text})"
    try:
        return compile_filter(text, sources=SOURCES)
    except FilterError:
        return None


def run(rng: random.Random) -> tuple[int, int, int]:
    """Compare some filters on one capture; return how many events they chose, how many C did not
    decide on, and how many there were.
    """
    original = some_events(rng, 25)
    content = original
    if rng.random() < 0.5:
        data = bytearray(rng.choice((*seeds(), content)))
        rng.choice(CHANGES)(rng, data)
        content = bytes(data)
    try:
        with open_capture(Dribble(content, 65536)) as capture:
            events = list(capture)
    except CaptureError:
        return 0, 0, 0
    frames_both(content, 65536, rng)
    chosen = asked = total = 0
    for _ in range(8 if events else 0):
        wanted = some_condition(rng, events)
        found = wanted and choose_both(content, wanted, rng.choice((61, 1000, 65536)))
        if found:
            chosen, asked = chosen + len(found.numbers), asked + found.asked
            total += len(events)
    return chosen, asked, total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--library", type=Path, help="use this build of the C code")
    options = parser.parse_args()
    if options.library:
        loaded = native.load(options.library)
        native.library = lambda: loaded  # type: ignore[assignment]
    sums = [0, 0, 0]
    for number in range(options.first, options.first + options.runs):
        try:
            found = run(random.Random(options.seed * 1_000_003 + number))
        except Exception as e:
            message = f"seed {options.seed}, run {number}: {e}"
            raise AssertionError(message) from e
        sums = [one + other for one, other in zip(sums, found, strict=True)]
    chosen, asked, total = sums
    print(f"the same {chosen} of {total} events both ways, {asked} of them left by C")


if __name__ == "__main__":
    main()
