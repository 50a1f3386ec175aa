# SPDX-License-Identifier: Apache-2.0
"""The child process in which a build imports the author's class.

Started by `build` as `python -m falcokit.build.describe`, with a JSON object on stdin and the
answer on stdout. A child, because the class
is to be imported afresh each time, and because what it does at import (print, exit, hang) must not
happen to the tool.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import sysconfig
import traceback
from typing import Any

from falcokit.build.check_fields import check_recorded, record
from falcokit.build.locate import locate
from falcokit.build.metadata import plugin_metadata
from falcokit.errors import PluginDefinitionError
from falcokit.runtime.base.plugin import Plugin
from falcokit.runtime.host.author_modules import add_source_folder, plugin_modules

__all__ = ["describe"]


def _check_names(folder: str) -> None:
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
    what = "is no subclass of falcokit.Plugin" if plugin is not None else "does not exist"
    hint = f"plugin classes of this module: {', '.join(found)}" if found else None
    raise PluginDefinitionError(f"class {class_name!r} {what}", hint=hint, file=module.__file__)


def _from_exception(error: BaseException, folder: str) -> dict[str, Any]:
    """Tell an exception of the author's module with the innermost line in the author's folder."""
    if isinstance(error, SyntaxError):
        return {"message": f"{type(error).__name__}: {error.msg}", "file": error.filename,
                "line": error.lineno, "hint": None}  # fmt: skip
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [f for f in frames if f.filename.startswith(folder)] or [
        f for f in frames if not f.filename.startswith("<frozen")
    ]
    last = theirs[-1] if theirs else None
    return {
        "message": f"importing the plugin failed: {type(error).__name__}: {error}",
        "file": last and last.filename,
        "line": last and last.lineno,
        "hint": _hint(frames, last),
    }


def _hint(frames: list[traceback.FrameSummary], last: traceback.FrameSummary | None) -> str | None:
    """Say where it is written what a declaration takes, if falcokit's own code refused one."""
    after = frames[frames.index(last) + 1 :] if last in frames else []
    if after and "/falcokit/runtime/" in after[0].filename.replace(os.sep, "/"):
        return f"the docstring of falcokit's {after[0].name} says what it takes"
    return None


def describe(request: dict[str, Any]) -> dict[str, Any]:
    """Return the metadata of the class that `request` names, or `error` with file and line."""
    folder = request["source_dir"]
    paths = [p for p in sys.path if p]
    try:
        _check_names(folder)
        add_source_folder(folder)
        record()
        plugin = _import(request["target"])
        check_recorded(folder)
        found = plugin_metadata(plugin, request["defaults"])
    except PluginDefinitionError as e:
        message = e.message.removeprefix(f"{e.file}:{e.line}: ").removeprefix(f"{e.file}: ")
        return {"error": {"message": message, "hint": e.hint, "file": e.file, "line": e.line}}
    except BaseException as e:  # noqa: BLE001  # sys.exit() in a module is an answer too
        return {"error": _from_exception(e, folder)}
    file, line = locate(plugin)
    return {
        **found,
        "file": file,
        "line": line,
        "executable": sys.executable,
        "stdlib": sysconfig.get_path("stdlib"),
        "paths": paths,
    }


if __name__ == "__main__":
    answer_fd = os.dup(1)
    os.dup2(2, 1)  # what the module prints goes to stderr
    answer = json.dumps(describe(json.load(sys.stdin)))
    with os.fdopen(answer_fd, "w") as out:
        out.write(answer)
    sys.stdout.flush()
    os._exit(0)  # threads that the module started do not keep the build waiting
