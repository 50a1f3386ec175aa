# SPDX-License-Identifier: Apache-2.0
"""Exported tables as others have them: a C plugin, and two of falcokit's, in one real host."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from test_tables_export import ENTRIES

if TYPE_CHECKING:
    from author import Author
    from conftest import CompileC, RealHost, WritePlugin
    from drivers import Plughost

pytestmark = pytest.mark.host

_HOSTS = Path(__file__).parent.parent / "hosts"
OWNER = (
    ENTRIES
    + """
class P(Plugin, EventParsing):
    parse_event_types = (322,)
    hashes = export_table("hashes", str, Hash)
    def init(self):
        self.hashes["/a"] = Hash(sha256="abc", seen=1, ok=True, kids={5: {"n": 5}})
        self.hashes["/b"] = {"seen": 2**64 - 1, "low": -32768}
        self.hashes["/c"] = {}
    def parse_event(self, event):
        pass
    def get_metrics(self):
        yield Metric("entries", len(self.hashes))
        entry = self.hashes.get("/a") or Hash(seen=0, kids={})
        yield Metric("seen", entry.seen)
        yield Metric("kids", len(entry.kids))
"""
)
OTHER = (
    ENTRIES
    + """
class P(Plugin, EventParsing):
    parse_event_types = (322,)
    numbers = export_table("numbers", i32, Child)
    def init(self):
        self.numbers[-7] = {"n": 7}
    def parse_event(self, event):
        pass
    def get_metrics(self):
        yield Metric("sum", sum(e.n for e in self.numbers.values()), "s64")
