# SPDX-License-Identifier: Apache-2.0
"""What Falco 0.45.1 says of a rules file, as far as was recorded of a real one; for rules of ours.

There is no Falco to be had here. It refuses a rule that asks for a field which its source does not
have, and libsinsp's hosts do not: they know all fields for all sources.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["complaints"]

#: On the source of a plugin; recorded as accepted, each by itself in a condition or an output.
_PLUGIN_SOURCE: Final = {
    *("asynctype", "datetime", "datetime.s", "hostname", "is_async", "num", "plugininfo"),
    *("pluginname", "rawtime", "rawtime.ns", "rawtime.s", "reltime", "source", "time"),
    *("time.iso8601", "time.s"),
}
#: Falco's own classes of fields on the source syscall; container.* came with a plugin of its own.
_SYSCALL: Final = {"evt", "fd", "fs", "group", "proc", "syslog", "thread", "user"}
_KEYS: Final = {"rule", "desc", "condition", "output", "priority", "source", "tags"}
_PRIORITIES: Final = {
    *("emergency", "alert", "critical", "error", "warning", "notice", "informational", "info"),
    "debug",
}
_NAME: Final = r"([a-z_]\w*(?:\.\w+)+)(\[[^\]]*\])?"
_CHECK: Final = re.compile(
    _NAME + r"\)?\s*(?:[=!<>]|(?:in|exists|i?contains|startswith|endswith|glob|regex|pmatch"
    r"|intersects)\b)"
)
_SHOWN: Final = re.compile("%" + _NAME)
_TYPES: Final = re.compile(r"evt\.type\s*(?:=\s*(\S+)|in\s*\(([^)]*)\))")


def complaints(text: str, about: dict[str, Any], system_calls: set[str]) -> list[str]:
    """Return what is wrong with a rules file; `about` is what a library says of itself."""
    items = yaml.load(text, Loader=yaml.BaseLoader)
    macros = {item["macro"]: item["condition"] for item in items if "macro" in item}
    rules = [item for item in items if "rule" in item]
    required = [
        (one["name"], one["version"])
        for item in items
        for one in item.get("required_plugin_versions", ())
    ]
    found = [] if required == [(about["plugin"], about["version"])] else [f"requires {required}"]
    for rule in rules:
        for name, condition in macros.items():
            rule["condition"] = rule.get("condition", "").replace(name, condition)
        found += [f"{rule['rule']}: {what}" for what in _of_rule(rule, about, system_calls)]
    return found if rules else [*found, "there is no rule"]


def _of_rule(rule: dict[str, Any], about: dict[str, Any], system_calls: set[str]) -> Iterator[str]:
    yield from (f"has no {key}" for key in sorted(_KEYS - {"tags"} - rule.keys()))
    yield from (f"has an unknown key {key}" for key in sorted(rule.keys() - _KEYS))
    if rule.get("priority", "").lower() not in _PRIORITIES:
        yield f"has the priority {rule.get('priority')}"
    own = about["event_source"]
    if rule.get("source") not in {own, "syscall"}:
        yield f"is for the source {rule.get('source')}"
    condition = re.sub(r"'[^']*'|\"[^\"]*\"", "''", rule.get("condition", ""))
    asked = [*_CHECK.findall(condition), *_SHOWN.findall(rule.get("output", ""))]
    for name, argument in asked:
        yield from _of_field(name, argument, about, on_own=rule.get("source") == own)
    for one, several in _TYPES.findall(condition):
        names = {name.strip() for name in (several or one).split(",")}
        yield from (
            f"no event is of the type {name}"
            for name in sorted(names - system_calls - set(about["async_events"]))
        )


def _of_field(name: str, argument: str, about: dict[str, Any], *, on_own: bool) -> Iterator[str]:
    fields = {field["name"]: field["arg"] or {} for field in about["fields"]}
    if name in fields:
        takes = fields[name]
        if argument and not takes:
            yield f"{name} takes no argument"
        if takes.get("isRequired") and not argument:
            yield f"{name} must have an argument"
        return
    group, _, rest = name.partition(".")
    if on_own:
        if group != "evt" or rest not in _PLUGIN_SOURCE:
            yield f"there is no field {name} on a plugin's source"
    elif group not in _SYSCALL:
        yield f"there is no field {name}"
    elif name == "evt.dir":
        yield "evt.dir is deprecated: there are no enter events any more"
