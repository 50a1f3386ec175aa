# SPDX-License-Identifier: Apache-2.0
"""The plugin of the recorded answers: its fields as a catalog, their values for its events."""

from __future__ import annotations

import ctypes
import inspect
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plugins.goldens import Goldens

from falcokit.build.build_project import build
from falcokit.filter.batch import Batch
from falcokit.filter.fields import PLUGIN_TYPES, ArgumentKind, FieldCatalog, FieldSpec
from falcokit.project.settings import load_project
from falcokit.testing import start_plugin

if TYPE_CHECKING:
    from falcokit import Event
    from falcokit.filter.tree import FieldRef
    from falcokit.testing import RunningPlugin

__all__ = ["RECORDED", "GoldenFields", "Goldens", "build_goldens", "start_plugin"]

RECORDED = Path(__file__).parents[1] / "rules" / "recorded"
_PROJECT = """\
[project]
name = "goldens"
version = "0.1.0"
description = "The plugin of the recorded answers."
authors = [{ name = "Tests", email = "tests@example.com" }]
[tool.falcokit]
plugin = "goldens:Goldens"
"""


def _spec(entry: dict[str, Any]) -> FieldSpec:
    argument = entry.get("arg") or {}
    kind = ArgumentKind.INDEX if argument.get("isIndex") else ArgumentKind.KEY
    return FieldSpec(
        name=entry["name"],
        type=PLUGIN_TYPES[entry["type"]],
        is_list=entry["isList"],
        argument=kind if argument else ArgumentKind.NONE,
        required=argument.get("isRequired", False),
        borrowed=True,
    )


class GoldenFields:
    """The 18 events, or those of a file, and what the real library says of them."""

    def __init__(self, running: RunningPlugin, file: Path = RECORDED / "events.jsonl") -> None:
        self._running = running
        library = ctypes.CDLL(running.library._name)
        library.plugin_get_fields.restype = ctypes.c_char_p
        self.catalog = FieldCatalog(map(_spec, json.loads(library.plugin_get_fields())))
        with running.open(str(file)) as source:
            self.events: list[Event] = source.events()
        self._values: dict[str, list[Any]] = {}

    def read(self, field: FieldRef) -> list[Any]:
        """The field's value for each event, asked of the library once."""
        if field.written not in self._values:
            self._values[field.written] = [self._value(field.written, e) for e in self.events]
        return self._values[field.written]

    def _value(self, field: str, event: Event) -> Any:
        try:
            return self._running.extract(field, event)
        except TypeError:  # g.idx of a list that is null: in Falco there is no value
            return None

    def batch(self) -> Batch:
        return Batch(len(self.events), self.read)


def build_goldens(folder: Path) -> Path:
    """Build the plugin as its author does, for a host without falcokit; return the library."""
    shutil.copy(inspect.getfile(Goldens), folder / "goldens.py")
    (folder / "pyproject.toml").write_text(_PROJECT)
    return build(load_project(folder)).library
