# SPDX-License-Identifier: Apache-2.0
"""The commands. Each file is one verb: parse, call one tool module, report."""

from __future__ import annotations

__all__: list[str] = []
