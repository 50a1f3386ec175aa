# SPDX-License-Identifier: Apache-2.0
"""Fields that authors write: arguments, what fails, which events, places, what Falco reads."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from author import plugin
from extract_drivers import ALL, Asked, asked

from falcokit.runtime.event.event import Event
from falcokit.testing import start_plugin

if TYPE_CHECKING:
    from conftest import RealHost, WritePlugin
    from drivers import Plughost, Sysdig

_DRIVERS = pytest.mark.parametrize("driver", [
    pytest.param(d, marks=[pytest.mark.host] if d in {"plughost", "sysdig"} else []) for d in ALL
])  # fmt: skip
_ARGUMENTS = plugin("extract_arguments")
_ANSWERS = {
    "a.none": "none",
    "a.key[two-words]": "key two-words",
    "a.key[3]": "key 3",
    "a.some_key": "key None",
    "a.some_key[k]": "key k",
    "a.index[0]": "(0,1)",
    "a.index[18446744073709551614]": "(18446744073709551614,18446744073709551615)",
    "a.some_index": "7",
    "a.some_index[12]": "12",
    "a.both[12]": "12",
    "a.both[x]": "'x'",
    "a.both[012]": "'012'",
    "a.some": "None",
    "a.some[0]": "0",
    "a.some[y]": "'y'",
}


@_DRIVERS
def test_arguments_arrive_as_they_were_annotated(
    driver: str, request: pytest.FixtureRequest, write_plugin: WritePlugin
) -> None:
    """X3."""
    author = write_plugin(_ARGUMENTS)
    rows = asked(driver, request, author, [Asked(b"")], list(_ANSWERS))
    assert rows == [list(_ANSWERS.values())]


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("a.key", "a.key needs an argument"),
        ("a.none[1]", "a.none takes no argument"),
        ("a.index[k]", "a.index takes a number (decimal, without leading zeros), not 'k'"),
        ("a.index[01]", "a.index takes a number (decimal, without leading zeros), not '01'"),
        ("a.index[18446744073709551616]", "takes a number"),
    ],
)
def test_an_argument_that_does_not_fit_is_refused(
    field: str, said: str, write_plugin: WritePlugin, real_host: RealHost, plughost: Plughost
) -> None:
    """X4: by the framework when the rule is read, and by the host of tests alike."""
    author = write_plugin(_ARGUMENTS)
    with (
        start_plugin(author.plugin) as running,
        pytest.raises(ValueError, match=re.escape(said)),
    ):
        running.extract(field, Event())
    answer = plughost.raw(
        "--plugin", real_host.baseline, "--plugin", author.library, "--open", "1,1,8",
        "--fields", field,
    )  # fmt: skip
    assert answer["error"]


_FAILING = plugin("extract_failures")
_FAILURES = {
    "f.raises": "field f.raises: KeyError: 'missing'",
    "f.type": "field f.type: TypeError: it returned int, and the field is string",
    "f.item": "field f.item: TypeError: it returned str, and the field is uint64",
    "f.range": "field f.range: OverflowError: -1 does not fit uint64: it has 0 to 2**64-1",
    "f.exit": "field f.exit: SystemExit: 3",
    "f.deep": "field f.deep: RecursionError: maximum recursion depth exceeded",
}


@_DRIVERS
def test_a_method_that_fails_gives_no_value_and_harms_no_other(
    driver: str, request: pytest.FixtureRequest, write_plugin: WritePlugin
) -> None:
    """X5."""
    author = write_plugin(_FAILING)
    in_process = driver == "in_process"  # where what is raised reaches the test
    fields = [f for f in _FAILURES if f != "f.exit" or not in_process]
    rows = asked(driver, request, author, [Asked(b"{}")] * 2, [*fields, "f.good"])
    assert [row[:-1] for row in rows] == [["<NA>"] * len(fields)] * 2
    if driver != "sysdig":  # which shows what is no text in its own way
        assert {row[-1].encode(errors="surrogateescape").split(b" ")[0] for row in rows} == {
            b"a\\0b"
        }


@pytest.mark.host
def test_each_failure_is_logged_once_with_its_line(
    write_plugin: WritePlugin, plughost: Plughost, real_host: RealHost
) -> None:
    """X5."""
    author = write_plugin(_FAILING)
    answer = plughost.raw(
        "--plugin", real_host.baseline, "--init", '{"async":0}', "--plugin", author.library,
        "--open", "50,1,8", "--log", "--fields", ",".join(f for f in _FAILURES if f != "f.raises"),
    )  # fmt: skip
    logged = answer["log"]
    for field, said in _FAILURES.items():
        if field != "f.raises":  # a payload that is no JSON there
            found = [count for line, count in logged.items() if said in line]
            assert found == [1], (said, logged)
    assert any(line.startswith(f"conform: {author.file}:") for line in logged)


_TYPES = """
from falcokit import FieldExtraction, field
class P(Plugin, FieldExtraction{more}):
    {types}
    @field("e.what", desc="d")
    def what(self, event: Event) -> str:
        return f"{{event.type}} {{event.name}} {{event.data.decode()}} {{event.source}}"
