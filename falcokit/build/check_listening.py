# SPDX-License-Identifier: Apache-2.0
"""The hooks of capture listening."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from falcokit.build.check import overrides, wrong

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["HOOKS", "check_listening", "listening_warnings"]

#: Hook -> its arguments after self.
HOOKS: Final = {"capture_open": ["capture"], "capture_close": ["capture"]}


def check_listening(plugin: type[Any]) -> None:
    """Check a class that has the capability.

    Raises:
        PluginDefinitionError: it listens to nothing.

    """
    if not any(overrides(plugin, hook) for hook in HOOKS):
        hint = "def capture_open(self, capture): ..., or leave CaptureListening out of its bases"
        wrong(plugin, None, "has neither capture_open nor capture_close", hint)


def listening_warnings(capabilities: Collection[str]) -> list[str]:
    """Say that Falco does not take a plugin which only listens; other hosts do."""
    if set(capabilities) != {"listen"}:
        return []
    refused = "a plugin that only listens to captures is refused by Falco as loaded but unused"
    return [f"{refused}: add another capability to the class"]
