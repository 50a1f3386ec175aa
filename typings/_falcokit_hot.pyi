# SPDX-License-Identifier: Apache-2.0
# The module that src/glue_module.c makes when Python starts inside the host.

from collections.abc import Callable
from typing import Any, final

from falcokit.runtime.async_events import AsyncEventHandler

ABI: int

@final
class Emitter: ...

@final
class Link:
    def log(self, severity: int, component: str | None, text: str, /) -> None: ...
    def emitter(self, dump: bool, /) -> AsyncEventHandler: ...

def link(plugin: int, /) -> Link: ...
def install(
    errors: tuple[type[Exception], ...],
    encode_json: Callable[[object], bytes],
    expand_event: Callable[[Any], Any],
    make_counters: Callable[..., Any],
    /,
) -> None: ...
def payload_modules() -> dict[str, int]: ...
def payload_place(item: int, /) -> tuple[str, int]: ...
