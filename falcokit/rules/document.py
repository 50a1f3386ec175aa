# SPDX-License-Identifier: Apache-2.0
"""Reads a YAML text into nodes that know their places, in bounded time and memory.

Falco reads rules with yaml-cpp, which keeps scalars as text, aliases as references and keys in
their order; so do these nodes. They are made from the events of PyYAML's parser, by a loop: neither
deep nesting nor aliases of aliases cost more than a rules file needs. Called by `load_rules`.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_NODES",
    "Document",
    "Mapping",
    "Node",
    "Scalar",
    "Sequence",
    "YamlError",
    "read_documents",
]

#: Falco's own rules are 0.1 MB, and a list of 200,000 addresses is 4 MB.
MAX_BYTES: Final = 8 * 2**20
MAX_DEPTH: Final = 100
_TOO_DEEP: Final = f"more than {MAX_DEPTH} levels of nesting"
#: Counted with everything that aliases repeat, so that aliases of aliases cannot multiply.
MAX_NODES: Final = 1_000_000

# libyaml where PyYAML was built with it: ten times as fast, and the same events.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
# The longer marks first: the one of UTF-32 begins with the one of UTF-16.
_ENCODINGS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class YamlError(Exception):
    """The text is no YAML, or more than a rules file may be; lines and columns count from 0."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


def _start(event: yaml.Event) -> tuple[int, int, int]:
    mark = event.start_mark
    # Events of a text always have a mark.
    return (mark.line, mark.column, mark.index) if mark else (0, 0, 0)


class Scalar:
    """A text as written; `quoted` also for block scalars. Line and column count from 0."""

    __slots__ = ("column", "end", "line", "quoted", "size", "start", "style", "text")

    def __init__(self, event: yaml.ScalarEvent) -> None:
        self.text: str = event.value
        self.style: str | None = event.style
        self.quoted: bool = not event.implicit[0]
        self.line, self.column, self.start = _start(event)
        self.end = event.end_mark.index if event.end_mark else self.start
        self.size = 1

    @property
    def is_null(self) -> bool:
        """Whether it is no text but nothing: not quoted, and empty, ~ or null."""
        return not self.quoted and self.text in _NULLS


class Sequence:
    """A list of nodes."""

    __slots__ = ("column", "items", "line", "size", "start")

    def __init__(self, event: yaml.Event) -> None:
        self.items: list[Node] = []
        self.line, self.column, self.start = _start(event)
        self.size = 1


class Mapping:
    """Keys and values in their order; of a key that is there twice the first counts."""

    __slots__ = ("column", "keys", "line", "size", "start", "values")

    def __init__(self, event: yaml.Event) -> None:
        self.keys: list[Node] = []
        self.values: list[Node] = []
        self.line, self.column, self.start = _start(event)
        self.size = 1

    def get(self, name: str) -> Node | None:
        """Return the value of the key `name`, None where there is no such key."""
        for key, value in zip(self.keys, self.values, strict=True):
            if type(key) is Scalar and key.text == name:
                return value
        return None


Node: TypeAlias = Scalar | Sequence | Mapping


class Document:
    """A file's text, its name in messages, and the root of each of its YAML documents."""

    def __init__(self, name: str, text: str, roots: list[Node]) -> None:
        self.name = name
        self.text = text
        self.roots = roots

    def byte_column(self, line_start: int, index: int) -> int:
        """Return the column in bytes of UTF-8, in which Falco counts."""
        return len(self.text[line_start:index].encode())


def read_documents(name: str, data: bytes) -> Document:
    """Return what a file contains; raise YamlError."""
    if len(data) > MAX_BYTES:
        raise YamlError(f"the file is larger than a rules file may be: {MAX_BYTES // 2**20} MiB")
    text = _decode(data)
    try:
        return Document(name, text, list(_Composer().roots(text)))
    except yaml.MarkedYAMLError as e:
        raise _readable(e, text) from e
    except yaml.reader.ReaderError as e:
        line, column = _place(text, e.position)
        raise YamlError(f"character U+{e.character:04X} is not allowed", line, column) from e


def _decode(data: bytes) -> str:
    encoding, start = "utf-8", 0
    for mark, name in _ENCODINGS:
        if data.startswith(mark):
            encoding, start = name, len(mark)
            break
    try:
        text = data[start:].decode(encoding)
    except UnicodeDecodeError as e:
        before = data[start : start + e.start].decode(encoding, "replace")
        raise YamlError(
            f"byte 0x{data[start + e.start]:02x} is not {encoding.upper()}",
            *_place(before, len(before)),
        ) from e
    bad = text.find("\0")
    if bad >= 0:
        raise YamlError("character U+0000 is not allowed", *_place(text, bad))
    return text


def _place(text: str, index: int) -> tuple[int, int]:
    return text.count("\n", 0, index), index - text.rfind("\n", 0, index) - 1


def _readable(error: yaml.MarkedYAMLError, text: str) -> YamlError:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    problem = str(error.problem or error.context or "this is no YAML")
    if "nesting depth" in problem:
        problem = _TOO_DEEP
    lines = text.split("\n")
    if line < len(lines) and "\t" in lines[line][: column + 1]:
        problem = "a tab stands where YAML indents with spaces"
    elif error.context and error.context_mark and error.context_mark.line != line:
        problem = f"{problem}, {error.context} that began in line {error.context_mark.line + 1}"
    return YamlError(problem, line, column)


class _Composer:
    """Makes nodes of events; `_opened` has the collections that are not complete yet."""

    def __init__(self) -> None:
        self._anchors: dict[str, Node | None] = {}
        self._opened: list[tuple[Sequence | Mapping, str | None]] = []

    def roots(self, text: str) -> Iterator[Node]:
        """Yield the root of each document."""
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.CollectionStartEvent):
                self._open(event)
            elif isinstance(event, yaml.DocumentStartEvent):
                self._anchors.clear()
            elif isinstance(event, yaml.NodeEvent | yaml.CollectionEndEvent):
                node = self._node(event)
                if not self._opened:
                    yield node
                else:
                    _add(self._opened[-1][0], node, event)

    def _open(self, event: yaml.CollectionStartEvent) -> None:
        if len(self._opened) >= MAX_DEPTH:
            raise _at(event, _TOO_DEEP)
        mapping = isinstance(event, yaml.MappingStartEvent)
        self._opened.append((Mapping(event) if mapping else Sequence(event), event.anchor))
        if event.anchor:
            self._anchors[event.anchor] = None

    def _node(self, event: yaml.Event) -> Node:
        """Return what is complete with an event."""
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise _at(event, f"there is no anchor &{event.anchor} before this alias")
            node = self._anchors[event.anchor]
            if node is None:
                raise _at(event, f"the alias *{event.anchor} stands in what its anchor names")
            return node
        if isinstance(event, yaml.ScalarEvent):
            node, anchor = Scalar(event), event.anchor
        else:
            node, anchor = self._opened.pop()
        if anchor:
            self._anchors[anchor] = node
        return node


def _add(parent: Sequence | Mapping, node: Node, event: yaml.Event) -> None:
    parent.size += node.size
    if parent.size > MAX_NODES:
        raise _at(event, f"more than {MAX_NODES} values, aliases resolved")
    if isinstance(parent, Sequence):
        parent.items.append(node)
    elif len(parent.keys) > len(parent.values):
        parent.values.append(node)
    else:
        parent.keys.append(node)


def _at(event: yaml.Event, message: str) -> YamlError:
    line, column, _ = _start(event)
    return YamlError(message, line, column)
