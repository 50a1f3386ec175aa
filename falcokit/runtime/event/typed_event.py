# SPDX-License-Identifier: Apache-2.0
"""Events made from the names of their types and parameters, and as JSON, both ways.

    make_event("<openat", fd=3, name="/etc/passwd", flags="O_RDONLY", tid=42)

`encode_params` makes the parameters of `make_event` and of falcokit's capture writer; what a value
may be is listed in `event_encoding`.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from falcokit.runtime.event.event import PLUGIN_EVENT, Event
from falcokit.runtime.event.event_encoding import AT_FDCWD, encode_value, variant_name
from falcokit.runtime.event.event_params import raw_event, split_params
from falcokit.runtime.event.event_payload import ASYNC_EVENT
from falcokit.runtime.event.event_types import EventType, ParamType, event_code, event_type
from falcokit.runtime.event.event_values import INTEGERS, decoder

if TYPE_CHECKING:
    from falcokit.runtime.event.socket_values import ByteOrder

__all__ = [
    "encode_params",
    "event_from_json",
    "event_to_json",
    "make_event",
    "named_params",
    "params_from_json",
    "params_to_json",
]

#: Descriptors of folders that a relative path starts at: the current one where none is given.
_FOLDERS: Final = frozenset({"dirfd", "olddirfd", "newdirfd", "linkdirfd", "olddir", "newdir"})
#: Buffers that hold texts, each with its NUL.
_LISTS: Final = frozenset({"args", "env", "cgroups"})
_MAX_SHORT: Final = 0xFFFF
_WITH_PAYLOAD: Final = frozenset({PLUGIN_EVENT, ASYNC_EVENT})


def make_event(
    type: str | int,  # noqa: A002  # as in Event
    params: Mapping[str, object] | None = None,
    /,
    *,
    ts_ns: int | None = None,
    tid: int | None = None,
    number: int = 0,
    **named: object,
) -> Event:
    """Make an event of any type of the event table, from its parameters by name.

    A parameter that is not given is 0 where it is a number, AT_FDCWD where it is the descriptor of
    a path's folder, and else empty, which is None in `Event.params`.

    Args:
        type: Its name, as in evt.type, with ">" for the enter event and "<" for the exit event:
            "<openat"; or its code, for older versions of a type. Without a sign it is the exit
            event, or the enter event of a type that has no other.
        params: Parameters by name, for those whose names are no Python names; `named` goes before.
        ts_ns: Nanoseconds since the epoch; None: not set.
        tid: The thread; None: none. It is also the value of a parameter tid that is not given.
        number: The framework's number for it.
        named: Parameters by name.

    Raises:
        ValueError: there is no such type or parameter, or a value does not fit its type.

    """
    values = {**(params or {}), **named}
    code, encoded = named_params(type, values, sys.byteorder, tid=tid)
    raw = raw_event(code, encoded, ts_ns=ts_ns, tid=tid)
    source = None if code in _WITH_PAYLOAD else "syscall"
    return Event.from_bytes(raw, source=source, number=number)


def named_params(
    type: str | int,  # noqa: A002
    values: Mapping[str, object],
    order: ByteOrder,
    *,
    tid: int | None,
) -> tuple[int, list[bytes]]:
    """Return the code of an event and the bytes of all its parameters, as `make_event` takes them.

    Raises:
        ValueError: there is no such type or parameter, or a value does not fit.

    """
    code = event_code(type)
    kind = event_type(code)
    if tid is not None and kind and any(param.name == "tid" for param in kind.params):
        values = {"tid": tid, **values}
    return code, encode_params(code, values, order)


def encode_params(
    code: int, values: Mapping[str, object], order: ByteOrder, *, stored: bool = False
) -> list[bytes]:
    """Return the bytes of all parameters of an event.

    Args:
        code: Its type.
        values: By name; also param17 and so on, beyond those of the event table, as bytes.
        order: The byte order of the machine that the event is of.
        stored: Whether the event ends at the last one that is given, as older writers' events do;
            else it has all, those that are not given with their defaults.

    Raises:
        ValueError: there is no such type or parameter, or a value does not fit.

    """
    kind = event_type(code)
    if kind is None:
        raise ValueError(f"the event table has no event with the code {code}")
    what = f"{kind.direction}{kind.name}"
    left = dict(values)
    encoded: list[bytes] = []
    for param in kind.params:
        if stored and not left:
            return encoded
        value = left.pop(param.name) if param.name in left else None if stored else _default(param)
        try:
            data = encode_value(param, value, order)
        except ValueError as e:
            raise ValueError(f"{what}: {param.name}: {e}") from e
        if len(data) > _MAX_SHORT and not kind.large:
            raise ValueError(
                f"{what}: {param.name} has {len(data)} bytes; at most {_MAX_SHORT} fit"
            )
        encoded.append(data)
    while (name := f"param{len(encoded)}") in left:
        unknown = ParamType(name, "PT_NONE")
        encoded.append(encode_value(unknown, left.pop(name), order))
    if left:
        raise ValueError(
            f"{what} has no parameter {(name := next(iter(left)))!r}{_meant(kind, name)}"
        )
    return encoded


def _default(param: ParamType) -> int | None:
    if param.name in _FOLDERS and param.type == "PT_FD":
        return AT_FDCWD
    return 0 if param.type in INTEGERS else None


def _meant(kind: EventType, name: str) -> str:
    import difflib  # noqa: PLC0415  # only for an error message

    names = [param.name for param in kind.params]
    close = difflib.get_close_matches(name, names, 1)
    return f": {close[0]}?" if close else f"; it has {', '.join(names)}" if names else ""


# ---- JSON ---------------------------------------------------------------------------------------


def event_to_json(event: Event) -> dict[str, Any]:
    """Return an event as an object for JSON, from which `event_from_json` makes the same event.

    The keys: type, direction and code; ts_ns, tid, source, number; args with the parameters by
    name, or of plugin and async events plugin_id, name and the data: data if it is UTF-8, else
    data_base64. An event whose bytes say more than that has them all, in raw_base64.

    In args, numbers, flags and times (ns) are numbers, and addresses objects. What text or number
    would not give back exactly is {"base64": ...}; empty is null. Parameters that the event does
    not have are left out.
    """
    kind = event_type(event.type)
    document: dict[str, Any] = {
        "type": event.name or (kind.name if kind else f"unknown-{event.type}"),
        "direction": kind.direction if kind else None,
        "code": event.type,
        "ts_ns": event.ts_ns,
        "tid": event.tid,
        "source": event.source,
        "number": event.number,
    }
    raw = event.raw
    try:
        if event.type in _WITH_PAYLOAD:
            document |= {"plugin_id": event.plugin_id, "name": event.name, **_data(event.data)}
        else:
            document["args"] = params_to_json(
                event.type, split_params(event.type, raw), sys.byteorder
            )
        if event_from_json(document).raw == raw:
            return document
    except ValueError:
        pass
    document["raw_base64"] = base64.b64encode(raw).decode()
    return document


def event_from_json(document: Mapping[str, Any]) -> Event:
    """Make an event of what `event_to_json` or `falcokit inspect --jsonl` wrote.

    Keys that it does not know are ignored. Without a code the type is found by direction and type.

    Raises:
        ValueError: the object does not describe an event.

    """
    if not isinstance(document, Mapping):
        raise ValueError(f"an event is an object, not {document!r}")  # noqa: TRY004
    ts_ns, tid = document.get("ts_ns"), document.get("tid")
    source, number = document.get("source"), document.get("number", 0)
    if "raw_base64" in document:
        raw = _bytes_of(document["raw_base64"])
        return Event.from_bytes(raw, source=source, number=number)
    code, params = params_from_json(document, sys.byteorder)
    raw = raw_event(code, params, ts_ns=ts_ns, tid=tid)
    return Event.from_bytes(raw, source=source, number=number)


def params_from_json(document: Mapping[str, Any], order: ByteOrder) -> tuple[int, list[bytes]]:
    """Return the code and the parameters of an event that is an object for JSON.

    Raises:
        ValueError: the object does not describe an event.

    """
    code = document.get("code")
    if code is None:
        code = event_code(f"{document.get('direction') or ''}{document.get('type', '')}")
    if code in _WITH_PAYLOAD and "args" not in document:
        values: dict[str, Any] = {"plugin_id": document.get("plugin_id", 0)}
        data = document.get("data")
        if data is None and "data_base64" in document:
            data = _bytes_of(document["data_base64"])
        size = document.get("data_size")
        payload = b"" if data is None else _payload(data)
        if size is not None and size != len(payload):
            # `inspect` leaves out the NUL at the end of a text.
            if size != len(payload) + 1 or not isinstance(data, str):
                raise ValueError(f"{len(payload)} bytes of {size} are there: it was shortened")
            payload += b"\0"
        if code == ASYNC_EVENT:
            values |= {"name": document.get("name") or "", "data": payload}
        else:
            values["event_data"] = payload
        return code, encode_params(code, values, order)
    args = document.get("args", {})
    if "malformed" in document or not isinstance(args, Mapping):
        raise ValueError("the parameters of the event were damaged")
    for name, value in args.items():
        if isinstance(value, Mapping) and {"size", "text"} <= set(value):
            raise ValueError(
                f"{name} was shortened: only the start of {value['size']} bytes is there"
            )
    return code, encode_params(code, args, order, stored=True)


def params_to_json(code: int, params: Iterable[bytes], order: ByteOrder) -> dict[str, Any]:
    """Return the parameters of an event as values that JSON has, by name.

    `params_from_json` gives the same bytes again.
    """
    kind = event_type(code)
    known = kind.params if kind else ()
    named: dict[str, Any] = {}
    for at, raw in enumerate(params):
        param = known[at] if at < len(known) else ParamType(f"param{at}", "PT_NONE")
        named[param.name] = _to_json(param, raw, order)
    return named


def _to_json(param: ParamType, raw: bytes, order: ByteOrder) -> Any:
    if not raw:
        return None
    for value in _candidates(param, raw, order):
        try:
            if encode_value(param, value, order) == raw:
                return value
        except ValueError:
            continue
    return {"base64": base64.b64encode(raw).decode()}


def _candidates(param: ParamType, raw: bytes, order: ByteOrder) -> Iterable[Any]:
    """Yield what the bytes may be; the first that gives them again is taken."""
    if param.type == "PT_DYN":
        if raw[0] < len(param.choices):
            inner = param._replace(type=param.choices[raw[0]], choices=())
            yield {variant_name(inner.type): _to_json(inner, raw[1:], order)}
        return
    if param.type == "PT_BYTEBUF":
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            return
        if param.name in _LISTS and text.endswith("\0"):
            yield text[:-1].split("\0")
        yield text
        return
    value = decoder(param.type, order, param.choices)(raw)
    if isinstance(value, bytes):
        return
    plain = _plain(value)
    yield plain
    if isinstance(plain, dict) and "source" in plain:  # IPv4 addresses on an IPv6 socket
        yield {"family": 10, **plain}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        if hasattr(value, "_asdict"):
            return {name: _plain(part) for name, part in value._asdict().items()}
        return [_plain(part) for part in value]
    return value


def _data(data: bytes) -> dict[str, str]:
    try:
        return {"data": data.decode()}
    except UnicodeDecodeError:
        return {"data_base64": base64.b64encode(data).decode()}


def _payload(data: Any) -> bytes:
    if isinstance(data, str):
        return data.encode("utf-8", "surrogateescape")
    if not isinstance(data, bytes):
        raise ValueError(f"data is a text, not {data!r}")  # noqa: TRY004
    return data


def _bytes_of(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError) as e:
        raise ValueError(f"its base64 is damaged: {e}") from e
