# SPDX-License-Identifier: Apache-2.0
"""An author's project on disk, made of one Python file or text: imported for the in-process
driver, built for the others."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import re
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any
from unittest import mock

import describer

from falcokit.build import build_project
from falcokit.build.build_project import BuildResult, build
from falcokit.project.settings import load_project

__all__ = ["Author", "plugin", "text_of"]

_PLUGINS = Path(__file__).parent.parent / "plugins"
_HEAD = """\
from __future__ import annotations
import {modules}
from typing import Annotated
from falcokit import (AsyncEvent, AsyncEventHandler, AsyncEvents, BackgroundTask, Event,
    EventParsing, EventQueue, EventSource, Metric, Plugin, async_event)
import falcokit
"""
_CHEAP = ("logging", "os", "sys", "threading", "time")
#: 40 ms in each process that imports the plugin: only where the text names them.
_DEAR = ("asyncio", "dataclasses", "msgspec")
_PROJECT = """\
[project]
name = "{name}"
version = "0.1.0"
description = "A plugin of a conformance test."
authors = [{{ name = "Tests", email = "tests@example.com" }}]
[tool.falcokit]
plugin = "{module}:P"
"""


def _head(text: str) -> str:
    named = [module for module in _DEAR if re.search(rf"\b{module}\b", text)]
    return _HEAD.format(modules=", ".join((*_CHEAP, *named)))


def plugin(name: str) -> Path:
    """Return the file of tests/plugins that holds a plugin."""
    file = _PLUGINS / f"{name}.py"
    assert file.exists(), f"there is no {file}"
    return file


def text_of(source: Path | str) -> str:
    """Return the module of a plugin: a file as it is, or a text below the usual imports."""
    return source.read_text() if isinstance(source, Path) else _head(source) + dedent(source)


class Author:
    """A project whose class is called P, of a file of tests/plugins or of a short text.

    For a text falcokit's names are imported already.
    """

    def __init__(self, folder: Path, source: Path | str, name: str) -> None:
        text = text_of(source)
        # A name of its own: plugins of one process share sys.modules.
        self.module = f"conform_{hashlib.sha256((name + text).encode()).hexdigest()[:12]}"
        self.name = name
        self.root = folder
        self.file = folder / "src" / f"{self.module}.py"
        self.file.parent.mkdir()
        self.file.write_text(text)
        project = _PROJECT.format(name=name, module=self.module)
        (folder / "pyproject.toml").write_text(project)

    @functools.cached_property
    def built(self) -> BuildResult:
        return self.build()

    def build(self) -> BuildResult:
        """Build it as it is now."""
        with mock.patch.object(build_project, "run_captured", describer.run_captured):
            return build(load_project(self.root))

    @property
    def library(self) -> Path:
        return self.built.library

    @functools.cached_property
    def plugin(self) -> type[Any]:
        spec = importlib.util.spec_from_file_location(self.module, self.file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[self.module] = module
        spec.loader.exec_module(module)
        plugin: type[Any] = module.P
        if "name" not in vars(plugin):
            plugin.name = self.name
        return plugin

    def at(self, text: str) -> str:
        """Return file:line of the line that contains a text, as errors name it."""
        numbers = [
            i for i, line in enumerate(self.file.read_text().splitlines(), 1) if text in line
        ]
        assert len(numbers) == 1, (text, numbers)
        return f"{self.file}:{numbers[0]}"
