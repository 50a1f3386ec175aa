# SPDX-License-Identifier: Apache-2.0
"""A development build whose code changes while a process runs it: its library loaded again."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from author import plugin

if TYPE_CHECKING:
    from collections.abc import Callable

    from author import Author
    from conftest import CompileC, RealHost

pytestmark = pytest.mark.python

_RELOADING = plugin("reloading")
_CALLER = Path(__file__).parents[1] / "conformance" / "caller.c"


@pytest.mark.host
def test_50_reloads_run_the_code_that_the_library_was_built_of(
    write_plugin: Callable[..., Author], real_host: RealHost
) -> None:
    author = write_plugin(_RELOADING)
    author.file.with_name("reloaded_part.py").write_text("VERSION = 0\n")
    first = author.file.read_text()
    for number in (1, 0):
        author.file.write_text(first.replace("_0", f"_{number}"))
        library = author.build().library
        shutil.copy(library, library.with_name(f"version_{number}.so"))
    done = subprocess.run(
        [real_host.plughost, "sinsp", "--plugin", author.library, "--pump", "200", "--secs", "20",
         "--log", "--reload", "50", "--events", "20", "--print", "1000", "--format",
         "*|%evt.asynctype|%reloading.declared|%reloading.method|"],
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout[-2000:], done.stderr[-2000:])
    shown = {line for line in done.stderr.splitlines() if line.startswith("|")}
    assert shown == {
        line
        for n in range(50)
        for line in (
            f"|beat_{n % 2}|{n}|{n} beat_{n % 2}|",
            f"|loop_{n % 2}|<NA>|{n} loop_{n % 2}|",
        )
    }
    reloads: list[dict[str, Any]] = json.loads(done.stdout)["reloads"]
    for number, reload in zip((0, 1, 2, 47, 48, 49), reloads, strict=True):
        own = [line for line in reload["log"] if line.startswith(author.name)]
        assert own == [f"{author.name}: version {number} has parsed 1"]
    facts = [reload["after_unload"] for reload in reloads]
    assert facts[-1]["threads"] <= facts[2]["threads"] + 1, facts  # the keeper of the GIL, once
    assert facts[-1]["fds"] == facts[2]["fds"], facts
    # Each version has 1 MB of its own.
    assert facts[-1]["rss_kb"] < facts[2]["rss_kb"] + 2500, facts


_TEXT = """
class P(Plugin, AsyncEvents):
    config: str
    @async_event("{event}", every=0.002)
    def beat(self):
        return "{data}"
    def init(self):
        if self.config == "thread":
            self.started = threading.Thread(target=self.work, name="old", daemon=True)
            self.started.start()
    def work(self):
        while True:
            time.sleep(3600)  # work
"""


class Process:
    """A project with two versions, and a process that loads its library."""

    def __init__(self, author: Author, program: str) -> None:
        self.author = author
        self._program = program
        self._head = author.file.read_text().partition("class P")[0]
        self._old = author.file.read_text()

    def change(self, event: str, data: str) -> str:
        """Return the command that saves a new version, and builds it if that is needed."""
        file, root, library = self.author.file, self.author.root, self.author.library
        kept = root / f"{event}_{data}"
        kept.mkdir()
        shutil.copy(library, kept / "old.so")
        file.write_text(self._head + _TEXT.format(event=event, data=data).lstrip())
        self.author.build()
        library.replace(kept / library.name)
        file.replace(kept / file.name)
        shutil.copy(kept / "old.so", library)
        file.write_text(self._old)
        # By a rename, as the build does it: the host has mapped the old library.
        return f"S:mv {kept / library.name} {library.parent}; mv {kept / file.name} {file.parent}"

    def run(self, *commands: str) -> list[str]:
        done = subprocess.run(
            [self._program, self.author.library, *commands],
            capture_output=True, text=True, errors="replace", timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
        return done.stdout.splitlines()


@pytest.fixture
def process(write_plugin: Callable[..., Author], compile_c: CompileC) -> Process:
    author = write_plugin(_TEXT.format(event="beat", data="first"))
    return Process(author, str(compile_c("caller", [_CALLER])))


def _events(lines: list[str]) -> set[bytes]:
    """Return name and data of the events that were shown."""
    shown = (bytes.fromhex(line[2:]) for line in lines if line.startswith("g "))
    found = (re.match(rb"(\w+)\0(first|second)", event[42:]) for event in shown)
    return {b" ".join(match.groups()) for match in found if match}


def test_what_falco_does_at_sighup(process: Process) -> None:
    change = process.change("beat", "second")  # of the code alone
    lines = process.run(
        "i:", "h", "w:2", "g", "z", change,
        "t:", "w:2", "g", "z", "n", "d", "l", "i:", "h", "w:2", "g", "n", "d",
    )  # fmt: skip
    assert [line for line in lines if line[:2] in {"i ", "t "}] == ["i 0", "t 0 ", "i 0"]
    first, second = lines.index("t 0 "), lines.index("l 1")
    assert _events(lines[:first]) == _events(lines[first:second]) == {b"beat first"}
    assert _events(lines[second:]) == {b"beat second"}
    (told,) = [line for line in lines if "has changed, and this state runs the code before" in line]
    assert told.startswith(f"log 0 - {process.author.file.name} ")
    assert told.endswith(" warning")


def test_a_new_build_beside_a_living_state_is_refused(process: Process, tmp_path: Path) -> None:
    change = process.change("beat2", "second")
    moved = tmp_path / "moved.so"
    library = process.author.library
    lines = process.run(
        # Another path: the library of the living state stays loaded.
        "i:", "h", change, f"S:cp {library} {moved}", f"o:{moved}", "i:", "e",
        "s:0", "w:2", "g", "z", "n", "d", "i:", "h", "w:2", "g", "n", "d",
    )  # fmt: skip
    assert [line for line in lines if line[:2] == "i "] == ["i 0", "i 1", "i 0"]
    (error,) = [line for line in lines if line.startswith("e ")]
    assert f"since {process.author.file.name} has changed, and the code before still runs" in error
    refused, again = lines.index("i 1"), lines.index("d")
    assert _events(lines[refused:again]) == {b"beat first"}
    assert _events(lines[again:]) == {b"beat2 second"}


def test_new_code_waits_for_the_threads_of_the_old(process: Process) -> None:
    change = process.change("beat2", "second")
    lines = process.run("i:thread", "d", change, "l", "i:", "e")
    (error,) = [line for line in lines if line.startswith("e ")]
    where = process.author.at("# work")
    assert f"code has changed, but the thread 'old', at {where} in work, still runs" in error
    assert "i 1" in lines


def test_what_has_not_changed_is_not_imported_again(process: Process) -> None:
    lines = process.run("i:thread", "d", "l", "i:", "h", "w:2", "n", "d")
    assert [line for line in lines if line[:2] == "i "] == ["i 0", "i 0"]
