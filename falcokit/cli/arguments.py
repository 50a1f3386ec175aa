# SPDX-License-Identifier: Apache-2.0
"""The commands, and their arguments read without typer, which takes longer than most commands.

Only what is written in the usual way is read here; help, mistakes and rare spellings are left to
typer, which `app` gives the same options.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from falcokit.cli import console
from falcokit.cli.inspect.options import InspectOptions
from falcokit.cli.options import (
    COMMON,
    BuildOptions,
    CheckOptions,
    DevOptions,
    DoctorOptions,
    InfoOptions,
    InitOptions,
    Option,
    Options,
    PackageOptions,
    PublishOptions,
    RunOptions,
    TestOptions,
)
from falcokit.toolchain.cache import telling

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = [
    "COMMANDS",
    "Command",
    "heed_common",
    "read_arguments",
    "take_common",
    "with_bare_values",
]

_STDIN: Final = "-"
_HELP: Final = frozenset({"-h", "--help"})
_DIGITS: Final = 18
MIN_SECONDS: Final = 0.001


class Command(NamedTuple):
    """A command: its options, and the module that has its function, loaded when it is called."""

    options: type[Options]
    module: str
    help_text: str
    examples: tuple[str, ...]

    def run(self, name: str, given: Mapping[str, Any]) -> int | None:
        """Call the command `name` with the options that are given; return its exit code, if any."""
        heed_common(given)
        return self.call(name, self.options(**given))

    def call(self, function: str, *arguments: Any) -> int | None:
        """Call a function of the command's module."""
        with telling(_show_compiling):
            code: int | None = getattr(importlib.import_module(self.module), function)(*arguments)
        return code


def _show_compiling(what: str) -> None:
    console.message(f"compiling {what} (once)")


COMMANDS: Final = {
    "init": Command(
        InitOptions,
        "falcokit.cli.init",
        "Make a new plugin project.",
        (
            "falcokit init my-plugin",
            "falcokit init my-plugin -t source-extract --dir plugins/my-plugin",
            "falcokit init --templates",
        ),
    ),
    "build": Command(
        BuildOptions,
        "falcokit.cli.build",
        "Build the plugin's library.",
        ("falcokit build", "falcokit build -C plugins/my-plugin --json"),
    ),
    "run": Command(
        RunOptions,
        "falcokit.cli.run",
        "Build the plugin, run it and show its events.",
        (
            "falcokit run --limit 5",
            """falcokit run --init-config '{"threshold": 2}' --record seen.scap""",
            "falcokit run --replay seen.scap --explain",
            "falcokit run --from-falco-yaml --falco",
        ),
    ),
    "dev": Command(
        DevOptions,
        "falcokit.cli.dev.command",
        "Run the plugin with live statistics; --watch restarts it when you save.",
        ("falcokit dev --watch", "falcokit dev --duration 10 --json"),
    ),
    "check": Command(
        CheckOptions,
        "falcokit.cli.check",
        "Check the rules against what the plugin has.",
        ("falcokit check", "falcokit check rules/mine.yaml --json"),
    ),
    "test": Command(
        TestOptions,
        "falcokit.cli.test",
        "Build the plugin, and run the project's tests with pytest.",
        ("falcokit test", "falcokit test -k alert -x"),
    ),
    "info": Command(
        InfoOptions,
        "falcokit.cli.info",
        "Show what Falco sees of the plugin; --markdown keeps it in a README.",
        (
            "falcokit info",
            "falcokit info --markdown",
            "falcokit info --markdown --check",
            "falcokit info build/libmy-plugin.so --json",
        ),
    ),
    "inspect": Command(
        InspectOptions,
        "falcokit.cli.inspect.command",
        "Show what a capture file, a plugin library or an artifact holds.",
        (
            "falcokit inspect seen.scap",
            "falcokit inspect seen.scap 'evt.type = open' --tail 20",
            "falcokit inspect seen.scap --rules rules/mine.yaml --plugin build/libmy-plugin.so",
        ),
    ),
    "package": Command(
        PackageOptions,
        "falcokit.cli.package",
        "Make one file that any Falco loads.",
        (
            "falcokit package",
            "falcokit package --oci --max-glibc 2.28",
            "falcokit package --deploy helm",
        ),
    ),
    "publish": Command(
        PublishOptions,
        "falcokit.cli.publish",
        "Send the plugin and its rules to a registry.",
        (
            "falcokit publish --dry-run",
            "falcokit publish ghcr.io/acme/plugins/plugin/my-plugin --floating-tags",
        ),
    ),
    "doctor": Command(
        DoctorOptions,
        "falcokit.cli.doctor.command",
        "Check this machine and the project, and say how to mend what is wrong.",
        ("falcokit doctor", "falcokit doctor --json"),
    ),
}