"""
)


class Commands(Protocol):
    """Run commands of table_plugin.c beside plugins; its lines, and what the host reported."""

    def __call__(self, *commands: str, beside: list[Author]) -> tuple[list[str], Any]: ...


@pytest.fixture(scope="session")
def table_plugin(compile_c: CompileC) -> Path:
    sources = [_HOSTS / "table_plugin.c", _HOSTS / "table_export.c"]
    return compile_c("libtable_c.so", sources, "-O2")


@pytest.fixture(params=["plughost", "sysdig"])
def commands(
    request: pytest.FixtureRequest, table_plugin: Path, real_host: RealHost, tmp_path: Path
) -> Commands:
    host: Any = request.getfixturevalue(request.param)

    def run(*steps: str, beside: list[Author]) -> tuple[list[str], Any]:
        file = tmp_path / "out"
        config = " ".join([str(file), *steps])
        if request.param == "plughost":
            answer = with_plughost(host, real_host, table_plugin, config, beside)
        else:
            others = [part for author in beside for part in ("-H", author.library)]
            silent = f'{real_host.baseline}:{{"async":0}}'
            source = ["-I", "baseline:10,1,8,0"]
            answer = host.raw("-H", silent, *others, "-H", f"{table_plugin}:{config}", *source)
            assert answer[2] == 0, answer
        return file.read_text().splitlines(), answer

    return run


def with_plughost(
    host: Plughost, real: RealHost, table_plugin: Path, config: str, beside: list[Author],
    *, events: int = 10,
) -> dict[str, Any]:  # fmt: skip
    plugins = [part for author in beside for part in ("--plugin", author.library)]
    source = ["--plugin", real.baseline, "--init", '{"async":0}', "--open", events]
    return host.raw(
        *source, *plugins, "--plugin", table_plugin, "--init", config, "--metrics", "--watchdog", 20
    )


def expect(lines: list[str], wanted: dict[str, str]) -> None:
    got = dict(line.split(" ", 1) for line in lines)
    assert {step: got.get(step) for step in wanted} == wanted


def refused(text: str) -> str:
    return f"NULL ! table 'hashes': {text}"


def test_every_entry_of_the_vtables_answers(commands: Commands, write_plugin: WritePlugin) -> None:
    """T1, T3, P2 to P5"""
    missing = "table 'hashes' has no entry of that key"
    wanted = {
        "T:hashes:9": "ok",
        "n": "hashes",
        "z": "3",
        "l": "sha256:9:0,seen:8:0,ok:25:0,lowest:2:0,note:9:1,kids:10:0,",
        "f:seen:8": "ok",
        "f:seen:4": refused("field 'seen' is of type u64, not i64"),
        "f:seen:99": refused("field 'seen' is of type u64, not an unknown one"),
        "f:none:8": refused("there is no field 'none'"),
        **{f"f:{f}": "ok" for f in ("sha256:9", "ok:25", "note:9", "kids:10")},
        "g:/a": "ok",
        "r:sha256": "'abc'",
        "r:seen": "1",
        "r:ok": "1",
        "r:note": "'none'",
        "w:seen:41": "rc 0",
        "w:sha256:other": "rc 0",
        "w:sha256:NULL": "rc 1 ! table 'hashes': the value of field 'sha256' is NULL",
        "w:note:x": "rc 1 ! table 'hashes': field 'note' is read-only",
        "w:kids:1": "rc 1 ! table 'hashes': field 'kids' is a table, which is written entry by"
        " entry",
        "r:none": "rc 1 ! table 'hashes': the field or the value is NULL",
        "g:/none": f"NULL ! {missing}",
        "-:/none": f"rc 1 ! {missing}",
    }
    lines, _ = commands(*wanted, "r:seen", ".", beside=[write_plugin(OWNER, "owner")])
    assert lines[-1] == "r:seen 41"
    expect(lines[:-1], wanted)


def test_a_field_is_added_by_another_plugin(commands: Commands, write_plugin: WritePlugin) -> None:
    """T3: never written it reads as zero, and as an empty string"""
    added = {f"a:x{n}:8": "ok" for n in range(40)}
    wanted = {
        "T:hashes:9": "ok",
        "a:text:9": "ok",
        **added,
        "a:seen:8": "ok",
        "a:seen:9": refused("field 'seen' is of type u64, not str"),
        "a:x1:9": refused("field 'x1' is of type u64, not str"),
        "g:/a": "ok",
        "r:text": "''",
        "r:x39": "0",
        "w:x39:39": "rc 0",
        "w:x0:5": "rc 0",
        "w:text:new": "rc 0",
        "r:x1": "0",
    }
    after = ["a:x1:8", "r:x39", "r:x0", "r:text", "k:/a", ".", "g:/b", "r:x39", "."]
    lines, _ = commands(*wanted, *after, beside=[write_plugin(OWNER, "owner")])
    expect(lines[: len(wanted)], wanted)
    assert lines[len(wanted) :] == [
        *("a:x1:8 same", "r:x39 39", "r:x0 5", "r:text 'new'"),
        "k:/a 'new'",  # lent, then overwritten a thousand times
        *("g:/b ok", "r:x39 0"),
    ]


def test_entries_come_and_go_while_they_are_held_and_iterated(
    commands: Commands, write_plugin: WritePlugin
) -> None:
    """T1, T4, T5"""
    steps = [
        *("T:hashes:9", "f:seen:8", "i:0", "i:2", "g:/a", "-:/a", "r:seen", "w:seen:5", "r:seen"),
        *(".", "z", "c", "w:seen:6", "+:/n", "+:/m", "r:seen", ".", "g:/n", "r:seen", "z"),
        *("c", "+:/n", ".", "g:/n", "r:seen", ".", "c", "x", "R:/b", "z", "C", "z", "i:0"),
    ]
    lines, _ = commands(*steps, beside=[write_plugin(OWNER, "owner")])
    in_table = "NULL ! table 'hashes': the entry is in the table already, or there is no memory"
    assert lines == [
        *("T:hashes:9 ok", "f:seen:8 ok", "i:0 3 all", "i:2 2 broken", "g:/a ok", "-:/a rc 0"),
        *("r:seen 1", "w:seen:5 rc 0", "r:seen 5", "z 2", "c ok", "w:seen:6 rc 0", "+:/n ok"),
        *(f"+:/m {in_table}", "r:seen 6", "g:/n ok", "r:seen 6", "z 3"),
        *("c ok", "+:/n ok", "g:/n ok", "r:seen 7", "c ok", "R:/b 3 all", "z 3"),
        *("C rc 0", "z 0", "i:0 0 all"),
    ]


def test_a_nested_table_is_one_too(commands: Commands, write_plugin: WritePlugin) -> None:
    """P4"""
    steps = [
        *("T:hashes:9", "f:kids:10", "g:/a", "s:kids", "n", "z", "l", "f:n:1", "a:more:8", "g:5"),
        *("r:n", "w:n:-128", "r:n", "r:more", "w:more:4", ".", "g:6", "c", "+:6", ".", "i:0"),
        *("-:5", "z", "t", ".", "g:/b", "s:kids", "z", "c", "+:1", "r:more", "."),
    ]
    lines, _ = commands(*steps, beside=[write_plugin(OWNER, "owner")])
    # libsinsp does not ask for the reason of a failure in a nested table
    assert [line.partition(" !")[0] for line in lines] == [
        *("T:hashes:9 ok", "f:kids:10 ok", "g:/a ok", "s:kids rc 0", "n kids", "z 1", "l n:1:0,"),
        *("f:n:1 ok", "a:more:8 ok", "g:5 ok", "r:n 5", "w:n:-128 rc 0", "r:n -128", "r:more 0"),
        *("w:more:4 rc 0", "g:6 NULL", "c ok", "+:6 ok"),
        *("i:0 2 all", "-:5 rc 0", "z 1", "g:/b ok", "s:kids rc 0", "z 0", "c ok", "+:1 ok"),
        "r:more 0",
    ]


def test_two_plugins_of_falcokit_and_one_in_c_share_tables(
    plughost: Plughost, table_plugin: Path, real_host: RealHost, write_plugin: WritePlugin,
    tmp_path: Path,
) -> None:  # fmt: skip
    """T1: what another plugin writes its owner reads"""
    authors = [write_plugin(OWNER, "owner"), write_plugin(OTHER, "other")]
    steps = (
        "T:hashes:9 f:seen:8 f:kids:10 g:/a w:seen:123 s:kids c +:77 . t . -:/b"
        " T:numbers:3 f:n:1 c w:n:-100 +:1000000 . E c w:n:-20 +:-1000000 . z"
    )
    answer = with_plughost(
        plughost, real_host, table_plugin, f"{tmp_path}/out {steps}", authors, events=1000
    )
    assert answer["status"] == 0, answer
    lines = (tmp_path / "out").read_text().splitlines()
    assert [line for line in lines if "!" in line] == [], lines
    metrics = answer["cycles"][0]["metrics"]
    assert metrics["owner"] == {"owner.entries": 2, "owner.seen": 123, "owner.kids": 2}
    assert metrics["other"] == {"other.sum": 7 - 100 - 20}


def test_two_plugins_cannot_export_one_name(plughost: Plughost, write_plugin: WritePlugin) -> None:
    """T2"""
    first, second = write_plugin(OWNER, "owner"), write_plugin(OWNER, "second")
    answer = plughost.raw("--plugin", first.library, "--plugin", second.library, "--pump", 100)
    assert "table 'hashes' cannot be exported: table added to registry" in answer["error"]


FED = (
    ENTRIES
    + """
