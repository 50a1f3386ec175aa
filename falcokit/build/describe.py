# SPDX-License-Identifier: Apache-2.0
"""The child process in which a build imports the author's class.

`python -m falcokit.build.describe` reads a Request on stdin and writes an Answer to stdout, both as
JSON. It is a child because the class is to be imported afresh each time, and because what its
module does at import (print, exit, hang) must not happen to the tool.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from typing import Any

import msgspec

from falcokit.build.check_extract import check_recorded, record
from falcokit.build.check_plugin import check_plugin
from falcokit.build.check_producers import check_recorded_producers, record_producers
from falcokit.build.metadata import Answer, Described, Failure, Request
from falcokit.errors import PluginDefinitionError
from falcokit.runtime.base.plugin import Plugin
from falcokit.runtime.host.author_modules import add_source_folder, plugin_modules

__all__ = ["describe"]


def _check_modules(folder: str) -> None:
    """Refuse a module that could never be imported: the standard library comes first."""
    hidden = sorted(plugin_modules(folder) & sys.stdlib_module_names)
    if hidden:
        raise PluginDefinitionError(
            f"module {hidden[0]!r} has the name of a module of the standard library",
            hint="inside Falco the standard library comes first: rename it",
            file=os.path.join(folder, hidden[0] + ".py"),  # noqa: PTH118
        )


def _import(target: str) -> type[Any]:
    module_name, _, class_name = target.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as e:
        if e.name != module_name:
            raise
        raise PluginDefinitionError(
            f"there is no module {module_name!r}",
            hint=f"[tool.falcokit] plugin = {target!r} names it; is it in the source folder?",
        ) from e
    plugin = getattr(module, class_name, None)
    if isinstance(plugin, type) and issubclass(plugin, Plugin):
        return plugin
    found = [
        name
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, Plugin) and value is not Plugin
    ]
    what = "is not a subclass of falcokit.Plugin" if plugin is not None else "does not exist"
    hint = f"plugin classes of this module: {', '.join(found)}" if found else None
    raise PluginDefinitionError(f"class {class_name!r} {what}", hint=hint, file=module.__file__)


def _failure(error: BaseException, folder: str) -> Failure:
    """Describe an exception of the author's module, at the innermost line in their folder."""
    if isinstance(error, SyntaxError):
        message = f"{type(error).__name__}: {error.msg}"
        return Failure(message=message, hint=None, file=error.filename, line=error.lineno)
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [f for f in frames if f.filename.startswith(folder)] or [
        f for f in frames if not f.filename.startswith("<frozen")
    ]
    last = theirs[-1] if theirs else None
    return Failure(
        message=f"importing the plugin failed: {type(error).__name__}: {error}",
        hint=_hint(frames, last),
        file=last and last.filename,
        line=last and last.lineno,
    )


def _hint(frames: list[traceback.FrameSummary], last: traceback.FrameSummary | None) -> str | None:
    """Say where it is written what a declaration takes, if falcokit's own code refused one."""
    after = frames[frames.index(last) + 1 :] if last in frames else []
    if after and "/falcokit/runtime/" in after[0].filename.replace(os.sep, "/"):
        return f"the docstring of falcokit's {after[0].name} says what it takes"
    return None


def describe(request: Request) -> Answer:
    """Return the metadata of the class that `request` names, or why there is none."""
    folder = request.source_dir
    paths = tuple(p for p in sys.path if p)
    try:
        _check_modules(folder)
        add_source_folder(folder)
        record()
        record_producers()
        plugin = _import(request.target)
        check_recorded(folder)
        check_recorded_producers(folder)
        return Described(metadata=check_plugin(plugin, request.defaults, paths))
    except PluginDefinitionError as e:
        message = e.message.removeprefix(f"{e.file}:{e.line}: ").removeprefix(f"{e.file}: ")
        return Failure(message=message, hint=e.hint, file=e.file, line=e.line)
    except BaseException as e:  # noqa: BLE001  # sys.exit() in a module is an answer too
        return _failure(e, folder)


def _plain(value: Any) -> Any:
    """Return a value of a class of the author's own as the str or number that it also is."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, (int, float)):
        return value + 0
    raise TypeError(f"{value!r} has no form in JSON")


if __name__ == "__main__":
    answer_fd = os.dup(1)
    os.dup2(2, 1)  # what the module prints goes to stderr
    # The json of the standard library, because a path or a message need not be Unicode.
    answer = describe(msgspec.convert(json.load(sys.stdin), Request))
    text = json.dumps(msgspec.to_builtins(answer, enc_hook=_plain))
    with os.fdopen(answer_fd, "w") as out:
        out.write(text)
    sys.stdout.flush()
    os._exit(0)  # threads that the module started do not keep the build waiting
