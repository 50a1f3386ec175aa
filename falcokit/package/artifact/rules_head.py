# SPDX-License-Identifier: Apache-2.0
"""What a rules file says it needs: an engine version, plugins and their versions.

PyYAML reads the files, loaded only here: falcokit needs it for nothing else. All values are read as
text, so that 0.10 stays 0.10 and no date is taken for one.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from falcokit.errors import PackageError, ToolMissingError
from falcokit.package.artifact.names import is_artifact_name, is_version, precedence

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["Dependency", "RulesHead", "merge", "read_head"]

_Others: TypeAlias = tuple[tuple[str, str], ...]

_EXAMPLE = (
    "for instance:\n  - required_plugin_versions:\n      - name: ticker\n        version: 0.1.0"
)


@dataclass(frozen=True, kw_only=True)
class Dependency:
    """A plugin that rules need, and others that would do as well."""

    name: str
    version: str
    alternatives: _Others = ()
    """In the order of the rules: Falco takes the first that is loaded."""

    def document(self) -> dict[str, Any]:
        """Return it as falcoctl's config blob holds it."""
        found: dict[str, Any] = {"name": self.name, "version": self.version}
        if self.alternatives:
            found["alternatives"] = [{"name": n, "version": v} for n, v in self.alternatives]
        return found


@dataclass(frozen=True, kw_only=True)
class RulesHead:
    """What one rules file, or several together, require."""

    dependencies: tuple[Dependency, ...] = ()
    engine_version: str | None = None


def read_head(file: Path, text: bytes) -> RulesHead:
    """Read the requirements of one file; `text` is its content.

    Raises:
        PackageError: not YAML, or not what Falco takes for rules.
        ToolMissingError: PyYAML is not installed.

    """
    heads = []
    for number, item in enumerate(_items(file, text), start=1):
        if not isinstance(item, dict):
            raise PackageError(
                f"{file}: item {number} is no mapping, so these are no Falco rules",
                hint="a rules file is a list of rules, macros and lists",
            )
        engine = item.get("required_engine_version")
        plugins = item.get("required_plugin_versions")
        heads.append(
            RulesHead(
                dependencies=() if plugins is None else _dependencies(file, plugins),
                engine_version=None if engine is None else _engine_version(file, engine),
            )
        )
    return merge(heads, where=str(file))


def merge(heads: Iterable[RulesHead], *, where: str) -> RulesHead:
    """Return what satisfies all of them: of each plugin the newest version asked for."""
    plugins: dict[tuple[str, _Others], Dependency] = {}
    engine: str | None = None
    for head in heads:
        for found in head.dependencies:
            known = plugins.setdefault((found.name, found.alternatives), found)
            if known.version.partition(".")[0] != found.version.partition(".")[0]:
                raise PackageError(
                    f"{where}: {found.name} is required in versions {known.version} and"
                    f" {found.version}, and no plugin is both"
                )
            if precedence(found.version) > precedence(known.version):
                plugins[found.name, found.alternatives] = found
        asked = head.engine_version
        if asked and (engine is None or precedence(asked) > precedence(engine)):
            engine = asked
    ordered = tuple(plugins[key] for key in sorted(plugins))
    return RulesHead(dependencies=ordered, engine_version=engine)


def _items(file: Path, text: bytes) -> list[Any]:
    try:
        yaml: Any = importlib.import_module("yaml")  # an extra
    except ImportError as e:
        raise ToolMissingError(
            "PyYAML, which reads the rules, is not installed",
            hint="pip install 'falcokit[publish]'",
        ) from e
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        documents = list(yaml.load_all(text, Loader=loader))
    except yaml.YAMLError as e:
        mark = getattr(e, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(e, "problem", None) or getattr(e, "reason", None) or "not readable"
        raise PackageError(f"{file}{line}: not valid YAML: {problem}") from e
    except (RecursionError, ValueError) as e:  # nested too deep; bytes that are no text
        raise PackageError(f"{file}: not valid YAML") from e
    items: list[Any] = []
    for document in documents:
        if document in (None, ""):
            continue
        if not isinstance(document, list):
            raise PackageError(
                f"{file}: no list, so these are no Falco rules",
                hint="a rules file is a list of rules, macros and lists",
            )
        items += document
    return items


def _engine_version(file: Path, value: Any) -> str:
    """Return the version; a bare number N is the older way to write 0.N.0."""
    if isinstance(value, str):
        text = f"0.{int(value)}.0" if value.isascii() and value.isdigit() else value
        if is_version(text):
            return text
    raise PackageError(
        f"{file}: required_engine_version must be a version such as 0.31.0, not {value!r}"
    )


def _dependencies(file: Path, value: Any) -> tuple[Dependency, ...]:
    if not isinstance(value, list):
        raise PackageError(f"{file}: required_plugin_versions must be a list", hint=_EXAMPLE)
    found = []
    for item in value:
        name, version = _plugin(file, item)
        others = item.get("alternatives") or []
        if not isinstance(others, list):
            raise PackageError(f"{file}: the alternatives of {name} must be a list", hint=_EXAMPLE)
        alternatives = tuple(_plugin(file, other) for other in others)
        if len({name, *dict(alternatives)}) <= len(alternatives):
            raise PackageError(f"{file}: {name} and its alternatives name one plugin twice")
        found.append(Dependency(name=name, version=version, alternatives=alternatives))
    return tuple(found)


def _plugin(file: Path, item: Any) -> tuple[str, str]:
    name = item.get("name") if isinstance(item, dict) else None
    version = item.get("version") if isinstance(item, dict) else None
    if not isinstance(name, str) or not isinstance(version, str):
        raise PackageError(
            f"{file}: required_plugin_versions needs a name and a version for each plugin",
            hint=_EXAMPLE,
        )
    if not is_artifact_name(name):
        raise PackageError(f"{file}: {name!r} cannot be a plugin's name")
    if not is_version(version):
        raise PackageError(f"{file}: {name} must have a version such as 0.1.0, not {version!r}")
    return name, version
