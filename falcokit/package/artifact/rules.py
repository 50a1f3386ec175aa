# SPDX-License-Identifier: Apache-2.0
"""The project's rules: what they require, their names, and the artifact of them.

`falcoctl artifact install` unpacks the artifact into /etc/falco. It expects a single file: one
tar.gz, which may contain several rules files side by side.

All values are read as text, so that 0.10 stays 0.10 and nothing is taken for a date.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from falcokit.errors import PackageError
from falcokit.package.artifact.archive import Entry, write_tar_gz
from falcokit.package.artifact.checks import Problem
from falcokit.package.artifact.names import (
    check_artifact_name,
    check_version,
    is_artifact_name,
    is_version,
    precedence,
    satisfies,
)
from falcokit.package.safe_tarfile import tarfile
from falcokit.project.settings import find_rules
from falcokit.rules.document import Scalar, Sequence, YamlError, read_documents

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from falcokit.rules.document import Node

__all__ = [
    "Dependency",
    "RulesArtifact",
    "check_rule_names",
    "make_rules_artifact",
    "packed_rules",
    "read_head",
]

_Others: TypeAlias = tuple[tuple[str, str], ...]

#: Of all files in an artifact.
_LARGEST: Final = 64 << 20
_EXAMPLE: Final = (
    "for instance:\n  - required_plugin_versions:\n      - name: ticker\n        version: 0.1.0"
)


@dataclass(frozen=True, kw_only=True)
class Dependency:
    """A plugin that rules need, and the alternatives to it."""

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
        PackageError: it is not YAML, or not what Falco accepts as rules.

    """
    heads = []
    for item in _items(file, text):
        engine = item.get("required_engine_version")
        plugins = item.get("required_plugin_versions")
        heads.append(
            RulesHead(
                dependencies=() if plugins is None else _dependencies(file, plugins),
                engine_version=None if engine is None else _engine_version(file, engine),
            )
        )
    return _merge(heads, where=str(file))


def _merge(heads: Iterable[RulesHead], *, where: str) -> RulesHead:
    """Return what satisfies all of them: of each plugin the newest version asked for."""
    plugins: dict[tuple[str, _Others], Dependency] = {}
    engine: str | None = None
    for head in heads:
        for found in head.dependencies:
            known = plugins.setdefault((found.name, found.alternatives), found)
            if known.version.partition(".")[0] != found.version.partition(".")[0]:
                raise PackageError(
                    f"{where}: {found.name} is required in versions {known.version} and"
                    f" {found.version}, and no plugin satisfies both"
                )
            if precedence(found.version) > precedence(known.version):
                plugins[found.name, found.alternatives] = found
        asked = head.engine_version
        if asked and (engine is None or precedence(asked) > precedence(engine)):
            engine = asked
    ordered = tuple(plugins[key] for key in sorted(plugins))
    return RulesHead(dependencies=ordered, engine_version=engine)


def _items(file: Path, text: bytes) -> list[dict[str, Any]]:
    """Return the rules, macros, lists and requirements of one file; `text` is its content.

    Raises:
        PackageError: it is not YAML, or not what Falco accepts as rules.

    """
    try:
        roots = read_documents(str(file), text).roots
    except YamlError as e:
        raise PackageError(f"{file}:{e.line + 1}: not valid YAML: {e.message}") from e
    items: list[Any] = []
    for document in map(_plain, roots):
        if document == "":
            continue
        if not isinstance(document, list):
            raise _not_rules(file, "not a list")
        items += document
    for number, item in enumerate(items, start=1):
        if not isinstance(item, dict):
            raise _not_rules(file, f"item {number} is not a mapping")
    return items


def _plain(node: Node) -> Any:
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Sequence):
        return [_plain(item) for item in node.items]
    pairs = zip(reversed(node.keys), reversed(node.values), strict=True)  # the first of a name
    return {key.text: _plain(value) for key, value in pairs if isinstance(key, Scalar)}


def _not_rules(file: Path, why: str) -> PackageError:
    return PackageError(
        f"{file}: {why}, so these are not Falco rules",
        hint="a rules file is a list of rules, macros and lists",
    )


def _engine_version(file: Path, value: Any) -> str:
    """Return the version; a bare number N is the older way to write 0.N.0."""
    if isinstance(value, str):
        text = f"0.{int(value)}.0" if value.isascii() and value.isdigit() else value
        if is_version(text):
            return text
    # A list or a mapping is not shown: with aliases, a short file can hold a million values.
    shown = f", not {value!r}" if isinstance(value, str) else ""
    raise PackageError(f"{file}: required_engine_version must be a version such as 0.31.0{shown}")


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


