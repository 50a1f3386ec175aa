# SPDX-License-Identifier: Apache-2.0
"""The glue library: what cffi generates, compiled with the C of `native.ROOMS` against libpython.

One glue serves every plugin of a falcokit version and a Python, and artifacts too: it is compiled
once, kept in the cache by the hash of its inputs, and copied beside each entry library. Its SONAME
carries that hash, by which a process that loads two plugins finds that it has it already.
"""

from __future__ import annotations

import contextlib
import io
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Final

import _cffi_backend

from falcokit.native import PLUGIN_API, ROOMS, SOURCES
from falcokit.toolchain.cache import cached, key_of
from falcokit.toolchain.compiler import (
    PythonLibrary,
    compile_and_link,
    compile_together,
    find_compiler,
    find_libpython,
    missing_part,
)
from falcokit.toolchain.prebuilt import find_prebuilt_glue

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["build_glue", "glue_c_source"]

# What the C side calls in Python, and Python in the C side. `Python+C` makes the callbacks visible
# to the other C files; none of them is on a hot path.
_DECLARATIONS = """
typedef struct fk_call {
    uint64_t plugin;
    int op;
    const char *text;
    const char *name, *target, *build, *source_dir;
    const char *const *paths;
    char *err;
    size_t errlen;
    uint64_t channel;
} fk_call;
typedef struct ss_plugin_event { ...; } ss_plugin_event;
typedef struct ss_plugin_event_input {
    const ss_plugin_event *evt;
    uint64_t evtnum;
    const char *evtsrc;
} ss_plugin_event_input;
enum fk_op {
    FK_OP_INIT, FK_OP_DESTROY, FK_OP_SET_CONFIG, FK_OP_START, FK_OP_STOP, FK_OP_DUMP,
    FK_OP_OPEN_PARAMS, FK_OP_OPEN, FK_OP_CLOSE, FK_OP_CAPTURE_OPEN, FK_OP_CAPTURE_CLOSE
};
int fk_metric_add(const char *name, int kind, int value_type, double d, int64_t i, uint64_t u);
"""
_CALLBACKS = """
extern "Python+C" int fk_call_python(fk_call *call);
extern "Python+C" int fk_python_where(uint64_t plugin, char *out, size_t len);
extern "Python+C" int fk_python_metrics(uint64_t plugin);
extern "Python+C" int fk_python_progress(uint64_t plugin, uint64_t channel, char *err, size_t len);
extern "Python+C" int fk_python_event_to_string(uint64_t plugin, const ss_plugin_event_input *event,
                                                char *err, size_t len);
"""


#: Undefined behaviour ends the process as a memory error does. Its library is linked in: a host
#: with a system of its own, in which the other's is preloaded, would not find it. Its `init` has
#: less time, so that what comes too late is tested without a build of its own. To optimize it
#: would take longer than its tests do.
_SANITIZED: Final = (
    *("-O0", "-g1", "-DINIT_LIMIT_S=5.0"),
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=undefined",
    "-static-libubsan",
)


_OPTIMISED: Final = ("-O2", "-DNDEBUG")

#: What each C file begins with, in place of -include, which a precompiled header has to be.
_PREFIX = '#include "abi/old_glibc.h"\n'
_PYTHON_PREFIX = f'{_PREFIX}#include "python/python.h"\n'

#: The rooms that know nothing of Python: compiled once for all Pythons.
_WITHOUT_PYTHON = ("abi", "memory", "json", "payload")


def _files(pattern: str, rooms: Iterable[str] = ROOMS) -> list[Path]:
    return [file for room in rooms for file in sorted((SOURCES / room).glob(pattern))]


def glue_c_source(module: str, to: Path) -> None:
    """Have cffi write the C of the glue's embedding module `module` to the file `to`."""
    from cffi import FFI  # noqa: PLC0415  # half a second that an unchanged build does not pay

    ffi = FFI()
    ffi.embedding_api("")
    ffi.cdef(_DECLARATIONS + _CALLBACKS)
    # cffi's own start function is static in what it generates
    ffi.set_source(
        module,
        '#include "base/base.h"\nint fk_start_cffi(void);\n'
        "int fk_start_cffi(void) { return cffi_start_python(); }\n",
    )
    ffi.embedding_init_code(f"""
        from {module} import ffi, lib
        from falcokit.runtime.host import callbacks
        callbacks.connect(ffi, lib)
    """)
    with contextlib.redirect_stdout(io.StringIO()):  # it reports its progress there
        ffi.emit_c_code(str(to))


