# SPDX-License-Identifier: Apache-2.0
"""Opening a file that should be a capture, and saying what it is instead.

Called by the reader before the first block; every refusal names a likely cause.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from falcokit.capture.errors import CaptureError
from falcokit.capture.text import safe_text

if TYPE_CHECKING:
    from typing import BinaryIO

    from falcokit.capture.sources import Source

__all__ = ["open_file", "refuse", "unreadable"]

_HINT: Final = "give a .scap file, as Falco's capture feature, sysdig -w or a recording makes it"

#: What people pick by mistake; compressed formats that captures are never in first.
_OTHER_FORMATS: Final = (
    (b"\x28\xb5\x2f\xfd", "is compressed with zstd; decompress it first"),
    (b"\xfd7zXZ\0", "is compressed with xz; decompress it first"),
    (b"BZh", "is compressed with bzip2; decompress it first"),
    (b"PK\x03\x04", "is a zip archive; unpack it first"),
    (b"\xd4\xc3\xb2\xa1", "is a pcap network capture, not a capture of events"),
    (b"\xa1\xb2\xc3\xd4", "is a pcap network capture, not a capture of events"),
    (b"\x7fELF", "is a program or library, not a capture"),
)


def open_file(path: str | os.PathLike[str]) -> tuple[BinaryIO, int]:
    """Open `path` for reading, with its size (0 for a pipe)."""
    name = safe_text(str(path))
    try:
        if Path(path).is_dir():
            raise CaptureError(f"{name} is a folder, not a capture", hint=_HINT)
        file = Path(path).open("rb")  # noqa: SIM115 - the capture owns it
    except FileNotFoundError as e:
        raise CaptureError(f"{name} does not exist", hint=_HINT) from e
    except (OSError, ValueError) as e:
        reason = e.strerror if isinstance(e, OSError) else "no possible file name"
        raise CaptureError(
            f"{name} cannot be opened ({reason})", hint="check the path and its permissions"
        ) from e
    return file, os.fstat(file.fileno()).st_size


def refuse(path: str | os.PathLike[str], start: bytes, source: Source) -> CaptureError:
    """Say why a file that begins with `start` is no capture."""
    name = safe_text(str(path))
    if source.fault:
        return unreadable(path, source.fault)
    if not start:
        return CaptureError(
            f"{name} is empty", hint="was the recording stopped before it wrote anything?"
        )
    for magic, what in _OTHER_FORMATS:
        if start.startswith(magic):
            return CaptureError(f"{name} {what}", hint=_HINT)
    return CaptureError(f"{name} is not a capture: it has no section header", hint=_HINT)


def unreadable(path: str | os.PathLike[str], why: str) -> CaptureError:
    """Say that a file looks like a capture, but holds nothing that can be read."""
    return CaptureError(
        f"{safe_text(str(path))} cannot be read: {why}",
        hint="copy or record it anew; a file from a newer Falco needs a newer falcokit",
    )
