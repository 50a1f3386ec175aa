# SPDX-License-Identifier: Apache-2.0
"""An error of the author's code as a person sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from falcokit.cli.author_error import error_text

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_each_place_has_its_source_line_and_a_path_that_a_terminal_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, far = tmp_path / "project" / "src" / "a.py", tmp_path / "far.py"
    here.parent.mkdir(parents=True)
    here.write_text("def look_up():\n\traise ValueError('\x1b[31m')\n" + "x" * 300 + "\n")
    far.write_text("look_up()\n")
    monkeypatch.chdir(tmp_path / "project")
    message = (
        f"plugin p failed in init: {here}:2: init: ExceptionGroup: no \x1b user\n"
        f"  called at {far}:1 in init\n"
        f"  one of them: KeyError: 'ada', at {here}:3\n"
        f"    caused by OSError, at {here}:99\n"
        "  it starts again in 1 s"
    )
    lines = error_text(message).splitlines()
    assert lines == [
        "src/a.py:2: plugin p failed in init: ExceptionGroup: no \\x1b user",
        "     2 | raise ValueError('\\x1b[31m')",
        f"  called at {far}:1 in init",
        "     1 | look_up()",
        "  one of them: KeyError: 'ada', at src/a.py:3",
        f"     3 | {'x' * 200}…",
        "    caused by OSError, at src/a.py:99",
        "  it starts again in 1 s",
    ]


def test_a_message_without_a_place_is_shown_as_it_is() -> None:
    assert error_text("there is no\x1bproject\nhere") == "there is no\\x1bproject\nhere"
