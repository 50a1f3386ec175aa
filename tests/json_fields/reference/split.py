# SPDX-License-Identifier: Apache-2.0
"""What JsonDocuments mean, in plain Python: json/documents.c has to find the same events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from json_fields.reference.convert import DEFAULT, to_text
from json_fields.reference.evaluate import Evaluation
from json_fields.reference.run import SPENT, Event
from json_fields.reference.scanner import Value, root_value, serialize, whole_end

from falcokit.runtime.base.errors import PluginError
from falcokit.testing._json import Found

if TYPE_CHECKING:
    from falcokit.runtime.source.json_documents import JsonDocuments

__all__ = ["NOT_JSON", "split"]

NOT_JSON = "it is not JSON"


def split(documents: JsonDocuments, document: bytes, *, ts_ns: int = 0, number: int = 1) -> Found:
    """Find the events; of what is not JSON `why` has no place."""
    if not _is_json(document):
        return Found(why=NOT_JSON, is_valid=False)
    run = Evaluation(Event(document, ts_ns=ts_ns, number=number, source=None), index=None, key=None)
    try:
        return _events(run, documents)
    except PluginError as e:
        return Found(why=str(e), is_valid=False)


def _is_json(document: bytes) -> bool:
    root = root_value(document)
    if root is None:
        return False
    text, end = serialize(document, root, pretty=False)
    return text is not None and not document[end:].strip(b" \n\r\t")


def _events(run: Evaluation, documents: JsonDocuments) -> Found:
    splitting, keep, time = documents.trees
    found: list[tuple[bytes, int | None]] = []
    invalid, not_kept, why = 0, 0, ""
    items = run.eval(splitting)
    for item in items:
        run.values = len(items)
        run.contexts.append(item)
        try:
            if run.truth(keep):
                ts = None if documents.time is None else _time(run, time)
                found.append((_bytes(run, item), ts))
            else:
                not_kept += 1
        except PluginError as e:
            if str(e) == SPENT:
                raise
            invalid, why = invalid + 1, why or str(e)
        run.contexts = run.contexts[:1]
    return Found(tuple(found), not_kept, invalid, why)


def _time(run: Evaluation, time: Any) -> int:
    values = run.eval(time)
    if not values or not isinstance(values[0], int) or isinstance(values[0], bool):
        raise PluginError("it has no valid time")
    return int(values[0])


def _bytes(run: Evaluation, item: Any) -> bytes:
    if isinstance(item, Value):
        return run.text[item.pos : whole_end(run.text, item)]
    text = to_text(run, item, DEFAULT)
    if text is None:
        raise PluginError("an address is not an event")
    return text.encode()
