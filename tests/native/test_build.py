# SPDX-License-Identifier: Apache-2.0
"""Building: what is compiled and what is not, the C that is generated, the exported symbols."""

from __future__ import annotations

import ctypes
import io
import itertools
import os
import re
from textwrap import dedent
from typing import TYPE_CHECKING, Any, get_args

import pytest
from author import Author
from elftools.elf.elffile import ELFFile
from plugin_metadata import from_json

from falcokit.build import build_project as build_module
from falcokit.build.build_project import BuildResult, build
from falcokit.build.entry_library import blank_entry, entry_library
from falcokit.build.filling import DATA_SECTION, fill
from falcokit.build.glue_library import build_glue, glue_c_source
from falcokit.build.metadata import Capability
from falcokit.build.plugin_data import MEMBERS, plugin_data, plugin_symbols
from falcokit.errors import BuildError, PluginDefinitionError
from falcokit.native import PLUGIN_API, ROOMS, SOURCES
from falcokit.project.settings import Project, load_project
from falcokit.toolchain.command import run
from falcokit.toolchain.compiler import find_compiler, find_libpython

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import RealHost

pytestmark = pytest.mark.python

_NATIVE = PLUGIN_API.parent
_STRICT = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror", "-fPIC"]

SMALL = """
from falcokit import AsyncEvents, EventParsing, Metric, Plugin
class P(Plugin, AsyncEvents):
    async_events = ("tick",)
    def start_async(self, handler): pass
"""
PARSING = """
from falcokit import EventParsing, Plugin
class P(Plugin, EventParsing):
    def parse_event(self, event): pass
"""
FULL = """
import msgspec
from falcokit import AsyncEvents, EventParsing, Metric, Plugin
class Config(msgspec.Struct):
    count: int = 1
class P(Plugin, AsyncEvents, EventParsing):
    async_events = ("tick",)
    config: Config
    def start_async(self, handler): pass
    def parse_event(self, event): pass
    def dump_state(self, handler): pass
    def set_config(self, config): pass
    def get_metrics(self): return []
"""
BASE = {
    "get_required_api_version", "get_required_event_schema_version", "get_name",
    "get_description", "get_contact", "get_version", "get_last_error", "init", "destroy",
}  # fmt: skip
PARSE = {"get_parse_event_types", "get_parse_event_sources", "parse_event"}
ASYNC = {"get_async_events", "get_async_event_sources", "set_async_event_handler"}
#: A plugin with every kind of value, odd text among them.
META: dict[str, Any] = {
    "name": "golden",
    "version": "1.2.3",
    "description": 'Quotes "\\ and ??/ trigraphs, a tab\tand h\u00e91, ' + "and so on " * 8,
    "contact": "",
    "required_api_version": "3.5.0",
    "required_event_schema_version": "4.0.0",
    "capabilities": ["async", "parse"],
    "async_events": ["one", 'quo"te'],
    "async_event_sources": ["syscall"],
    "parse_types_at_init": False,
    "parse_event_types": [322, 402],
    "parse_event_sources": ["a", "syscall"],
    "init_schema": {"type": "object", "properties": {"count": {"type": "integer"}}},
    "has_dump_state": True,
    "has_config": True,
    "has_metrics": False,
    "paths": ["/lib/python", "/author's lib"],
    "executable": "/bin/python",
    "stdlib": "/lib/python",
}


def _project(folder: Path, text: str, **changes: str) -> Project:
    source = folder / "src"
    source.mkdir(exist_ok=True)
    (source / "small.py").write_text(text)
    given = {"name": "small", "version": "0.1.0", "description": "D.", "contact": "c", **changes}
    return Project(root=folder, plugin="small:P", source_dir=source, **given)


def _data(**changes: Any) -> bytes:
    return plugin_data(
        from_json(**{**META, **changes}),
        target="golden:P",
        source_dir="/src",
        glue="libglue.so",
        libpython="/lib/libpython.so",
    )


def _exported_by_section(library: Path) -> set[str]:
    """As a tool reads them that trusts the sections."""
    with library.open("rb") as opened:
        table = ELFFile(opened).get_section_by_name(".dynsym")
        return {s.name for s in table.iter_symbols() if s.name and s["st_shndx"] != "SHN_UNDEF"}


