# SPDX-License-Identifier: Apache-2.0
"""What `falcokit inspect` counts: one pass over a capture, and its document."""

__all__: list[str] = []
