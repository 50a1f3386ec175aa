# SPDX-License-Identifier: Apache-2.0
"""A plugin that its `destroy` replaces: by the next version, and the library built of that.

VERSION and the names of the event and the field are what a version has of its own.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import reloaded_part  # type: ignore[import-not-found]  # the test writes it

from falcokit import (
    AsyncEventHandler,
    AsyncEvents,
    Event,
    EventParsing,
    FieldExtraction,
    Plugin,
    async_event,
    field,
    json_field,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

VERSION = 0
BALLAST = bytearray(1 << 20)  # a version that stays is seen in the memory


class Config(msgspec.Struct):
    every_s: float = 0.002


class P(Plugin, AsyncEvents, EventParsing, FieldExtraction):
    config: Config
    extract_event_sources = ("syscall",)
    declared = json_field("reloading.declared", "/n", type=int, desc="A declared field")

    def init(self) -> None:
        self.parsed = 0
        if reloaded_part.VERSION != VERSION:
            raise ValueError(f"version {VERSION} has the part of {reloaded_part.VERSION}")

    def start_async(self, handler: AsyncEventHandler) -> None:
        self.own = threading.Thread(target=self.sleep, args=(3600,))
        self.own.start()

    @async_event("beat_0", every="config.every_s")
    def beat(self) -> Any:
        return {"n": VERSION}

    @async_event("loop_0", every="config.every_s")
    async def loop(self) -> AsyncIterator[str]:
        self.task = asyncio.create_task(asyncio.sleep(3600))
        while True:
            yield f"loop of {VERSION}"

    @field("reloading.method", desc="A method")
    def method(self, event: Event) -> str:
        return f"{VERSION} {event.name}"

    def parse_event(self, event: Event) -> None:
        self.parsed += 1

    def destroy(self) -> None:
        self.log.warning("version %d has parsed %d", VERSION, min(self.parsed, 1))
        here, number = Path(__file__), VERSION + 1
        text = here.read_text().replace(f"VERSION = {VERSION}\n", f"VERSION = {number}\n")
        text = text.replace(f"_{VERSION % 2}", f"_{number % 2}")
        built = here.parent.parent / "build"
        library = built / f"lib{self.name}.so"
        for file, content in (
            (here, text.encode()),
            (here.with_name("reloaded_part.py"), f"VERSION = {number}\n".encode()),
            (library, (built / f"version_{number % 2}.so").read_bytes()),
        ):
            draft = file.with_suffix(".draft")
            draft.write_bytes(content)
            shutil.copymode(file, draft)
            os.replace(draft, file)  # noqa: PTH105
