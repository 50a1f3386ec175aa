# SPDX-License-Identifier: Apache-2.0
"""Draw the first transcript of docs/getting-started.md as a terminal that fills line by line.

The page is what a test runs; this makes the same text move. Browsers that shall not move pictures
show it whole.
"""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import Final

__all__ = ["PICTURE", "terminal_picture"]

_ROOT: Final = Path(__file__).parent.parent
PICTURE: Final = _ROOT / "docs" / "pictures" / "start.svg"
_BLOCK: Final = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_COLUMNS, _WIDTH, _HEIGHT, _TOP = 100, 8.4, 20, 48
_STYLE: Final = """\
    .back { fill: #1f2430 }
    text { font: 14px ui-monospace, Menlo, Consolas, monospace; fill: #cbccc6; white-space: pre }
    .typed { fill: #ffffff; font-weight: bold }
    .alert { fill: #ffcc66 }
    text.line { opacity: 0; animation: shown 0.1s forwards }
    @keyframes shown { to { opacity: 1 } }
    @media (prefers-reduced-motion: reduce) { text.line { opacity: 1; animation: none } }"""
_BEFORE_COMMAND, _AFTER_COMMAND, _BETWEEN_LINES = 0.9, 0.6, 0.35  # seconds


def terminal_picture(page: str) -> str:
    """Return the picture of the first transcript in a page, as SVG."""
    found = _BLOCK.search(page)
    if found is None:
        raise ValueError("the page has no transcript")
    now, rows = 0.0, []
    for number, line in enumerate(found[1].splitlines()):
        is_command = line.startswith("$ ")
        now += _BEFORE_COMMAND if is_command else _BETWEEN_LINES
        kind = " typed" if is_command else " alert" if line.startswith(" alert ") else ""
        shown = line if len(line) <= _COLUMNS else line[: _COLUMNS - 1] + "…"
        rows.append(
            f'  <text class="line{kind}" x="16" y="{_TOP + number * _HEIGHT}"'
            f' style="animation-delay: {now:.2f}s">{escape(shown)}</text>'
        )
        now += _AFTER_COMMAND if is_command else 0.0
    width, height = round(_COLUMNS * _WIDTH + 32), _TOP + len(rows) * _HEIGHT
    dots = "".join(
        f'<circle cx="{20 + 18 * at}" cy="18" r="5" fill="{color}"/>'
        for at, color in enumerate(("#f28779", "#ffcc66", "#bae67e"))
    )
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"',
            '    aria-label="From an empty folder to an alert, in a terminal">',
            f"  <style>\n{_STYLE}\n  </style>",
            f'  <rect class="back" width="{width}" height="{height}" rx="8"/>{dots}',
            *rows,
            "</svg>\n",
        )
    )


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(terminal_picture((_ROOT / "docs" / "getting-started.md").read_text()))