def _exports(library: Path) -> set[str]:
    table = run(["readelf", "--dyn-syms", "--wide", str(library)])
    found = re.findall(r"(?:FUNC|OBJECT)\s+(?:GLOBAL|WEAK)\s+DEFAULT\s+\d+ (\S+)", table)
    return {name.partition("@")[0] for name in found}


def test_an_unchanged_project_is_not_compiled_again(tmp_path: Path) -> None:
    first = build(_project(tmp_path, SMALL))
    facts = first.library.stat()
    second = build(_project(tmp_path, SMALL))
    assert second.compiled is False
    assert first.library == tmp_path / "build" / "libsmall.so"
    found = second.library.stat()
    assert (found.st_ino, found.st_mtime_ns) == (facts.st_ino, facts.st_mtime_ns)
    assert second.metadata.async_event.events == ("tick",)
    assert second.seconds < 2


def test_a_change_of_code_alone_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(_project(tmp_path, SMALL))

    def writer(target: Path) -> None:
        pytest.fail(f"wrote {target}")

    monkeypatch.setattr(build_module, "replacing", writer)
    more = SMALL.replace("pass", "self.n = 1\n    def more(self): return 2") + "\nX = 1\n"
    assert build(_project(tmp_path, more)).compiled is False


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('("tick",)', '("tick", "tock")'),
        ("    def start", '    version = "0.2.0"\n    def start'),
        ("    def start", "    def get_metrics(self): return []\n    def start"),
        ("    def start", "    async_event_sources = ('syscall',)\n    def start"),
    ],
)
def test_a_changed_declaration_changes_the_library(tmp_path: Path, old: str, new: str) -> None:
    first = build(_project(tmp_path, SMALL))
    before = first.library.read_bytes()
    second = build(_project(tmp_path, SMALL.replace(old, new)))
    assert second.compiled is False
    assert second.library.read_bytes() != before


def test_a_library_in_use_is_replaced_and_not_written_into(tmp_path: Path) -> None:
    first = build(_project(tmp_path, SMALL))
    with first.library.open("rb") as open_before:
        build(_project(tmp_path, SMALL, version="0.9.0"))
        assert b"0.1.0" in open_before.read()
        assert os.fstat(open_before.fileno()).st_ino != first.library.stat().st_ino
    assert sorted(p.suffix for p in first.library.parent.iterdir()) == [".so", ".so"]


def test_a_wrong_class_leaves_the_last_library(tmp_path: Path) -> None:
    library = build(_project(tmp_path, SMALL)).library
    with pytest.raises(PluginDefinitionError):
        build(_project(tmp_path, SMALL.replace('("tick",)', "()")))
    assert library.is_file()


def test_two_builds_take_one_glue(tmp_path: Path) -> None:
    glue = build_glue()
    made = glue.stat()
    assert build_glue().stat() == made
    (copy,) = [
        p
        for p in build(_project(tmp_path, SMALL)).library.parent.iterdir()
        if p.name.startswith("libfalcokit_glue")
    ]
    assert copy.name == glue.name
    assert copy.read_bytes() == glue.read_bytes()
    assert f"[{glue.name}]" in run(["readelf", "-d", str(glue)])  # its SONAME


def test_the_data_is_stable_and_knows_every_declaration() -> None:
    assert _data() == _data()
    different: dict[str, Any] = {
        "name": "other", "version": "9.9.9", "description": "x", "contact": "x",
        "required_api_version": "3.12.0", "required_event_schema_version": "4.1.0",
        "async_events": ["x"], "async_event_sources": [], "parse_types_at_init": True,
        "parse_event_types": [402], "parse_event_sources": [], "init_schema": None,
        "has_metrics": True, "paths": [], "executable": "/x", "stdlib": "/x",
        "capabilities": ["parse"],
    }  # fmt: skip
    # These two are symbols alone.
    assert different.keys() | {"has_dump_state", "has_config"} == META.keys()
    texts = {_data(**{key: value}) for key, value in different.items()}
    assert len(texts | {_data()}) == len(different) + 1


