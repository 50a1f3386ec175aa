# SPDX-License-Identifier: Apache-2.0
"""What the C of the glue finds in JSON, in tests.

Values of declared fields for `JsonField.evaluate`, events for `JsonDocuments.evaluate`.
"""

from __future__ import annotations

import ctypes
import functools
import sysconfig
import threading
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from falcokit.native import PLUGIN_API, SOURCES
from falcokit.runtime.base.errors import PluginError
from falcokit.runtime.event.event import Event
from falcokit.toolchain.cache import cached, key_of
from falcokit.toolchain.compiler import compile_and_link, find_compiler
from falcokit.toolchain.prebuilt import prebuilt

if TYPE_CHECKING:
    from pathlib import Path

    from falcokit.runtime.json.field import JsonField
    from falcokit.runtime.source.json_documents import JsonDocuments

__all__ = [
    "C_FILES",
    "FLAGS",
    "JSON",
    "PAYLOAD_OFFSET",
    "Answer",
    "FieldEvaluator",
    "Found",
    "build_json",
    "evaluate",
    "evaluate_documents",
]

JSON: Final = "libfalcokit_json.so"
C_FILES: Final = [*sorted((SOURCES / "json").glob("*.c")), SOURCES / "memory" / "arena.c"]
FLAGS: Final = ("-D_GNU_SOURCE=1", f"-I{SOURCES}")
_OPTIMISED: Final = ("-std=gnu11", "-O2", "-fPIC")
PAYLOAD_OFFSET = 38
_UINT64 = 2**64


class _Arena(ctypes.Structure):
    _fields_ = [
        ("base", ctypes.c_void_p),
        ("size", ctypes.c_size_t),
        ("used", ctypes.c_size_t),
        ("more", ctypes.c_void_p),
        ("more_bytes", ctypes.c_size_t),
    ]


class _Event(ctypes.Structure):
    _fields_ = [
        ("payload", ctypes.c_void_p),
        ("len", ctypes.c_size_t),
        ("ts", ctypes.c_uint64),
        ("number", ctypes.c_uint64),
        ("source", ctypes.c_char_p),
        ("payload_offset", ctypes.c_uint32),
    ]


class _Buffer(ctypes.Structure):
    _fields_ = [("len", ctypes.c_uint32), ("ptr", ctypes.c_void_p)]


class _Field(ctypes.Structure):
    _fields_ = [
        ("res", ctypes.c_void_p),
        ("res_len", ctypes.c_uint64),
        ("field_id", ctypes.c_uint32),
        ("field", ctypes.c_char_p),
        ("arg_key", ctypes.c_char_p),
        ("arg_index", ctypes.c_uint64),
        ("arg_present", ctypes.c_uint32),
        ("ftype", ctypes.c_uint32),
        ("flist", ctypes.c_uint32),
    ]


class _Offsets(ctypes.Structure):
    _fields_ = [
        ("start", ctypes.POINTER(ctypes.c_uint32)),
        ("length", ctypes.POINTER(ctypes.c_uint32)),
    ]


class _FoundEvent(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("len", ctypes.c_uint32),
        ("timed", ctypes.c_bool),
        ("ts", ctypes.c_uint64),
    ]


class _Split(ctypes.Structure):  # without what is its own
    _fields_ = [
        ("events", ctypes.POINTER(_FoundEvent)),
        ("count", ctypes.c_uint32),
        ("not_kept", ctypes.c_uint32),
        ("invalid", ctypes.c_uint32),
        ("steps", ctypes.c_uint64),
        ("why", ctypes.c_char * 256),
    ]


class Answer(NamedTuple):
    """A value, or the error of a failure."""

    value: Any = None
    error: str | None = None


class Found(NamedTuple):
    """What is in a document: its events with their times, and what else was counted."""

    events: tuple[tuple[bytes, int | None], ...] = ()
    not_kept: int = 0
    invalid: int = 0
    why: str = ""
    """Why the document is invalid, or its first invalid event; '': nothing is."""
    is_valid: bool = True


