# SPDX-License-Identifier: Apache-2.0
"""The libraries that a test runs: the plugin's own, as `falcokit build` makes it, and its host.

Both are compiled once and kept in the cache.
"""

from __future__ import annotations

import contextlib
import ctypes
import inspect
import re
import shutil
import sys
import sysconfig
import tempfile
import threading
from pathlib import Path
from typing import Any, Final

import msgspec

from falcokit.build.check_plugin import check_plugin
from falcokit.build.entry_library import entry_library
from falcokit.build.glue_library import build_glue
from falcokit.build.metadata import Defaults, PluginMetadata
from falcokit.errors import ConfigError
from falcokit.native import PLUGIN_API, SOURCES
from falcokit.project.settings import load_project
from falcokit.runner.program import OF_GLUE
from falcokit.toolchain.cache import cached, key_of
from falcokit.toolchain.compiler import compile_and_link, find_compiler, find_libpython
from falcokit.toolchain.prebuilt import prebuilt

__all__ = [
    "HOST",
    "TARGET",
    "build_host",
    "build_plugin",
    "lend_host",
    "metadata_of",
    "return_host",
]

HOST: Final = "falcokit-test-host.so"
#: Where the library finds the class: the very one of the test, wherever that has it from.
TARGET: Final = "falcokit.testing._given:Given"

_FLAGS: Final = ("-std=gnu11", "-O2", "-g1", "-fPIC", "-pthread")
_LINKED: Final = ("-shared", "-Wl,-Bsymbolic", "-Wl,--no-undefined", "-ldl")
#: Of the runner, what hosts a plugin; the loop and the reports are Python's here.
_OF_RUNNER: Final = (
    *(f"runner/report/{name}.c" for name in ("json", "text", "stats")),
    *(f"runner/host/{name}.c" for name in ("guest", "loader", "owner", "routines")),
    *(f"runner/host/{name}.c" for name in ("tables", "threads")),
    *(f"runner/capture/{name}.c" for name in ("handler", "queue")),
    *(f"runner/extract/{name}.c" for name in ("extractor", "fields", "filter", "values")),
)

_VERSION: Final = "0.1.0"
_DESCRIPTION: Final = "A plugin of a test."
_CONTACT: Final = "nobody"

_idle: list[ctypes.CDLL] = []
_lending = threading.Lock()
_first = True


def _defaults(plugin: type[Any]) -> Defaults:
    """Return what the class's project says of it; a class without one needs no more than a name."""
    name = re.sub(r"[^a-z0-9_-]", "", plugin.__name__.lower()).lstrip("0123456789_-") or "plugin"
    with contextlib.suppress(ConfigError, TypeError, OSError):
        project = load_project(Path(inspect.getfile(plugin)).parent)
        return Defaults(
            name=project.name or name,
            version=project.version or _VERSION,
            description=project.description or _DESCRIPTION,
            contact=project.contact or _CONTACT,
        )
    return Defaults(name=name, version=_VERSION, description=_DESCRIPTION, contact=_CONTACT)


def metadata_of(plugin: type[Any]) -> PluginMetadata:
    """Return what the framework reads of a class; PluginDefinitionError as `build_plugin`."""
    return check_plugin(plugin, _defaults(plugin))


def build_plugin(plugin: type[Any]) -> tuple[Path, PluginMetadata]:
    """Return the plugin's library, and its metadata.

    Raises:
        PluginDefinitionError: the class is wrong, as `falcokit build` finds it.
        BuildError: the compiler failed.
        ToolMissingError: there is no compiler, or no shared libpython.

    """
    meta = msgspec.structs.replace(
        metadata_of(plugin),
        executable=sys.executable,
        stdlib=sysconfig.get_path("stdlib"),
        paths=(),
    )
    glue = build_glue()
    libpython = str(find_libpython().path)
    ctypes.CDLL(libpython)  # which the glue finds by its name
    ctypes.CDLL(str(glue))  # by whose name the library finds it
    content = entry_library(meta, target=TARGET, source_dir="", glue=glue.name, libpython=libpython)

    def make(target: Path) -> None:
        target.write_bytes(content)

    return cached(f"lib{meta.name}.so", key_of([content]), make), meta


def build_host() -> Path:
    """Return the host of the fixture `plugin`: carried, or compiled once."""
    if (carried := prebuilt(HOST)) is not None:
        return carried
    compiler = find_compiler()
    sources = [SOURCES / "testing" / "host.c", *OF_GLUE]
    sources += [SOURCES / name for name in _OF_RUNNER]
    rooms = ("json", "tables", "runner")
    headers = [PLUGIN_API, *sorted(h for room in rooms for h in (SOURCES / room).rglob("*.h"))]
    inputs = [part for p in (*sources, *headers) for part in (p.name, p.read_bytes())]

    def make(target: Path) -> None:
        flags = [*_FLAGS, f"-I{SOURCES}", f"-I{PLUGIN_API.parent}"]
        compile_and_link(compiler.path, flags, sources, target, _LINKED)

    key = key_of([compiler.version, sysconfig.get_platform(), *_FLAGS, *_LINKED, *inputs])
    return cached(HOST, key, make, what="the host of tests, which takes some seconds")


def _load(path: Path) -> ctypes.CDLL:
    host = ctypes.CDLL(str(path))
    text, number, flag, pointer = ctypes.c_char_p, ctypes.c_uint64, ctypes.c_bool, ctypes.c_void_p
    for name, result, arguments in (
        ("reports", text, []),
        ("add_table", flag, [pointer]),
        ("refuse", None, [text]),
        ("state", pointer, []),
        ("last_error", text, []),
        ("init", flag, [text, text, text, ctypes.c_uint32]),
        ("destroy", None, []),
        ("set_handler", flag, [flag]),
        ("listen", flag, [flag]),
        ("closed", None, []),
        ("next", pointer, [number]),
        ("parse", flag, [text, number, text]),
        ("extract", text, [text, text, number, text]),
        ("dump", pointer, [ctypes.POINTER(ctypes.c_size_t)]),
        ("set_config", flag, [text]),
        ("metrics", None, []),
    ):
        function = getattr(host, f"fk_test_{name}")
        function.restype, function.argtypes = result, arguments
    return host


def lend_host() -> ctypes.CDLL:
    """Return a host for one plugin; a second one at the same time gets a copy of its own."""
    global _first  # the library itself is loaded once
    path = build_host()
    with _lending:
        if _idle:
            return _idle.pop()
        first, _first = _first, False
    if first:
        return _load(path)
    with tempfile.TemporaryDirectory() as folder:
        return _load(Path(shutil.copy(path, folder)))


def return_host(host: ctypes.CDLL) -> None:
    """Take it back after its plugin was destroyed."""
    with _lending:
        _idle.append(host)