def test_c_reads_the_members_that_python_writes() -> None:
    header = (SOURCES / "entry" / "entry.h").read_text()
    struct = header.partition("typedef struct fk_plugin_data {")[2].partition("}")[0]
    declared = re.sub(r"//.*", "", struct).replace("uint32_t", "").replace(";", ",")
    assert tuple(re.findall(r"\w+", declared)) == MEMBERS


def test_the_entry_library_compiles_without_a_warning(tmp_path: Path) -> None:
    for file in (SOURCES / "entry").glob("*.c"):
        run([find_compiler().path, *_STRICT, "-D_GNU_SOURCE", f"-I{_NATIVE}", f"-I{SOURCES}",
             "-c", str(file), "-o", str(tmp_path / "entry.o")])  # fmt: skip


def test_this_python_s_headers_give_no_warning(tmp_path: Path) -> None:
    command = [find_compiler().path, *_STRICT, "-O0", "-D_GNU_SOURCE", f"-I{_NATIVE}"]
    command += [f"-I{SOURCES}", f"-I{find_libpython().include}"]
    # They are much of the work: read them once.
    header = tmp_path / "python.h"
    header.write_text("#define PY_SSIZE_T_CLEAN\n#include <Python.h>\n")
    run([*command, "-x", "c-header", str(header), "-o", f"{header}.gch"])
    files = [file for room in ROOMS for file in (SOURCES / room).glob("*.c")]
    calling = [file for file in files if re.search(r"\bPy\w+\(", file.read_text())]
    assert calling
    for file in calling:
        run([*command, "-include", str(header), "-Winvalid-pch", "-fsyntax-only", str(file)])


def test_what_cffi_generates_for_the_glue_is_stable(tmp_path: Path) -> None:
    texts = set()
    for number in range(2):
        glue_c_source("_falcokit_glue_0", tmp_path / f"{number}.c")
        texts.add((tmp_path / f"{number}.c").read_text())
    assert len(texts) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (SMALL, BASE | PARSE | ASYNC | {"get_metrics"}),
        (PARSING, BASE | PARSE),
        (FULL, BASE | PARSE | ASYNC
         | {"get_metrics", "dump_state", "set_config", "get_init_schema"}),
    ],
)  # fmt: skip
def test_exactly_the_symbols_of_the_capabilities_are_exported(
    tmp_path: Path, text: str, expected: set[str]
) -> None:
    library = build(_project(tmp_path, text)).library
    assert _exports(library) == {f"plugin_{name}" for name in expected}
    assert _exported_by_section(library) == {f"plugin_{name}" for name in expected}


def _found(library: Path) -> set[str]:
    """What the loader finds of all the symbols that there can be."""
    loaded = ctypes.CDLL(str(library))
    return {name for name in _exports(blank_entry()) if hasattr(loaded, name)}


@pytest.mark.parametrize("count", range(1, 6))
def test_the_loader_finds_the_symbols_of_each_set_of_capabilities(
    tmp_path: Path, count: int
) -> None:
    for capabilities in itertools.combinations(get_args(Capability), count):
        meta = from_json(**META | {"capabilities": list(capabilities)})
        library = tmp_path / f"lib{'-'.join(capabilities)}.so"
        library.write_bytes(entry_library(meta, target="a:B", source_dir="", glue="libglue.so"))
        assert _found(library) == plugin_symbols(meta) == _exports(library)


def test_no_relocation_knows_an_exported_symbol() -> None:
    # Which gets another number when those before it are taken out.
    lines = run(["readelf", "--relocs", "--wide", str(blank_entry())]).splitlines()
    assert len(lines) > 40
    assert [line for line in lines if "plugin_" in line] == []


def test_a_filled_library_is_in_order_for_other_tools(tmp_path: Path) -> None:
    library, stripped = tmp_path / "libfilled.so", tmp_path / "libstripped.so"
    symbols, data = {"plugin_init", "plugin_open"}, b"data" * 1000
    content = fill(blank_entry().read_bytes(), symbols=symbols, data=data, payload=b"p" * 5000)
    library.write_bytes(content)
    run(["strip", "--strip-all", "-o", str(stripped), str(library)])
    for file in (library, stripped):
        assert _exports(file) == _found(file) == symbols
        with file.open("rb") as opened:
            elf = ELFFile(opened)
            assert elf.get_section_by_name(DATA_SECTION).data() == data
            last = max((s.header for s in elf.iter_segments("PT_LOAD")), key=lambda h: h.p_vaddr)
            assert last.p_filesz == last.p_memsz  # no zeros for the loader to write behind its end
            note = elf.get_section_by_name(".note.gnu.build-id")
            (found,) = note.iter_notes()
            assert found.n_desc not in run(["readelf", "--notes", str(blank_entry())])
    assert b"plugin_close" not in content
    assert content.count(b"\0close\0") == 1  # imported, and the end of a name that is gone


