# SPDX-License-Identifier: Apache-2.0
"""Declared fields whose work grows without limit with what they are given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from falcokit import EventSource, FieldExtraction, Plugin, here, json_field, path, root

if TYPE_CHECKING:
    from collections.abc import Iterator


def quadratic() -> str:
    members = ",".join(f'"k{i}":1' for i in range(66_000))
    return '{"a":[' + ",".join("1" * 80_000) + "]," + members + ',"zzz":1}'


class P(Plugin, EventSource, FieldExtraction):
    plugin_id, event_source, max_event_size = 999, "conform", 1 << 20

    def open(self, params: str) -> Iterator[str]:
        yield quadratic()
        yield '{"t":["' + '","'.join(["a" * 65_000] * 14) + '"]}'
        yield '{"a":[1],"zzz":2,"t":["aaaab"]}'

    quad = json_field(
        "h.quad", path("/a").each().where(root.path("/zzz").equals(2)).count(), type=int, desc="d"
    )
    pattern = json_field(
        "h.re",
        path("/t").each().where(here.matches("(a|aa)*(a|b|c|d|e|f|g|h)*(a?){100}b$")).count(),
        type=int,
        desc="d",
    )
    last = json_field("h.last", "/zzz", type=int, desc="d")