class FieldEvaluator:
    """The evaluator in C, with one document and one arena, as a plugin state has them."""

    def __init__(self, library: Path) -> None:
        self.lib = ctypes.CDLL(str(library))
        self.lib.fk_jprogram_load.restype = ctypes.c_void_p
        self.lib.fk_jdoc_new.restype = ctypes.c_void_p
        self.lib.fk_jdocuments_load.restype = ctypes.c_void_p
        self.lib.fk_jsplit_new.restype = ctypes.POINTER(_Split)
        self.lib.fk_jsplit_run.restype = ctypes.c_bool
        self.doc = ctypes.c_void_p(self.lib.fk_jdoc_new())
        self.arena = _Arena()
        self.programs: dict[bytes, Any] = {}
        self.offsets: list[tuple[int, int]] | None = None

    def load(self, program: bytes, load: str = "fk_jprogram_load") -> Any:
        err = ctypes.create_string_buffer(256)
        found = getattr(self.lib, load)(
            program, ctypes.c_size_t(len(program)), err, ctypes.c_size_t(256)
        )
        if not found:
            raise ValueError(err.value.decode())
        return ctypes.c_void_p(found)

    def begin(
        self, payload: bytes, *, ts_ns: int = 0, number: int = 0, source: str | None = None
    ) -> None:
        # no byte behind the payload is readable to a sanitizer
        self.payload = ctypes.create_string_buffer(payload, len(payload)) if payload else None
        self.source = None if source is None else source.encode()
        at = ctypes.addressof(self.payload) if self.payload else None
        event = _Event(at, len(payload), ts_ns, number, self.source, PAYLOAD_OFFSET)
        self.lib.fk_jdoc_begin(self.doc, ctypes.byref(event))

    def run(
        self, field: JsonField, arg: int | str | None = None, *, offsets: bool = False
    ) -> Answer:
        program = self.programs.get(field.program)
        if program is None:
            program = self.programs[field.program] = self.load(field.program)
        self.lib.fk_arena_reset_slow(ctypes.byref(self.arena))
        request, err = _request(field, arg), ctypes.create_string_buffer(256)
        found = _Offsets()
        rc = self.lib.fk_jprogram_run(
            program,
            self.doc,
            ctypes.byref(request),
            ctypes.byref(self.arena),
            ctypes.byref(found) if offsets else None,
            err,
            ctypes.c_size_t(256),
        )
        if rc:
            return Answer(error=err.value.decode())
        n = request.res_len
        self.offsets = [(found.start[i], found.length[i]) for i in range(n)] if offsets else None
        values = [_value(field.ftype, request.res, i) for i in range(n)]
        if not values:
            return Answer()
        return Answer(values if field.is_list else values[0])

    def split(
        self, documents: JsonDocuments, document: bytes, *, ts_ns: int = 0, number: int = 1
    ) -> Found:
        program = self.load(documents.splitting, "fk_jdocuments_load")
        split = self.lib.fk_jsplit_new()
        raw = ctypes.create_string_buffer(document, len(document) or 1)
        try:
            is_valid = self.lib.fk_jsplit_run(
                program,
                split,
                raw,
                ctypes.c_size_t(len(document)),
                ctypes.c_uint64(ts_ns),
                ctypes.c_uint64(number),
            )
            found = split.contents
            events = tuple(
                (
                    ctypes.string_at(event.data, event.len) if event.len else b"",
                    event.ts if event.timed else None,
                )
                for event in found.events[: found.count]
            )
            why = found.why.decode(errors="replace")
            return Found(events, found.not_kept, found.invalid, why, is_valid)
        finally:
            self.lib.fk_jsplit_free(split)
            self.lib.fk_jdocuments_free(program)


def _request(field: JsonField, arg: int | str | None) -> _Field:
    request = _Field(field=field.name.encode(), arg_present=arg is not None)
    if isinstance(arg, str) or (arg is not None and field.arg == "index_or_key"):
        request.arg_key = str(arg).encode("utf-8", "surrogateescape")
        request.arg_index = _UINT64 - 1
    elif arg is not None:
        request.arg_index = arg
    return request


def _value(ftype: str, results: int, i: int) -> Any:
    if ftype == "string":
        text = ctypes.cast(results, ctypes.POINTER(ctypes.c_char_p))[i]
        return text.decode()  # always UTF-8, or this raises
    if ftype == "bool":
        number = ctypes.cast(results, ctypes.POINTER(ctypes.c_uint32))[i]
        return {0: False, 1: True}[number]
    if ftype in ("ipaddr", "ipnet"):
        buffer = ctypes.cast(results, ctypes.POINTER(_Buffer))[i]
        return ctypes.string_at(buffer.ptr, buffer.len)
    return ctypes.cast(results, ctypes.POINTER(ctypes.c_uint64))[i]


_lock = threading.Lock()


@functools.cache
def _evaluator() -> FieldEvaluator:
    return FieldEvaluator(build_json())


def build_json() -> Path:
    """Return the library of declared fields: carried, or compiled once."""
    if (carried := prebuilt(JSON)) is not None:
        return carried
    headers = [*(SOURCES / "json").glob("*.h"), *(SOURCES / "memory").glob("*.h"), PLUGIN_API]
    contents = (file.read_bytes() for file in (*C_FILES, *sorted(headers)))
    compiler = find_compiler()
    key = key_of(
        [compiler.path, compiler.version, sysconfig.get_platform(), *_OPTIMISED, *contents]
    )

    def make(target: Path) -> None:
        flags = [*_OPTIMISED, *FLAGS, f"-I{PLUGIN_API.parent}"]
        compile_and_link(compiler.path, flags, C_FILES, target, ["-shared", "-Wl,-Bsymbolic"])

    return cached(JSON, key, make, what="the evaluator of declared fields")


def evaluate(
    field: JsonField,
    payload: bytes,
    arg: int | str | None,
    *,
    ts_ns: int,
    number: int,
    source: str | None,
) -> Any:
    """Return the value, as `JsonField.evaluate` promises it."""
    with _lock:
        evaluator = _evaluator()
        evaluator.begin(payload, ts_ns=ts_ns, number=number, source=source)
        answer = evaluator.run(field, arg)
    if answer.error is not None:
        raise PluginError(answer.error)
    return answer.value


def evaluate_documents(
    documents: JsonDocuments, document: bytes, *, ts_ns: int, number: int
) -> list[Event]:
    """Return the events, as `JsonDocuments.evaluate` promises them."""
    if len(document) > documents.max_size:
        raise PluginError(f"it has {len(document)} bytes: max_size is {documents.max_size}")
    with _lock:
        found = _evaluator().split(documents, document, ts_ns=ts_ns, number=number)
    if found.why:
        raise PluginError(found.why)
    return [Event(data, ts_ns=ts_ns if ts is None else ts) for data, ts in found.events]
