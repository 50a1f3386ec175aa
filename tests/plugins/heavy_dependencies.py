# SPDX-License-Identifier: Apache-2.0
"""Uses numpy, orjson, cryptography and the standard library."""

from __future__ import annotations

import asyncio
import ctypes
import hashlib  # noqa: F401  # it must be there
import importlib.metadata
import importlib.resources
import itertools
import ssl
import zlib  # noqa: F401  # it must be there
from typing import Any

import numpy as np
import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from falcokit import AsyncEvents, Plugin, async_event


def inverse() -> Any:
    return np.linalg.inv(np.array([[4.0, 7.0], [2.0, 6.0]])).round(3).tolist()


def fernet() -> Any:
    box = Fernet(Fernet.generate_key())
    return box.decrypt(box.encrypt(b"secret")).decode()


def ed25519() -> Any:
    key = Ed25519PrivateKey.generate()
    key.public_key().verify(key.sign(b"message"), b"message")
    try:
        key.public_key().verify(key.sign(b"message"), b"another")
    except InvalidSignature:
        return "refused"


def tls() -> Any:
    return len(ssl.create_default_context().get_ciphers()) > 10


def sql() -> Any:
    try:
        import sqlite3
    except ImportError:
        return 42  # this Python was built without
    return sqlite3.connect(":memory:").execute("select 6 * 7").fetchone()[0]


def libc() -> Any:
    return ctypes.CDLL(None).abs(-5)


def loop() -> Any:
    async def add(*numbers: int) -> int:
        await asyncio.sleep(0)
        return sum(numbers)

    return asyncio.run(add(1, 2))


def versions() -> Any:
    return [importlib.metadata.version(n) > "0" for n in ("numpy", "orjson", "cryptography")]


def resource() -> Any:
    return importlib.resources.files(__name__).joinpath("table.txt").read_text()


ALL = (inverse, fernet, ed25519, tls, sql, libc, loop, versions, resource)


class P(Plugin, AsyncEvents):
    contact = "tests@example.com"

    def init(self) -> None:
        self.turns = itertools.cycle(ALL)

    @async_event("used", every=0.005)
    def used(self) -> Any:
        function = next(self.turns)
        return orjson.dumps({function.__name__: function()})
