# SPDX-License-Identifier: Apache-2.0
"""Imported tables at the edges of the hook they are lent for: a host that looks after its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from falcokit.build.build_project import build
from falcokit.project.settings import load_project
from falcokit.toolchain.compiler import find_compiler

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import CompileC, WritePlugin

    Lend = Callable[..., list[str]]

_HEAD = """
from falcokit import (FieldExtraction, Table, TableEntry, TableError, field, i8, i64,
    import_table, u64)
class Kid(TableEntry):
    n: u64
class Item(TableEntry):
    n: u64
    small: i8
    kids: Table[i64, Kid]
class P(Plugin, EventParsing, FieldExtraction):
    parse_event_types = extract_event_types = (402,)
    config: str
    items = import_table("items", i64, Item)
    def parse_event(self, event): pass
    @field("lent.x")
    def x(self, event) -> int:
        'A field.'
        return len(self.items)
"""
_LATE = """
    def init(self):
        entry, lent = self.items[1], iter(self.items)
        first, second, kid = next(lent), iter(self.items), next(iter(entry.kids))
        next(second)
        end = time.monotonic() + 20
        said = ""
        while not said and time.monotonic() < end:
            time.sleep(0.001)
            try:
                (entry.n, first.small, kid.n, self.items.get(2), setattr(entry, "n", 2))
            except TableError as e:
                said = str(e)
        uses = (lambda: entry.n, lambda: first.n, lambda: kid.n, lambda: next(lent),
            lambda: iter(self.items), lambda: self.items.insert(7), lambda: len(entry.kids),
            lambda: self.items.clear(), lambda: self.tables.list(),
            lambda: self.tables.get("items", i64, Item), lambda: setattr(entry, "n", 1))
        for use in uses:
            try:
                use()
                said += " and more"
            except TableError:
                pass
        entry.release()
        del entry, first, second, kid, lent
        with open(self.config + ".part", "w") as file:
            file.write(said)
        os.rename(self.config + ".part", self.config)
"""
_PARSE = """
    def parse_event(self, event):
        for turn in range(3):
            for item in self.items:
                item.n += 1
                item.small = -item.n % 100
                for kid in item.kids:
                    for other in self.items:
                        deep = [str(n) for n in sorted(range(50), key=lambda n: repr(-n))]
                        if other.n > 10:
                            break
                    if turn == 1:
                        break
        del item, kid, other  # which loops that were left are still about
        self.log.info("sum %d", sum(item.n for item in self.items))
        for table in (self.items, self.items[1].kids):
            try:
                table.erase(9)
            except TableError as e:
                self.log.info("%s", e)
        left = iter(self.items)
        self.kept = [left, next(left), next(iter(self.items)), self.items[3]]
"""
_WITHIN = """
    def parse_event(self, event):
        item = self.items[1]
        kid, turn = item.kids[2], iter(item.kids)
        next(turn)
        item.release()
        again = [self.items[n] for n in (1, 2, 3)]
        for use in (lambda: kid.n, lambda: next(turn), lambda: setattr(kid, "n", 5)):
            try:
                use()
            except TableError as e:
                self.log.info("%s", e)
        kept = []
        for item in self.items:
            kept += [item.kids[1], iter(item.kids)]
            next(kept[-1])
        for use in (lambda: kept[0].n, lambda: next(kept[1])):
            try:
                use()
            except TableError as e:
                self.log.info("%s", e)
        self.kept = [again, kept]
"""
_COLLECTED = """
    def parse_event(self, event):
        import gc
        class Cycle:
            def __init__(self):
                self.me = self
            def __del__(self):
                time.sleep(0.0001)  # gives up the GIL
        going = True
        def other():
            while going:
                try:
                    self.items.get(1)
                except TableError:
                    pass
        thread = threading.Thread(target=other)
        thread.start()
        gc.set_threshold(1)
        for _ in range(300):
            Cycle(), self.items[1], self.items[2].kids, [item.n for item in self.items]
            self.items.insert(7, n=3)
            try:
                self.items[9]
            except KeyError:
                pass
        going = False
        thread.join()
        self.log.info("through")