def take_common(arguments: Sequence[str]) -> list[str]:
    """Heed the common options before the command; return the command and all that follows it."""
    names = {spelling: name for name, each in COMMON.items() for spelling in each.spellings}
    words = list(arguments)
    given: dict[str, Any] = {}
    while words and words[0] in names:
        name = names[words[0]]
        if COMMON[name].kind == "flag":
            given[name] = True
            del words[0]
        elif len(words) > 1 and words[1] in COMMON[name].choices:
            given[name] = words[1]
            del words[:2]
        else:  # a mistake
            break
    heed_common(given)
    return words


def heed_common(given: Mapping[str, Any]) -> None:
    """Do what the common options say, for all that follows in this process.

    Raises:
        ConfigError: it is to be quiet and verbose.

    """
    from falcokit.cli import console  # noqa: PLC0415

    if given.get("quiet") and given.get("verbose"):
        from falcokit.errors import ConfigError  # noqa: PLC0415

        raise ConfigError("--quiet and --verbose cannot be combined")
    if given.get("quiet") or given.get("verbose"):
        console.set_level(-1 if given.get("quiet") else 1)
    if given.get("verbose"):
        from falcokit.toolchain import command  # noqa: PLC0415

        command.observer = _show_command
    if given.get("color"):
        console.set_color(given["color"])


def _show_command(words: Sequence[str], seconds: float) -> None:
    import shlex  # noqa: PLC0415

    from falcokit.cli import console  # noqa: PLC0415

    console.detail(f"{seconds:.2f} s  {shlex.join(words)}")


def with_bare_values(arguments: Sequence[str]) -> list[str]:
    """Add what an option stands for where nothing follows it; typer knows no such options."""
    # Common options may stand before the command; none of their values is the name of one.
    command = next((COMMANDS[word] for word in arguments if word in COMMANDS), None)
    if command is None:
        return list(arguments)
    bare = {
        spelling: option.bare
        for option in command.options.table.values()
        for spelling in option.spellings
        if option.bare is not None
    }
    found = []
    for word, after in zip(arguments, [*arguments[1:], "--"], strict=True):
        found.append(word)
        if word in bare and after != _STDIN and after.startswith("-"):
            found.append(bare[word])
    return found


class _LeftToTyperError(Exception):
    """Typer must read the arguments."""


def read_arguments(arguments: Sequence[str]) -> dict[str, Any] | None:
    """Return what the command `arguments[0]` is given; None where typer must read it."""
    if not arguments or arguments[0] not in COMMANDS:
        return None
    table = COMMANDS[arguments[0]].options.table
    names = {spelling: name for name, option in table.items() for spelling in option.spellings}
    rest = next((name for name, option in table.items() if option.kind == "rest"), None)
    given: dict[str, Any] = {}
    words = []
    left = iter(with_bare_values(arguments)[1:])
    try:
        for word in left:
            if rest and word not in names and word not in _HELP:
                given[rest] = (word, *left)
            elif word == _STDIN or (word and not word.startswith("-")):
                words.append(word)
            elif word in names:
                _take(names[word], table[names[word]], left, given)
            else:
                return None
        _take_words(words, table, given)
    except (_LeftToTyperError, ValueError):
        return None
    return given


def _take(name: str, option: Option, left: Iterator[str], given: dict[str, Any]) -> None:
    """Read the value of an option."""
    if option.instead is not None:
        raise _LeftToTyperError
    if option.kind == "flag":
        given[name] = True
        return
    text = next(left, "")
    if not text or (text != _STDIN and text.startswith("-")):
        raise _LeftToTyperError
    value = _value(text, option)
    given[name] = (*given.get(name, ()), value) if option.many else value


def _take_words(words: Sequence[str], table: Mapping[str, Option], given: dict[str, Any]) -> None:
    """Read what is given without a dash."""
    for name, option in table.items():
        if not option.spellings:
            values = tuple(_value(word, option) for word in words)
            if len(values) < option.required or (len(values) > 1 and not option.many):
                raise _LeftToTyperError
            if values:
                given[name] = values if option.many else values[0]
            return
    if words:
        raise _LeftToTyperError


def _value(text: str, option: Option) -> Any:
    if option.kind == "path":
        from pathlib import Path  # noqa: PLC0415 - takes 5 ms to load

        return Path(text)
    if option.kind in {"number", "count"}:
        return _number(text, 1 if option.kind == "count" else 0)
    if option.kind in {"seconds", "factor"}:
        whole, _, rest = text.partition(".")
        _number(whole)
        _number(rest or "0")
        if float(text) < MIN_SECONDS:
            raise _LeftToTyperError
        return float(text)
    if option.kind == "choice" and text not in option.choices:
        raise _LeftToTyperError
    return text


def _number(text: str, least: int = 0) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS) or int(text) < least:
        raise _LeftToTyperError
    return int(text)
