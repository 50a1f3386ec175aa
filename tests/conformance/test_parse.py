# SPDX-License-Identifier: Apache-2.0
"""Event parsing in libsinsp: which events come, by name, code and source, and their parameters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from author import plugin

from falcokit.testing import start_plugin

if TYPE_CHECKING:
    from conftest import WritePlugin
    from drivers import Plughost
    from source_drivers import Read

SAMPLE = Path(__file__).parents[1] / "capture" / "samples" / "curl_google.scap"

COUNTS = """
class Config(msgspec.Struct):
    names: tuple[str | int, ...] = ()
class P(Plugin, EventParsing):
    config: Config
    parse_event_types = {types}
    parse_event_sources = {sources}
    def init(self):
        self.counts = {{}}
    def parse_event(self, event):
        n = self.counts[event.type] = self.counts.get(event.type, 0) + 1
    def get_metrics(self):
        return [Metric(str(code), n) for code, n in self.counts.items()]
"""


def counted(host: Plughost, library: Path, init: str = "{}") -> dict[str, int]:
    answer = host.raw("--plugin", library, "--init", init, "--scap", SAMPLE, "--metrics", "--log")
    assert not answer.get("error"), answer
    metrics: dict[str, Any] = next(iter(answer["cycles"][0]["metrics"].values()), {})
    return {name.partition(".")[2]: count for name, count in metrics.items()}


@pytest.mark.host
@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ('("<open", "<close")', {"3": 48, "5": 54}),
        ("(3, 23)", {"3": 48, "23": 4}),
        ("(*range(430),)", None),
    ],
)
def test_the_events_come_that_were_named(
    plughost: Plughost, write_plugin: WritePlugin, types: str, expected: dict[str, int] | None
) -> None:
    """E6"""
    seen = counted(plughost, write_plugin(COUNTS.format(types=types, sources=())).library)
    # Events that the capture hides come to plugins too.
    if expected is None:
        assert len(seen) > 25
        assert seen["1"] >= 183
    else:
        assert seen.keys() == expected.keys()
        assert all(seen[code] >= count for code, count in expected.items())


@pytest.mark.host
def test_types_that_the_config_chooses(plughost: Plughost, write_plugin: WritePlugin) -> None:
    """E6"""
    text = COUNTS.format(types="property(lambda self: self.config.names)", sources='("syscall",)')
    library = write_plugin(text).library
    assert counted(plughost, library, '{"names": ["<close", 3]}').keys() == {"3", "5"}
    assert counted(plughost, library, '{"names": ["connect"]}').keys() == {"22", "23"}
    for names, text in (
        ("[]", "parse_event_types is empty"),
        ('["opena"]', "parse_event_types: there is no event 'opena': open"),
    ):
        answer = plughost.raw(
            "--plugin", library, "--init", f'{{"names": {names}}}', "--scap", SAMPLE
        )
        assert text in answer["error"]


@pytest.mark.host
def test_events_of_another_source_do_not_come(
    plughost: Plughost, write_plugin: WritePlugin
) -> None:
    """E6"""
    text = COUNTS.format(types='("open",)', sources='("baseline_src",)')
    assert counted(plughost, write_plugin(text).library) == {}


@pytest.mark.host
def test_parameters_are_decoded_and_errors_are_logged(
    plughost: Plughost, write_plugin: WritePlugin
) -> None:
    """E1, E2, B12"""
    author = write_plugin("""
class P(Plugin, EventParsing):
    parse_event_types = ("<open", "<connect")
    def parse_event(self, event):
        p = event.params
        assert event.source == "syscall" and event.tid > 0 and event.ts_ns > 0
        if event.type == 3 and p["name"] == "/etc/ld.so.cache":
            assert p["fd"] >= 0 and isinstance(p["flags"], int)
            self.log.info("said cache")
        if event.type == 23 and p["tuple"] and "53" in str(p["tuple"]):
            raise ValueError(f"port {p['tuple'].destination.port}")
""")
    answer = plughost.raw("--plugin", author.library, "--scap", SAMPLE, "--log")
    said = " ".join(answer["log"])
    assert "said cache" in said
    assert f"{author.at('raise ValueError')}: parse_event: ValueError: port 53" in said


def test_in_process_the_same_events_come(write_plugin: WritePlugin) -> None:
    """E1, E6"""
    from falcokit import Event

    plugin: Any = write_plugin(
        COUNTS.format(types='("asyncevent", 322)', sources='("one",)')
    ).plugin
    with start_plugin(plugin) as running:
        running.parse(Event(type=402, name="x", source="one"))
        running.parse(Event(b"", source="one"))
        running.parse(Event(b"", source="two"))
        assert running.plugin.counts == {402: 1, 322: 1}


def test_the_schema_is_that_of_the_newest_event(write_plugin: WritePlugin) -> None:
    """B8"""
    old = write_plugin(COUNTS.format(types='("open",)', sources=()), "old").built.metadata
    new = write_plugin(COUNTS.format(types='("keyctl",)', sources=()), "new").built.metadata
    assert old.required_event_schema_version == "4.0.0"
    assert new.required_event_schema_version == "4.5.1"


JSON = plugin("parse_json")


@pytest.mark.drivers("runner", "plughost")
def test_json_comes_back_as_what_was_yielded(read: Read, write_plugin: WritePlugin) -> None:
    """E4"""
    out = read(write_plugin(JSON))
    assert out.error == ""
    assert [log for log in out.logs if "parse_event" in log.text] == []
    assert out.metrics["got"] == len(out.events) == 7
