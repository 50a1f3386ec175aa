# SPDX-License-Identifier: Apache-2.0
"""The project's rules as the artifact that `falcoctl artifact install` unpacks into /etc/falco.

falcoctl wants one file for a rulesfile artifact: one tar.gz, in which several rules files may lie
side by side.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from falcokit.errors import PackageError
from falcokit.package.artifact.archive import Entry, write_tar_gz
from falcokit.package.artifact.names import (
    check_artifact_name,
    check_version,
    precedence,
    satisfies,
)
from falcokit.package.artifact.rules_head import Dependency, RulesHead, merge, read_head

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["RulesArtifact", "find_rules", "make_rules_artifact"]


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


def find_rules(root: Path) -> list[Path]:
    """Return the project's rules, `rules/*.yaml`, in order; hidden files are editors' own."""
    found = (root / "rules").glob("*.yaml")
    return sorted(file for file in found if not file.name.startswith("."))


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
    head = merge(heads, where="rules")
    target = folder / f"{name}-rules-{version}.tar.gz"
    artifact = RulesArtifact(
        path=target,
        name=f"{name}-rules",
        version=version,
        files=tuple(contents),
        dependencies=_with_plugin(head, name, version),
        engine_version=head.engine_version,
    )
    write_tar_gz(target, _entries(contents.items()))
    return artifact


def _entries(contents: Iterable[tuple[str, bytes]]) -> list[Entry]:
    return [Entry(name=name, data=data) for name, data in contents]


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
