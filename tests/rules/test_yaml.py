# SPDX-License-Identifier: Apache-2.0
"""What is no YAML, or too much of it: one clear message with its place, in bounded time."""

from __future__ import annotations

import time
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from falcokit.rules import RulesFile, load_rules
from falcokit.rules.document import MAX_BYTES, Mapping, Sequence, read_documents

if TYPE_CHECKING:
    from pathlib import Path

    from falcokit.rules import Problem


def the_error(content: bytes) -> Problem:
    ruleset = load_rules([RulesFile(name="r.yaml", content=content)])
    assert ruleset.rules == ()
    (error,) = ruleset.errors
    assert error.code == "LOAD_ERR_YAML_PARSE"
    return error


def aliases_of_aliases() -> bytes:
    lines = [b"- &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [b"- &a%d [%s]" % (n, b",".join([b"*a%d" % (n - 1)] * 10)) for n in range(1, 12)]
    return b"\n".join(lines)


@pytest.mark.parametrize(
    ("content", "message", "line", "column"),
    [
        (b"- rule: A\n\tdesc: d\n", "a tab stands where YAML indents", 2, 1),
        (b"- rule: A\n  desc: [a\n", "", 3, 1),
        (b"- rule: A\n  desc: b: c\n", "mapping values are not allowed", 2, 10),
        (b"- rule: 'A\n  desc: d\n", "that began in line 1", 3, 1),
        (b"- rule: A\n  output: %evt.num\n", "cannot start any token", 2, 11),
        (b"- a\n- [*b]\n", "there is no anchor &b", 2, 4),
        (b"- &a [b, *a]\n", "stands in what its anchor names", 1, 10),
        (b"- &a {b: [c, *a]}\n", "stands in what its anchor names", 1, 14),
        (b"- a\n- \xff\n", "byte 0xff is not UTF-8", 2, 3),
        (b"- a\n- b\0\n", "U+0000", 2, 4),
        (b"- a\n- \x07\n", "U+0007", 2, 3),
        (b"- " * 101 + b"a", "more than 100 levels", 1, 201),
        (b"[" * 100_000, "more than 100 levels", 1, 0),
        (b"{a: " * 100_000, "more than 100 levels", 1, 0),
        (b"- " * 500_000, "more than 100 levels", 1, 0),
        (aliases_of_aliases(), "more than 1000000 values", 6, 0),
        (b"#" * (MAX_BYTES + 1), "larger than a rules file may be: 8 MiB", 1, 1),
        (b"\xff\xfe\x00\xd8", "byte 0x00 is not UTF-16-LE", 1, 1),
    ],
    ids=lambda value: repr(value[:24]) if isinstance(value, bytes) else "",
)
def test_a_mistake_is_named_with_its_place(
    content: bytes, message: str, line: int, column: int
) -> None:
    started = time.process_time()
    error = the_error(content)
    assert message in error.message
    assert error.line == line
    assert column in {0, error.column}  # 0: wherever the parser is by then
    assert time.process_time() - started < 5


def test_a_huge_file_on_disk_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "huge.yaml"
    with file.open("wb") as stream:
        stream.truncate(100 * 2**20)
    tracemalloc.start()
    try:
        (error,) = load_rules([file]).errors
        assert tracemalloc.get_traced_memory()[1] < 4 * MAX_BYTES
    finally:
        tracemalloc.stop()
    assert (error.code, error.file) == ("LOAD_ERR_YAML_PARSE", str(file))


def test_what_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    for file in (tmp_path / "none.yaml", tmp_path):
        (error,) = load_rules([file]).errors
        assert (error.code, error.file) == ("LOAD_ERR_FILE_READ", str(file))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "utf-16-be"])
def test_an_encoding_with_its_mark_is_read(encoding: str) -> None:
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    document = read_documents("r", mark + "- list: é\n".encode(encoding))
    assert document.text == "- list: é\n"


def test_aliases_are_what_they_name() -> None:
    content = b"- list: l\n  items: &i [a, &b b]\n- list: k\n  items: *i\n- &b c\n- *b\n"
    root = read_documents("r", content).roots[0]
    assert isinstance(root, Sequence)
    first, second, third, fourth = root.items
    assert isinstance(first, Mapping)
    assert isinstance(second, Mapping)
    assert second.get("items") is first.get("items")
    assert fourth is third  # an anchor can be given anew
