# SPDX-License-Identifier: Apache-2.0
"""What a library exports, what it requires, and that docs/capabilities.md tells of all of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

import falcokit.native
from falcokit.package.artifact.library_facts import library_facts
from falcokit.testing import start_plugin

if TYPE_CHECKING:
    from conftest import WritePlugin
    from drivers import Plughost

_NATIVE = Path(falcokit.native.__file__).parent
_DOC = (Path(__file__).parent.parent.parent / "docs" / "capabilities.md").read_text()
_HEAD = "from falcokit import CaptureListening, EventSource, FieldExtraction, field\n"
#: Capability -> its base, the class's body, its symbols, and the API that it needs.
_CAPABILITIES: Final = {
    "source": (
        "EventSource",
        """
    plugin_id, event_source = 999, "symbols"
    def open(self, params):
        yield b"one"
""",
        {"get_id", "get_event_source", "open", "close", "next_batch"},
        "3.4.0",
    ),
    "extract": (
        "FieldExtraction",
        """
    @field("conform.size", desc="Bytes of data")
    def size(self, event: Event) -> int:
        return len(event.data)
""",
        {"get_fields", "extract_fields", "get_extract_event_types", "get_extract_event_sources"},
        "3.4.0",
    ),
    "parse": (
        "EventParsing",
        "\n    def parse_event(self, event):\n        pass\n",
        {"parse_event", "get_parse_event_types", "get_parse_event_sources"},
        "3.4.0",
    ),
    "async": (
        "AsyncEvents",
        """
    async_events = ("said",)
    def start_async(self, handler):
        handler.emit("said", "async")
""",
        {
            *("get_async_events", "get_async_event_sources", "set_async_event_handler"),
            *("parse_event", "get_parse_event_types", "get_parse_event_sources", "get_metrics"),
        },
        "3.4.0",
    ),
    "listen": (
        "CaptureListening",
        "\n    def capture_open(self, capture):\n        pass\n",
        {"capture_open", "capture_close"},
        "3.7.0",
    ),
}
_ALWAYS: Final = {
    *("get_name", "get_version", "get_description", "get_contact", "get_last_error", "init"),
    *("destroy", "get_required_api_version", "get_required_event_schema_version"),
}
_HOOKS: Final = {
    "set_config": "    def set_config(self, config):\n        pass\n",
    "get_metrics": "    def get_metrics(self):\n        return [Metric('mine', 1)]\n",
    "dump_state": "    def dump_state(self, handler):\n        pass\n",
    "event_to_string": "    def event_to_string(self, event):\n        return 'text'\n",
    "list_open_params": "    def list_open_params(self):\n        return [('a', 'b')]\n",
    "get_init_schema": "    config: Config\n",
}
_EVERY_CAPABILITY = (
    _HEAD
    + "class Config(msgspec.Struct):\n    n: int = 1\n"
    + f"class P(Plugin, {', '.join(base for base, *_ in _CAPABILITIES.values())}):"
    + "".join(body for _, body, *_ in _CAPABILITIES.values())
    + "".join(_HOOKS.values())
)


def _exports(library: Path) -> set[str]:
    exports = library_facts(library).exports
    assert all(name.startswith("plugin_") for name in exports)
    return {name.removeprefix("plugin_") for name in exports}


def _of_the_api() -> set[str]:
    text = (_NATIVE / "src" / "runner" / "host" / "api.h").read_text()
    return set(re.findall(r"^\tX\((\w+),", text, re.MULTILINE))


@pytest.mark.once  # the others load and run on each Python
@pytest.mark.parametrize("capability", _CAPABILITIES)
def test_a_plugin_exports_the_symbols_of_its_capability_alone(
    write_plugin: WritePlugin, capability: str
) -> None:
    """B1."""
    base, body, symbols, api = _CAPABILITIES[capability]
    author = write_plugin(f"{_HEAD}class P(Plugin, {base}):{body}")
    optional = {"get_metrics", "get_progress", "event_to_string", "list_open_params"}
    found = _exports(author.library)
    assert found - optional == (_ALWAYS | symbols) - optional
    assert not found & optional - (optional if capability == "source" else {"get_metrics"})
    assert author.built.metadata.required_api_version == api


def test_a_plugin_with_everything_exports_the_whole_api(write_plugin: WritePlugin) -> None:
    """B1."""
    author = write_plugin(_EVERY_CAPABILITY)
    assert _exports(author.library) == _of_the_api()
    capabilities = author.built.metadata.capabilities
    assert set(capabilities) == set(_CAPABILITIES)
    assert author.built.metadata.required_api_version == "3.7.0"
    assert not author.built.metadata.warnings


@pytest.mark.parametrize("capability", ["all", "source", "async"])
def test_what_a_library_says_in_its_file_is_what_its_functions_answer(
    write_plugin: WritePlugin, capability: str
) -> None:
    """B1: for tools that read a library and do not run it."""
    base, body, *_ = _CAPABILITIES.get(capability, ("", ""))
    author = f"{_HEAD}class P(Plugin, {base}):{body}" if base else _EVERY_CAPABILITY
    library = write_plugin(author).library
    answered = library_facts(library, load=True).about
    assert library_facts(library).about == answered


@pytest.mark.host
def test_a_plugin_with_everything_runs_in_the_framework(
    write_plugin: WritePlugin, plughost: Plughost
) -> None:
    """B1, B4, B9: config, set_config and metrics as well, asked for from another thread."""
    author = write_plugin(_EVERY_CAPABILITY)
    answer = plughost.raw(
        *("--plugin", author.library, "--open", "", "--set-config", '{"n": 2}', "--metrics"),
        *("--secs", 5, "--fields", "conform.size"),
    )
    assert not answer.get("error"), answer
    (cycle,) = answer["cycles"]
    assert cycle["by_type"]["322:pluginevent"]["count"] == 1
    metrics = {name for each in cycle["metrics"].values() for name in each}
    assert "conform.mine" in metrics


def test_metrics_of_every_capability_can_be_had_while_it_runs(write_plugin: WritePlugin) -> None:
    """B9."""
    with start_plugin(write_plugin(_EVERY_CAPABILITY).plugin) as running:
        running.set_config({"n": 3})
        assert running.plugin.config.n == 3
        assert running.metrics()["mine"] == 1


def test_a_pinned_event_schema_is_told(write_plugin: WritePlugin) -> None:
    """B8."""
    base, body, *_ = _CAPABILITIES["parse"]
    author = write_plugin(
        f"class P(Plugin, {base}):\n    required_event_schema_version = '4.2.0'{body}"
    )
    about = library_facts(author.library, load=True).about
    assert about.required_schema == "4.2.0"


@pytest.mark.once
def test_the_page_has_every_symbol_and_every_member() -> None:
    missing = [name for name in _of_the_api() if f"plugin_{name}`" not in _DOC]
    assert not missing
    header = (_NATIVE / "plugin_api.h").read_text()
    structs = re.findall(
        r"^typedef struct (ss_plugin_\w+) \{\n(.*?)^\}", header, re.DOTALL | re.MULTILINE
    )
    described = [
        (name, member)
        for name, body in structs
        if name.endswith(("_input", "_vtable_ext", "_vtable", "_field", "_metric"))
        for member in re.findall(r"(\w+)(?=\)\(|;)", re.sub(r"//[^\n]*", "", body))
    ]
    assert len(described) > 60
    assert not [(name, member) for name, member in described if f"`{member}`" not in _DOC]
