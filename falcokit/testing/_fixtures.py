# SPDX-License-Identifier: Apache-2.0
"""The types of the fixtures that are functions, for the annotations of tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from falcokit.runtime.event.event import Event
from falcokit.testing._hosts import HostRun
from falcokit.testing._replay import ReplayedEvent

if TYPE_CHECKING:
    from falcokit.rules import Alert

__all__ = ["AssertAlert", "AssertNoAlert", "MakeEvent", "Replay", "RunPlugins"]

#: `make_event`, `make_async`, `make_plugin_event`.
MakeEvent: TypeAlias = Callable[..., Event]
Replay: TypeAlias = Callable[..., list[ReplayedEvent]]
RunPlugins: TypeAlias = Callable[..., HostRun]
AssertAlert: TypeAlias = "Callable[..., Alert]"
AssertNoAlert: TypeAlias = Callable[..., None]
