# SPDX-License-Identifier: Apache-2.0
"""Builds the wheels, with everything in them that a clone compiles at first use: `make wheels`.

    python -m tools.wheels                  for each Python and machine that falcokit supports
    python -m tools.wheels --python 3.11 --machine aarch64      for some of them
    python -m tools.wheels --native         one for this Python and machine, with its own compiler

zig is the compiler: from one machine it compiles for others and for glibc 2.17, whatever this one
has. Of each Python the headers are taken, from the interpreters that tests/pythons.py finds, and
the names that its libpython exports. Those of x86_64 serve aarch64 as well: the only header that
differs, pyconfig.h, does so in what C code outside of CPython does not read.

Each wheel is checked: that all of it is for the machine, and that a system of its tag has all that
it needs. --native takes what is compiled already from the cache.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from packaging.tags import sys_tags

import falcokit
from falcokit.build.entry_library import BLANK, blank_entry
from falcokit.build.glue_library import build_glue
from falcokit.capture.native.scan import PARTS
from falcokit.errors import BuildError, ToolMissingError
from falcokit.package.link.elf import exported_symbols, read_elf
from falcokit.package.link.glibc import floor_of, format_version
from falcokit.runner.program import RUNNER, build_runner
from falcokit.testing._json import JSON, build_json
from falcokit.testing._library import HOST, build_host
from falcokit.toolchain.cache import telling
from falcokit.toolchain.command import run
from falcokit.toolchain.compiler import PythonLibrary, find_libpython

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["OLDEST_GLIBC", "build_wheel", "check_wheel", "main"]

ROOT: Final = Path(__file__).parent.parent
OLDEST_GLIBC: Final = (2, 17)
_ANSWER_WITHIN_S: Final = 30.0
_PIP_WITHIN_S: Final = 600.0
MACHINES: Final = ("x86_64", "aarch64")
#: What every system with that glibc has. libpython is the user's own.
_OF_SYSTEM: Final = frozenset(
    {
        *("libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1"),
        *("ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"),
    }
)
#: The files that are looked up by their names, and what makes each.
_MADE: Final = {BLANK: blank_entry, RUNNER: build_runner, JSON: build_json, HOST: build_host}
#: zig knows the parts of an old glibc by name alone. Programs and libraries carry no symbols.
_ZIG: Final = """\
#!/bin/sh
[ "$1" != --version ] || {{ echo "zig {version} for {target}"; exit; }}
strip=-s
for argument; do
  shift
  case $argument in
    -l:libdl.so.2) argument=-ldl ;;
    -l:libpthread.so.0) argument=-lpthread ;;
    -c | -r | c-header) strip= ;;
  esac
  set -- "$@" "$argument"
done
exec {zig} cc -target {target} $strip "$@"
"""


@dataclass(frozen=True, kw_only=True)
class _Python:
    """An interpreter of this machine, and where its parts are."""

    minor: int
    include: Path
    libpython: Path

    @property
    def tag(self) -> str:
        return f"cp3{self.minor}-cp3{self.minor}"


def main() -> None:
    """Build what the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--native", action="store_true")
    parser.add_argument("--python", action="append", metavar="3.N")
    parser.add_argument("--machine", action="append", choices=MACHINES)
    parser.add_argument("--to", type=Path, default=ROOT / "dist")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="falcokit-wheels-") as folder:
        work = Path(folder)
        if given.native:
            print(build_native(work, given.to))
            return
        pythons = _pythons(given.python)
        for machine in given.machine or MACHINES:
            for wheel in _build_for(machine, pythons, work, given.to):
                print(wheel)


def build_native(work: Path, to: Path) -> Path:
    """Build the wheel for this Python and machine; what is in the cache is not compiled again."""
    tag = next(sys_tags())
    name = f"{tag.interpreter}-{tag.abi}-linux_{os.uname().machine}"
    carried = work / "prebuilt"
    _collect(carried)
    _put_glue(carried, find_libpython())
    return build_wheel(carried, name, to)


def _build_for(machine: str, pythons: Iterable[_Python], work: Path, to: Path) -> Iterator[Path]:
    with _zig(machine):
        for python in pythons:
            print(f"falcokit for Python 3.{python.minor} on {machine}")
            carried = work / f"{python.tag}-{machine}"
            with telling(lambda what: print(f"  {what}")):
                _collect(carried)
                _put_glue(carried, _parts(python, work / f"3.{python.minor}-{machine}"))
            version = "_".join(map(str, OLDEST_GLIBC))
            wheel = build_wheel(carried, f"{python.tag}-manylinux_{version}_{machine}", to)
            check_wheel(wheel, machine)
            yield wheel


def _collect(folder: Path) -> None:
    """Put into the folder what hangs on the machine alone, compiled by $CC."""
    folder.mkdir()
    for name, build in _MADE.items():
        shutil.copy(build(), folder / name)
    for name, make in PARTS.items():
        make(folder / name)


def _put_glue(folder: Path, python: PythonLibrary) -> None:
    (folder / python.path.name).mkdir()
    shutil.copy(build_glue(python), folder / python.path.name)


