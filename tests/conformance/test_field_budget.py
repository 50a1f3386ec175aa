# SPDX-License-Identifier: Apache-2.0
"""A declared field that would hold up the host's loop: no value, counted, logged; it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from author import plugin

if TYPE_CHECKING:
    from conftest import WritePlugin
    from drivers import Plughost, Sysdig

#: Each took from seconds to minutes on an event of less than a megabyte.
HEAVY = plugin("field_budget")
SHOWN = ["<NA> / 0 / 1", "0 / <NA> / <NA>", "1 / 1 / 2"]
FORM = "*%h.quad / %h.re / %h.last"


@pytest.mark.host
def test_libsinsp_goes_on_and_the_log_and_a_metric_tell(
    write_plugin: WritePlugin, plughost: Plughost
) -> None:
    """X5"""
    answer = plughost.raw(
        *("--plugin", write_plugin(HEAVY).library, "--open", "", "--print", 3, "--format", FORM),
        *("--fields", "h.quad", "--repeat", 3, "--metrics", "--log", "--secs", 30),
        *("--watchdog", 20),
    )
    assert "error" not in answer, answer
    assert [line for line in answer["stderr"].splitlines() if " / " in line] == SHOWN
    (cycle,) = answer["cycles"]
    assert cycle["end"] == "eof"
    assert cycle["metrics"]["conform"]["conform.fields_over_budget"] == 2 + 3
    told = [line for line in answer["log"] if "more work than declared fields may" in line]
    assert len(told) == 2, told  # one of each field, however often it happened
    assert "field h.quad has no value for event 1 of 874943 bytes" in told[0]
    assert "field h.re has no value for event 2 of 9" in told[1]


@pytest.mark.host
@pytest.mark.once
def test_sysdig_goes_on(write_plugin: WritePlugin, sysdig: Sysdig) -> None:
    """X5"""
    shown, said, status = sysdig.raw("-H", write_plugin(HEAVY).library, "-I", "conform", "-p", FORM)
    assert status == 0, said
    assert shown.splitlines() == SHOWN


def test_fields_alone_are_counted_too(write_plugin: WritePlugin) -> None:
    """B9: a plugin that has declared fields and nothing else tells of them."""
    from falcokit.package.artifact.library_facts import library_facts

    author = write_plugin("""
        from falcokit import FieldExtraction, json_field
        class P(Plugin, FieldExtraction):
            x = json_field("h.x", "/x", desc="d")
    """)
    assert "plugin_get_metrics" in library_facts(author.library).exports
