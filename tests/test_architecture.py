# SPDX-License-Identifier: Apache-2.0
"""ARCHITECTURE.md: each path that it names exists, and the walks are as short as they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from falcokit.native import ROOMS, SOURCES

ROOT = Path(__file__).parent.parent
PAGES = ["ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"]
PATH = re.compile(r"`((?:\.ci|falcokit|templates|tools|tests|bench|docs|examples)/[\w./{}-]*)`")
MOST_FILES = 8
#: What is a journey through several programs may be longer.
LONG = {"A save in `dev`", "A line of `inspect --events`"}


def walks() -> dict[str, list[str]]:
    page = (ROOT / "ARCHITECTURE.md").read_text()
    text = page.partition("\n## Walks\n")[2].partition("\n## ")[0]
    parts = re.split(r"^### (.+)$", text, flags=re.MULTILINE)[1:]
    return {title: PATH.findall(part) for title, part in zip(parts[::2], parts[1::2], strict=True)}


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_a_page_names_exists(page: str) -> None:
    named = PATH.findall((ROOT / page).read_text())
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_each_room_of_the_glue_has_a_line() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text()
    rooms = {SOURCES / room for room in ROOMS} | {SOURCES / "entry", SOURCES / "runner"}
    assert {room for room in rooms if f"| `{room.relative_to(ROOT)}/` |" not in page} == set()


def test_each_room_of_the_package_has_a_line() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text()
    rooms = {file.parent for file in (ROOT / "falcokit").glob("*/__init__.py")}
    assert {room.name for room in rooms if f"| `falcokit/{room.name}/` |" not in page} == set()


def test_a_walk_passes_each_file_once_and_few_of_them() -> None:
    assert len(walks()) == 10
    for title, files in walks().items():
        assert len(files) == len(set(files)), title
        assert len(files) >= 5, title
        if title not in LONG:
            assert len(files) <= MOST_FILES, title
