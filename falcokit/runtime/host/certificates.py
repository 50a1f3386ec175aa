# SPDX-License-Identifier: Apache-2.0
"""Lets a packaged plugin's TLS trust the authorities of the system that it runs on.

Its OpenSSL looks for them where the machine that built it keeps them. On another distribution they
are elsewhere, and every connection would fail. Only packaged plugins need this.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

__all__ = ["trust_system"]

#: Where distributions keep all authorities in one file.
_FILES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Alpine, Wolfi (Falco's images), Arch
    "/etc/ssl/cert.pem",  # Alpine, macOS's habit
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL, Amazon Linux
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # the same, without the old names
    "/etc/ssl/ca-bundle.pem",  # SUSE
)


def trust_system() -> None:
    """Have default TLS contexts trust what this system trusts, once the plugin imports ssl."""
    if "ssl" in sys.modules:
        _change(sys.modules["ssl"])
    elif not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder:
    """Changes the module ssl when it is imported, which most plugins never do."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != "ssl":
            return None
        sys.meta_path.remove(self)
        for finder in sys.meta_path:
            spec = finder.find_spec(name, path, target)
            if spec is not None and spec.loader is not None:
                spec.loader = _Loader(spec.loader)  # type: ignore[assignment]  # as one
                return spec
        return None


class _Loader:
    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        create = getattr(self._loader, "create_module", None)
        made: ModuleType | None = create(spec) if create else None
        return made

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        _change(module)


def _change(ssl: Any) -> None:
    usual = ssl.SSLContext.set_default_verify_paths

    def set_default_verify_paths(context: Any) -> None:
        """Load the authorities that are trusted by default."""
        usual(context)
        if not _has_own(ssl):
            _load(context, ssl)

    ssl.SSLContext.set_default_verify_paths = set_default_verify_paths


def _has_own(ssl: Any) -> bool:
    """Return whether OpenSSL finds something by itself, or was told where to look."""
    paths = ssl.get_default_verify_paths()
    if any(name in os.environ for name in (paths.openssl_cafile_env, paths.openssl_capath_env)):
        return True
    try:
        return os.path.isfile(paths.openssl_cafile) or bool(os.listdir(paths.openssl_capath))
    except OSError:
        return False


def _load(context: Any, ssl: Any) -> None:
    for file in _FILES:
        try:
            context.load_verify_locations(file)
        except (OSError, ssl.SSLError):
            continue
        return
    try:
        carried = import_module("certifi").where()
    except ImportError:
        return
    context.load_verify_locations(carried)
