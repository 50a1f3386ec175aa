# SPDX-License-Identifier: Apache-2.0
"""Which modules of the standard library an artifact carries.

LEFT_OUT, at the end, has what stays behind, and why. What the code imports is shipped if it can
work there; [tool.falcokit.package] include and exclude change that by module name. A name stands
for the module, what lies beneath it, and its C half: "sqlite3" is also "_sqlite3". What Python has
frozen (os, zipimport) is in libpython already. docs/package-contents.md lists LEFT_OUT for authors;
a test compares the two.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from falcokit.errors import ConfigError, PackageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from falcokit.package.python.python_runtime import PythonRuntime
    from falcokit.project.settings import PackageSettings

__all__ = ["LEFT_OUT", "StdlibSelection", "is_shipped_when_imported", "stdlib_selection"]

#: Parts of a module whose names do not show that they belong to it.
_PARTNERS = {
    "cProfile": ("_lsprof",),
    "curses": ("_curses_panel",),
    "dbm": ("_gdbm",),
    "pydoc": ("pydoc_data",),
}
#: Without these, Python or falcokit's part of the plugin does not start.
# fmt: off
_NEEDED = frozenset((
    "abc", "asyncio", "codecs", "collections", "contextlib", "dataclasses", "encodings", "enum",
    "functools", "importlib", "io", "json", "logging", "os", "posixpath", "re", "stat", "threading",
    "traceback", "types", "typing", "zipimport",
))
# fmt: on
#: Folders next to the modules that are not modules: installed packages, parts of a build.
_NO_MODULES = frozenset({"site-packages", "dist-packages", "lib-dynload", "__pycache__"})
#: What a system's administrator adds to the start of Python; a plugin's Python has no `site`.
_SITE = frozenset({"sitecustomize", "usercustomize"})
_LICENSE = "LICENSE.txt"


@dataclass(frozen=True, kw_only=True)
class StdlibSelection:
    """The files of the standard library that are shipped."""

    pure: dict[str, Path]
    """ "asyncio/base_events.py" -> the file; sorted. Also the few data files."""
    extensions: dict[str, Path]
    """ "_ssl" -> its shared library; sorted."""
    left_out: tuple[str, ...]
    """The names that exist and are not shipped."""


def is_shipped_when_imported(name: str) -> bool:
    """Return whether a module that is left out is shipped all the same if the code imports it."""
    reason = LEFT_OUT.get(name) or LEFT_OUT.get(name.partition(".")[0])
    return reason is not None and reason not in _NEVER


def stdlib_selection(
    runtime: PythonRuntime, settings: PackageSettings, *, imported: AbstractSet[str] = frozenset()
) -> StdlibSelection:
    """Select the parts of the standard library of `runtime` that are shipped.

    `imported` are modules that must be there unless the settings exclude them.

    Raises:
        ConfigError: include or exclude names a module that there is not, or that must stay.
        PackageError: the standard library cannot be read.

    """
    try:
        pure = dict(sorted(_pure_files(runtime.stdlib)))
        extensions = dict(sorted(_extension_files(runtime)))
    except OSError as e:
        raise PackageError(
            f"the standard library of {runtime.label} cannot be read: {e.strerror}"
        ) from e
    if "os.py" not in pure:
        raise PackageError(
            f"the standard library of {runtime.label} has no sources",
            hint="use a Python that is installed with its .py files",
        )
    there = {_module(name) for name in pure if name.endswith(".py")} | set(extensions)
    include = _names("include", settings.include, there)
    exclude = _names("exclude", settings.exclude, there)
    needed = sorted(exclude & _NEEDED)
    if needed:
        raise ConfigError(
            f"[tool.falcokit.package] exclude: without {needed[0]!r} no plugin starts",
            hint="remove it from the list",
        )
    out = frozenset(LEFT_OUT)
    wanted = include | {name for name in out if _is_imported(name, imported)}
    out = (_with_partners(out) - _with_partners(wanted)) | _with_partners(exclude)
    gone = {module for module in there if _is_below(module, out)}
    return StdlibSelection(
        pure={
            name: path
            for name, path in pure.items()
            if _module(name) not in runtime.frozen and not _is_below(_module(name), out)
        },
        extensions={name: path for name, path in extensions.items() if name not in gone},
        left_out=tuple(sorted(name for name in out if name in there)),
    )


def _module(name: str) -> str:
    """Return the module with this source in the archive, or the package that contains it."""
    path, _, suffix = name.rpartition(".")
    if suffix != "py":
        return name.rpartition("/")[0].replace("/", ".")
    return path.removesuffix("/__init__").replace("/", ".")


def _is_below(module: str, names: frozenset[str]) -> bool:
    parts = module.split(".")
    return any(".".join(parts[: i + 1]) in names for i in range(len(parts)))


def _is_imported(module: str, imported: AbstractSet[str]) -> bool:
    below = f"{module}."
    return module in imported or any(name.startswith(below) for name in imported)


def _with_partners(names: frozenset[str]) -> frozenset[str]:
    """Add to each module its C half: "curses" also means "_curses" and "_curses_panel"."""
    partners = {f"_{name}" for name in names if "." not in name}
    listed = {partner for name in names for partner in _PARTNERS.get(name, ())}
    return names | partners | listed


def _names(key: str, given: tuple[str, ...], there: set[str]) -> frozenset[str]:
    """Check the module names of a setting; a name with a slash is a file of a distribution."""
    names = frozenset(name for name in given if "/" not in name)
    # Another Python may have it, and a project is packaged for more than one.
    known = there | sys.stdlib_module_names | LEFT_OUT.keys()
    unknown = sorted(names - known)
    if unknown:
        raise ConfigError(
            f"[tool.falcokit.package] {key}: the standard library has no module {unknown[0]!r}",
            hint="files of the dependencies are named with a slash: package/tests",
        )
    return names


def _pure_files(stdlib: Path) -> Iterator[tuple[str, Path]]:
    for folder, folders, files in os.walk(stdlib):
        inside = Path(folder).relative_to(stdlib).as_posix()
        # A name that is not an identifier cannot be imported: config-3.13-x86_64-linux-gnu
        folders[:] = [f for f in folders if f.isidentifier() and f not in _NO_MODULES]
        top = inside == "."
        for file in files:
            stem, dot, suffix = file.rpartition(".")
            is_module = dot and suffix == "py" and stem not in _SITE
            if is_module or (top and file == _LICENSE):
                yield (file if top else f"{inside}/{file}"), Path(folder, file)


def _extension_files(runtime: PythonRuntime) -> Iterator[tuple[str, Path]]:
    if not runtime.dynload.is_dir():
        return
    for path in runtime.dynload.iterdir():
        name, dot, suffix = path.name.partition(".")
        if dot + suffix in runtime.suffixes:
            yield name, path


_TERMINAL = "for programs on a terminal, and Falco's is not the plugin's"
_WINDOW = "opens windows; there is no display"
_TEST = "tests of Python itself"
_INSTALL = "installs packages or makes environments; inside Falco nothing is installed"
_DEBUGGER = "debugs or measures whole programs from a terminal"
_DEVELOP = "works on source code, which the artifact does not hold"
_OTHER_SYSTEM = "serves another operating system"
_OBSOLETE = "removed from Python 3.13"
_INTERPRETERS = "makes further interpreters, which extension modules refuse to run in"
_COPY = "the same as a module written in C, which is there"
_JOKE = "an example or a joke"
_DATABASE = "needs a library that few systems have"
_SIZE = "for size: {}"
_PROTOCOL = "for size: 0.1 MB together; other protocols than HTTP and SMTP"

#: Why a module would not work there, even if the code imports it.
_NEVER = frozenset(
    (_TERMINAL, _WINDOW, _TEST, _INSTALL, _OTHER_SYSTEM, _INTERPRETERS, _COPY, _JOKE)
)

#: Of single languages and old systems. UTF-8 and its kin, ASCII, Latin-1 and -9, cp1252 stay.
_CODE_PAGES = """
    big5 big5hkscs cp037 cp1006 cp1026 cp1125 cp1140 cp1250 cp1251 cp1253 cp1254 cp1255
    cp1256 cp1257 cp1258 cp273 cp424 cp500 cp720 cp737 cp775 cp850 cp852 cp855 cp856 cp857
    cp858 cp860 cp861 cp862 cp863 cp864 cp865 cp866 cp869 cp874 cp875 cp932 cp949 cp950
    euc_jis_2004 euc_jisx0213 euc_jp euc_kr gb18030 gb2312 gbk hp_roman8 hz iso2022_jp
    iso2022_jp_1 iso2022_jp_2 iso2022_jp_2004 iso2022_jp_3 iso2022_jp_ext iso2022_kr
    iso8859_10 iso8859_11 iso8859_13 iso8859_14 iso8859_16 iso8859_2 iso8859_3 iso8859_4
    iso8859_5 iso8859_6 iso8859_7 iso8859_8 iso8859_9 johab koi8_r koi8_t koi8_u kz1048
    mac_arabic mac_croatian mac_cyrillic mac_farsi mac_greek mac_iceland mac_latin2
    mac_roman mac_romanian mac_turkish palmos ptcp154 shift_jis shift_jis_2004
    shift_jisx0213 tis_620