"""
_WRITE = """
    def parse_event(self, event):
        self.items[1].n = 5
"""


@pytest.fixture(params=["plain", pytest.param("sanitized", marks=pytest.mark.once)])
def lend(request: pytest.FixtureRequest, write_plugin: WritePlugin, compile_c: CompileC) -> Lend:
    sanitize = request.param == "sanitized"
    asan = [find_compiler().path, "-print-file-name=libasan.so"]
    library = subprocess.run(asan, capture_output=True, text=True, check=True).stdout.strip()
    if sanitize and not Path(library).is_absolute():
        pytest.skip("this compiler has no AddressSanitizer")
    source = Path(__file__).with_name("lender.c")
    flags = ["-fsanitize=address"] if sanitize else []
    host = compile_c(f"lender_{request.param}", [source], *flags)
    env = {"LD_PRELOAD": library, "ASAN_OPTIONS": "detect_leaks=0"} if sanitize else {}

    def run(text: str, *commands: str) -> list[str]:
        # the name keeps the builds of each kind apart
        author = write_plugin(_HEAD + text, f"lent_{request.param}")
        plugin = build(load_project(author.root), sanitize=sanitize).library
        done = subprocess.run(
            [host, plugin, *commands], env={**os.environ, **env}, capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip
        # that swapcontext is in use it always says
        assert "ERROR" not in done.stderr, done.stderr[-4000:]
        assert done.returncode == 0, (done.stdout, done.stderr)
        return done.stdout.splitlines()

    return run


@pytest.mark.usefixtures("hasty")
def test_an_init_that_comes_too_late_is_refused_what_was_lent(lend: Lend, tmp_path: Path) -> None:
    """T7"""
    file = tmp_path / "said"
    lines = lend(_LATE, f"i:{file}", f"w:{file}")
    assert [line for line in lines if not line.startswith("log")] == [
        "i 1 stray 0 kept 0",
        "w 0 stray 0 kept 0",
    ]
    said = file.read_text()
    assert said.startswith("tables can be used in init, in parse_event"), said
    assert said.endswith("on the thread of the hook"), said


def test_iterations_within_iterations_and_left_ones(lend: Lend) -> None:
    """T4, T7"""
    lines = lend(_PARSE, "i:x", "p", "p", "d")
    assert [line for line in lines if not line.startswith("log")] == [
        *("i 0 stray 0 kept 0", "p 0 stray 0 kept 0", "p 0 stray 0 kept 0", "d 0 stray 0 kept 0"),
    ]
    told = ["the entry cannot be erased: items keeps what it has", "the entry cannot be erased"]
    assert [line for line in lines if line.startswith("log")] == [
        *("log sum 69", *(f"log {text}" for text in told)),
        *("log sum 78", *(f"log {text}" for text in told)),
    ]


def test_what_lies_in_an_entry_is_given_back_before_it(lend: Lend) -> None:
    """T5, T7"""
    lines = lend(_WITHIN, "i:x", "p", "d")
    assert [line for line in lines if not line.startswith("log")] == [
        *("i 0 stray 0 kept 0", "p 0 stray 0 kept 0", "d 0 stray 0 kept 0"),
    ]
    assert [line for line in lines if line.startswith("log")] == [
        "log the entry was released",
        "log the entry of the table that is iterated over was released",
        "log the entry was released",
        "log the iteration has gone on: this entry was lent for its turn only",
        "log the entry of the table that is iterated over was released",
    ]


def test_a_finalizer_that_gives_up_the_gil_does_not_stop_the_host(lend: Lend) -> None:
    """T7"""
    lines = lend(_COLLECTED, "i:x", "p", "d")
    assert "log through" in lines
    assert lines[-1] == "d 0 stray 0 kept 0"


def test_a_field_without_tables_leaves_parse_event_its_right_to_write(lend: Lend) -> None:
    lines = lend(_WRITE, "i:x", "x", "p", "d")
    ends = [line for line in lines if not line.startswith("log")]
    assert ends[1:3] == ["x 1 stray 0 kept 0", "p 0 stray 0 kept 0"], lines
