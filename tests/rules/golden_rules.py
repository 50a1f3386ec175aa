# SPDX-License-Identifier: Apache-2.0
"""Rules on the plugin and the events of the recorded answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from falcokit.rules import EventBatch, FieldRef, LoadedPlugin, Ruleset, RulesFile, load_rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from golden_fields import GoldenFields

__all__ = ["FIRST_NS", "STEP_NS", "golden_batch", "golden_plugin", "load"]

FIRST_NS = 1_700_000_000_000_000_000
STEP_NS = 1_500_000_000

_HOSTNAME = "vm"
_SHOWN = 50  # bytes of an event's data in evt.plugininfo


def golden_plugin(golden: GoldenFields) -> LoadedPlugin:
    return LoadedPlugin(
        name="goldens",
        version="0.1.0",
        event_source="goldens",
        extract_sources=("goldens",),
        fields=tuple(golden.catalog),
    )


def load(golden: GoldenFields, *contents: str | bytes, **options: Any) -> Ruleset:
    files = [
        RulesFile(
            name=f"{n}.yaml" if n else "rules.yaml",
            content=content.encode() if isinstance(content, str) else content,
        )
        for n, content in enumerate(contents)
    ]
    return load_rules(files, plugins=[golden_plugin(golden)], **options)


def golden_batch(golden: GoldenFields, rows: range = range(18)) -> EventBatch:
    def read(field: FieldRef) -> Sequence[Any] | None:
        if field.name == "evt.plugininfo":
            return [_info(golden.events[row].data) for row in rows]
        if not field.name.startswith("g."):
            return None
        values = golden.read(field)
        return [values[row] for row in rows]

    return EventBatch(
        "goldens",
        [row + 1 for row in rows],
        [FIRST_NS + row * STEP_NS for row in rows],
        read,
        first_time_ns=FIRST_NS,
        plugin="goldens",
        hostname=_HOSTNAME,
    )


def _info(data: bytes) -> str:
    if any(not 32 <= byte < 127 for byte in data[:_SHOWN]):
        return f"datalen={len(data)} data=<binary>"
    more = "..." if len(data) > _SHOWN else ""
    return f"datalen={len(data)} data={data[:_SHOWN].decode()}{more}"
