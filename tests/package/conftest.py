# SPDX-License-Identifier: Apache-2.0
"""Packaged plugins for the tests of this folder: made, unpacked, and loaded by others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest
from author import Author, text_of
from locks import put_lock, share_locks
from placed import Packaged

from falcokit.package.artifact import archive
from falcokit.package.artifact.artifact import PackageOptions, make_artifact
from falcokit.package.safe_tarfile import tarfile
from falcokit.project.settings import load_project
from falcokit.runner.program import build_runner
from falcokit.toolchain.cache import key_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Shared

__all__ = ["PackagePlugin", "Packaged"]

_PLAIN = PackageOptions(verify=False)

#: A plugin of few lines, which emits as soon as it may.
TICKER = """
    class P(Plugin, AsyncEvents):
        contact = "tests@example.com"

        @async_event("tick", every=0.02)
        def tick(self) -> bytes:
            return b"packaged"
"""


class PackagePlugin(Protocol):
    """Package a class P, given as a file of tests/plugins or a text, as `Author` takes it."""

    def __call__(
        self,
        source: Path | str,
        name: str,
        *,
        options: PackageOptions = ...,
        dependencies: tuple[str, ...] = (),
    ) -> Packaged: ...


def unpack(artifact: Path, folder: Path) -> Path:
    """Unpack an artifact as an installer does, and return the library."""
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(artifact) as tar:
        tar.extractall(folder, filter="data")
    (library,) = folder.glob("lib*.so")
    return library


@pytest.fixture(autouse=True, scope="session")
def not_compressed() -> Iterator[None]:
    """Compressing takes half the time of packaging; test_package_command has the real level."""
    level, archive.LEVEL = archive.LEVEL, 0
    yield
    archive.LEVEL = level


@pytest.fixture(autouse=True, scope="session")
def one_lock(shared: Shared) -> None:
    """Packages without dependencies of their own have one lock."""
    share_locks(shared)


@pytest.fixture(scope="session")
def package_plugin(shared: Shared) -> PackagePlugin:
    def package(
        source: Path | str,
        name: str,
        *,
        options: PackageOptions = _PLAIN,
        dependencies: tuple[str, ...] = (),
    ) -> Packaged:
        def make(folder: Path) -> Packaged:
            author = Author(folder, source, name)
            if dependencies:
                file = author.root / "pyproject.toml"
                listed = ", ".join(f'"{d}"' for d in dependencies)
                text_before = file.read_text()
                file.write_text(
                    text_before.replace(
                        "[tool.falcokit]", f"dependencies = [{listed}]\n[tool.falcokit]"
                    )
                )
            else:
                put_lock(author.root)
            project = load_project(author.root)
            artifact = make_artifact(project, options, lambda _step: None)
            return Packaged(
                project=project,
                artifact=artifact,
                library=unpack(artifact.path, author.root / "unpacked"),
            )

        key = key_of([text_of(source), repr(options), *dependencies])
        made: Packaged = shared(f"{name}-{key}", make)
        return made

    return package


@pytest.fixture(scope="session")
def ticker(package_plugin: PackagePlugin) -> Packaged:
    """The plugin TICKER as one file."""
    return package_plugin(TICKER, "packaged-ticker")


@pytest.fixture(scope="session")
def ticker_folder(package_plugin: PackagePlugin) -> Packaged:
    """The plugin TICKER in the dir layout."""
    return package_plugin(
        TICKER, "folder-ticker", options=PackageOptions(as_folder=True, verify=False)
    )


@pytest.fixture(scope="session")
def runner() -> Path:
    """The program that loads plugins as Falco does."""
    return build_runner()
