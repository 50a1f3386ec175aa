# SPDX-License-Identifier: Apache-2.0
"""Events as a table in a file: CSV, or Parquet through pyarrow.

A row is an event; parameters, which differ from type to type, are one JSON object in the column
`args`. The fields of a plugin have columns of their own after those. Rows are written as they
come, some thousand at a time.
"""

from __future__ import annotations

import csv
import itertools
import json
from typing import TYPE_CHECKING, Any, Final, Protocol

from falcokit.capture.format.errors import CaptureError
from falcokit.capture.render.event_document import event_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from falcokit.capture.events.event import Event

__all__ = ["COLUMNS", "FieldColumn", "Fields", "write_csv", "write_parquet"]

#: Name and Parquet type of each column; the names are those of `event_object`.
COLUMNS: Final = {
    "number": "uint64",
    "ts_ns": "uint64",
    "cpu": "uint16",
    "tid": "int64",
    "direction": "string",
    "type": "string",
    "code": "uint16",
    "plugin_id": "uint32",
    "name": "string",
    "size": "uint32",
    "state_only": "bool_",
    "leading_state": "bool_",
    "args": "string",
    "data": "string",
    "data_base64": "string",
}
#: Parquet types of a plugin's fields; times and spans are ns, addresses and networks text.
_FIELD_TYPES: Final = {
    "uint64": "uint64",
    "bool": "bool_",
    "reltime": "uint64",
    "abstime": "uint64",
}
_ROWS: Final = 8192
_SIGN: Final = 1 << 63


class FieldColumn(Protocol):
    """A field of a plugin."""

    @property
    def name(self) -> str:
        """The name with its argument."""

    @property
    def type(self) -> str:
        """The type in the plugin: uint64, string and so on."""

    @property
    def is_list(self) -> bool:
        """Whether there may be several values."""


class Fields(Protocol):
    """Extracts the fields of events, as `runner.extract.ExtractionClient` does."""

    @property
    def columns(self) -> Sequence[FieldColumn]:
        """The fields."""

    def extract(self, events: Iterable[Event]) -> Iterable[tuple[Event, Sequence[Any] | None]]:
        """Yield every event with a value for each field; None for events of others."""


def write_csv(events: Iterable[Event], target: Path, fields: Fields | None = None) -> int:
    """Write `events` to `target`, and return how many they were. Lists of values are JSON.

    Raises:
        OSError: the file cannot be written.

    """
    count = 0
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*COLUMNS, *_field_names(fields)])
        writer.writeheader()
        for count, row in enumerate(_rows(events, fields, json.dumps), 1):  # noqa: B007  # how many
            writer.writerow(row)
    return count


def write_parquet(events: Iterable[Event], target: Path, fields: Fields | None = None) -> int:
    """Write `events` to `target`, and return how many they were.

    Raises:
        CaptureError: pyarrow is not installed.
        OSError: the file cannot be written.

    """
    try:
        import pyarrow as pa  # noqa: PLC0415  # an extra
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError as e:
        raise CaptureError(
            "a Parquet file needs pyarrow, which is not installed: pip install 'falcokit[export]',"
            " or name a .csv file"
        ) from e
    types = [(name, getattr(pa, kind)()) for name, kind in COLUMNS.items()]
    for name, column in _field_names(fields).items():
        kind = getattr(pa, _FIELD_TYPES.get(column.type, "string"))()
        types.append((name, pa.list_(kind) if column.is_list else kind))
    schema = pa.schema(types)
    count = 0
    with parquet.ParquetWriter(target, schema) as writer:
        for rows in _batches(_rows(events, fields, list)):
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))
            count += len(rows)
    return count


def _field_names(fields: Fields | None) -> dict[str, FieldColumn]:
    """Name the columns of fields, with a prefix where an event's own column has the name."""
    columns = () if fields is None else fields.columns
    return {f"field.{c.name}" if c.name in COLUMNS else c.name: c for c in columns}


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while batch := list(itertools.islice(rows, _ROWS)):
        yield batch


def _rows(
    events: Iterable[Event], fields: Fields | None, of_list: Callable[[list[Any]], Any]
) -> Iterator[dict[str, Any]]:
    if fields is None:
        yield from map(_row, events)
        return
    names = tuple(_field_names(fields))
    for event, values in fields.extract(events):
        row = _row(event)
        for name, value in zip(names, values or (), strict=False):
            row[name] = of_list(value) if isinstance(value, list) else value
        yield row


def _row(event: Event) -> dict[str, Any]:
    found = event_object(event)
    row = {name: found.get(name) for name in COLUMNS}
    tid = row["tid"]
    if tid is not None and tid >= _SIGN:
        row["tid"] = tid - 2 * _SIGN
    args = found.get("args")
    row["args"] = None if args is None else json.dumps(args)
    return row
