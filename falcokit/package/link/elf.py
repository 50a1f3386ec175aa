# SPDX-License-Identifier: Apache-2.0
"""How the dynamic loader sees an ELF file: machine, libraries, versions, flags, exports.

It reads what the loader reads, the program headers and the dynamic section, never the section
headers: those can be stripped, or lie. Files come out of downloaded archives, so each offset, count
and chain is bounded, and a damaged file is a PackageError. pyelftools has no such bounds, reads
needed versions from section headers only, and takes 0.4 s for the symbols of a libpython.
"""

from __future__ import annotations

import mmap
import struct
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from falcokit.errors import PackageError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ElfFacts", "exported_symbols", "read_elf", "undefined_symbols"]

_MAGIC: Final = b"\x7fELF"
_IDENT_BYTES: Final = 16
#: ELF's own numbers and names; those that artifacts are made for as `uname -m` writes them.
_MACHINES: Final = {
    62: "x86_64", 183: "aarch64",
    3: "EM_386", 8: "EM_MIPS", 20: "EM_PPC", 21: "EM_PPC64", 22: "EM_S390", 40: "EM_ARM",
    243: "EM_RISCV", 258: "EM_LOONGARCH",
}  # fmt: skip
_OURS: Final = frozenset({"x86_64", "aarch64"})
_PT_LOAD, _PT_DYNAMIC, _PT_GNU_STACK = 1, 2, 0x6474E551
_TYPE_REL = 1
_PF_X = 1
_DF_TEXTREL, _DF_1_NODELETE = 0x4, 0x8
_VER_FLG_WEAK = 0x2
_GLOBAL_BINDINGS: Final = frozenset({1, 2, 10})  # global, weak, unique
_HIDDEN: Final = frozenset({1, 2})  # internal, hidden

#: Above what real files have: numpy's largest has 11 program headers, libpython 37 versions.
_MAX_SEGMENTS: Final = 1024
_MAX_VERSIONS: Final = 16384
_MAX_NAME: Final = 4096  # C++ symbols have kilobytes


@dataclass(frozen=True, kw_only=True)
class ElfFacts:
    """One file as the loader sees it."""

    machine: str
    """x86_64 or aarch64; for any other machine the name in ELF's own list, such as EM_RISCV."""
    soname: str | None
    needed: tuple[str, ...]
    rpath: tuple[str, ...]
    """The entries of DT_RPATH and DT_RUNPATH."""
    versions: dict[str, tuple[str, ...]]
    """Needed library -> the versions that it must define, or the loader refuses."""
    has_textrel: bool
    has_exec_stack: bool
    is_nodelete: bool


def read_elf(data: bytes | Path) -> ElfFacts | None:
    """Return the facts of a file, or None if it is not an ELF file.

    Raises:
        PackageError: the file is damaged, or cannot be read.

    """
    with _image(data) as image:
        return _facts(image) if image else None


def exported_symbols(data: bytes | Path) -> frozenset[str]:
    """Return the names that `dlsym` would find; none if it is not an ELF file.

    Raises:
        PackageError: the file is damaged, or cannot be read.

    """
    with _image(data) as image:
        return frozenset(image.exports()) if image else frozenset()


def undefined_symbols(data: bytes | Path) -> frozenset[str]:
    """Return the names that the file takes from others; none if it is not an ELF file.

    Raises:
        PackageError: the file is damaged, or cannot be read.

    """
    with _image(data) as image:
        return frozenset(image.undefined()) if image else frozenset()


@contextmanager
def _image(data: bytes | Path) -> Iterator[_Image | None]:
    where = str(data) if isinstance(data, Path) else "an ELF file"
    try:
        if isinstance(data, bytes):
            yield _Image(data) if data.startswith(_MAGIC) else None
            return
        with data.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                yield None
                return
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                yield _Image(mapped)
    except OSError as e:
        raise PackageError(f"{where} cannot be read: {e.strerror}") from e
    except (_DamagedError, struct.error) as e:
        raise PackageError(
            f"{where} is a damaged ELF file: {e}", hint="get it again, or leave it out"
        ) from e


