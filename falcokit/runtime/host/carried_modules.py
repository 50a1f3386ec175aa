# SPDX-License-Identifier: Apache-2.0
"""Finds the extension modules of a packaged plugin, which lie in no folder.

The packager puts this file into the archive as the top-level module `_falcokit_payload`. The glue
imports it as the first thing after Python has started; so it uses only what is frozen into Python.
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

__all__ = ["PayloadFinder"]

_ARCHIVE = sys.path[0]  # the only entry, when Python has just started


class PayloadFinder(Loader):
    """Both finder and loader: by a module's full name, out of the payload."""

    def __init__(self, modules: dict[str, int]) -> None:
        self._modules = modules

    def find_spec(
        self,
        name: str,
        _path: Sequence[str] | None = None,
        _target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Return the spec of a module of the payload, None for all others."""
        if name not in self._modules:
            return None
        # A file that is not there, but beside the module's package, as zipimport names others.
        spec = ModuleSpec(name, self, origin=f"{_ARCHIVE}/{name.replace('.', '/')}.so")
        spec.has_location = True
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Load the library, by a path that the payload gives for it."""
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
    # os.__file__ comes of it
    sys._stdlib_dir = _ARCHIVE  # type: ignore[attr-defined]  # noqa: SLF001
_finder = PayloadFinder(_falcokit_hot.payload_modules())
sys.meta_path.insert(0, _finder)
try:
    # Where it is damaged, cffi would say so to the standard error alone when it starts.
    import _cffi_backend  # noqa: F401
except ImportError:
    sys.meta_path.remove(_finder)
    raise
