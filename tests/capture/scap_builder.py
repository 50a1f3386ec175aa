# SPDX-License-Identifier: Apache-2.0
"""Builds captures byte by byte, in either byte order, right or wrong on purpose."""

from __future__ import annotations

import struct

NOT_SET = 2**64 - 1
T0 = 1_700_000_000_000_000_000


class Builder:
    def __init__(self, *, big_endian: bool = False) -> None:
        self.order = ">" if big_endian else "<"

    def block(self, code: int, body: bytes, *, trailer: int | None = None) -> bytes:
        body += bytes(-len(body) % 4)
        total = len(body) + 12
        end = total if trailer is None else trailer
        return self.pack("II", code, total) + body + self.pack("I", end)

    def section(self, *, major: int = 1, minor: int = 2, options: bytes = b"") -> bytes:
        return self.block(
            0x0A0D0D0A, self.pack("IHHQ", 0x1A2B3C4D, major, minor, NOT_SET) + options
        )

    def machine(self, hostname: bytes = b"box", boot: int = T0) -> bytes:
        return self.block(0x201, self.pack("IQQ128sQQQQ", 4, 1 << 34, 99, hostname, boot, 0, 0, 0))

    def event(
        self,
        code: int,
        params: list[bytes],
        *,
        ts: int = T0,
        tid: int = NOT_SET,
        cpu: int = 0,
        flags: int | None = None,
        block: int | None = None,
        width: str | None = None,
    ) -> bytes:
        """An event with the second header; large block and lengths as the writer chooses them."""
        large = code in {322, 324, 402}
        width = width or ("I" if large else "H")
        if block is None:
            block = (0x221 if large else 0x216) + (flags is not None)
        data = b"".join(self.pack(width, len(param)) for param in params) + b"".join(params)
        head = self.pack("QQIHI", ts, tid, 26 + len(data), code, len(params))
        return self.block(block, self.dump(cpu, flags) + head + data)

    def event_v1(
        self, code: int, params: list[bytes], *, flags: int | None = None, extra: int = 0
    ) -> bytes:
        """An event with the first header, which has no count of parameters."""
        data = b"".join(self.pack("H", len(param)) for param in params) + b"".join(params)
        head = self.pack("QQIH", T0, 7, 22 + len(data) + extra, code)
        return self.block(0x204 if flags is None else 0x208, self.dump(0, flags) + head + data)

    def plugin_event(self, plugin_id: int, data: bytes, *, ts: int = T0) -> bytes:
        return self.event(322, [self.pack("I", plugin_id), data], ts=ts)

    def async_event(self, name: bytes, data: bytes, *, plugin_id: int = 0, ts: int = T0) -> bytes:
        return self.event(402, [self.pack("I", plugin_id), name + b"\0", data], ts=ts)

    def dump(self, cpu: int, flags: int | None) -> bytes:
        return self.pack("H", cpu) if flags is None else self.pack("HI", cpu, flags)

    def pack(self, form: str, *values: int | bytes) -> bytes:
        return struct.pack(self.order + form, *values)
