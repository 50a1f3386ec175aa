# SPDX-License-Identifier: Apache-2.0
"""The numbers of the format: block codes, and the packed structures in both byte orders.

All integers of a section are in the byte order of its writer's machine; only IP addresses are
always in network order.
"""

from __future__ import annotations

import functools
import struct
from enum import StrEnum
from typing import Final, Literal

from falcokit.record import Record

__all__ = [
    "BIG",
    "BLOCK_TYPES",
    "EVENT_BLOCKS",
    "LITTLE",
    "NOT_SET",
    "SECTION_HEADER",
    "SECTION_MAGIC",
    "BlockKind",
    "BlockType",
    "Layout",
]

SECTION_HEADER: Final = 0x0A0D0D0A  # reads the same in both byte orders
SECTION_MAGIC: Final = 0x1A2B3C4D
#: A timestamp or a thread id that the writer left out.
NOT_SET: Final = 2**64 - 1


class BlockKind(StrEnum):
    """The content of a block, for all versions of its code."""

    SECTION = "section header"
    MACHINE = "machine info"
    PROCESSES = "process list"
    FDS = "fd list"
    INTERFACES = "interface list"
    USERS = "user list"
    EVENT = "event"


class BlockType(Record):
    """One block code: its name, its content and the version of that."""

    code: int
    name: str
    kind: BlockKind
    version: int
    flagged: bool = False  # events: u32 dump flags follow the cpu
    large: bool = False  # events: u32 parameter lengths are expected


class Layout:
    """The structures of a section in one byte order."""

    def __init__(self, *, big_endian: bool) -> None:
        order = ">" if big_endian else "<"
        self.order: Final[Literal["big", "little"]] = "big" if big_endian else "little"
        self.block: Final = struct.Struct(order + "II")  # code, total length
        self.section: Final = struct.Struct(order + "IHHQ")  # magic, major, minor, length
        # cpus, memory, max pid, hostname, boot time, flags, two reserved words
        self.machine: Final = struct.Struct(order + "IQQ128sQQQQ")
        self.option: Final = struct.Struct(order + "HH")  # pcapng: code, length
        self.u16: Final = struct.Struct(order + "H")
        self.u32: Final = struct.Struct(order + "I")
        # cpu, [dump flags,] timestamp, thread id, length, event code [, parameters]
        self.event: Final = struct.Struct(order + "HQQIHI")
        self.event_flagged: Final = struct.Struct(order + "HIQQIHI")
        self.event_v1: Final = struct.Struct(order + "HQQIH")
        self.event_v1_flagged: Final = struct.Struct(order + "HIQQIH")
        self._order: Final = order

    @functools.lru_cache(maxsize=256)  # noqa: B019 - the two layouts live as long as the module
    def array(self, width: int, count: int) -> struct.Struct:
        """Return the structure of `count` parameter lengths of `width` bytes."""
        return struct.Struct(f"{self._order}{count}{'H' if width == self.u16.size else 'I'}")


LITTLE: Final = Layout(big_endian=False)
BIG: Final = Layout(big_endian=True)


def _types() -> dict[int, BlockType]:
    table: dict[int, BlockType] = {}

    def add(name: str, kind: BlockKind, version: int, *codes: int, large: bool = False) -> None:
        flagged = name.startswith("EVF")
        for code in codes:
            table[code] = BlockType(
                code=code, name=name, kind=kind, version=version, flagged=flagged, large=large
            )

    # A second code is a pre-release number that readers still accept.
    add("SHB", BlockKind.SECTION, 1, SECTION_HEADER)
    add("MI", BlockKind.MACHINE, 1, 0x201, 0x8002ABCD)
    add("PL_V1", BlockKind.PROCESSES, 1, 0x202, 0x8000ABCD)
    add("PL_V2", BlockKind.PROCESSES, 2, 0x207, 0x8013ABCD)
    add("PL_V3", BlockKind.PROCESSES, 3, 0x209, 0x8014ABCD)
    for version in range(4, 10):
        add(f"PL_V{version}", BlockKind.PROCESSES, version, 0x210 + version - 4)
    add("FDL_V1", BlockKind.FDS, 1, 0x203, 0x8001ABCD)
    add("FDL_V2", BlockKind.FDS, 2, 0x218)
    add("IL_V1", BlockKind.INTERFACES, 1, 0x205, 0x8011ABCD)
    add("IL_V2", BlockKind.INTERFACES, 2, 0x219)
    add("UL_V1", BlockKind.USERS, 1, 0x206, 0x8012ABCD)
    add("UL_V2", BlockKind.USERS, 2, 0x220)
    add("EV", BlockKind.EVENT, 1, 0x204, 0x8010ABCD)
    add("EVF", BlockKind.EVENT, 1, 0x208)
    add("EV_V2", BlockKind.EVENT, 2, 0x216)
    add("EVF_V2", BlockKind.EVENT, 2, 0x217)
    add("EV_V2_LARGE", BlockKind.EVENT, 2, 0x221, large=True)
    add("EVF_V2_LARGE", BlockKind.EVENT, 2, 0x222, large=True)
    return table


BLOCK_TYPES: Final = _types()
EVENT_BLOCKS: Final = {
    code: block for code, block in BLOCK_TYPES.items() if block.kind is BlockKind.EVENT
}
