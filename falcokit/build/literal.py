# SPDX-License-Identifier: Apache-2.0
"""Text as C writes it."""

from __future__ import annotations

__all__ = ["c_literal"]


def c_literal(text: str) -> str:
    """Write a text as a C string literal, in ASCII, with long ones on several lines."""
    out: list[str] = []
    for byte in text.encode():
        char = chr(byte)
        if char in '"\\?':  # "?" because of trigraphs
            out.append("\\" + char)
        elif 32 <= byte < 127:  # noqa: PLR2004  # printable ASCII
            out.append(char)
        else:
            out.append(f"\\{byte:03o}")
    lines = ["".join(out[i : i + 80]) for i in range(0, len(out), 80)] or [""]
    return " \\\n\t".join(f'"{line}"' for line in lines)
