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
import re
import sys
import traceback
from typing import Any, Final

import msgspec

from falcokit.build.check_extract import check_recorded, record
from falcokit.build.check_plugin import check_plugin
from falcokit.build.check_producers import check_recorded_producers, record_producers
from falcokit.build.metadata import Answer, Described, Failure, Request
from falcokit.errors import PluginDefinitionError
from falcokit.runtime.base.errors import format_error
from falcokit.runtime.base.plugin import Plugin
from falcokit.runtime.host.author_modules import add_source_folder, plugin_modules

__all__ = ["describe"]

_PLACE: Final = re.compile(r"(?P<file>/.*?):(?P<line>\d+): ")


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
    """Describe an exception of the author's module, at the innermost line of their code."""
    text = format_error(error, "importing the plugin failed")
    if isinstance(error, SyntaxError):
        text = text.replace("importing the plugin failed: ", "", 1)
        return Failure(message=_placed(text)[0], hint=None, file=error.filename, line=error.lineno)
    hint = _hint(error, folder)
    message, file, line = _placed(text.replace(f"\n  {hint}", "", 1))
    return Failure(message=message, hint=hint or _missing(error), file=file, line=line)


def _missing(error: BaseException) -> str | None:
    """Say which Python lacks a module: that of another environment than the project's, perhaps."""
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return None
    return (
        f"{sys.executable} has no module {error.name}: install what it belongs to there, or run the"
        " falcokit of the project's own environment"
    )


def _placed(text: str) -> tuple[str, str | None, int | None]:
    """Return a text of `format_error` without its place, and the place."""
    found = _PLACE.match(text)
    if found is None:
        return text, None, None
    return text[found.end() :], found["file"], int(found["line"])


def _hint(error: BaseException, folder: str) -> str | None:
    """Say what to write, or where that is written, if a declaration was refused."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [i for i, frame in enumerate(frames) if frame.filename.startswith(folder)]
    if not theirs:
        return None
    last, after = frames[theirs[-1]], frames[theirs[-1] + 1 :]
    if after and "/falcokit/runtime/" in after[0].filename.replace(os.sep, "/"):
        notes = getattr(error, "__notes__", ())
        return (
            notes[0] if notes else f"the docstring of falcokit's {after[0].name} says what it takes"
        )
    if "async_event(" in f"{last.line}{error}":  # refused by Python itself, before the call
        return 'first the name, then seconds (every=5.0) or a config key (every="config.every_s")'
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
