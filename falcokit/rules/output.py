# SPDX-License-Identifier: Apache-2.0
"""Outputs of rules: texts with fields in them, formatted as Falco does.

`%field`, `%field[argument]` and `%transformer(field)` stand for values, `%12field` for one cut or
padded to twelve characters; a field that the event lacks is `<NA>`. Falco has no way to write a
percent sign: `%%` is refused.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from falcokit.filter.batch import UNKNOWN
from falcokit.filter.clauses import Field
from falcokit.filter.condition import compile_field
from falcokit.filter.errors import FilterError
from falcokit.filter.fields import FieldSpec
from falcokit.filter.grammar import parse_field
from falcokit.filter.tree import FieldRef, Transformed, fields_of
from falcokit.filter.types import FieldType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from falcokit.filter.batch import Batch
    from falcokit.filter.clauses import Source
    from falcokit.rules.catalog import EventSourceFields

__all__ = [
    "MISSING",
    "UNKNOWN_TEXT",
    "OutputError",
    "OutputFormat",
    "compile_output",
    "escaped_line",
    "json_value",
    "printed",
]

MISSING: Final = "<NA>"
#: In place of a value that only a real Falco can tell.
UNKNOWN_TEXT: Final = "<unknown>"

#: Falco formats a value in a buffer of this size, and the end of a longer one is cut.
_BUFFER: Final = 1023
#: More cannot be printed by a rule that anybody reads, and each field costs time at each event.
MAX_FIELDS: Final = 1000

_DIGITS: Final = re.compile(r"[0-9]+")
_MAX_WIDTH: Final = 65536
#: What a field or a transformer can contain: behind its end, shortening the text changes nothing.
_NAME: Final = re.compile(r"[a-zA-Z0-9_.]+")
_ESCAPED: Final = {
    "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\", '"': '\\"',
}  # fmt: skip
_NETWORKS: Final = frozenset({FieldType.IPNET, FieldType.IPV4NET, FieldType.IPV6NET})
#: In JSON these are the event's time in nanoseconds.
_BY_TIME: Final = frozenset({
    "evt.time", "evt.time.s", "evt.time.iso8601", "evt.datetime", "evt.datetime.s",
})  # fmt: skip
_RAW_TIME: Final = Field(
    FieldRef(name="evt.rawtime", argument=None, position=0),
    FieldSpec(name="evt.rawtime", type=FieldType.ABSTIME),
)


class OutputError(Exception):
    """An output that Falco refuses; `position` counts characters from 0.

    `is_unknown_field` says that there is something behind a % that is no field: what
    `skip-if-unknown-filter` lets pass.
    """

    def __init__(self, reason: str, position: int, *, is_unknown_field: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.position = position
        self.is_unknown_field = is_unknown_field


class _Part:
    """A field in an output: where its values come from, how they are printed."""

    def __init__(self, source: Source, width: int, style: str | None) -> None:
        self.source = source
        self.width = width
        self.style = style

    def text(self, value: Any) -> str:
        if value is None:
            shown = MISSING
        elif value is UNKNOWN:
            shown = UNKNOWN_TEXT
        else:
            shown = printed(value, self.source.type, style=self.style, is_list=self.source.is_list)
        return shown[: self.width].ljust(self.width) if self.width else shown


class _Field:
    """A field as a key of `output_fields`: in transformers it appears without them, as in Falco."""

    def __init__(self, name: str, source: Source, style: str | None) -> None:
        self.name = name
        self.source = source
        self.style = style


class OutputFormat:
    """A compiled output."""

    def __init__(self, parts: Sequence[str | _Part], fields: Sequence[_Field]) -> None:
        self._parts = parts
        self._fields = fields

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of its fields, in their order."""
        return tuple(dict.fromkeys(field.name for field in self._fields))

    def text(self, batch: Batch, row: int) -> str:
        """Return the formatted text for one event of a batch."""
        return "".join(
            part if isinstance(part, str) else part.text(batch.column(part.source).rows[row])
            for part in self._parts
        )

    def values(self, batch: Batch, row: int) -> dict[str, Any]:
        """Return the values of all fields for one event, as Falco writes them in JSON."""
        found: dict[str, Any] = {}
        for field in self._fields:
            if field.name in _BY_TIME:
                found[field.name] = batch.column(_RAW_TIME).rows[row]
                continue
            value = batch.column(field.source).rows[row]
            found[field.name] = json_value(
                value, field.source.type, style=field.style, is_list=field.source.is_list
            )
        return found

    def unknown(self, batch: Batch, row: int) -> tuple[str, ...]:
        """Return the fields whose value only a real Falco can tell for an event."""
        return tuple(
            field.name for field in self._fields if batch.column(field.source).rows[row] is UNKNOWN
        )


def compile_output(text: str, source: EventSourceFields) -> OutputFormat:
    """Compile an output for a source; raise OutputError where Falco refuses it."""
    # A first * says that missing values do not matter, and Falco adds it to all.
    at = 1 if text.startswith("*") else 0
    parts: list[str | _Part] = []
    fields: list[_Field] = []
    while True:
        percent = text.find("%", at)
        if percent < 0:
            parts.append(text[at:])
            break
        parts.append(text[at:percent])
        field, width, at = _field_at(text, percent, source)
        compiled = compile_field(field, source.catalog, text)
        parts.append(_Part(compiled, width, _style(field, source)))
        for inner in fields_of(field):
            one = compile_field(inner, source.catalog, text)
            fields.append(_Field(_key(inner), one, source.prints.get(inner.written)))
        if len(fields) > MAX_FIELDS:
            raise OutputError(f"an output has at most {MAX_FIELDS} fields", percent)
    return OutputFormat([part for part in parts if part], fields)


