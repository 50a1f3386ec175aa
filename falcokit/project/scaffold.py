# SPDX-License-Identifier: Apache-2.0
"""New author projects from the templates.

A template is a folder of files: `{module}` and other names in a path are filled in, files ending in
`.in` are rendered with `$name` placeholders and lose the ending, others are copied. Everything is
checked before the first byte is written.
"""

from __future__ import annotations

import json
import string
from dataclasses import dataclass
from pathlib import Path

import falcokit
from falcokit.errors import ConfigError
from falcokit.project.falco_config import unexpanded
from falcokit.project.names import check_plugin_name, class_name, event_name, module_name

__all__ = ["NewProject", "generate_project", "template_descriptions", "template_names"]

_PACKAGED = Path(falcokit.__file__).parent / "_templates"
_IN_CHECKOUT = Path(falcokit.__file__).parent.parent / "templates"


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
    return tuple(sorted(folder.name for folder in _templates().iterdir() if folder.is_dir()))


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
    files = _render(_templates() / template, _values(name, root))
    _check_clashes(root, files)
    for path, text in files.items():
        _write(root / path, text)
    return NewProject(root=root, name=name, template=template, files=tuple(sorted(files)))


def _templates() -> Path:
    """Find the templates: inside the installed package, or next to it in a checkout."""
    for folder in (_PACKAGED, _IN_CHECKOUT):
        if folder.is_dir():
            return folder
    raise ConfigError(
        "falcokit's templates are missing from its installation",
        hint="install falcokit again: pip install --force-reinstall falcokit",
    )


def _values(name: str, root: Path) -> dict[str, str]:
    return {
        "name": name,
        "module": module_name(name),
        "class_name": class_name(name),
        "event": event_name(name, "load"),
        "alert": event_name(name, "alert"),
        "library": _path(root / "build" / f"lib{name}.so"),
        "rules": _path(root / "rules" / f"{name}_rules.yaml"),
    }


def _path(path: Path) -> str:
    """Write a path into falco.yaml: a JSON string is a YAML string, whatever the path holds."""
    return json.dumps(unexpanded(str(path)), ensure_ascii=False)


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


def _check_clashes(root: Path, files: dict[Path, str]) -> None:
    for path in files:
        target = root / path
        if target.is_dir():
            raise ConfigError(f"{target} is a folder, but a file must be written there")
        for parent in target.relative_to(root).parents:
            if (root / parent).is_file():
                raise ConfigError(f"{root / parent} is a file, but a folder must be created there")


def _render(template: Path, values: dict[str, str]) -> dict[Path, str]:
    files = {}
    for source in sorted(template.rglob("*")):
        if source.is_dir() or "__pycache__" in source.parts:
            continue
        path = str(source.relative_to(template)).format_map(values)
        text = source.read_text(encoding="utf-8")
        if path.endswith(".in"):
            path = path.removesuffix(".in")
            text = string.Template(text).substitute(values)
        files[Path(path)] = text
    return files


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as e:
        raise ConfigError(f"{path} cannot be written: {e.strerror}") from e
