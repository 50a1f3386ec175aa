# SPDX-License-Identifier: Apache-2.0
"""Section headers and machine info: format version, comments, the machine. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from falcokit.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from falcokit.capture.format.layout import Layout

__all__ = [
    "APPLICATION",
    "COMMENT",
    "SUPPORTED_MAJOR",
    "Machine",
    "Section",
    "decode_machine",
    "decode_section",
    "read_options",
]

#: The framework refuses a higher one, since blocks could have a different meaning.
SUPPORTED_MAJOR: Final = 1


class Section(Record):
    """A section header. Comment and application are options that Wireshark adds."""

    offset: int
    major: int
    minor: int
    byte_order: str
    comment: str | None = None
    application: str | None = None


class Machine(Record):
    """The machine a section was recorded on; zeros are kept as the writer left them."""

    hostname: str
    cpus: int
    memory_bytes: int
    max_pid: int
    boot_ts_ns: int


def decode_section(body: bytes, offset: int, layout: Layout) -> Section | None:
    """Decode a section header block, None when it is too short to be one."""
    if len(body) < layout.section.size:
        return None
    _, major, minor, _ = layout.section.unpack_from(body)
    options = dict(read_options(body, layout.section.size, layout))
    return Section(
        offset=offset,
        major=major,
        minor=minor,
        byte_order=layout.order,
        comment=options.get(COMMENT),
        application=options.get(APPLICATION),
    )


def decode_machine(body: bytes, layout: Layout) -> Machine | None:
    """Decode a machine info block, None when its size is wrong."""
    if len(body) != layout.machine.size:
        return None
    cpus, memory, max_pid, hostname, boot, _, _, _ = layout.machine.unpack(body)
    return Machine(
        hostname=hostname.partition(b"\0")[0].decode("utf-8", "backslashreplace"),
        cpus=cpus,
        memory_bytes=memory,
        max_pid=max_pid,
        boot_ts_ns=boot,
    )


COMMENT: Final = 1
#: Only of a section header: the program that wrote the section.
APPLICATION: Final = 4
_END: Final = 0


def read_options(body: bytes, at: int, layout: Layout) -> Iterator[tuple[int, str]]:
    """Yield code and text of each option from `at` on, as long as they are complete.

    An option is code, length and a value that is padded to four bytes; code 0 ends them.
    """
    head = layout.option
    while at + head.size <= len(body):
        code, length = head.unpack_from(body, at)
        at += head.size
        if code == _END or at + length > len(body):
            return
        yield code, body[at : at + length].decode("utf-8", "backslashreplace")
        at += (length + 3) & ~3