def _facts(image: _Image) -> ElfFacts:
    one, dynamic = image.one, image.dynamic
    return ElfFacts(
        machine=image.machine,
        soname=next(iter(image.names("DT_SONAME")), None),
        needed=tuple(image.names("DT_NEEDED")),
        rpath=tuple(
            entry
            for tag in ("DT_RPATH", "DT_RUNPATH")
            for path in image.names(tag)
            for entry in path.split(":")
        ),
        versions=image.versions(),
        has_textrel="DT_TEXTREL" in dynamic or bool(one("DT_FLAGS") & _DF_TEXTREL),
        has_exec_stack=image.has_exec_stack,
        is_nodelete=bool(one("DT_FLAGS_1") & _DF_1_NODELETE),
    )


class _DamagedError(Exception):
    """A part of the file points outside of it."""


_TAGS: Final = {
    1: "DT_NEEDED", 4: "DT_HASH", 5: "DT_STRTAB", 6: "DT_SYMTAB", 10: "DT_STRSZ",
    14: "DT_SONAME", 15: "DT_RPATH", 22: "DT_TEXTREL", 29: "DT_RUNPATH", 30: "DT_FLAGS",
    0x6FFFFEF5: "DT_GNU_HASH", 0x6FFFFFFB: "DT_FLAGS_1",
    0x6FFFFFFE: "DT_VERNEED", 0x6FFFFFFF: "DT_VERNEEDNUM",
}  # fmt: skip