@dataclass(frozen=True, kw_only=True)
class RulesArtifact:
    """The packed rules, and what they need of the Falco that loads them."""

    path: Path
    name: str
    """<plugin>-rules."""
    version: str
    files: tuple[str, ...]
    dependencies: tuple[Dependency, ...]
    engine_version: str | None


def packed_rules(artifact: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the names and contents of the files in an artifact of rules.

    Raises:
        PackageError: it is damaged, or larger than rules are.

    """
    try:
        with tarfile.open(artifact) as tar:
            total = 0
            for member in tar:
                total += member.size
                if total > _LARGEST:
                    raise PackageError(f"{artifact} holds more than any rules need")
                stream = tar.extractfile(member) if member.isfile() else None
                if stream is not None:
                    yield member.name, stream.read()
    except (tarfile.TarError, OSError, EOFError) as e:
        raise PackageError(f"{artifact} cannot be read: {e}") from e


def make_rules_artifact(
    root: Path, folder: Path, *, name: str, version: str
) -> RulesArtifact | None:
    """Write `<name>-rules-<version>.tar.gz` into `folder`, or return None if there are no rules.

    `name` and `version` are the plugin's.

    Raises:
        PackageError: a file that is no rules file or leads out of the project, rules that need
            another version of the plugin, or a folder that cannot be written.

    """
    files = find_rules(root)
    if not files:
        return None
    check_artifact_name(name)
    check_version(version)
    contents = {file.name: _content(root, file) for file in files}
    heads = [read_head(_shown(root, file), contents[file.name]) for file in files]
    head = _merge(heads, where="rules")
    target = folder / f"{name}-rules-{version}.tar.gz"
    artifact = RulesArtifact(
        path=target,
        name=f"{name}-rules",
        version=version,
        files=tuple(contents),
        dependencies=_with_plugin(head, name, version),
        engine_version=head.engine_version,
    )
    write_tar_gz(target, [Entry(name=name, data=data) for name, data in contents.items()])
    return artifact


def _shown(root: Path, file: Path) -> Path:
    return file.relative_to(root)


def _content(root: Path, file: Path) -> bytes:
    """Read a rules file; a link is followed as long as it stays in the project."""
    shown = _shown(root, file)
    try:
        real = file.resolve(strict=True)
        if not real.is_relative_to(root.resolve()):
            raise PackageError(
                f"{shown} leads out of the project, to {real}",
                hint="copy the file into the project",
            )
        if not real.is_file():
            raise PackageError(f"{shown} is not a regular file")
        return real.read_bytes()
    except (OSError, RuntimeError) as e:  # RuntimeError: links in a circle, before Python 3.13
        reason = e.strerror if isinstance(e, OSError) else "links in a circle"
        raise PackageError(f"{shown} cannot be read: {reason}") from e


def _with_plugin(head: RulesHead, name: str, version: str) -> tuple[Dependency, ...]:
    """Return the dependencies, the plugin itself among them.

    Falco takes the plugin 0.2.0-rc.1 for rules that require 0.2.0, falcoctl does not: there the
    artifact asks for the version that is packaged.
    """
    found = []
    for dependency in head.dependencies:
        own = dependency.name == name
        if own and not satisfies(version, dependency.version):
            raise PackageError(
                f"the rules require {name} {dependency.version}, and this is {version}",
                hint="set the version in the rules' required_plugin_versions",
            )
        is_ahead = own and precedence(dependency.version) > precedence(version)
        found.append(replace(dependency, version=version) if is_ahead else dependency)
    if not any(dependency.name == name for dependency in found):
        found.append(Dependency(name=name, version=version))
    return tuple(sorted(found, key=lambda dependency: dependency.name))


def check_rule_names(root: Path, plugin: str) -> list[Problem]:
    """Warn of each rule of the project that has the name of one of Falco's.

    A second rule with the same name silently replaces the first if their sources are the same;
    otherwise Falco does not start. falco_rule_names.txt holds the names of falcosecurity/rules of
    June 2026: stable, incubating, sandbox.
    """
    falcos = set(Path(__file__).with_name("falco_rule_names.txt").read_text("utf-8").splitlines())
    return [
        Problem(
            severity="warning",
            sentence=f"rules/{file.name}: Falco has its own rule {name!r}: in its default"
            " configuration one of the two replaces the other, or Falco does not start",
            hint=f"add the plugin's name to the rule's: {name} ({plugin})",
        )
        for file in find_rules(root)
        for name in _defined(file)
        if name in falcos
    ]


def _defined(file: Path) -> list[str]:
    """Return the names of new rules, not of those that change an existing rule."""
    try:
        items = _items(file, file.read_bytes())
    except (OSError, PackageError):
        return []  # packing the rules reports it
    return [
        item["rule"]
        for item in items
        if isinstance(item.get("rule"), str) and not item.keys() & {"override", "append"}
    ]