"""
_ASYNC_EVENTS = """
    async_events = ("mine",)
    def start_async(self, handler): pass"""


@_DRIVERS
@pytest.mark.parametrize(
    ("types", "more", "expected"),
    [
        ("", "", ["322 None one baseline_src", "<NA>", "322 None three baseline_src"]),
        ("extract_event_types = (322, 402)", "", ["322 None one baseline_src",
         "402 mine two baseline_src", "322 None three baseline_src"]),
        ("extract_event_types = (402,)", "", ["<NA>", "402 mine two baseline_src", "<NA>"]),
        (_ASYNC_EVENTS, ", AsyncEvents", ["322 None one baseline_src",
         "402 mine two baseline_src", "322 None three baseline_src"]),
        ('extract_event_sources = ("another",)', "", ["<NA>"] * 3),
        ('extract_event_sources = ("another", "baseline_src")', "", [
         "322 None one baseline_src", "<NA>", "322 None three baseline_src"]),
    ],
)  # fmt: skip
def test_events_are_those_of_the_types_and_sources(
    driver: str, types: str, more: str, expected: list[str],
    request: pytest.FixtureRequest, write_plugin: WritePlugin,
) -> None:  # fmt: skip
    """X7, X8."""
    if driver == "runner" and "another" in types:
        pytest.skip("it knows no other plugin's source")
    author = write_plugin(_TYPES.format(types=types, more=more))
    events = [Asked(b"one"), Asked(b"two", "mine"), Asked(b"three")]
    rows = asked(driver, request, author, events, ["e.what"])
    if driver == "runner":  # nor the name of the one at hand
        expected = [text.replace("baseline_src", "None") for text in expected]
    assert rows == [[text] for text in expected]


_PLACES = plugin("extract_places")


@pytest.mark.host
def test_places_are_given_value_by_value(
    write_plugin: WritePlugin, plughost: Plughost, real_host: RealHost
) -> None:
    """X6."""
    author = write_plugin(_PLACES)
    answer = plughost.raw(
        "--plugin", real_host.baseline, "--init", '{"async":0}', "--plugin", author.library,
        "--open", "1,1,8", "--offsets", "--fields", "o.one,o.many,o.plain,o.beyond",
    )  # fmt: skip
    fields = answer["cycles"][0]["fields"]
    counted = {name: (f["values"], f["offsets_set"]) for name, f in fields.items()}
    assert counted == {"o.one": (1, 1), "o.many": (3, 2), "o.plain": (1, 0), "o.beyond": (0, 0)}
    assert all(f["offsets_out_of_event"] == 0 for f in fields.values())
    assert answer["plugins"][1]["name"] == "conform"


_DESCRIBED = plugin("extract_described")


@pytest.mark.host
def test_what_the_framework_reads_of_fields(
    write_plugin: WritePlugin, plughost: Plughost, sysdig: Sysdig
) -> None:
    """X9."""
    author = write_plugin(_DESCRIBED)
    fields: list[dict[str, Any]] = plughost.raw("--plugin", author.library, mode="info")["fields"]
    assert [(f["name"], f["desc"], f["type"], f["list"]) for f in fields] == [
        ("d.full", "All of it", 9, True),
        ("d.short", "What it is.", 21, False),
    ]
    assert [(f["add_output"], f["arg_key"], f["arg_required"]) for f in fields] == [
        (True, True, True),
        (False, False, False),
    ]
    shown = sysdig.raw("-H", author.library, "-lv")[0]
    assert "d.full" in shown
    assert "What it is." in shown
    assert json.dumps(author.built.metadata.required_api_version) == '"3.4.0"'
