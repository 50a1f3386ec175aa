# SPDX-License-Identifier: Apache-2.0
"""Reading ELF files: the same facts as binutils', and no way for a damaged one to do harm."""

from __future__ import annotations

import random
import re
import struct
import sys
import sysconfig
import time
from pathlib import Path
from typing import TYPE_CHECKING

import _cffi_backend
import pytest

from falcokit.errors import PackageError
from falcokit.package.link.elf import ElfFacts, exported_symbols, read_elf
from falcokit.toolchain.command import run
from falcokit.toolchain.compiler import find_compiler

if TYPE_CHECKING:
    from collections.abc import Callable

    CompileText = Callable[..., Path]

ANSWER = """
#include <math.h>
int plugin_answer(double x) { return (int)pow(x, 2.0); }
__attribute__((visibility("hidden"))) int helper(void) { return 1; }
__attribute__((weak)) int plugin_weak(void) { return helper(); }
static int inner(void) { return 2; }
int plugin_inner(void) { return inner(); }
"""


@pytest.fixture(scope="module")
def compile_text(tmp_path_factory: pytest.TempPathFactory) -> CompileText:
    folder = tmp_path_factory.mktemp("elf")

    def compile_it(name: str, text: str, *flags: str) -> Path:
        source, library = folder / f"{name}.c", folder / f"lib{name}.so"
        source.write_text(text)
        shape = ["-shared", "-fPIC", "-o", str(library), str(source)]
        run([find_compiler().path, *shape, *flags])
        return library

    return compile_it


@pytest.fixture(scope="module")
def plain(compile_text: CompileText) -> Path:
    flags = ("-Wl,-soname,libanswer.so.1", "-Wl,-z,nodelete", "-Wl,--no-as-needed", "-lm")
    return compile_text("plain", ANSWER, *flags)


def test_a_library_tells_its_name_and_its_needs(plain: Path) -> None:
    facts = read_elf(plain)
    assert facts is not None
    assert facts.machine == {"x86_64": "x86_64", "aarch64": "aarch64"}[_machine()]
    assert facts.soname == "libanswer.so.1"
    assert set(facts.needed) == {"libm.so.6", "libc.so.6"}
    assert any(v.startswith("GLIBC_2.") for v in facts.versions["libm.so.6"])
    assert facts.is_nodelete
    assert not facts.has_textrel
    assert not facts.has_exec_stack
    assert facts.rpath == ()


def test_bytes_and_a_path_give_the_same(plain: Path) -> None:
    assert read_elf(plain) == read_elf(plain.read_bytes())
    assert exported_symbols(plain) == exported_symbols(plain.read_bytes())


@pytest.mark.parametrize("style", ["gnu", "sysv", "both"])
def test_exports_are_what_dlsym_finds(style: str, compile_text: CompileText) -> None:
    library = compile_text(f"hash-{style}", ANSWER, f"-Wl,--hash-style={style}", "-lm")
    found = {s for s in exported_symbols(library) if not s.startswith("_")}
    assert found == {"plugin_answer", "plugin_weak", "plugin_inner"}


def test_a_library_without_exports_has_none(compile_text: CompileText) -> None:
    library = compile_text("silent", "static int x; static int *p = &x;")
    assert not {s for s in exported_symbols(library) if s.startswith("plugin_")}


def test_flags_of_the_linker_are_seen(compile_text: CompileText) -> None:
    odd = compile_text(
        "odd", ANSWER, "-lm", "-Wl,-z,execstack", "-Wl,-rpath,$ORIGIN:/opt/lib", "-Wl,-z,notext"
    )
    facts = read_elf(odd)
    assert facts is not None
    assert facts.has_exec_stack
    assert not facts.is_nodelete
    assert facts.rpath == ("$ORIGIN", "/opt/lib")


@pytest.mark.parametrize("tags", ["--disable-new-dtags", "--enable-new-dtags"])
def test_both_kinds_of_rpath_count(tags: str, compile_text: CompileText) -> None:
    facts = read_elf(compile_text(f"rpath{tags}", ANSWER, "-lm", "-Wl,-rpath,/x", f"-Wl,{tags}"))
    assert facts is not None
    assert facts.rpath == ("/x",)


@pytest.mark.skipif(sysconfig.get_platform() != "linux-x86_64", reason="x86 assembly")
def test_a_text_relocation_is_seen(compile_text: CompileText) -> None:
    text = 'int v; __asm__(".text\\n.globl f\\nf: movabs $v, %rax\\nret");'
    facts = read_elf(compile_text("textrel", text, "-Wl,-z,notext"))
    assert facts is not None
    assert facts.has_textrel


def test_a_library_without_sections_is_still_read(plain: Path) -> None:
    whole = bytearray(plain.read_bytes())
    struct.pack_into("<Q", whole, 40, 0)  # e_shoff
    struct.pack_into("<HHH", whole, 58, 0, 0, 0)
    assert read_elf(bytes(whole)) == read_elf(plain)


