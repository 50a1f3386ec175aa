# SPDX-License-Identifier: Apache-2.0
"""Changes exported tables by chance, and compares them with a dict."""

from __future__ import annotations

import random
from collections.abc import MutableMapping  # noqa: TC003  # an annotation that falcokit reads
from typing import TYPE_CHECKING, Annotated, Any

from falcokit import (
    AsyncEventHandler,
    AsyncEvents,
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
    from collections.abc import Callable


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


class P(Plugin, AsyncEvents):
    async_events = ("one",)
    words = export_table("conform_words", str, Hash)
    numbers = export_table("conform_numbers", i64, Hash)

    def start_async(self, handler: AsyncEventHandler) -> None:
        chance = random.Random(7)
        tables: list[tuple[Any, Callable[[int], Any]]] = [
            (self.words, lambda n: "w" * (n % 40) + str(n)),
            (self.numbers, int),
        ]
        for table, make in tables:
            model: dict[Any, int] = {}
            for i in range(60000):
                key = make(chance.randrange(-1000, 1000) * 2 ** (i % 3 * 20))
                what = chance.randrange(10) + (i // 10000 % 2) * 3  # grows, then shrinks
                if what < 6:
                    table[key] = {"seen": i}
                    model[key] = i
                elif what < 12:
                    assert (key in table) == (key in model)
                    if key in model:
                        assert table.pop(key).seen == model.pop(key)
                if i % 20000 == 19999:
                    assert {k: e.seen for k, e in table.items()} == model
                    assert list(table) == list(model)
                    assert len(table) == len(model)
        table.clear()
        handler.emit("one", f"{len(model) > 100} {len(table)}")
