# SPDX-License-Identifier: Apache-2.0
# The module that src/glue_module.c makes when Python starts inside the host.

from collections.abc import Callable, Mapping
from typing import Any, final

from falcokit.runtime.async_events import AsyncEventHandler
from falcokit.runtime.event import Event

ABI: int

@final
class Emitter: ...

@final
class Link:
    def log(self, severity: int, component: str | None, text: str, /) -> None: ...
    def emitter(self, dump: bool, /) -> AsyncEventHandler: ...
    def close(self) -> None: ...

def link(plugin: int, /) -> Link: ...
def install(
    errors: tuple[type[Exception], ...],
    encode_json: Callable[[object], bytes],
    expand_event: Callable[[Any], Any],
    make_counters: Callable[..., Any],
    event_class: type[Event],
    decode_json: Callable[[bytes], Any],
    params_of: Callable[[Event], Mapping[str, Any]],
    /,
) -> None: ...
def payload_modules() -> dict[str, int]: ...
def payload_place(item: int, /) -> tuple[str, int]: ...
