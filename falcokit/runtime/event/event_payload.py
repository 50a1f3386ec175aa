# SPDX-License-Identifier: Apache-2.0
"""The payload in the bytes of plugin (322) and async (402) events, and JSON as they hold it.

The C side calls `decode_json` and `params_of` for the events of the host, on the host's threads.
"""

from __future__ import annotations

import codecs
import struct
from typing import TYPE_CHECKING, Any

from falcokit.runtime.base.stack import bounded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Final

    from falcokit.runtime.event.event import Event

__all__ = [
    "ASYNC_EVENT",
    "HEADER",
    "PARAMS",
    "PLUGIN_EVENT",
    "ascii_json",
    "decode_json",
    "encode_json",
    "params_of",
    "payload",
]

PLUGIN_EVENT: Final = 322
ASYNC_EVENT: Final = 402
#: ts, tid, length, code, number of parameters.
HEADER: Final = struct.Struct("=QQIHI")
#: Parameters of the events that have a payload.
PARAMS: Final = {ASYNC_EVENT: 3, PLUGIN_EVENT: 2}

#: For `str.encode`: a character it cannot encode becomes `\\uXXXX`, or two of them above U+FFFF.
_JSON_ESCAPES: Final = "falcokit.json"

_decode: Callable[[bytes], Any] | None = None


def payload(raw: bytes, length: int, code: int, nparams: int) -> tuple[str | None, bytes, int]:
    """Return name, data and plugin id of an event; empty for events of other types.

    Raises:
        ValueError: the lengths contradict each other.

    """
    expected = PARAMS.get(code)
    if expected is None:
        return None, b"", 0
    head = HEADER.size + 4 * expected
    if nparams != expected or head > length:
        raise ValueError(f"event of type {code} with {nparams} parameters, {length} bytes")
    lengths = struct.unpack_from(f"={expected}I", raw, HEADER.size)
    if lengths[0] != 4 or head + sum(lengths) > length:  # noqa: PLR2004  # a u32
        raise ValueError(f"event of type {code}: lengths {lengths} do not fit {length} bytes")
    plugin_id = struct.unpack_from("=I", raw, head)[0]
    at, name = head + 4, None
    if code == ASYNC_EVENT:
        name = raw[at : at + lengths[1]].split(b"\0", 1)[0].decode(errors="replace")
        at += lengths[1]
    return name, raw[at : at + lengths[-1]], plugin_id


def decode_json(data: bytes) -> Any:
    """Parse a payload.

    Raises:
        ValueError: it is not JSON, or nested too deeply.

    """
    global _decode  # noqa: PLW0603  # msgspec takes 20 ms to import
    if _decode is None:
        import msgspec  # noqa: PLC0415

        _decode = msgspec.json.decode
    try:
        return bounded(_decode, data)
    except RecursionError as e:
        raise ValueError("JSON is nested too deeply") from e


def ascii_json(data: bytes) -> bytes:
    """Escape the non-ASCII characters of JSON, which can only be inside its strings."""
    return data.decode().encode("ascii", _JSON_ESCAPES)


def _escapes(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4)), error.end


codecs.register_error(_JSON_ESCAPES, _escapes)


def encode_json(value: object) -> bytes:
    """Return an object as JSON; halves of surrogate pairs, as in file names, become U+FFFD.

    Raises:
        TypeError, ValueError, RecursionError: JSON cannot hold it.

    """
    import msgspec  # noqa: PLC0415  # 20 ms and 3 MB that a plugin emitting bytes need not spend

    def encode_whole(value: object) -> bytes:
        return msgspec.json.encode(_whole_texts(msgspec.to_builtins(value, str_keys=True)))

    try:
        return bounded(msgspec.json.encode, value)
    except UnicodeEncodeError:
        return bounded(encode_whole, value)
    except msgspec.MsgspecError as e:
        raise ValueError(str(e)) from e


def _whole_texts(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_whole_texts(key): _whole_texts(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_whole_texts(one) for one in value]
    return value


def params_of(event: Event) -> Mapping[str, Any]:
    """Return the decoded parameters of an event by name.

    Raises:
        ValueError: the lengths contradict each other.

    """
    from falcokit.runtime.event.event_params import decode_params  # noqa: PLC0415  # the event table

    return decode_params(event.type, event.raw)
