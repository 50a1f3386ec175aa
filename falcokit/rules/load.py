# SPDX-License-Identifier: Apache-2.0
"""`load_rules`: rules files into a `Ruleset`, in the order and with the answers of Falco."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from falcokit.record import Record
from falcokit.rules.catalog import event_sources
from falcokit.rules.checks import check_rules
from falcokit.rules.compile import Compiled, Rule, compile_definitions
from falcokit.rules.definitions import Definitions
from falcokit.rules.document import MAX_BYTES, Document, YamlError, read_documents
from falcokit.rules.problems import (
    PLUGIN_REQUIREMENT,
    Context,
    Problem,
    RulesLoadError,
    problem,
)
from falcokit.rules.reader import read_items
from falcokit.rules.versions import unmet

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from falcokit.rules.catalog import EventSourceFields, LoadedPlugin

__all__ = ["FileResult", "RulesFile", "Ruleset", "load_rules"]


class RulesFile(Record):
    """A rules file that is not on disk: its name in messages, and its content."""

    name: str
    content: bytes


class FileResult(Record):
    """What Falco says of one file, read after those before it."""

    name: str
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Its errors, in Falco's order."""
        return tuple(found for found in self.problems if found.severity == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """Its warnings, in Falco's order."""
        return tuple(found for found in self.problems if found.severity == "warning")


class Ruleset(Record):
    """The rules of all files, in their order, and what is wrong with them.

    With errors there are no rules: a Falco that finds one does not start. `sources` has the fields
    of each event source by its name.
    """

    rules: tuple[Rule, ...]
    files: tuple[FileResult, ...]
    sources: Mapping[str, EventSourceFields]
    plugins: tuple[LoadedPlugin, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """All errors, of Falco and our own, each once."""
        return _each_once(self.files, "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """All warnings, of Falco and our own, each once."""
        return _each_once(self.files, "warning")

    def rule(self, name: str) -> Rule | None:
        """Return the rule of that name."""
        return next((rule for rule in self.rules if rule.name == name), None)

    def fields(self, source: str) -> tuple[str, ...]:
        """Return the fields that the enabled rules of a source read, as they are written."""
        needed: dict[str, None] = {}
        for rule in self.rules:
            if rule.source == source and rule.enabled:
                needed |= dict.fromkeys(field.written for field in rule.condition.fields)
                needed |= dict.fromkeys(rule.output_format.fields)
        return tuple(needed)


def load_rules(
    files: Iterable[Path | str | RulesFile],
    *,
    plugins: Sequence[LoadedPlugin] = (),
    rule_matching: str = "first",
    priority: str = "debug",
) -> Ruleset:
    """Load rules files, in their order, as a Falco does that has loaded these plugins.

    What is wrong with them is in the result and is never raised, with Falco's codes and places and
    with ours for what Falco does not see (`CHECK_...`). Some of those depend on how the rules are
    run: on `rule_matching`, "first" or "all", and on the lowest `priority` that is shown.
    """
    sources = event_sources(plugins)
    async_events = frozenset(name for plugin in plugins for name in plugin.async_events)
    definitions = Definitions(sources)
    results: list[FileResult] = []
    compiled: Compiled | None = None
    failed = False
    for file in files:
        name, problems, found = _load(file, definitions, async_events)
        compiled = found or compiled
        failed = failed or found is None or found.failed
        results.append(FileResult(name=name, problems=tuple(problems)))
        if failed:
            break
    versions = {plugin.name: plugin.version for plugin in plugins}
    missing = unmet(definitions.required_plugins, versions)
    if missing is not None:
        # Falco shows this instead of whatever came of it: unknown fields, unknown sources.
        requirement, reason = missing
        refused = problem("error", PLUGIN_REQUIREMENT, reason, requirement.context)
        return _without_rules(
            (FileResult(name=refused.file, problems=(refused,)),), sources, plugins
        )
    if failed or compiled is None:
        return _without_rules(results, sources, plugins)
    own = check_rules(compiled, plugins, rule_matching=rule_matching, priority=priority)
    if own:
        results.append(FileResult(name=results[-1].name, problems=own))
    return Ruleset(
        rules=compiled.rules, files=tuple(results), sources=sources, plugins=tuple(plugins)
    )


def _without_rules(
    results: Sequence[FileResult],
    sources: Mapping[str, EventSourceFields],
    plugins: Sequence[LoadedPlugin],
) -> Ruleset:
    return Ruleset(rules=(), files=tuple(results), sources=sources, plugins=tuple(plugins))


def _load(
    file: Path | str | RulesFile, definitions: Definitions, async_events: frozenset[str]
) -> tuple[str, list[Problem], Compiled | None]:
    """Read and compile one file; return its name, what was found, and None if reading failed."""
    problems: list[Problem] = []

    def warn(code: str, message: str, context: Context) -> None:
        problems.append(problem("warning", code, message, context))

    name = file.name if isinstance(file, RulesFile) else str(file)
    context = Context(Document(name, "", []))
    try:
        document = _document(file, name)
        read_items(document, definitions, warn)
    except YamlError as e:
        at = context.inside(None, "value for", place=(e.line, e.column))
        problems.append(problem("error", "LOAD_ERR_YAML_PARSE", e.message, at))
        return name, problems, None
    except OSError as e:
        message = f"cannot be read: {e.strerror or e}"
        problems.append(problem("error", "LOAD_ERR_FILE_READ", message, context))
        return name, problems, None
    except RulesLoadError as e:
        problems.append(problem("error", e.code, e.message, e.context, place=e.place, hint=e.hint))
        return name, problems, None
    compiled = compile_definitions(definitions, async_events)
    return name, [*problems, *compiled.problems], compiled


def _document(file: Path | str | RulesFile, name: str) -> Document:
    if isinstance(file, RulesFile):
        return read_documents(name, file.content)
    with Path(file).open("rb") as stream:
        return read_documents(name, stream.read(MAX_BYTES + 1))


def _each_once(files: Sequence[FileResult], severity: str) -> tuple[Problem, ...]:
    found = [each for file in files for each in file.problems if each.severity == severity]
    return tuple(dict.fromkeys(found))
