# SPDX-License-Identifier: Apache-2.0
"""The class that a test starts: its library imports it from here."""

from __future__ import annotations

from falcokit.runtime.base.plugin import Plugin

__all__ = ["Given"]

Given: type[Plugin] = Plugin
"""Set by `_running` just before init."""