def _style(field: FieldRef | Transformed, source: EventSourceFields) -> str | None:
    return source.prints.get(field.written) if isinstance(field, FieldRef) else None


def _field_at(
    text: str, percent: int, source: EventSourceFields
) -> tuple[FieldRef | Transformed, int, int]:
    """Read the field behind a percent sign; return it, its width, and the position behind it."""
    start = percent + 1
    digits = _DIGITS.match(text, start)
    width = 0
    if digits:
        width, start = int(digits[0][:9]), digits.end()
        if width > _MAX_WIDTH:
            raise OutputError(f"a width of {digits[0][:12]} characters is too much", percent)
    if start >= len(text):
        raise OutputError("the output ends where a field is expected behind %", percent)
    # As Falco does: of what follows, as much as makes a field that exists.
    first: FilterError | None = None
    end = len(text)
    for end in _ends(text, start):
        try:
            field, behind = parse_field(text[:end] if end < len(text) else text, start)
            compile_field(field, source.catalog, text)
        except FilterError as e:
            first = first or e
        else:
            return field, width, behind
    reason = first.reason if first else ""
    if not (text[start].isascii() and text[start].isalpha()):
        reason = "expected a field behind %, and Falco cannot print a percent sign"
    raise OutputError(reason, percent, is_unknown_field=True)


def _ends(text: str, start: int) -> list[int]:
    """Return where a field may end that begins at `start`, the longest first."""
    name = _NAME.match(text, start)
    if name is None:
        return [len(text)]
    stop = name.end()
    shorter = list(range(stop, start, -1))[:256]
    if text[stop : stop + 1] == "(":
        # Of a transformer only the whole can be one, with or without what is in brackets behind it.
        brackets = [m.start() for m in re.finditer(r"\)\[", text[start : start + 4096])]
        return [len(text), *(start + at + 1 for at in reversed(brackets)), *shorter]
    return [len(text), *shorter]


def _key(field: FieldRef) -> str:
    if field.argument is None:
        return field.name
    if not field.argument:
        return f'{field.name}[""]'
    escaped = "".join(_ESCAPED.get(character, character) for character in field.argument)
    if escaped != field.argument or set(field.argument) & set(" ='"):
        escaped = f'"{escaped}"'
    return f"{field.name}[{escaped}]"


# ---- Values --------------------------------------------------------------------------------------


def printed(value: Any, kind: FieldType, *, style: str | None = None, is_list: bool = False) -> str:
    """Return a value as Falco prints it in an output."""
    if not is_list:
        return _printed(value, kind, style)
    text = "("
    for item in value:
        # Falco sets the comma by the length so far: none is behind a first item that is empty.
        text += ("," if len(text) > 1 else "") + _printed(item, kind, style)
    return _cut(text + ")")


def _printed(value: Any, kind: FieldType, style: str | None) -> str:
    if kind in _NETWORKS:
        shown = "<IPNET>"
    elif isinstance(value, bool):
        shown = "true" if value else "false"
    elif isinstance(value, float):
        shown = f"{value:.1f}"
    elif isinstance(value, int):
        shown = _number(value, kind, style)
    elif isinstance(value, bytes):
        shown = _bytes(value, kind)
    else:
        shown = str(value).partition("\0")[0]
    return shown


def json_value(
    value: Any, kind: FieldType, *, style: str | None = None, is_list: bool = False
) -> Any:
    """Return a value as Falco writes it in `output_fields`; None for what is missing or unknown."""
    if value is None or value is UNKNOWN:
        return None
    if is_list:
        return [json_value(item, kind, style=style) for item in value]
    if kind is FieldType.BOOL:
        return bool(value)
    if kind is FieldType.DOUBLE:
        return int(value)
    if isinstance(value, int) and style not in {"hexadecimal", "octal"}:
        return value
    return readable(printed(value, kind, style=style))


def _number(value: int, kind: FieldType, style: str | None) -> str:
    if style == "nine digits":
        return f"{value:09d}"
    if style in {"hexadecimal", "octal"}:
        bits = int(re.sub(r"\D", "", kind) or 64)
        return f"{value % 2**bits:{'X' if style == 'hexadecimal' else 'o'}}"
    return str(value)


def _bytes(value: bytes, kind: FieldType) -> str:
    if kind is FieldType.BYTEBUF:
        return _cut("".join(chr(byte) if 32 <= byte < 127 else "." for byte in value))  # noqa: PLR2004
    import socket  # noqa: PLC0415 - only for addresses

    if len(value) in {4, 16}:
        family = socket.AF_INET if len(value) == 4 else socket.AF_INET6  # noqa: PLR2004
        return socket.inet_ntop(family, value)
    return value.decode("utf-8", "surrogateescape")


def _cut(text: str) -> str:
    if len(text) * 4 <= _BUFFER:
        return text
    return text.encode("utf-8", "surrogateescape")[:_BUFFER].decode("utf-8", "surrogateescape")


def readable(text: str) -> str:
    """Return a text with U+FFFD for what is not UTF-8, as Falco's JSON has it."""
    if text.isascii():
        return text
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def escaped_line(text: str) -> str:
    """Return a text as a line of Falco's log: control characters and quotes are escaped."""
    return json.dumps(readable(text), ensure_ascii=False)[1:-1]
