# SPDX-License-Identifier: Apache-2.0
"""Conditions on a plugin's fields in the real libsinsp: the recorded ones, and made ones.

Its answers are compared with ours, and with the recorded ones of Falco 0.45.1. Debian's libsinsp is
0.23, which is older: `OLDER` has what it answers otherwise.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from golden_events import TEXTS, write_events
from golden_fields import RECORDED, GoldenFields, Goldens, build_goldens, start_plugin
from golden_rules import golden_batch, golden_plugin
from host_filters import ask_host
from made_conditions import COUNT, Fields, conditions_on, made, mistaken

from falcokit.filter.condition import compile_condition
from falcokit.filter.errors import FilterError
from falcokit.filter.grammar import parse
from falcokit.rules.catalog import event_sources

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import RealHost

    from falcokit.filter.batch import Batch
    from falcokit.filter.fields import FieldCatalog

pytestmark = pytest.mark.host

CASES: list[dict[str, Any]] = json.loads((RECORDED / "conditions.json").read_text())

_NO_JOIN = "join() came after it"
_NO_CHECK = "it takes an expression that RE2 refuses, and nothing matches that"
#: What libsinsp 0.23 answers otherwise than Falco 0.45.1, and why.
OLDER: dict[str, tuple[list[int] | None, str]] = {
    'join("-", (g.s, g.t))="alpha-alpha"': (None, _NO_JOIN),
    'join(",", g.ls)="a,b"': (None, _NO_JOIN),
    "g.s regex '(?i)ALPHA'": ([], _NO_CHECK),
    "g.s regex '(?s)line1.line2.*'": ([], _NO_CHECK),
}

FIELDS = Fields(
    texts=[
        *("g.s", "g.t", "g.key[k]", "g.key[a.b]", 'g.key["k"]', "g.idx[0]", "g.idx[1]"),
        *("evt.source", "evt.pluginname", "evt.plugininfo", "evt.asynctype", "evt.time.iso8601"),
    ],
    numbers=["g.u", "g.v", "g.rel", "g.at", "evt.num", "evt.rawtime", "evt.rawtime.ns"],
    bools=["g.b", "evt.is_async"],
    lists=["g.ls", "g.lu", "g.lip"],
    others=[
        *("g.ip", "g.net", "g.ip", "g.net", "g.ls", "g.lip", "g.ls", "g.lu"),
        *("g.key", "g.idx[x]", "g.idx[01]", "g.s[0]", "g.no_such", "g.key[a[b]]"),
        *('g.key["a b"]', 'g.key["k]"]', 'g.key["a[b"]'),
    ],
)
ADDRESSES = ["10.0.0.1", "10.0.0.0/8", "::1", "::/0", "2001:db8::/32", "10.0.0.1/33", "10.0.0",
             "::ffff:10.0.0.1", "192.168.1.77/0"]  # fmt: skip
WORDS = [*TEXTS, "x" * 255, "x" * 256, "h", "LO", "/usr", "evt.num", "g.s"]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_goldens(tmp_path_factory.mktemp("goldens"))


def test_the_recorded_conditions(
    real_host: RealHost, library: Path, golden: GoldenFields, tmp_path: Path
) -> None:
    texts = [case["condition"] for case in CASES]
    options = ("--plugin", library, "--open", RECORDED / "events.jsonl")
    asked = ask_host(real_host, tmp_path, texts, *options)
    assert list(asked.events) == list(range(1, 19))
    differ: dict[str, tuple[list[int] | None, str]] = {}
    for case, theirs in zip(CASES, asked.conditions, strict=True):
        assert case.get("events") == _found(case["condition"], golden.catalog, golden.batch())
        if theirs.events != case.get("events"):
            differ[case["condition"]] = (theirs.events, OLDER[case["condition"]][1])
        elif theirs.events is not None:
            assert theirs.warnings == [text for _, text in case.get("warnings", [])]
    assert differ == OLDER


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, GoldenFields]]:
    file = tmp_path_factory.mktemp("events") / "events.jsonl"
    write_events(file, 60)
    with start_plugin(Goldens, capture=False) as running:
        yield file, GoldenFields(running, file)


def test_made_conditions(
    real_host: RealHost, library: Path, many: tuple[Path, GoldenFields], tmp_path: Path
) -> None:
    file, golden = many
    texts = made(conditions_on(FIELDS, WORDS, ADDRESSES))
    texts += mistaken([*texts, *(case["condition"] for case in CASES)], COUNT)
    asked = ask_host(real_host, tmp_path, texts, "--plugin", library, "--open", file)
    assert list(asked.events) == list(range(1, len(golden.events) + 1))
    catalog = event_sources([golden_plugin(golden)])["goldens"].catalog
    batch = golden_batch(golden, range(len(golden.events))).batch
    differ = [
        (text, ours, theirs)
        for text, theirs in zip(texts, asked.conditions, strict=True)
        if (ours := _found(text, catalog, batch)) != theirs.events
    ]
    assert differ == []


def _found(text: str, catalog: FieldCatalog, batch: Batch) -> list[int] | None:
    """The numbers of the events that match, None if the condition is refused."""
    try:
        condition = compile_condition(parse(text), catalog, text)
    except FilterError:
        return None
    true, unknown = condition.evaluate(batch)
    assert not unknown or "join(" in text  # which depends on the plugin's memory
    return [n + 1 for n in range(batch.size) if true >> n & 1]
