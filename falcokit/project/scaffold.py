# SPDX-License-Identifier: Apache-2.0
"""New author projects from the templates.

A template is a folder of files: `{module}` and other names in a path are filled in, files ending in
`.in` are rendered with `$name` placeholders and lose the ending, others are copied. The files of
`.common` are in every project. Everything is checked before the first byte is written.
"""

from __future__ import annotations

import re
import string
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import falcokit
from falcokit.errors import ConfigError
from falcokit.project.names import check_plugin_name, class_name, event_name, module_name

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "NewProject",
    "generate_project",
    "render_template",
    "template_descriptions",
    "template_names",
]

_PACKAGED = Path(falcokit.__file__).parent / "_templates"
_IN_CHECKOUT = Path(falcokit.__file__).parent.parent / "templates"
_COMMON = ".common"
_BLOCK = re.compile(r"([ \t]*)\$(\w+)\n")


@dataclass(frozen=True, kw_only=True)
class NewProject:
    """A new project."""

    root: Path
    name: str
    template: str
    files: tuple[Path, ...]
    """Relative to the root, sorted."""


def template_names() -> tuple[str, ...]:
    """List the templates that `generate_project` knows."""
    folders = (folder.name for folder in _templates().iterdir() if folder.is_dir())
    return tuple(sorted(name for name in folders if name != _COMMON))


def template_descriptions() -> dict[str, str]:
    """Return what the plugin of each template does, by the template's name."""
    import tomllib  # noqa: PLC0415  # not needed to make a project

    found = {}
    for name in template_names():
        text = (_templates() / name / "pyproject.toml.in").read_text(encoding="utf-8")
        found[name] = str(tomllib.loads(text)["project"]["description"])
    return found


def generate_project(
    name: str, *, root: Path | None = None, template: str = "async", force: bool = False
) -> NewProject:
    """Make the project `name` in `root`, by default a new folder of that name."""
    check_plugin_name(name)
    known = template_names()
    if template not in known:
        raise ConfigError(
            f"there is no template {template!r}", hint=f"the templates are {', '.join(known)}"
        )
    root = (root or Path(name)).absolute()
    _check_target(root, force=force)
    values = _values(name)
    files = _render(_templates() / _COMMON, values) | _render(_templates() / template, values)
    _check_clashes(root, files)
    for path, data in files.items():
        _write(root / path, data)
    return NewProject(root=root, name=name, template=template, files=tuple(sorted(files)))


def render_template(template: Path, values: Mapping[str, str]) -> str:
    """Fill in the `$name` marks of a template.

    A mark alone in its line stands for whole lines, or none: they are indented as the mark is.
    """
    with template.open(encoding="utf-8") as lines:
        return "".join(_render_line(line, values) for line in lines)


def _render_line(line: str, values: Mapping[str, str]) -> str:
    block = _BLOCK.fullmatch(line)
    if block is None:
        return string.Template(line).substitute(values)
    return textwrap.indent(values[block[2]], block[1])


def _templates() -> Path:
    """Find the templates: inside the installed package, or next to it in a checkout."""
    for folder in (_PACKAGED, _IN_CHECKOUT):
        if folder.is_dir():
            return folder
    raise ConfigError(
        "falcokit's templates are missing from its installation",
        hint="install falcokit again: pip install --force-reinstall falcokit",
    )


def _values(name: str) -> dict[str, str]:
    return {
        "name": name,
        "module": module_name(name),
        "class_name": class_name(name),
        "event": event_name(name, "load"),
        "alert": event_name(name, "alert"),
    }


def _check_target(root: Path, *, force: bool) -> None:
    if not root.exists():
        return
    if not root.is_dir():
        raise ConfigError(f"{root} is a file", hint="choose another folder with --dir")
    if any(root.iterdir()) and not force:
        raise ConfigError(
            f"{root} is not empty",
            hint="choose another folder with --dir, or write into this one with --force",
        )


def _check_clashes(root: Path, files: dict[Path, bytes]) -> None:
    for path in files:
        target = root / path
        if target.is_dir():
            raise ConfigError(f"{target} is a folder, but a file must be written there")
        for parent in target.relative_to(root).parents:
            if (root / parent).is_file():
                raise ConfigError(f"{root / parent} is a file, but a folder must be created there")


def _render(template: Path, values: dict[str, str]) -> dict[Path, bytes]:
    files = {}
    for source in sorted(template.rglob("*")):
        if source.is_dir() or "__pycache__" in source.parts:
            continue
        path = str(source.relative_to(template)).format_map(values)
        if path.endswith(".in"):
            files[Path(path.removesuffix(".in"))] = render_template(source, values).encode()
        else:
            files[Path(path)] = source.read_bytes()
    return files


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as e:
        raise ConfigError(f"{path} cannot be written: {e.strerror}") from e