def build_wheel(carried: Path, tag: str, to: Path) -> Path:
    """Return the wheel with that tag and the files of the folder `carried`, made in `to`."""
    environ = {**os.environ, "FALCOKIT_PREBUILT": str(carried), "FALCOKIT_WHEEL_TAG": tag}
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    run(
        [*pip, "--no-deps", "--wheel-dir", str(to.absolute()), str(ROOT)],
        cwd=carried,
        env=environ,
        timeout=_PIP_WITHIN_S,
    )
    return to / f"falcokit-{falcokit.__version__}-{tag}.whl"


def check_wheel(wheel: Path, machine: str) -> None:
    """Raise BuildError for what a system with the oldest glibc of that machine would not load."""
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            facts = read_elf(archive.read(name)) if "/prebuilt/" in name else None
            if facts is None:
                continue
            floor, others = floor_of(facts), set(facts.needed) - _OF_SYSTEM
            why = ""
            if facts.machine != machine:
                why = f"is for {facts.machine}"
            elif floor > OLDEST_GLIBC:
                why = f"needs glibc {format_version(floor)}"
            elif any(not library.startswith("libpython3.") for library in others):
                why = f"needs {', '.join(sorted(others))}"
            if why:
                raise BuildError(f"{wheel.name}: {name} {why}", command=[], output="")


# ---- what is compiled with, and for what ---------------------------------------------------------


@contextlib.contextmanager
def _zig(machine: str) -> Iterator[None]:
    """Let $CC be zig for that machine and the oldest glibc."""
    try:
        import ziglang  # noqa: PLC0415 - 100 MB, for those who build wheels
    except ImportError as e:
        raise ToolMissingError(
            "there is no zig to compile for other systems with",
            hint="pip install '.[wheels]', or build one for this machine with --native",
        ) from e
    zig = Path(ziglang.__file__).with_name("zig")
    target = f"{machine}-linux-gnu.{format_version(OLDEST_GLIBC)}"
    version = run([str(zig), "version"]).strip()
    # Always at one place, or the cache would take it for another compiler.
    script = ROOT / "build" / f"zig-{target}"
    script.parent.mkdir(exist_ok=True)
    script.write_text(_ZIG.format(zig=shlex.quote(str(zig)), target=target, version=version))
    script.chmod(0o755)
    before = os.environ.get("CC")
    os.environ["CC"] = str(script)
    try:
        yield
    finally:
        os.environ.pop("CC")
        if before is not None:
            os.environ["CC"] = before


def _pythons(wanted: list[str] | None) -> list[_Python]:
    """Return one Python for each minor version that is wanted, all supported ones by default."""
    sys.path.insert(0, str(ROOT / "tests"))
    import pythons  # type: ignore[import-not-found]  # noqa: PLC0415

    found: dict[str, _Python] = {}
    for info in pythons.search()[0]:
        found.setdefault(f"3.{info['version'][1]}", _ask(info))
    names = wanted or [f"3.{minor}" for _, minor in pythons.SUPPORTED]
    if missing := [name for name in names if name not in found]:
        raise ToolMissingError(
            f"there is no Python {missing[0]} with headers on this machine",
            hint="tests/hosts/get-pythons.sh fetches the newest; or name others with --python",
        )
    return [found[name] for name in names]


def _ask(info: dict[str, Any]) -> _Python:
    question = (
        "from sysconfig import get_config_var as g, get_path;"
        "print(get_path('include'), g('LIBDIR'), g('MULTIARCH'), g('INSTSONAME'), sep='\\n')"
    )
    # Not `run`: a launcher enters another system, in which the environment is its own.
    said = subprocess.run(
        [info["path"], "-c", question],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=_ANSWER_WITHIN_S,
    ).stdout
    include, folder, multiarch, name = said.splitlines()
    root = Path(info["path"]).parent / "root" if info["launcher"] else Path("/")
    folders = (folder, f"/usr/lib/{multiarch}", "/usr/lib64")
    files = (root / each.lstrip("/") / name for each in folders)
    return _Python(
        minor=info["version"][1],
        include=root / include.lstrip("/"),
        libpython=next(file for file in files if file.is_file()),
    )


def _parts(python: _Python, folder: Path) -> PythonLibrary:
    """Return the Python's headers in one folder, and a libpython for $CC's machine to link with.

    Debian has the pyconfig.h of each machine elsewhere.
    """
    include, name = folder / "include", python.libpython.name
    shutil.copytree(python.include, include)
    machines = python.include.parent.glob(f"*-linux-gnu/{python.include.name}/pyconfig.h")
    for config in sorted(machines):
        shutil.copy(config, include)
    names = sorted(n for n in exported_symbols(python.libpython) if n.startswith(("Py", "_Py")))
    source, library = folder / "names.c", folder / name
    source.write_text("".join(f"char {each};\n" for each in names))
    # The linker knows a library by its suffix.
    plain = folder / "libnames.so"
    run([os.environ["CC"], "-shared", "-nostdlib", "-w", str(source), "-o", str(plain),
         f"-Wl,-soname,{name}"])  # fmt: skip
    library.symlink_to(plain.name)
    return PythonLibrary(path=library, include=include)


if __name__ == "__main__":
    main()
