# SPDX-License-Identifier: Apache-2.0
"""The options of every command but `inspect`, each declared once.

A command's options are a class. For each option it declares the name, the type, the default, the
spellings, the values that are accepted and the text of `--help`. `arguments` reads a command line
with it, `app` makes typer's declaration from it, and the command is given an instance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple, dataclass_transform

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "COMMON",
    "EXPLAIN",
    "INIT_CONFIG",
    "JSON",
    "PRIORITY",
    "RULE_MATCHING",
    "BuildOptions",
    "CheckOptions",
    "DevOptions",
    "DoctorOptions",
    "InfoOptions",
    "InitOptions",
    "Option",
    "Options",
    "PackageOptions",
    "PublishOptions",
    "RunOptions",
    "TestOptions",
    "argument",
    "option",
]


def _path(text: str) -> Any:
    from pathlib import Path  # noqa: PLC0415 - takes 5 ms to load

    return Path(text)


class Option(NamedTuple):
    """One option, or what is given without a dash."""

    spellings: tuple[str, ...]
    """None for what is given without a dash."""
    help_text: str
    kind: str
    """flag, text, path, number, count (from 1), seconds, factor, choice or rest (all)."""
    metavar: str | None
    default: str | None
    choices: tuple[str, ...]
    many: bool
    required: bool
    instead: str | None
    """The function of the command's module that is called in place of the command."""
    bare: str | None
    """What it stands for when nothing follows it; None: something must."""

    def default_value(self) -> Any:
        """Return what a command gets that is not given this option."""
        if self.many:
            return ()
        if self.default is not None and self.kind == "path":
            return _path(self.default)
        return False if self.kind == "flag" else self.default


def option(
    spellings: str,
    help_text: str,
    *,
    kind: str = "flag",
    metavar: str | None = None,
    default: str | None = None,
    choices: tuple[str, ...] = (),
    many: bool = False,
    instead: str | None = None,
    bare: str | None = None,
) -> Any:
    """Declare an option, with its spellings separated by spaces."""
    kind = "choice" if choices else kind
    parts = tuple(spellings.split())
    return Option(parts, help_text, kind, metavar, default, choices, many, False, instead, bare)


def argument(
    metavar: str,
    help_text: str,
    *,
    kind: str = "text",
    many: bool = False,
    required: bool = True,
) -> Any:
    """Declare what is given without a dash."""
    return Option((), help_text, kind, metavar, None, (), many, required, None, None)


#: What every command has but `test`, whose words are pytest's; before a command, all have them.
COMMON: Final[dict[str, Option]] = {
    "quiet": option("-q --quiet", "Write only warnings and errors to stderr."),
    "verbose": option(
        "-v --verbose", "Say what is done: programs that are run, where settings come from."
    ),
    "color": option(
        "--color",
        "When to use colour (default: auto, on a terminal).",
        choices=("auto", "always", "never"),
    ),
}


@dataclass_transform(kw_only_default=True)
class Options:
    """A base of the classes that declare the options of a command."""

    table: ClassVar[dict[str, Option]] = {}
    quiet: bool
    verbose: bool
    color: str | None

    def __init_subclass__(cls, *, common: bool = True) -> None:
        own = {name: value for name, value in vars(cls).items() if isinstance(value, Option)}
        cls.table = own | (COMMON if common else {})

    def __init__(self, **given: Any) -> None:
        """Take what is given, and the defaults for all else."""
        defaults = {name: option.default_value() for name, option in self.table.items()}
        if unknown := given.keys() - defaults:
            raise TypeError(f"{type(self).__name__}: unknown: {', '.join(sorted(unknown))}")
        vars(self).update(defaults, **given)


# ---- options of several commands ----------------------------------------------------------------