def build_glue(python: PythonLibrary | None = None, *, sanitize: bool = False) -> Path:
    """Return the glue for a Python, this one by default: carried, or compiled once.

    No path of this machine is in it or decides its name: it needs libpython by its name, which is
    to be loaded before it, and assertions in Python's headers, which have the path of the header,
    are left out. `sanitize` builds it with two sanitizers, for falcokit's own tests.

    Raises:
        BuildError: the compiler failed.
        ToolMissingError: there is no compiler, or no shared libpython.

    """
    python = python or find_libpython()
    if sanitize:
        return _compiled(python, _SANITIZED)
    return find_prebuilt_glue(python.path) or _compiled(python, _OPTIMISED)


def _flags(flags: Iterable[str]) -> list[str]:
    return [
        *flags,
        *("-std=gnu11", "-D_GNU_SOURCE=1", "-fPIC", "-pthread", "-fvisibility=hidden"),
        *("-I", str(SOURCES), "-I", str(PLUGIN_API.parent)),
    ]


def _key(*parts: str | bytes) -> str:
    inputs = [*_files("*.[ch]"), PLUGIN_API, Path(__file__)]
    contents = (path.read_bytes() for path in inputs)
    return key_of([sysconfig.get_platform(), find_compiler().version, *parts, *contents])


def _object(rooms: Sequence[str], flags: Sequence[str], include: Path | None) -> Path:
    """Compile `rooms` to one object, for the Python whose headers are in the folder `include`."""
    key = _key(find_compiler().path, *rooms, *flags, *(_of_headers(include) if include else ()))
    added = ["-I", str(include)] if include else []
    prefix = _PYTHON_PREFIX if include else _PREFIX

    def make(target: Path) -> None:
        files = _files("*.c", rooms)
        compile_together(find_compiler().path, [*_flags(flags), *added], files, target, prefix)

    return cached("glue.o", key, make)


def _of_headers(include: Path) -> list[bytes]:
    """Return what tells one Python's headers from another's."""
    return [(include / name).read_bytes() for name in ("patchlevel.h", "pyconfig.h")]


def _compiled(python: PythonLibrary, flags: Sequence[str]) -> Path:
    if not python.has_headers:
        version = python.path.name.removeprefix("libpython").partition(".so")[0]
        raise missing_part("Python.h", version, python.path.name)
    # cffi's own version; to ask importlib.metadata takes 15 ms
    names = [python.path.name, _cffi_backend.__version__]
    key = _key(*names, *_of_headers(python.include), *flags)
    module = f"_falcokit_glue_{key}"

    def make(target: Path) -> None:
        generated = target.with_name("generated.c")
        glue_c_source(module, generated)
        with_python = [room for room in ROOMS if room not in _WITHOUT_PYTHON]
        objects = [
            _object(_WITHOUT_PYTHON, flags, None),
            _object(with_python, flags, python.include),
        ]
        compile_and_link(
            find_compiler().path,
            [
                *_flags(flags),
                *("-include", str(SOURCES / "abi" / "old_glibc.h"), "-I", str(python.include)),
            ],
            [generated],
            target,
            [
                *map(str, objects),
                *("-shared", str(python.path)),
                *("-Wl,--no-as-needed", "-l:libdl.so.2", "-l:libpthread.so.0"),
                # Python keeps pointers into it for ever: it must not be unloaded.
                *("-Wl,-z,nodelete", "-Wl,-z,now", "-Wl,--no-undefined"),
                f"-Wl,-soname,libfalcokit_glue-{key}.so",
            ],
        )

    version = python.path.name.removeprefix("lib").partition(".so")[0]
    what = f"the glue for {version}, which takes some 15 seconds"
    return cached("libfalcokit_glue.so", key, make, what=what)
