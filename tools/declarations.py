# SPDX-License-Identifier: Apache-2.0
"""What a C header of the plugin API declares, by name, so that two headers can be compared.

The compiler preprocesses the header and pycparser, which cffi brings, reads the rest. Comments and
the names of parameters are left out: they are no part of the ABI.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pycparser import c_ast, c_generator, c_parser

from falcokit.toolchain.command import run
from falcokit.toolchain.compiler import find_compiler

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Changes", "compare", "declarations"]

#: In place of libc's headers, which pycparser cannot read.
_INTEGERS = "#pragma once\n" + "".join(
    f"typedef {sign} {c_type} {name}{bits}_t;\n"
    for bits, c_type in ((8, "char"), (16, "short"), (32, "int"), (64, "long"))
    for sign, name in (("signed", "int"), ("unsigned", "uint"))
)
#: The patch level says nothing about the ABI.
_NUMBER = re.compile(r"#define (PLUGIN_(?!API_VERSION_PATCH)\w+) (\d+)")


@dataclass(frozen=True)
class Changes:
    """What one header declares and the other does not, and what they declare differently."""

    gained: dict[str, str]
    changed: dict[str, tuple[str, str]]
    lost: dict[str, str]


def compare(old: dict[str, str], new: dict[str, str]) -> Changes:
    """Compare two results of `declarations`."""
    return Changes(
        {name: text for name, text in new.items() if name not in old},
        {name: (old[name], new[name]) for name in old if name in new and old[name] != new[name]},
        {name: text for name, text in old.items() if name not in new},
    )


def declarations(header: Path, includes: Iterable[Path], functions: str) -> dict[str, str]:
    """Return the numbers, enum values, members, functions and types of `header` by their names.

    `functions` names the struct whose members are the functions that a plugin exports.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name in ("stdint.h", "inttypes.h"):
            (Path(folder) / name).write_text(_INTEGERS)
        flags = [f"-I{include}" for include in (folder, *includes)]
        cpp = [find_compiler().path, "-E", "-P", "-nostdinc", "-D__attribute__(x)=", *flags]
        text, macros = run([*cpp, str(header)]), run([*cpp, "-dM", str(header)])
    found = {f"number {name}": value for name, value in sorted(_NUMBER.findall(macros))}
    members: dict[str, dict[str, str]] = {}
    for node in c_parser.CParser().parse(text).ext:
        if isinstance(node, c_ast.Typedef):
            found.update(_typedef(node, members))
        elif not isinstance(node, c_ast.Decl):
            continue
        found.update(_enum_values(node.type))
        if isinstance(node.type, c_ast.Struct | c_ast.Union) and node.type.decls:
            members[node.type.name] = dict(_members(node.type))
    for name, text in members.pop(functions, {}).items():
        found[f"function plugin_{name}"] = text
    for owner, its in members.items():
        found.update({f"member {owner}.{name}": text for name, text in its.items()})
    return found


def _typedef(node: Any, members: dict[str, dict[str, str]]) -> Iterator[tuple[str, str]]:
    kind = node.type.type if isinstance(node.type, c_ast.TypeDecl) else node.type
    if isinstance(kind, c_ast.Struct | c_ast.Union):
        # Its own members, or those of a struct that was declared before.
        its = dict(_members(kind)) if kind.decls else members.get(kind.name)
        if its is not None:
            members[node.name] = its
            return
    elif isinstance(kind, c_ast.IdentifierType) and kind.names[0] in members:
        members[node.name] = members[kind.names[0]]
        return
    if isinstance(kind, c_ast.Enum):
        yield from _enum_values(kind)
    elif node.name.startswith("ss_"):
        yield f"type {node.name}", _text_of(node.type)


def _enum_values(node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, c_ast.Enum) and node.values:
        value = -1
        for entry in node.values.enumerators:
            said = c_generator.CGenerator().visit(entry.value) if entry.value else str(value + 1)
            value = int(said, 0)
            yield f"enum value {entry.name}", str(value)


def _members(node: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Find the members of a struct or union, those of one inside it by their path."""
    for member in node.decls:
        inner = member.type.type if isinstance(member.type, c_ast.TypeDecl) else member.type
        if isinstance(inner, c_ast.Struct | c_ast.Union) and inner.decls:
            yield from _members(inner, f"{path}{member.name}." if member.name else path)
        elif isinstance(member, c_ast.Decl):
            yield path + member.name, _text_of(member.type)


def _text_of(node: Any) -> str:
    """Write a type without the name that it is given, and without those of its parameters."""
    _Nameless().visit(node)
    text = " ".join(str(c_generator.CGenerator().visit(node)).split())
    return re.sub(r"\(\)$", "(void)", text)


class _Nameless(c_ast.NodeVisitor):  # type: ignore[misc]
    def visit_TypeDecl(self, node: Any) -> None:  # noqa: N802 - pycparser's name
        node.declname = None
        self.generic_visit(node)

    def visit_Decl(self, node: Any) -> None:  # noqa: N802
        node.name = None
        self.generic_visit(node)

    visit_Typename = visit_Decl  # noqa: N815
