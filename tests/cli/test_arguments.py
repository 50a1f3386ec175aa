# SPDX-License-Identifier: Apache-2.0
"""The commands without typer: the same arguments, and nothing loaded that costs time."""

from __future__ import annotations

import importlib
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import typer

from falcokit.cli import console
from falcokit.cli.app import app
from falcokit.cli.arguments import COMMANDS, read_arguments, take_common, with_bare_values
from falcokit.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

WORDS = {"init": ["load-watch"], "run": ["lib.so"]}
VALUES = {"[PORT]": "9000", "N": "7", "SECONDS": "0.25", "--layout": "dir", "--deploy": "helm"}
VALUES |= {"--rule-matching": "all", "--priority": "notice", "--color": "never"}
#: It is done in place of the command.
LEFT_TO_TYPER = {"init": ["--templates"]}
OTHERS = sorted(COMMANDS.keys() - {"inspect"})  # test_inspect_start.py


def of_typer(
    name: str, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any] | None:
    """What typer makes of the arguments; None for a mistake."""
    seen: list[dict[str, Any]] = []
    module = importlib.import_module(COMMANDS[name].module)
    monkeypatch.setattr(module, name, lambda options: seen.append(vars(options)))
    with pytest.raises(SystemExit):
        app([name, *arguments], prog_name="falcokit")
    return seen[0] if seen else None


def options_of(name: str) -> list[list[str]]:
    command: Any = typer.main.get_command(app)
    asked = []
    for option in command.commands[name].params:
        for spelling in option.opts:
            if spelling.startswith("-") and spelling not in {"-h", "--help"}:
                value = VALUES.get(option.metavar) or VALUES.get(spelling) or "some.thing"
                asked.append([spelling, *([] if option.is_flag else [value])])
    return asked


EVERY = [(name, asked) for name in OTHERS for asked in options_of(name)]


@pytest.mark.parametrize(("name", "asked"), EVERY, ids=lambda value: "".join(value[:1]))
def test_an_option_is_read_as_typer_reads_it(
    name: str, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for arguments in ([*WORDS.get(name, []), *asked], [*asked, *WORDS.get(name, []), "--json"]):
        found = read_arguments([name, *arguments])
        if asked[0] in LEFT_TO_TYPER.get(name, []):
            assert found is None
            continue
        assert found is not None
        whole = of_typer(name, arguments, monkeypatch)
        assert whole is not None
        assert vars(COMMANDS[name].options(**found)) == whole


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_not_given_is_typers_default(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words = WORDS["init"] if name == "init" else []
    own = COMMANDS[name].options(**({"name": words[0]} if words else {}))
    assert of_typer(name, words, monkeypatch) == vars(own)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--version"],
        ["--help"],
        ["no-such"],
        ["build", "--help"],
        ["build", "word"],
        ["build", "-C"],
        ["build", "-C", ""],
        ["build", "-C", "--json"],
        ["build", "--project=x"],
        ["init"],
        ["init", ""],
        ["init", "a", "b"],
        ["run", "a.so", "b.so"],
        ["run", "-n3"],
        ["run", "-n", "0"],
        ["run", "--limit", "1.5"],
        ["run", "--duration", "0.0001"],
        ["run", "--duration", "1e3"],
        ["run", "--duration", "nan"],
        ["run", "--duration", "."],
        ["dev", "--limit", "3"],
        ["package", "--layout", "tree"],
    ],
    ids=" ".join,
)
def test_help_mistakes_and_rare_spellings_are_typers(arguments: list[str]) -> None:
    assert read_arguments(arguments) is None


def test_the_last_of_several_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["-n", "1", "--limit", "2", "--duration", "3", "--duration", "4.5"]
    found = read_arguments(["run", *arguments])
    assert found == {"limit": 2, "duration": 4.5}
    assert (of_typer("run", arguments, monkeypatch) or {}).items() >= found.items()


def test_common_options_go_before_the_command_too() -> None:
    assert take_common(["-q", "--color", "always", "run", "-v"]) == ["run", "-v"]
    assert (console.has_color(sys.stderr), console.is_verbose()) == (True, False)
    assert take_common(["-v", "--help"]) == ["--help"]
    assert console.is_verbose()
    for mistake in (["--color"], ["--color", "blue"], ["--colour", "never"]):
        assert take_common([*mistake, "run"]) == [*mistake, "run"]


def test_a_bare_value_is_added_behind_common_options() -> None:
    given = ["--color=always", "-q", "run", "--falco"]
    assert with_bare_values(given) == [*given, "falco"]


def test_what_is_quiet_is_not_verbose() -> None:
    with pytest.raises(ConfigError, match="cannot be combined"):
        take_common(["-q", "-v", "run"])


@pytest.mark.parametrize("name", OTHERS)
def test_typer_is_not_loaded(name: str, tmp_path: Path) -> None:
    code = (
        "import sys\n"
        f"sys.argv = ['falcokit', {name!r}, *{['no', '-t', 'x'] if name == 'init' else []!r}]\n"
        "from falcokit.__main__ import main\n"
        "try: main()\n"
        f"except SystemExit as e: assert e.code == {0 if name == 'doctor' else 3}\n"
        "print(sorted({'typer', 'rich', 'pydantic'} & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, check=True, timeout=60, cwd=tmp_path,
    )  # fmt: skip
    assert done.stderr.splitlines()[-1] == "[]"