class _Image:
    """A mapped file with its program headers and dynamic section read."""

    def __init__(self, data: bytes | mmap.mmap) -> None:
        self._data = data
        if len(data) <= _IDENT_BYTES:
            raise _DamagedError("it ends within its header")
        if data[4] not in {1, 2} or data[5] not in {1, 2}:
            raise _DamagedError(f"its class is {data[4]} and its byte order {data[5]}")
        self._is_64 = data[4] == 2  # noqa: PLR2004  # ELFCLASS64
        self._order = "<" if data[5] == 1 else ">"
        kind, machine, _, _, phoff, _, _, _, phentsize, phnum = self._read(
            "HHIQQQIHHH" if self._is_64 else "HHIIIIIHHH", _IDENT_BYTES
        )
        name = _MACHINES.get(machine, f"EM_{machine}")
        is_foreign = name in _OURS and not (self._is_64 and data[5] == 1)  # x32, big-endian
        self.machine = f"EM_{name.upper()}" if is_foreign else name
        self._loads: list[tuple[int, int, int]] = []
        self.has_exec_stack = kind != _TYPE_REL  # the loader's default where no header says no
        dynamic = (0, 0)
        if phnum > _MAX_SEGMENTS:
            raise _DamagedError(f"it has {phnum} program headers")
        for index in range(phnum):
            at = phoff + index * phentsize
            if self._is_64:
                what, flags, offset, vaddr, _, size = self._read("IIQQQQ", at)
            else:
                what, offset, vaddr, _, size, _, flags = self._read("IIIIIII", at)
            if what == _PT_LOAD:
                self._loads.append((vaddr, size, offset))
            elif what == _PT_DYNAMIC:
                dynamic = (offset, size)
            elif what == _PT_GNU_STACK:
                self.has_exec_stack = bool(flags & _PF_X)
        self.dynamic: dict[str, list[int]] = {}
        self._read_dynamic(*dynamic)

    def _read(self, layout: str, at: int) -> tuple[int, ...]:
        if at + struct.calcsize("=" + layout) > len(self._data):
            raise _DamagedError(f"it ends at byte {len(self._data)}, before byte {at}")
        return struct.unpack_from(self._order + layout, self._data, at)

    def _read_dynamic(self, offset: int, size: int) -> None:
        layout, width = ("QQ", 16) if self._is_64 else ("II", 8)
        for at in range(offset, offset + size - width + 1, width):
            tag, value = self._read(layout, at)
            if tag == 0:
                break
            if tag in _TAGS:
                self.dynamic.setdefault(_TAGS[tag], []).append(value)

    def one(self, tag: str) -> int:
        """Return the value of a tag, 0 if it is absent."""
        return self.dynamic.get(tag, [0])[-1]

    def names(self, tag: str) -> list[str]:
        """Return the strings that all entries of a tag name."""
        return [self._name(value) for value in self.dynamic.get(tag, ())]

    def _offset(self, vaddr: int) -> int:
        for start, size, offset in self._loads:
            if start <= vaddr < start + size:
                return offset + vaddr - start
        raise _DamagedError(f"address {vaddr:#x} lies in no segment")

    def _name(self, index: int) -> str:
        if index >= self.one("DT_STRSZ"):
            raise _DamagedError(f"a name lies at {index}, outside the string table")
        at = self._offset(self.one("DT_STRTAB") + index)
        end = self._data.find(b"\0", at, at + _MAX_NAME)
        if end < 0:
            raise _DamagedError(f"the name at {at} has no end")
        return self._data[at:end].decode("utf-8", "backslashreplace")

    def versions(self) -> dict[str, tuple[str, ...]]:
        """Walk the two chains of needed versions; neither can go back."""
        found: dict[str, list[str]] = {}
        left = self.one("DT_VERNEEDNUM")
        at = self._offset(self.one("DT_VERNEED")) if left else 0
        budget = _MAX_VERSIONS
        while left:
            _, count, file, aux, following = self._read("HHIII", at)
            names = found.setdefault(self._name(file), [])
            aux += at
            for _ in range(count):
                budget -= 1
                if budget < 0:
                    raise _DamagedError("it needs more versions than any file does")
                _, flags, _, name, step = self._read("IHHII", aux)
                if not flags & _VER_FLG_WEAK:
                    names.append(self._name(name))
                aux += step
            left = left - 1 if following else 0
            budget -= 1
            at += following
        return {library: tuple(names) for library, names in found.items()}

    def exports(self) -> Iterator[str]:
        """Yield the defined symbols that other files see."""
        for name, info, other, section in self._entries():
            if section and info >> 4 in _GLOBAL_BINDINGS and other & 3 not in _HIDDEN:
                yield self._name(name)

    def undefined(self) -> Iterator[str]:
        """Yield the symbols that other files have."""
        for name, _, _, section in self._entries():
            if not section:
                yield self._name(name)

    def _entries(self) -> Iterator[tuple[int, ...]]:
        """Yield name, binding and type, visibility and section of each dynamic symbol."""
        table = self._offset(self.one("DT_SYMTAB")) if "DT_SYMTAB" in self.dynamic else 0
        layout, width = ("IBBHQQ", 24) if self._is_64 else ("IIIBBH", 16)
        for index in range(1, self._symbols()):
            entry = self._read(layout, table + index * width)
            yield (entry[0], *(entry[1:4] if self._is_64 else entry[3:]))

    def _symbols(self) -> int:
        """Return the number of dynamic symbols: only the hash tables hold it."""
        if "DT_HASH" in self.dynamic:
            return self._read("II", self._offset(self.one("DT_HASH")))[1]
        if "DT_GNU_HASH" not in self.dynamic:
            return 0
        at = self._offset(self.one("DT_GNU_HASH"))
        buckets, first, bloom, _ = self._read("IIII", at)
        at += 16 + bloom * (8 if self._is_64 else 4)
        last = max(self._read(f"{buckets}I", at), default=0) if buckets else 0
        if last < first:
            return first
        chain = at + 4 * buckets
        while not self._read("I", chain + 4 * (last - first))[0] & 1:
            last += 1
        return last + 1
