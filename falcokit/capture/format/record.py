# SPDX-License-Identifier: Apache-2.0
"""Immutable values with named fields, where captures look for them: see `falcokit.record`."""

from falcokit.record import Record

__all__ = ["Record"]
