# SPDX-License-Identifier: Apache-2.0
"""What the site of docs/ has beside the pages of docs/: a hook of mkdocs (`make docs`).

The README, the changes and the examples become pages; the reference of the command line is read
from the commands, that of the API from the docstrings; links to files of the repository lead there.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer
from mkdocs.structure.files import File

import falcokit
import falcokit.capture
import falcokit.rules
import falcokit.testing
from falcokit.cli.app import app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

__all__ = ["on_files", "on_page_markdown"]

_ROOT: Final = Path(__file__).parent.parent
_LINK: Final = re.compile(r"\[([^\]]*)\]\(([^)#\s]*)((?:#[^)\s]*)?)\)")
_FENCED: Final = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
_MODULES: Final = (falcokit, falcokit.testing, falcokit.rules, falcokit.capture)
#: Pages that are files elsewhere in the repository, by their path on the site.
_ELSEWHERE: Final = {
    "index.md": "README.md",
    "changelog.md": "CHANGELOG.md",
    "examples/index.md": "examples/README.md",
    **{
        f"examples/{file.parent.name}.md": file.relative_to(_ROOT).as_posix()
        for file in sorted((_ROOT / "examples").glob("*/README.md"))
    },
}


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages that are not in docs/."""
    pages = {page: (_ROOT / file).read_text() for page, file in _ELSEWHERE.items()}
    pages["reference/commands.md"] = "\n".join(_commands())
    for module in _MODULES:
        name = module.__name__.rpartition(".")[2]
        pages[f"reference/{name}.md"] = _module(module)
    for page, text in pages.items():
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, **_: object) -> str:
    """Let links lead to pages of the site, or to the repository if its address is known."""
    here = page.file.src_uri
    source = _ELSEWHERE.get(here, f"docs/{here}")
    site = {file: name for name, file in _ELSEWHERE.items()}

    def changed(link: re.Match[str]) -> str:
        text, target, anchor = link.groups()
        if not target or "://" in target:
            return link[0]
        file = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        name = site.get(file, file.removeprefix("docs/"))
        if file.startswith("docs/") or file in site:
            to = posixpath.relpath(name, posixpath.dirname(here) or ".")
        elif config.repo_url:
            to = f"{config.repo_url}/blob/main/{file}"
        else:
            return text
        return f"[{text}]({to}{anchor})"

    fences: list[str] = []

    def keep(fence: re.Match[str]) -> str:
        fences.append(fence[0])
        return f"\0{len(fences) - 1}\0"

    linked = _LINK.sub(changed, _FENCED.sub(keep, markdown))
    return re.sub(r"\0(\d+)\0", lambda kept: fences[int(kept[1])], linked)


def _module(module: ModuleType) -> str:
    """Return the page of a module: all its public names, from their docstrings."""
    names = [name for name in module.__all__ if not isinstance(getattr(module, name), str)]
    members = "\n".join(f"::: {module.__name__}.{name}" for name in names)
    summary = (module.__doc__ or "").partition("\n")[0]
    return f"# {module.__name__}\n\n{summary}\n\n{members}\n"


def _commands() -> Iterator[str]:
    """Yield the lines of the page of all options."""
    yield "# All options\n"
    yield "What `--help` shows. [The command line](../cli.md) says what the commands do.\n"
    group: Any = typer.main.get_command(app)
    for name, command in group.commands.items():
        if command.hidden:
            continue
        context = command.make_context(name, [], resilient_parsing=True)
        yield f"## {name}\n"
        yield f"{command.help}\n"
        yield "| | |\n|---|---|"
        for parameter in command.get_params(context):
            record = parameter.get_help_record(context)
            if record is not None:
                written, meaning = (" ".join(text.split()) for text in record)
                yield f"| `{written}` | {meaning} |".replace("|first", "\\|first")
        yield ""