class P(Plugin, EventParsing):
    parse_event_types = (322,)
    hashes = export_table("hashes", str, Hash)
    stopping = False
    def init(self):
        self.rounds = 0
        self.thread = threading.Thread(target=self.feed)
        self.thread.start()
    def feed(self):
        while not self.stopping:
            for n in range(100):
                self.hashes[f"/{n}"] = {"sha256": chr(97 + n % 26) * (n * 7)}
            for n in range(100):
                self.hashes[f"/{n}"].sha256 = chr(97 + (n + self.rounds) % 26) * n
            for n in range(0, 100, 3):
                self.hashes.pop(f"/{n}")
            self.rounds += 1
    def destroy(self):
        self.stopping = True
        self.thread.join()
    def parse_event(self, event):
        pass
    def get_metrics(self):
        yield Metric("rounds", self.rounds)
"""
)


def test_a_thread_feeds_a_table_that_the_host_reads(
    plughost: Plughost, table_plugin: Path, real_host: RealHost, write_plugin: WritePlugin,
    tmp_path: Path,
) -> None:  # fmt: skip
    """T8"""
    config = f"{tmp_path}/out T:hashes:9 f:sha256:9 p:sha256"
    author = write_plugin(FED, "fed")
    answer = with_plughost(plughost, real_host, table_plugin, config, [author], events=20000)
    metrics = answer["cycles"][0]["metrics"]
    assert metrics["table_c"]["table_c.steps"] > 20000
    assert metrics["table_c"]["table_c.bad"] == 0
    assert metrics["fed"]["fed.rounds"] > 10


def test_reloads_leave_nothing_behind(
    plughost: Plughost, table_plugin: Path, real_host: RealHost, write_plugin: WritePlugin,
    tmp_path: Path,
) -> None:  # fmt: skip
    """T6"""
    author = write_plugin(OWNER, "owner")
    config = f"{tmp_path}/out T:hashes:9 f:kids:10 g:/a s:kids z t ."
    source = ["--plugin", real_host.baseline, "--init", '{"async":0}', "--open", 10]
    mine = ["--plugin", author.library, "--plugin", table_plugin, "--init", config]
    answer = plughost.raw(*source, *mine, "--reload", 40, "--cycles", 1, "--watchdog", 60)
    assert answer["status"] == 0, answer
    assert "z 1" in (tmp_path / "out").read_text().splitlines()
