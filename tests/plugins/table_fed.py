# SPDX-License-Identifier: Apache-2.0
"""A thread changes an exported table without end."""

from __future__ import annotations

import threading
from collections.abc import MutableMapping  # noqa: TC003  # an annotation that falcokit reads
from typing import TYPE_CHECKING, Annotated

from falcokit import (
    Event,
    EventParsing,
    Metric,
    Plugin,
    TableEntry,
    export_table,
    i8,
    i16,
    i64,
    readonly,
    u64,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


class Child(TableEntry):
    n: i8


class Hash(TableEntry):
    sha256: str
    seen: u64 = 7
    ok: bool
    low: Annotated[i16, "lowest"] = -3
    note: Annotated[str, readonly] = "none"
    kids: MutableMapping[i64, Child]

    def twice(self) -> int:
        return self.seen * 2


class P(Plugin, EventParsing):
    parse_event_types = (322,)
    hashes = export_table("hashes", str, Hash)
    stopping = False

    def init(self) -> None:
        self.rounds = 0
        self.thread = threading.Thread(target=self.feed)
        self.thread.start()

    def feed(self) -> None:
        while not self.stopping:
            for n in range(100):
                self.hashes[f"/{n}"] = {"sha256": chr(97 + n % 26) * (n * 7)}
            for n in range(100):
                self.hashes[f"/{n}"].sha256 = chr(97 + (n + self.rounds) % 26) * n
            for n in range(0, 100, 3):
                self.hashes.pop(f"/{n}")
            self.rounds += 1

    def destroy(self) -> None:
        self.stopping = True
        self.thread.join()

    def parse_event(self, event: Event) -> None:
        pass

    def get_metrics(self) -> Iterator[Metric]:
        yield Metric("rounds", self.rounds)