@pytest.mark.parametrize("path", [Path(_cffi_backend.__file__), Path(sys.executable)], ids=str)
def test_real_files_read_as_binutils_reads_them(path: Path) -> None:
    said = run(["readelf", "-dVW", str(path)])
    facts = read_elf(path)
    assert facts is not None
    assert facts.needed == tuple(re.findall(r"\(NEEDED\).*\[(.*)\]", said))
    versions = {v for names in facts.versions.values() for v in names}
    assert versions == set(re.findall(r"Name: (\S+)  Flags: none", said))


def test_other_machines_keep_the_name_of_elfs_own_list(plain: Path) -> None:
    whole = bytearray(plain.read_bytes())
    for number, name in ((243, "EM_RISCV"), (183, "aarch64"), (62, "x86_64"), (65000, "EM_65000")):
        struct.pack_into("<H", whole, 18, number)
        facts = read_elf(bytes(whole))
        assert facts is not None
        assert facts.machine == name


@pytest.mark.parametrize("data", [b"", b"\x7f", b"#!/bin/sh\n", b"PK\x03\x04" * 100])
def test_what_is_no_elf_file_is_none(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(data)
    assert read_elf(data) is None
    assert read_elf(file) is None
    assert exported_symbols(file) == frozenset()


@pytest.mark.parametrize("size", [4, 15, 16, 17, 60, 64, 100, 500, 4096])
def test_a_cut_off_file_is_refused_by_name(size: int, plain: Path, tmp_path: Path) -> None:
    file = tmp_path / "cut.so"
    file.write_bytes(plain.read_bytes()[:size])
    with pytest.raises(PackageError, match=r"cut\.so is a damaged ELF file"):
        read_elf(file)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"gone\.so cannot be read: No such file"):
        read_elf(tmp_path / "gone.so")


def test_program_headers_of_size_zero_in_great_number_end(plain: Path) -> None:
    whole = bytearray(plain.read_bytes())
    struct.pack_into("<HH", whole, 54, 0, 0xFFFF)  # e_phentsize, e_phnum
    with pytest.raises(PackageError, match="65535 program headers"):
        read_elf(bytes(whole))


def section(file: Path, name: str) -> int:
    """Where a section begins in the file, as binutils tells it."""
    row = re.search(rf"{re.escape(name)}\s+\S+\s+\S+\s+(\S+)", run(["readelf", "-SW", str(file)]))
    assert row
    return int(row[1], 16)


def test_a_chain_of_versions_that_does_not_move_ends(plain: Path) -> None:
    """Two counters at their maximum and steps of 0: billions of rounds without a bound."""
    whole = bytearray(plain.read_bytes())
    at = section(plain, ".gnu.version_r")
    struct.pack_into("<H", whole, at + 2, 0xFFFF)  # vn_cnt
    struct.pack_into("<I", whole, at + 16 + 12, 0)  # vna_next
    with pytest.raises(PackageError, match="needs more versions"):
        read_elf(bytes(whole))


def test_a_version_that_is_only_weakly_needed_does_not_count(plain: Path) -> None:
    """The loader goes on without it, so the file does not demand it."""
    whole = bytearray(plain.read_bytes())
    struct.pack_into("<H", whole, section(plain, ".gnu.version_r") + 16 + 4, 2)  # vna_flags
    before, after = read_elf(plain), read_elf(bytes(whole))
    assert before
    assert after
    count = sum(map(len, before.versions.values()))
    assert sum(map(len, after.versions.values())) == count - 1


@pytest.mark.parametrize(("visibility", "seen"), [(0, True), (1, False), (2, False), (3, True)])
def test_a_hidden_symbol_is_no_export(visibility: int, seen: bool, plain: Path) -> None:
    whole = bytearray(plain.read_bytes())
    said = run(["readelf", "--dyn-syms", "-W", str(plain)])
    row = re.search(r"(\d+): .* plugin_answer$", said, re.MULTILINE)
    assert row
    whole[section(plain, ".dynsym") + 24 * int(row[1]) + 5] = visibility  # st_other
    assert ("plugin_answer" in exported_symbols(bytes(whole))) is seen


def test_no_damage_gets_past_as_another_error(plain: Path) -> None:
    """Random bytes over the parts that are read: the answer is facts, nothing, or PackageError."""
    original = plain.read_bytes()
    chance = random.Random(20240731)
    dynamic = original.find(struct.pack("<Q", 0x6FFFFFFE))  # DT_VERNEED
    regions = [(4, 64), (64, 64 + 11 * 56), (dynamic - 300, dynamic + 100), (0x200, 0x600)]
    refused = 0
    started = time.monotonic()
    for _ in range(3000):
        data = bytearray(original)
        for _ in range(chance.randint(1, 4)):
            low, high = chance.choice(regions)
            at = chance.randrange(low, min(high, len(data)))
            data[at] = chance.choice((0, 1, 0x7F, 0xFF, chance.randrange(256)))
        try:
            facts = read_elf(bytes(data))
            exported_symbols(bytes(data))
            assert facts is None or isinstance(facts, ElfFacts)
        except PackageError:
            refused += 1
    assert refused > 300
    assert time.monotonic() - started < 60


def _machine() -> str:
    return sysconfig.get_platform().removeprefix("linux-")
