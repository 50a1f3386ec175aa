# SPDX-License-Identifier: Apache-2.0
"""Rules for plugin names: those of Falco, falcoctl and Python together."""

from __future__ import annotations

import keyword
import re
import sys

from falcokit.errors import ConfigError

__all__ = ["EVENT_NAME_MAX", "check_plugin_name", "class_name", "event_name", "module_name"]

# falcoctl's rule for artifacts and the registry's rule for plugins are the same expression.
_PLUGIN_NAME = re.compile(r"[a-z]+[a-z0-9-_]*")
_PLUGIN_NAME_MAX = 64
"""Not a rule of Falco; file names (lib<name>.so, <name>_rules.yaml) contain the name."""

EVENT_NAME_MAX = 31
"""libsinsp keeps 31 bytes of an async event's name and cuts the rest off."""

_TAKEN = frozenset({"cffi", "conftest", "falcokit", "msgspec", "pytest", "test", "tests"})


def check_plugin_name(name: str) -> None:
    """Refuse a name that Falco, falcoctl, the plugin registry or Python would refuse."""
    if not _PLUGIN_NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r} is not a valid plugin name",
            hint="begin with a lowercase letter, then use lowercase letters, digits, - and _"
            + _suggestion(name),
        )
    if len(name) > _PLUGIN_NAME_MAX:
        raise ConfigError(
            f"the name is too long: {len(name)} characters",
            hint=f"use at most {_PLUGIN_NAME_MAX}",
        )
    if "rules" in name:
        raise ConfigError(
            f"{name!r} contains 'rules', and Falco's plugin registry treats such artifacts"
            " as rules files",
            hint="choose a name without 'rules'",
        )
    module = module_name(name)
    if keyword.iskeyword(module) or keyword.iskeyword(class_name(name)):
        raise ConfigError(f"{name!r} is a Python keyword", hint=f"try {name}-plugin")
    if module in sys.stdlib_module_names or module in _TAKEN:
        raise ConfigError(
            f"{name!r} would hide the Python module of the same name", hint=f"try {name}-plugin"
        )


def module_name(name: str) -> str:
    """Return the Python module of a plugin: its name with underscores."""
    return name.replace("-", "_").rstrip("_") or name


def class_name(name: str) -> str:
    """Return the class of a plugin: its name in CamelCase."""
    return "".join(part.capitalize() for part in re.split(r"[-_]+", name) if part)


def event_name(name: str, suffix: str) -> str:
    """Return an event name that starts with the plugin's and fits into libsinsp's 31 bytes."""
    return f"{module_name(name)[: EVENT_NAME_MAX - len(suffix) - 1].rstrip('_')}_{suffix}"


def _suggestion(name: str) -> str:
    better = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_").lstrip("0123456789-_")
    return f"; try {better}" if _PLUGIN_NAME.fullmatch(better) and better != name else ""
