# SPDX-License-Identifier: Apache-2.0
"""Events for the plugin of the recorded answers: each field there, empty, null or missing."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

from golden_fields import RECORDED

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["TEXTS", "write_events"]

TEXTS = [
    "", "a", "alpha", "Alpha", "ALPHA", "tick", "Tick", "tock", "hello", "hello world", "b c",
    "10", "1", "true", "/etc/passwd", "/etc", "/etc//passwd/", "/usr/lib/x.so", "/", "*", "[a]",
    "a/b", "quote'", "aGVsbG8=", "aGk", "\u00e9\u4e2d", "h\u00e9llo", "line1\nline2", "tab\there",
    "10.0.0.1", "x" * 300, "NULL", "<NA>",
]  # fmt: skip
_NUMBERS = [0, 1, 2, 3, 5, 10, 42, 443, 65535, 2**31, 2**32, 2**63 - 1, 2**63, 2**64 - 1]
_ADDRESSES = ["10.0.0.1", "10.255.0.9", "192.168.1.77", "::1", "2001:db8::5", "::ffff:10.0.0.1"]
_TIMES = [0, 1, 10, 1_500_000_000, 1_700_000_000_000_000_000, 2**63]
_SINGLE: dict[str, list[Any]] = {
    "s": TEXTS, "t": TEXTS, "u": _NUMBERS, "v": _NUMBERS, "b": [True, False], "ip": _ADDRESSES,
    "net": _ADDRESSES, "rel": _TIMES, "at": _TIMES,
}  # fmt: skip
_LISTS: dict[str, list[Any]] = {"ls": TEXTS, "lu": _NUMBERS, "lip": _ADDRESSES}


def write_events(file: Path, count: int) -> int:
    """Write the recorded events and `count` made ones, the same in each run; return how many."""
    # Not for secrets: the same events are wanted each time.
    draw = random.Random(17)
    lines = (RECORDED / "events.jsonl").read_text().splitlines()
    lines += [json.dumps(_made(draw)) for _ in range(count)]
    file.write_text("\n".join(lines) + "\n")
    return len(lines)


def _made(draw: random.Random) -> dict[str, Any]:
    event: dict[str, Any] = {name: draw.choice(values) for name, values in _SINGLE.items()}
    if draw.random() < 0.3:  # two fields that are equal
        event["t"], event["v"] = event["s"], event["u"]
    for name, values in _LISTS.items():
        event[name] = draw.choices(values, k=draw.randrange(4))
    event["m"] = {"k": draw.choice(TEXTS), "a.b": draw.choice(TEXTS)}
    for name in list(event):
        chance = draw.random()
        if chance < 0.15:
            del event[name]
        elif chance < 0.2 and name != "m":
            event[name] = None
    return event
