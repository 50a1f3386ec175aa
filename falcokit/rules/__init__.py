# SPDX-License-Identifier: Apache-2.0
"""Falco's rules: loaded, checked and run without a Falco.

    ruleset = load_rules(["rules.yaml"], plugins=[LoadedPlugin(name="my_plugin", ...)])
    for problem in (*ruleset.errors, *ruleset.warnings):
        print(problem)
    engine = Engine(ruleset, rule_matching="first", priority="notice")
    for alert in engine.process(EventBatch("my_source", numbers, times_ns, read)):
        print(alert.line)

Loading follows Falco 0.45 to the letter: the same errors and warnings, with the same codes, at the
same places; docs/rules.md says where the two differ. Codes that begin with `CHECK_` are warnings of
our own. Nothing here prints, and a mistake in a rules file is never raised.
"""

from falcokit.filter.batch import UNKNOWN
from falcokit.filter.fields import FieldSpec
from falcokit.filter.tree import FieldRef
from falcokit.rules.captured import captured_batch
from falcokit.rules.catalog import SYSCALL, EventSourceFields, LoadedPlugin, plugin_fields
from falcokit.rules.compile import Rule
from falcokit.rules.definitions import Priority
from falcokit.rules.engine import Alert, Engine, RuleCount
from falcokit.rules.events import EventBatch
from falcokit.rules.load import FileResult, Ruleset, RulesFile, load_rules
from falcokit.rules.problems import Location, Problem

__all__ = [
    "SYSCALL",
    "UNKNOWN",
    "Alert",
    "Engine",
    "EventBatch",
    "EventSourceFields",
    "FieldRef",
    "FieldSpec",
    "FileResult",
    "LoadedPlugin",
    "Location",
    "Priority",
    "Problem",
    "Rule",
    "RuleCount",
    "RulesFile",
    "Ruleset",
    "captured_batch",
    "load_rules",
    "plugin_fields",
]
