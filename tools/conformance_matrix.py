# SPDX-License-Identifier: Apache-2.0
"""The conformance matrix: which tests hold which behaviour of the plugin API, and in which hosts.

Owns the ids that begin the docstrings of tests. `python -m tools.conformance_matrix` collects
these and writes docs/conformance.md; tests/conformance/test_matrix.py holds the page to it.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import re
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PAGE", "ROWS", "page"]

PAGE = Path(__file__).parent.parent / "docs" / "conformance.md"

_TESTS = Path(__file__).parent.parent / "tests"
_FOLDERS = ("conformance", "hostile", "runtime")
_IDS = re.compile(r"([A-Z]\d{1,2}(?:(?:, | to )[A-Z]\d{1,2})*)(?=[,:.]|$)")
_HOSTS = ("in_process", "runner", "C", "plughost", "sysdig")
_SIGNS = {  # in a test's own code, where its parameters do not tell
    "in_process": re.compile(r"\b(start_plugin|InProcess\w*)\("),
    "runner": re.compile(r"\b(Runner\w+|RunOptions|run_plugin|record_runner)\("),
}
_FIXTURES = {
    "plughost": "plughost", "sysdig": "sysdig", "real_host": "plughost",
    "call": "C", "lend": "C", "batches": "C", "compile_c": "C",
}  # fmt: skip

ROWS = {
    "B1": "Metadata can be read without init, and without Python",
    "B2": "A failed init keeps its text",
    "B3": "Init configs: of the schema, missing, wrong, rejected by the plugin",
    "B4": "`set_config` accepts or rejects",
    "B5": "A plugin without a capability is refused",
    "B6": "NULL and wrong calls are failures, and nothing worse",
    "B7": "An older API version can be asked for",
    "B8": "The event schema's version",
    "B9": "Metrics: seven types, the prefix, calls from several threads",
    "B10": "Logs: severities, components, two instances",
    "B11": "The last error: newest, cut at a character",
    "B12": "An exception in any hook is a return code and a text with file and line",
    "S1": "Every form of source gives its events whole and in order",
    "S2": "What waits at close is counted; memory stays flat",
    "S3": "The end of a source, and its failure after what came before",
    "S4": "Nothing now: an empty batch is TIMEOUT",
    "S5": "A failed open; sources without an id, which give the host's own events",
    "S6": "The host may write into events",
    "S7": "A part of a batch is delivered with EOF or TIMEOUT; EOF stays",
    "S8": "Open params in their type, and to choose from; progress",
    "S9": "`event_to_string`, and the bytes without it",
    "X1": "The eleven types of fields",
    "X2": "The six shapes: one, none, list, empty list, required, optional",
    "X3": "Arguments: none, index, key, either",
    "X4": "An argument that does not fit is refused",
    "X5": "A method that fails gives no value, nor does a declared field that takes too much work",
    "X6": "Value offsets",
    "X7": "Filters by event type, async events among them",
    "X8": "Filters by event source",
    "X9": "Display names, descriptions, output fields",
    "P1": "A table is used by its owner and by other plugins, of falcokit and in C",
    "P2": "Fields are listed, and found by name and type",
    "P3": "Fields added to a table of another owner",
    "P4": "Nested tables",
    "P5": "Tables as mappings; what can only be read",
    "P6": "The threads table of a capture; wrong keys",
    "T1": "Every entry of the vtables: erase, clear, size, break of an iteration",
    "T2": "Two tables of one name",
    "T3": "A field that was never written",
    "T4": "Tables change while they are iterated over",
    "T5": "Entries are erased while they are held",
    "T6": "Reloads leave nothing behind",
    "T7": "What was lent is given back, whatever Python keeps",
    "T8": "Threads of the plugin share a table with the host",
    "L1": "Open and close of captures, and of capture files",
    "L2": "Routines run until they say otherwise, and are given back",
    "L3": "A routine that stays is interrupted",
    "L4": "A routine returns false, or is unsubscribed; its closure lives so long",
    "A1": "Async events arrive; an undeclared name is refused",
    "A2": "Without an event source; rules match by name",
    "A3": "start and stop in any order, failing, again",
    "A4": "Emission after stop, in start, while parsing, from many threads",
    "A5": "The bytes of an event",
    "A6": "Plugin ids and threads; events of another source are refused",
    "A7": "Timestamps: none, past, future, mixed; a quiet source",
    "A8": "Full queues: back-pressure, nothing lost uncounted",
    "A9": "`dump_state`, and its replay",
    "A10": "Capture files: nothing starts, the replay is consumed",
    "A11": "Several instances, reload, a thread that never ends",
    "A12": "Periodic work: its interval, and how soon it stops",
    "E1": "Events are decoded, with every length checked",
    "E2": "Parameters of several kinds: addresses, sockets, what is missing",
    "E3": "What is encoded, and the defaults",
    "E4": "JSON payloads there and back",
    "E5": "The event table's types, all of them",
    "E6": "Events to parse: by name, code and source, at build and by the config",
}


class _Collected:
    def __init__(self) -> None:
        self.hosts: dict[tuple[str, str, str], set[str]] = defaultdict(set)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            if not isinstance(item, pytest.Function):
                continue
            file = str(item.path.relative_to(_TESTS))
            for row in _rows_of(inspect.getdoc(item.function) or ""):
                self.hosts[row, file, item.originalname] |= _hosts_of(item)


def _rows_of(doc: str) -> Iterator[str]:
    ids = _IDS.match(doc)
    for part in ids[1].split(", ") if ids else ():
        first, _, last = part.partition(" to ")
        for number in range(int(first[1:]), int((last or first)[1:]) + 1):
            yield f"{first[0]}{number}"


def _hosts_of(item: pytest.Function) -> set[str]:
    code = inspect.getsource(item.function)
    words = set(re.split(r"[\[\]-]", item.name)) & set(_HOSTS)
    signs = {host for host, sign in _SIGNS.items() if sign.search(code)}
    given = inspect.signature(item.function).parameters
    return words or signs | {_FIXTURES[name] for name in given if name in _FIXTURES}


def page() -> str:
    """Return docs/conformance.md, as the tests are now."""
    found = _Collected()
    quiet = ["--collect-only", "-qq", "-p", "no:cacheprovider", "--rootdir", str(_TESTS.parent)]
    with contextlib.redirect_stdout(io.StringIO()) as said:
        code = pytest.main([*quiet, *(str(_TESTS / f) for f in _FOLDERS)], plugins=[found])
    if code:
        raise SystemExit(said.getvalue())
    lines = []
    for row, text in ROWS.items():
        tests = sorted((file, name) for r, file, name in found.hosts if r == row)
        hosts = set().union(*(found.hosts[row, *test] for test in tests)) if tests else set()
        files = sorted({file for file, _ in tests})
        links = ", ".join(f"[{Path(f).stem[5:]}](../tests/{f})" for f in files)
        ran = ", ".join(h.replace("in_process", "class") for h in _HOSTS if h in hosts)
        lines.append(f"| {row} | {text} | {ran} | {len(tests)} | {links} |")
    unknown = {row for row, _, _ in found.hosts} - set(ROWS)
    if unknown:
        raise SystemExit(f"docstrings name rows that the matrix does not have: {sorted(unknown)}")
    return _INTRO + "\n".join(lines) + "\n"


_INTRO = """\
# What is tested, and where

Each behaviour of Falco's plugin API that falcokit promises is a row here, held by tests whose
docstrings begin with its id. The same test runs in several hosts:

- **class**: the built library in the test's own process, as `falcokit.testing.start_plugin` has it;
- **runner**: the built library in the host of `falcokit run` and `falcokit dev`;
- **C**: the built library, called by a small C program in ways that no real host would;
- **plughost**, **sysdig**: the built library in libsinsp, Falco's own framework.

Rows without a host are held at build time, or by the bytes themselves. This page is written by
`python -m tools.conformance_matrix`, and a test compares.

| id | behaviour | hosts | tests | in |
|---|---|---|---|---|
"""

if __name__ == "__main__":
    PAGE.write_text(page())
