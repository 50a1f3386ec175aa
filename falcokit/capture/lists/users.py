# SPDX-License-Identifier: Apache-2.0
"""The users and groups of the machine: user lists of both versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from falcokit.capture.format.list_records import TEXT, decode, make_plan, pack, spans, unpack
from falcokit.record import Record

if TYPE_CHECKING:
    from collections.abc import Generator

    from falcokit.capture.format.layout import BlockType, Layout
    from falcokit.capture.format.list_records import Fields, Plan, Spans

__all__ = ["Group", "User", "decode_users", "encode_user", "user_spans"]

_OWN_LENGTH_SINCE: Final = 2
_USER_KIND, _GROUP_KIND = 0, 1

_TEXT_BYTES: Final = 255

_USER: Final[Fields] = (
    ("kind", "B"),
    ("uid", "I"),
    ("gid", "I"),
    ("name", TEXT),
    ("home", TEXT),
    ("shell", TEXT),
)
_GROUP: Final[Fields] = (("kind", "B"), ("gid", "I"), ("name", TEXT))


class User(Record):
    """One user of the machine."""

    uid: int
    gid: int
    name: str
    home: str = ""
    shell: str = ""


class Group(Record):
    """One group of the machine."""

    gid: int
    name: str


def user_spans(body: bytes, block: BlockType, layout: Layout) -> Spans:
    """Find the records of a user list."""
    user, group = make_plan(_USER, layout), make_plan(_GROUP, layout)
    own_length = 0 if block.version >= _OWN_LENGTH_SINCE else None

    def choose(body: bytes, at: int) -> Plan:
        return group if body[at] else user

    return spans(body, 0, layout, own_length=own_length, choose=choose)


def decode_users(
    body: bytes, block: BlockType, layout: Layout
) -> Generator[User | Group, None, bool]:
    """Yield every whole record of a user list; return whether that was all of it."""

    def build(plan: Plan, start: int, _end: int) -> User | Group:
        values, _ = unpack(plan, body, start, layout)
        is_group = values.pop("kind") != _USER_KIND
        return Group(**values) if is_group else User(**values)

    return decode(user_spans(body, block, layout), build)


def encode_user(entry: User | Group, layout: Layout) -> bytes:
    """Return a whole record of the newest version, its length in front."""
    is_group = isinstance(entry, Group)
    fields = _GROUP if is_group else _USER
    kind = _GROUP_KIND if is_group else _USER_KIND
    values = {name: getattr(entry, name) for name, _ in fields if name != "kind"}
    plan = make_plan(fields, layout)
    record = pack(plan, {"kind": kind} | values, layout, text_bytes=_TEXT_BYTES)
    return layout.u32.pack(layout.u32.size + len(record)) + record
