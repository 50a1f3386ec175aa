# SPDX-License-Identifier: Apache-2.0
"""Owns what tests share: the real host, C that is compiled once, and the ban on print."""

from __future__ import annotations

import builtins
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

import falcokit.native
from falcokit.native.process import run
from falcokit.native.toolchain import find_compiler

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

__all__ = ["Baseline", "CompileC", "RealHost"]

# In the background of a script Ctrl-C is ignored, and so it would be by every program started here.
signal.signal(signal.SIGINT, signal.default_int_handler)

_TESTS = Path(__file__).parent
_HOSTS = _TESTS / "hosts"
_API = Path(falcokit.native.__file__).parent


#: Files whose tests do not hang on the Python that runs them: archives, registries, texts, whole
#: projects, random inputs, or commands that choose their Pythons themselves. tests/run.sh runs
#: these on one Python only.
_ONCE = frozenset(
    {
        *("test_archive", "test_bad_input", "test_checks", "test_damage", "test_deploy"),
        *("test_elf", "test_equal", "test_falcoctl_rules", "test_fuzz", "test_fuzz_fields"),
        *("test_glibc", "test_lists_damage", "test_memory", "test_memory_refused"),
        *("test_native_lines", "test_oci", "test_oci_read", "test_own_tests"),
        *("test_package_command", "test_publish", "test_publish_command"),
        *("test_registry_client", "test_registry_login", "test_reproducible"),
        *("test_rules_artifact", "test_sbom", "test_templates", "test_two_pythons"),
        *("test_without_memfd",),
    }
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of those files."""
    for item in items:
        if item.path.stem in _ONCE:
            item.add_marker(pytest.mark.once)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep lone surrogates out of what was captured: a worker could not send it."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections
    ]
    return report


@dataclass(frozen=True, kw_only=True)
class RealHost:
    """The framework's own programs, as tests/hosts/get-host.sh leaves them."""

    sysdig: Path
    plughost: Path
    headers: Path
    baseline: Path
    baseline_async: Path


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """The C baseline plugin: with its event source, and with async events alone."""

    source: Path
    async_only: Path


class CompileC(Protocol):
    """Compile C sources of tests/hosts to a file of that name, with our own plugin_api.h."""

    def __call__(self, name: str, sources: Iterable[Path], *flags: str) -> Path: ...


@pytest.fixture(scope="session")
def real_host() -> RealHost:
    folder = Path(os.environ.get("FALCOKIT_HOST_DIR") or Path.home() / ".cache" / "falcokit-host")
    host = RealHost(
        sysdig=folder / "sysdig",
        plughost=folder / "plughost",
        headers=folder / "headers",
        baseline=folder / "libbaseline.so",
        baseline_async=folder / "libbaseline_async.so",
    )
    if not all(path.exists() for path in vars(host).values()):
        message = f"there is no real host in {folder}: run tests/hosts/get-host.sh"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return host


@pytest.fixture(scope="session")
def compile_c(tmp_path_factory: pytest.TempPathFactory) -> CompileC:
    folder = tmp_path_factory.mktemp("compiled")
    compiler = find_compiler().path

    def compile_sources(name: str, sources: Iterable[Path], *flags: str) -> Path:
        target = folder / name
        shape = ["-fPIC", "-shared"] if target.suffix == ".so" else []
        strict = ["-std=gnu11", "-O1", "-g", "-pthread", "-Wall", "-Wextra", "-Werror"]
        files = [str(source) for source in sources]
        run([compiler, *strict, *shape, f"-I{_API}", *flags, "-o", str(target), *files, "-ldl"])
        return target

    return compile_sources


@pytest.fixture(scope="session")
def baseline(compile_c: CompileC) -> Baseline:
    sources = sorted(_HOSTS.glob("baseline_*.c"))
    return Baseline(
        source=compile_c("libbaseline.so", sources),
        async_only=compile_c("libbaseline_async.so", sources, "-DNO_SOURCE"),
    )


@pytest.fixture(scope="session")
def torture(compile_c: CompileC) -> Path:
    """The program tests/hosts/torture.c, which does to plugins what no sensible host does."""
    return compile_c("torture", sorted(_HOSTS.glob("torture*.c")))


@pytest.fixture(autouse=True)
def no_print(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test wants to show, it asserts."""
    original = builtins.print

    def guarded(*values: Any, **options: Any) -> None:
        caller = Path(sys._getframe(1).f_code.co_filename)
        if caller.parent.is_relative_to(_TESTS) and caller.name.startswith("test_"):
            pytest.fail("a test printed; use an assertion")
        original(*values, **options)

    monkeypatch.setattr(builtins, "print", guarded)