JSON: Final[Any] = option("--json", "Write JSON for programs on stdout.")
INIT_CONFIG: Final[Any] = option(
    "--init-config",
    "The plugin's init config, or @FILE to read it from a file.",
    kind="text",
    metavar="JSON",
)
_INIT_CONFIG: Final[Any] = option(
    "--init-config",
    "The plugin's init config, or @FILE (default: init_config of [tool.falcokit]).",
    kind="text",
    metavar="JSON",
)
_PROJECT: Final[Any] = option(
    "-C --project", "The project's folder.", kind="path", metavar="DIR", default="."
)
_OPEN_PARAMS: Final[Any] = option(
    "--open-params",
    "What the event source opens with, or @FILE (default: open_params of [tool.falcokit]).",
    kind="text",
    metavar="TEXT",
)
_FROM_FALCO_YAML: Final[Any] = option(
    "--from-falco-yaml",
    "Take init config and open params from the project's falco.yaml, as Falco does, in place of"
    " [tool.falcokit].",
)
_FIELDS: Final[Any] = option(
    "--fields",
    "The plugin's fields to show, as x.a,x.b[3] (default: all that need no argument).",
    kind="text",
    metavar="FIELD,...",
)
_DURATION: Final[Any] = option(
    "--duration", "Stop after this many seconds.", kind="seconds", metavar="SECONDS"
)
_REPLAY: Final[Any] = option(
    "--replay",
    "Take the events of a capture file in place of a source's (default, for a plugin without a"
    " source: replay of [tool.falcokit]).",
    kind="path",
    metavar="FILE.scap",
)
_SPEED: Final[Any] = option(
    "--speed",
    "Replay at N times the pace of the capture, 1 is real time (default: at once).",
    kind="factor",
    metavar="N",
)
_RECORD: Final[Any] = option(
    "--record",
    "Record the events to a capture file as well.",
    kind="path",
    metavar="FILE.scap",
)

RULE_MATCHING: Final[Any] = option(
    "--rule-matching",
    "As rule_matching of falco.yaml: which of the rules that match an event fire.",
    choices=("first", "all"),
    default="first",
)
PRIORITY: Final[Any] = option(
    "--priority",
    "As priority of falco.yaml: rules below it do not fire.",
    choices=(
        *("emergency", "alert", "critical", "error"),
        *("warning", "notice", "informational", "info", "debug"),
    ),
    default="debug",
)

EXPLAIN: Final[Any] = option(
    "--explain", "Say at the end why each rule that did not fire did not, clause by clause."
)
_RULES: Final[Any] = option(
    "--rules",
    "Rules files to run on the events (default: rules/*.yaml of the project).",
    kind="path",
    metavar="FILE.yaml",
    many=True,
)
_FALCO: Final[Any] = option(
    "--falco",
    "Run it in a real Falco: the one given, or the falco of PATH.",
    kind="text",
    metavar="[PATH]",
    bare="falco",
)

# ---- the commands -------------------------------------------------------------------------------


class InitOptions(Options):
    """Options of `falcokit init`."""

    name: str = argument("NAME", "The plugin's name, such as my-plugin.")
    template: str = option(
        "-t --template",
        "What the plugin does: async, extract, full, parse, poll, source, source-extract, tail,"
        " webhook.",
        kind="text",
        metavar="NAME",
        default="async",
    )
    templates: bool = option("--templates", "List the templates.", instead="list_templates")
    directory: Path | None = option(
        "--dir", "The project's folder (default: ./NAME).", kind="path", metavar="DIR"
    )
    no_input: bool = option("--no-input", "Accepted for scripts; init never prompts.")
    force: bool = option("--force", "Write into a folder that is not empty.")
    as_json: bool = JSON


class BuildOptions(Options):
    """Options of `falcokit build`."""

    project: Path = _PROJECT
    as_json: bool = JSON


class RunOptions(Options):
    """Options of `falcokit run`."""

    library: Path | None = argument(
        "LIB.so", "A built plugin, of any language.", kind="path", required=False
    )
    project: Path = _PROJECT
    init_config: str | None = _INIT_CONFIG
    open_params: str | None = _OPEN_PARAMS
    from_falco_yaml: bool = _FROM_FALCO_YAML
    fields: str | None = _FIELDS
    limit: int | None = option("-n --limit", "Stop after N events.", kind="count", metavar="N")
    duration: float | None = _DURATION
    record: Path | None = _RECORD
    replay: Path | None = _REPLAY
    speed: float | None = _SPEED
    rules: tuple[Path, ...] = _RULES
    rule_matching: str = RULE_MATCHING
    priority: str = PRIORITY
    explain: bool = EXPLAIN
    falco: str | None = _FALCO
    profile: Path | None = option(
        "--profile",
        "Sample the plugin's Python with py-spy, into a flame graph (.svg, default: profile.svg), a"
        " file for speedscope (.json), or stacks (.txt).",
        kind="path",
        metavar="[FILE]",
        bare="profile.svg",
    )
    as_json: bool = JSON


