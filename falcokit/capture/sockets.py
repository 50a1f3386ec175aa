# SPDX-License-Identifier: Apache-2.0
"""The byte order of a capture's writer; socket addresses themselves are `socket_values`'s."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from falcokit.runtime.socket_values import ByteOrder  # noqa: TC004

__all__ = ["ByteOrder"]
