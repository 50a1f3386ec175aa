# SPDX-License-Identifier: Apache-2.0
"""Events as a table in a file: CSV, or Parquet through pyarrow.

Called by `falcokit inspect --export`. A row is an event; parameters, which differ from type to
type, are one JSON object in the column `args`. Rows are written as they come, some thousand at a
time.
"""

from __future__ import annotations

import csv
import itertools
import json
from typing import TYPE_CHECKING, Any, Final

from falcokit.capture.document import event_object
from falcokit.capture.errors import CaptureError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from falcokit.capture.event import Event

__all__ = ["COLUMNS", "write_csv", "write_parquet"]

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
_ROWS: Final = 8192
_SIGN: Final = 1 << 63


def write_csv(events: Iterable[Event], target: Path) -> int:
    """Write `events` to `target`, and return how many they were.

    Raises:
        OSError: the file cannot be written.

    """
    count = 0
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(COLUMNS))
        writer.writeheader()
        for count, event in enumerate(events, 1):  # noqa: B007  # how many
            writer.writerow(_row(event))
    return count


def write_parquet(events: Iterable[Event], target: Path) -> int:
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
    schema = pa.schema([(name, getattr(pa, kind)()) for name, kind in COLUMNS.items()])
    count = 0
    with parquet.ParquetWriter(target, schema) as writer:
        for rows in _batches(events):
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))
            count += len(rows)
    return count


def _batches(events: Iterable[Event]) -> Iterator[list[dict[str, Any]]]:
    rows = map(_row, events)
    while batch := list(itertools.islice(rows, _ROWS)):
        yield batch


def _row(event: Event) -> dict[str, Any]:
    found = event_object(event)
    row = {name: found.get(name) for name in COLUMNS}
    tid = row["tid"]
    if tid is not None and tid >= _SIGN:
        row["tid"] = tid - 2 * _SIGN
    args = found.get("args")
    row["args"] = None if args is None else json.dumps(args)
    return row
