# SPDX-License-Identifier: Apache-2.0
"""Puts into a wheel what tools/wheels.py has compiled; without that it is a wheel for everyone."""

from __future__ import annotations

import os
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

__all__ = ["WheelHook"]


class WheelHook(BuildHookInterface):  # type: ignore[misc]  # hatchling is there while it builds
    """Called by hatchling for each wheel, the editable ones of clones too."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the folder $FALCOKIT_PREBUILT, and tag the wheel as $FALCOKIT_WHEEL_TAG says."""
        folder = os.environ.get("FALCOKIT_PREBUILT")
        if folder and version == "standard":
            build_data["pure_python"] = False
            build_data["tag"] = os.environ["FALCOKIT_WHEEL_TAG"]
            build_data["force_include"][folder] = "falcokit/native/prebuilt"
