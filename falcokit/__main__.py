# SPDX-License-Identifier: Apache-2.0
"""The console script, and `python -m falcokit`."""

from __future__ import annotations

from falcokit.cli.app import app

__all__ = ["main"]


def main() -> None:
    """Run the command line."""
    app(prog_name="falcokit")


if __name__ == "__main__":
    main()
