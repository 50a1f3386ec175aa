# SPDX-License-Identifier: Apache-2.0
"""What `falcokit inspect` does, its arguments read."""

from __future__ import annotations

from typing import Any

from falcokit.cli.inspect.command import Inspection, Wishes

__all__ = ["do"]


def do(**wishes: Any) -> None:
    """Show what a file holds."""
    Inspection(Wishes(**wishes)).run()
