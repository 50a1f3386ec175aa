# SPDX-License-Identifier: Apache-2.0
"""Finds the extension modules of a packaged plugin, which are in no folder.

The packager puts this file into the archive as the top-level module `_falcokit_payload`. The glue
imports it first after Python has started, so it may only use modules frozen into Python.
"""

from __future__ import annotations

import _imp
import sys
from importlib.machinery import ModuleSpec

import _falcokit_hot

TYPE_CHECKING = False  # typing may need an extension module itself
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.abc import Loader
    from types import ModuleType
else:
    Loader = object

__all__ = ["PACKAGES", "PayloadFinder"]

_ARCHIVE = sys.path[0]  # the only entry, when Python has just started


class PayloadFinder(Loader):
    """Finder and loader for the modules in the payload, by their full names."""

    def __init__(self, modules: dict[str, int]) -> None:
        self._modules = modules

    def find_spec(
        self,
        name: str,
        _path: Sequence[str] | None = None,
        _target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Return the spec of a module in the payload, None for all others."""
        if name not in self._modules:
            return None
        # The file does not exist; the path is next to the package, as zipimport names other files.
        spec = ModuleSpec(name, self, origin=f"{_ARCHIVE}/{name.replace('.', '/')}.so")
        spec.has_location = True
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Load the library from the path that the payload provides."""
        path, flags = _falcokit_hot.payload_place(self._modules[spec.name])
        before = sys.getdlopenflags()
        sys.setdlopenflags(flags)
        try:
            return _imp.create_dynamic(ModuleSpec(spec.name, self, origin=path))
        finally:
            sys.setdlopenflags(before)

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's own initialisation."""
        _imp.exec_dynamic(module)


if getattr(sys, "_stdlib_dir", None) is None:  # Python 3.11 and 3.12 do not take it from PyConfig
    # os.__file__ is derived from it
    sys._stdlib_dir = _ARCHIVE  # type: ignore[attr-defined]  # noqa: SLF001
_modules = _falcokit_hot.payload_modules()
#: The item with the packages that need a folder, and their names; None where there are none.
PACKAGES = next(
    ((item, name[2:]) for name, item in _modules.items() if name.startswith("//")), None
)
_finder = PayloadFinder(_modules)
sys.meta_path.insert(0, _finder)
try:
    # If it is damaged, cffi would only report that on standard error when it starts.
    import _cffi_backend  # noqa: F401
except ImportError:
    sys.meta_path.remove(_finder)
    raise
