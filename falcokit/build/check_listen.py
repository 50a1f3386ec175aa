# SPDX-License-Identifier: Apache-2.0
"""The hooks of capture listening."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from falcokit.build.check import overrides, wrong
from falcokit.runtime.listen.capability import CaptureListening

if TYPE_CHECKING:
    from collections.abc import Collection

    from falcokit.build.metadata import Capability

__all__ = ["HOOKS", "check_listen"]

#: Hook -> its arguments after self.
HOOKS: Final = {"capture_open": ["capture"], "capture_close": ["capture"]}


def check_listen(plugin: type[Any], capabilities: Collection[Capability]) -> tuple[str, ...]:
    """Check the hooks of a class, and return a warning if Falco does not take it; other hosts do.

    Raises:
        PluginDefinitionError: it listens to nothing.

    """
    if issubclass(plugin, CaptureListening) and not any(overrides(plugin, hook) for hook in HOOKS):
        hint = "def capture_open(self, capture): ..., or leave CaptureListening out of its bases"
        wrong(plugin, None, "has neither capture_open nor capture_close", hint)
    if set(capabilities) != {"listen"}:
        return ()
    refused = "a plugin that only listens to captures is refused by Falco as loaded but unused"
    return (f"{refused}: add another capability to the class",)