""".split()  # noqa: SIM905  # a line each would be a page

#: What is left out unless [tool.falcokit.package] include names it, and why.
LEFT_OUT: dict[str, str] = {
    "test": _TEST,
    "ctypes.test": _TEST,
    "unittest.test": _TEST,
    "_testbuffer": _TEST,
    "_testcapi": _TEST,
    "_testclinic": _TEST,
    "_testclinic_limited": _TEST,
    "_testexternalinspection": _TEST,
    "_testimportmultiple": _TEST,
    "_testinternalcapi": _TEST,
    "_testlimitedcapi": _TEST,
    "_testmultiphase": _TEST,
    "_testsinglephase": _TEST,
    "_ctypes_test": _TEST,
    "_xxtestfuzz": _TEST,
    "xxlimited": _TEST,
    "xxlimited_35": _TEST,
    "xxlimited_3_13": _TEST,
    "xxsubtype": _TEST,
    "_distutils_system_mod": _OBSOLETE,  # Debian's own
    "distutils": _OBSOLETE,
    "lib2to3": _OBSOLETE,
    "msilib": _OBSOLETE,
    "nis": _OBSOLETE,
    "ossaudiodev": _OBSOLETE,
    "audioop": _OBSOLETE,
    "aifc": _OBSOLETE,
    "cgi": _OBSOLETE,
    "cgitb": _OBSOLETE,
    "crypt": _OBSOLETE,
    "pipes": _OBSOLETE,
    "spwd": _OBSOLETE,
    "chunk": _OBSOLETE,
    "asynchat": _OBSOLETE,
    "asyncore": _OBSOLETE,
    "imghdr": _OBSOLETE,
    "mailcap": _OBSOLETE,
    "nntplib": _OBSOLETE,
    "smtpd": _OBSOLETE,
    "telnetlib": _OBSOLETE,
    "uu": _OBSOLETE,
    "xdrlib": _OBSOLETE,
    "sndhdr": _OBSOLETE,
    "sunau": _OBSOLETE,
    "tkinter": _WINDOW,
    "idlelib": _WINDOW,
    "turtle": _WINDOW,
    "turtledemo": _WINDOW,
    "asyncio.__main__": _TERMINAL,
    "curses": _TERMINAL,
    "readline": _TERMINAL,
    "rlcompleter": _TERMINAL,
    "_pyrepl": _TERMINAL,
    "pty": _TERMINAL,
    "cmd": _TERMINAL,
    "ensurepip": _INSTALL,
    "venv": _INSTALL,
    "zipapp": _INSTALL,
    "pdb": _DEBUGGER,
    "doctest": _DEBUGGER,
    "cProfile": _DEBUGGER,
    "profile": _DEBUGGER,
    "profiling": _DEBUGGER,
    "pstats": _DEBUGGER,
    "trace": _DEBUGGER,
    "compileall": _DEVELOP,
    "py_compile": _DEVELOP,
    "pyclbr": _DEVELOP,
    "tabnanny": _DEVELOP,
    "modulefinder": _DEVELOP,
    "symtable": _DEVELOP,
    "pickletools": _DEVELOP,
    "asyncio.windows_events": _OTHER_SYSTEM,
    "asyncio.windows_utils": _OTHER_SYSTEM,
    "ctypes.macholib": _OTHER_SYSTEM,
    "encodings.mbcs": _OTHER_SYSTEM,
    "encodings.oem": _OTHER_SYSTEM,
    "multiprocessing.popen_spawn_win32": _OTHER_SYSTEM,
    "_aix_support": _OTHER_SYSTEM,
    "_android_support": _OTHER_SYSTEM,
    "_apple_support": _OTHER_SYSTEM,
    "_ios_support": _OTHER_SYSTEM,
    "_osx_support": _OTHER_SYSTEM,
    "_interpchannels": _INTERPRETERS,
    "_interpqueues": _INTERPRETERS,
    "_interpreters": _INTERPRETERS,
    "_xxinterpchannels": _INTERPRETERS,
    "_xxsubinterpreters": _INTERPRETERS,
    "concurrent.futures.interpreter": _INTERPRETERS,
    "concurrent.interpreters": _INTERPRETERS,
    "dbm": _DATABASE,
    "sqlite3": _SIZE.format("0.8 MB with its library"),
    "_codecs_cn": _SIZE.format("0.1 MB; the encodings gb2312, gbk, gb18030, hz"),
    "_codecs_hk": _SIZE.format("0.1 MB; the encoding big5hkscs"),
    "_codecs_iso2022": _SIZE.format("the encodings iso2022_*"),
    "_codecs_jp": _SIZE.format("0.1 MB; the encodings shift_jis*, euc_j*, cp932"),
    "_codecs_kr": _SIZE.format("0.1 MB; the encodings euc_kr, cp949, johab"),
    "_codecs_tw": _SIZE.format("0.1 MB; the encodings big5, cp950"),
    "bz2": _SIZE.format("0.1 MB with its library"),
    "lzma": _SIZE.format("0.1 MB with its library"),
    "compression.bz2": _SIZE.format("0.1 MB with its library"),
    "compression.lzma": _SIZE.format("0.1 MB with its library"),
    **{f"encodings.{name}": _SIZE.format("0.2 MB together") for name in _CODE_PAGES},
    "ftplib": _PROTOCOL,
    "imaplib": _PROTOCOL,
    "mailbox": _PROTOCOL,
    "poplib": _PROTOCOL,
    "xmlrpc": _PROTOCOL,
    "_pydatetime": _COPY,
    "_pydecimal": _COPY,
    "_pyio": _COPY,
    "antigravity": _JOKE,
    "this": _JOKE,
    "__hello__": _JOKE,
    "__phello__": _JOKE,
}
