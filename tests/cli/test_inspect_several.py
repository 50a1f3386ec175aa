# SPDX-License-Identifier: Apache-2.0
"""Several files on one command line, some of which cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cli.inspect_runs import CURL, SAMPLES, inspect

if TYPE_CHECKING:
    from pathlib import Path

IPV6 = SAMPLES / "test_ipv6_client.scap"


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad\x1b[31m.scap"
    path.write_bytes(b"no capture at all")
    return path


@pytest.mark.parametrize("place", range(3))
def test_what_cannot_be_read_is_told_and_the_others_are_shown(
    bad: Path, tmp_path: Path, place: int
) -> None:
    files = [CURL, IPV6]
    for unreadable in (bad, tmp_path / "none.scap", tmp_path):
        mixed: list[Path] = [*files[:place], unreadable, *files[place:]]
        done = inspect(*mixed)
        assert (done.returncode, done.stdout) == (0, inspect(*files).stdout)
        (line,) = done.stderr.splitlines()
        assert line.startswith("error: ")
        assert unreadable.name.replace("\x1b", "\\x1b") in line


def test_nothing_to_be_read_is_an_error(bad: Path, tmp_path: Path) -> None:
    done = inspect(bad, tmp_path / "none.scap")
    assert (done.returncode, done.stdout) == (1, "")
    first, second, hint = done.stderr.splitlines()
    assert (first[:7], second[:7], hint[:6]) == ("error: ", "error: ", "hint: ")
    alone = inspect(bad)
    assert alone.returncode == 1
    assert alone.stderr.startswith(first)