def test_zeros_before_the_last_segment_stay_the_loaders() -> None:
    # lld has such a section where it ends what becomes read-only.
    blank = bytearray(blank_entry().read_bytes())

    def rodata() -> tuple[int, str, int]:
        elf = ELFFile(io.BytesIO(blank))
        number = elf.get_section_index(".rodata")
        section = elf.get_section(number)
        return (
            elf["e_shoff"] + number * elf["e_shentsize"],
            section["sh_type"],
            section["sh_offset"],
        )

    at, kind, offset = rodata()
    assert kind == "SHT_PROGBITS"
    blank[at + 4] = 8  # SHT_NOBITS
    blank = bytearray(fill(bytes(blank), symbols={"plugin_init"}, data=b"data"))
    assert rodata()[1:] == ("SHT_NOBITS", offset)


def test_a_blank_that_is_none_is_refused() -> None:
    blank = blank_entry().read_bytes()
    with pytest.raises(BuildError, match="it has no plugin_other"):
        fill(blank, symbols={"plugin_other"}, data=b"")
    with pytest.raises(BuildError, match="its parts lie otherwise"):
        fill(blank.replace(b"falcokit-slot", b"falcokit-none"), symbols=(), data=b"")


def test_the_glue_exports_its_table_and_what_cffi_must() -> None:
    glue = build_glue()
    key = glue.stem.rpartition("-")[2]
    assert _exports(glue) == {"fk_glue_table", f"PyInit__falcokit_glue_{key}"}


@pytest.mark.host
def test_every_export_is_one_that_the_framework_looks_for(
    tmp_path: Path, real_host: RealHost
) -> None:
    header = (real_host.headers / "plugin" / "plugin_api.h").read_text()
    known = set(re.findall(r"\(\*(\w+)\)\(", header))
    exports = _exports(build(_project(tmp_path, FULL)).library)
    assert {name.removeprefix("plugin_") for name in exports} <= known


def test_odd_text_survives(tmp_path: Path) -> None:
    odd = 'quotes " \\ ??/ ??= %s \t h\u00e91 \U0001f40d ' + "long " * 100
    result: BuildResult = build(_project(tmp_path, SMALL, description=odd, name="odd-text"))
    library = ctypes.CDLL(str(result.library))
    library.plugin_get_description.restype = ctypes.c_char_p
    assert library.plugin_get_description() == odd.encode()
    library.plugin_get_async_events.restype = ctypes.c_char_p
    assert library.plugin_get_async_events() == b'["tick"]'


def test_a_command_that_hangs_is_told_with_what_it_printed() -> None:
    with pytest.raises(BuildError) as caught:
        run(["sh", "-c", "echo so far >&2; exec sleep 60"], timeout=0.5)
    assert str(caught.value) == "sh did not end within 0.5 s:\nso far"


def test_a_save_within_the_second_that_keeps_the_size_is_seen(tmp_path: Path) -> None:
    # Python tells bytecode from its source by the second and the size.
    text = """
        class P(Plugin, AsyncEvents):
            description = "{}"
            @async_event("beat", every=1)
            def beat(self):
                return b"x"
    """
    author = Author(tmp_path, dedent(text.format("one")), "quick")
    (author.file.parent / "words.py").write_text("WORD = 'one'\n")
    source = author.file.read_text().replace('"one"', "WORD")
    author.file.write_text(source.replace("import falcokit\n", "from words import WORD\n"))
    described = []
    for word in ("one", "two", "six"):
        words = author.file.parent / "words.py"
        words.write_text(f"WORD = '{word}'\n")
        os.utime(words, (1_000_000_000, 1_000_000_000))
        described.append(build(load_project(author.root)).metadata.description)
    assert described == ["one", "two", "six"]
