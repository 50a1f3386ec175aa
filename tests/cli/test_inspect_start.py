# SPDX-License-Identifier: Apache-2.0
"""`falcokit inspect` without typer: the same arguments, and nothing loaded that costs time."""

from __future__ import annotations

import gzip
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import typer
from inspect_runs import CURL

from falcokit.cli.app import app
from falcokit.cli.arguments import read_arguments as read
from falcokit.cli.inspect import command
from falcokit.cli.inspect.options import InspectOptions

if TYPE_CHECKING:
    from pathlib import Path

#: Nothing of this is needed to count the events of a capture or to list some.
SLOW = {
    "typer", "rich", "pydantic", "msgspec", "cffi", "re2", "dataclasses", "inspect", "pathlib",
    "socket", "tempfile", "importlib.metadata", "falcokit.runtime.base.plugin",
}  # fmt: skip


def read_arguments(arguments: list[str]) -> dict[str, Any] | None:
    return read(["inspect", *arguments])


def of_typer(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What typer makes of the arguments, without what is not given."""
    seen: list[dict[str, Any]] = []
    monkeypatch.setattr(InspectOptions, "__init__", lambda _, **given: seen.append(given))
    monkeypatch.setattr(command, "inspect", lambda _: None)
    with pytest.raises(SystemExit):
        app(["inspect", *arguments], prog_name="falcokit")
    defaults = {name: option.default_value() for name, option in InspectOptions.table.items()}
    return {name: value for name, value in seen[0].items() if value != defaults[name]}


def every_option() -> list[list[str]]:
    group: Any = typer.main.get_command(app)
    asked = []
    for option in group.commands["inspect"].params:
        for spelling in option.opts:
            if spelling.startswith("-") and spelling not in {"-h", "--help"}:
                number = option.metavar in {"N", "TID"}
                value = [] if option.is_flag else ["7" if number else "x.scap"]
                asked.append([spelling, *value])
    return asked


@pytest.mark.parametrize("asked", every_option(), ids=" ".join)
def test_an_option_is_read_as_typer_reads_it(
    asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for arguments in (["a.scap", *asked], [*asked, "a.scap", "evt.type=open"]):
        found = read_arguments(arguments)
        if found is not None:
            assert found == of_typer(arguments, monkeypatch)


def test_the_usual_options_are_all_read_here() -> None:
    rare = [asked for asked in every_option() if read_arguments(["a.scap", *asked]) is None]
    of_choices = {"--buffers", "--rule-matching", "--priority", "--color"}
    assert {asked[0] for asked in rare} <= of_choices


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--help"],
        ["a.scap", "-h"],
        ["a.scap", "--no-such"],
        ["a.scap", "--type"],
        ["a.scap", "--type", "--events"],
        ["a.scap", "--limit=3"],
        ["a.scap", "-n3"],
        ["a.scap", "-n", "0"],
        ["a.scap", "-n", "three"],
        ["a.scap", "--tail", "²"],
        ["a.scap", "--tid", "-1"],
        ["--", "-a.scap"],
        ["--events"],
    ],
    ids=" ".join,
)
def test_help_mistakes_and_rare_spellings_are_typers(arguments: list[str]) -> None:
    assert read_arguments(arguments) is None


def test_repeated_options_are_as_typers(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["--tid", "1", "a.scap", "--tid", "2", "--type", "a", "--type", "b", "-n", "1"]
    arguments += ["--limit", "2", "-", "--time", "1..2", "--time", "2..3"]
    found = read_arguments(arguments)
    assert found is not None
    assert found == of_typer(arguments, monkeypatch)
    assert found["tids"] == (1, 2)
    assert found["limit"] == 2


@pytest.mark.parametrize("options", [[], ["--events", "--type", "open"], ["-n", "3"]], ids=" ".join)
def test_nothing_slow_is_loaded(options: list[str], tmp_path: Path) -> None:
    large = tmp_path / "large.scap"
    large.write_bytes(gzip.decompress(CURL.read_bytes()) * 4)
    code = (
        "import sys\n"
        f"sys.argv = ['falcokit', 'inspect', {str(large)!r}, *{options!r}]\n"
        "from falcokit.__main__ import main\n"
        "try: main()\n"
        "except SystemExit as e: assert e.code == 0\n"
        f"print(sorted({SLOW!r} & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=tmp_path,
    )
    assert done.stderr.splitlines()[-1] == "[]"
    assert done.stdout
