# SPDX-License-Identifier: Apache-2.0
"""plugin_api.h beside the framework's own headers: every name, size, offset, number and type.

One C program is generated from our header's declarations and compiled twice, with each header in
turn; what the two print must be the same. Types of members and of function pointers are static
assertions in it, in our words, so that a difference does not compile.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import falcokit.native
from falcokit.toolchain.command import run
from falcokit.toolchain.compiler import find_compiler

if TYPE_CHECKING:
    from conftest import RealHost

_OURS = Path(falcokit.native.__file__).parent / "plugin_api.h"
_COMPOUND = re.compile(
    r"typedef (struct|union|enum) (?:__attribute__\(\(packed\)\) )?\w+ "
    r"\{((?:[^{}]|\{[^{}]*\})*)\} (\w+);"
)
_FUNCTION = re.compile(r"typedef ([\w ]+?\*?) ?\(\*(\w+)\)\(([^;]*)\);")
_ALIAS = re.compile(r"typedef (\w+) (\w+);")
_DEFINE = re.compile(r"#define (\w+) (\S+)")
_NESTED = re.compile(r"(?:struct|union) \{([^{}]*)\} (\w+);")


def _header() -> str:
    """Return our header without its comments, and every space or line end as one space."""
    return " ".join(re.sub(r"//[^\n]*", "", _OURS.read_text()).split())


def _declarators(body: str) -> list[tuple[str, str]]:
    """Return name and type of each member of a struct or union, those of a nested union by path."""
    found: list[tuple[str, str]] = []
    for inner, name in _NESTED.findall(body):
        found += [(f"{name}.{member}", kind) for member, kind in _declarators(inner)]
    for raw in _NESTED.sub("", body).split(";"):
        text = " ".join(raw.split())
        if not text:
            continue
        if "(*" in text:
            name = re.findall(r"\(\*(\w+)\)", text)[0]
            found.append((name, text.replace(f"(*{name})", "(*)", 1)))
        else:
            kind, name = re.fullmatch(r"(.*?[ *])(\w+)", text).groups()  # type: ignore[union-attr]
            found.append((name, kind))
    return found


def _compounds() -> dict[str, tuple[str, str]]:
    found = {name: (kind, body) for kind, body, name in _COMPOUND.findall(_header())}
    for target, name in _ALIAS.findall(_header()):
        if target in found:
            found[name] = found[target]
    return found


def _show(expression: str) -> str:
    return f'\tprintf("%s %lld\\n", "{expression}", (long long)({expression}));'


def _same(type_of: str, spelled: str) -> str:
    compatible = f"__builtin_types_compatible_p(__typeof__({type_of}), {spelled})"
    return f'_Static_assert({compatible}, "{type_of} is {spelled}");'


def _of_compound(name: str, kind: str, body: str) -> tuple[list[str], list[str]]:
    """Return what to print of a type, and what to assert."""
    if kind == "enum":
        return [f"sizeof({name})", *re.findall(r"\b(\w+) =", body)], []
    shown, checks = [f"sizeof({name})", f"_Alignof({name})"], []
    for member, spelled in _declarators(body):
        value = f"(({name} *)0)->{member}"
        shown += [f"__builtin_offsetof({name}, {member})", f"sizeof({value})"]
        checks.append(_same(value, spelled))
    return shown, checks


def _probe() -> str:
    shown, checks = [], []
    for name, (kind, body) in _compounds().items():
        more, asserted = _of_compound(name, kind, body)
        shown += more
        checks += asserted
    for result, name, parameters in _FUNCTION.findall(_header()):
        checks.append(_same(f"*({name} *)0", f"{result} (*)({' '.join(parameters.split())})"))
    for target, name in _ALIAS.findall(_header()):
        if target not in _compounds():
            checks.append(_same(f"*({name} *)0", target))
    shown += [name for name, _ in _DEFINE.findall(_header()) if not name.startswith("FK_")]
    lines = ["#include HEADER", "#include <stdio.h>", *checks, "int main(void) {"]
    return "\n".join([*lines, *map(_show, shown), "\treturn 0;", "}", ""])


def _output(source: Path, header: str, *flags: str) -> list[str]:
    program = source.with_suffix(".out")
    compiler = [find_compiler().path, "-std=gnu11", "-w", f"-DHEADER={header}", *flags]
    run([*compiler, str(source), "-o", str(program)])
    return run([str(program)]).splitlines()


def test_every_declaration_of_our_header_is_compared() -> None:
    left = _header()
    for pattern in (_COMPOUND, _FUNCTION, _ALIAS, _DEFINE):
        left = pattern.sub("", left)
    assert left.replace("#include <stdint.h>", "").replace("#pragma once", "").split() == []
    names = {*_compounds(), *(name for _, name, _ in _FUNCTION.findall(_header()))}
    mentioned = set(re.findall(r"\bss_\w+\b", _header()))
    opaque = {name for target, name in _ALIAS.findall(_header()) if target not in _compounds()}
    assert mentioned - names - opaque == set()
    assert len(names) > 30


@pytest.mark.host
def test_sizes_offsets_numbers_and_types_are_the_frameworks(
    real_host: RealHost, tmp_path: Path
) -> None:
    source = tmp_path / "probe.c"
    source.write_text(_probe())
    theirs = _output(source, "<plugin/plugin_api.h>", f"-I{real_host.headers}")
    ours = _output(source, f'"{_OURS}"')
    assert ours == theirs
    assert len(ours) > 250


@pytest.mark.host
def test_a_difference_would_be_found(real_host: RealHost, tmp_path: Path) -> None:
    source, header = tmp_path / "probe.c", tmp_path / "changed.h"
    source.write_text(_probe())
    text = _OURS.read_text()
    theirs = _output(source, "<plugin/plugin_api.h>", f"-I{real_host.headers}")
    header.write_text(text.replace("SS_PLUGIN_EOF = 2", "SS_PLUGIN_EOF = 4"))
    assert _output(source, f'"{header}"') != theirs
    header.write_text(text.replace("uint64_t evtnum;", "uint32_t evtnum;"))
    with pytest.raises(Exception, match="evtnum"):
        _output(source, f'"{header}"')


@pytest.mark.host
def test_the_event_codes_are_the_frameworks(real_host: RealHost) -> None:
    table = (real_host.headers / "driver" / "ppm_events_public.h").read_text()
    ours = dict(re.findall(r"#define FK_CODE_(\w+) (\d+)", _header()))
    theirs = {name: re.findall(rf"PPME_{name}_E = (\d+)", table)[0] for name in ours}
    assert ours == theirs
    assert set(ours) == {"PLUGINEVENT", "ASYNCEVENT"}