class DevOptions(Options):
    """Options of `falcokit dev`."""

    watch: bool = option("--watch -w", "Build and restart on every save.")
    debug: int | None = option(
        "--debug",
        "Let a debugger attach on this port of 127.0.0.1 (default: 5678), without time limits for"
        " hooks.",
        kind="count",
        metavar="[PORT]",
        bare="5678",
    )
    project: Path = _PROJECT
    init_config: str | None = _INIT_CONFIG
    open_params: str | None = _OPEN_PARAMS
    from_falco_yaml: bool = _FROM_FALCO_YAML
    fields: str | None = _FIELDS
    duration: float | None = _DURATION
    record: Path | None = _RECORD
    replay: Path | None = _REPLAY
    speed: float | None = _SPEED
    rules: tuple[Path, ...] = _RULES
    rule_matching: str = RULE_MATCHING
    priority: str = PRIORITY
    falco: str | None = _FALCO
    as_json: bool = JSON


class CheckOptions(Options):
    """Options of `falcokit check`."""

    rules: tuple[Path, ...] = argument(
        "RULES.yaml...", "Rules files (default: rules/*.yaml of the project).", kind="path",
        many=True, required=False,
    )  # fmt: skip
    project: Path = _PROJECT
    rule_matching: str = RULE_MATCHING
    priority: str = PRIORITY
    as_json: bool = JSON


class TestOptions(Options, common=False):
    """Options of `falcokit test`."""

    __test__ = False  # pytest collects what is called Test...

    project: Path = _PROJECT
    arguments: tuple[str, ...] = argument(
        "PYTEST_ARGS", "What pytest is given.", kind="rest", many=True, required=False
    )


class PackageOptions(Options):
    """Options of `falcokit package`."""

    project: Path = _PROJECT
    layout: str = option(
        "--layout",
        "One file, or a small library with a folder beside it.",
        choices=("file", "dir"),
        default="file",
    )
    runtime: str | None = option(
        "--runtime",
        "The Python to ship: an interpreter, its prefix, or a python-build-standalone archive"
        " (default: the Python that runs falcokit).",
        kind="text",
        metavar="PYTHON",
    )
    max_glibc: str | None = option(
        "--max-glibc", "Fail if a newer glibc would be needed.", kind="text", metavar="2.N"
    )
    no_verify: bool = option("--no-verify", "Skip the load test of the finished artifact.")
    init_config: str | None = _INIT_CONFIG
    open_params: str | None = _OPEN_PARAMS
    from_falco_yaml: bool = _FROM_FALCO_YAML
    oci: bool = option("--oci", "Write an OCI layout for `falcokit publish` as well.")
    deploy: str | None = option(
        "--deploy",
        "Print what a deployment of this kind needs.",
        choices=("falco", "helm", "operator", "dockerfile", "index", "registry"),
    )
    as_json: bool = JSON


class PublishOptions(Options):
    """Options of `falcokit publish`."""

    ref: str | None = argument(
        "REF",
        "The plugin's place, as `falcoctl artifact install` takes it:"
        " REGISTRY/.../plugin/NAME[:TAG].",
        required=False,
    )
    project: Path = _PROJECT
    floating_tags: bool = option(
        "--floating-tags", "Move the tags latest, X and X.Y to this version."
    )
    dry_run: bool = option(
        "--dry-run", "Check everything and show what would be sent; ask no registry."
    )
    as_json: bool = JSON


class InfoOptions(Options):
    """Options of `falcokit info`."""

    library: Path | None = argument(
        "LIB.so", "A plugin library or an artifact, of any language.", kind="path", required=False
    )
    project: Path = _PROJECT
    markdown: str | None = option(
        "--markdown",
        "Write it as Markdown between the marks of a file (default: README.md of the project);"
        " - is stdout.",
        kind="text",
        metavar="[FILE]",
        bare="README.md",
    )
    check: bool = option("--check", "Write nothing; fail if the file is not up to date.")
    as_json: bool = JSON


class DoctorOptions(Options):
    """Options of `falcokit doctor`."""

    project: Path = _PROJECT
    as_json: bool = JSON
