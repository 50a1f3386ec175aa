# SPDX-License-Identifier: Apache-2.0
"""Opens a file that should be a capture; the error for any other file has a likely cause."""

from __future__ import annotations

import os
import stat
import sys
from typing import TYPE_CHECKING, Final

from falcokit.capture.format.errors import CaptureError
from falcokit.capture.format.text import safe_text

if TYPE_CHECKING:
    from typing import BinaryIO

    from falcokit.capture.file.byte_streams import ByteStream

__all__ = ["STDIN", "open_file", "refuse", "source_name", "unreadable"]

#: The name that stands for standard input.
STDIN: Final = "-"

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


def open_file(path: str | os.PathLike[str] | BinaryIO) -> tuple[BinaryIO, int]:
    """Open `path` for reading without a buffer, with its size (0 for a pipe).

    "-" is standard input; a binary file that is already open is used as it is.
    """
    if not isinstance(path, str | os.PathLike):
        return path, _size(path)
    name = safe_text(str(path))
    try:
        if path == STDIN:
            return _standard_input()
        if os.path.isdir(path):  # noqa: PTH112 - pathlib takes 5 ms to load
            raise CaptureError(f"{name} is a folder, not a capture", hint=_HINT)
        file = open(path, "rb", buffering=0)  # noqa: SIM115, PTH123 - the capture owns it
    except FileNotFoundError as e:
        raise CaptureError(f"{name} does not exist", hint=_HINT) from e
    except (OSError, ValueError) as e:
        reason = e.strerror if isinstance(e, OSError) else "no possible file name"
        raise CaptureError(
            f"{name} cannot be opened ({reason})", hint="check the path and its permissions"
        ) from e
    return file, _size(file)


def source_name(path: str | os.PathLike[str] | BinaryIO) -> str | os.PathLike[str]:
    """Return the name of a capture: its path, or the name of an open file."""
    if isinstance(path, str | os.PathLike):
        return path
    name = getattr(path, "name", None)
    return name if isinstance(name, str) else "(stream)"


def _standard_input() -> tuple[BinaryIO, int]:
    descriptor = sys.__stdin__.fileno() if sys.__stdin__ else 0
    if os.isatty(descriptor):
        raise CaptureError(
            "standard input is a terminal, not a capture", hint="pipe one into it, or name a file"
        )
    file = os.fdopen(os.dup(descriptor), "rb", buffering=0)
    return file, _size(file)


def _size(file: BinaryIO) -> int:
    """Return the size of a regular file in bytes, 0 for everything else."""
    try:
        facts = os.fstat(file.fileno())
    except OSError:  # io.UnsupportedOperation too: a file in memory
        return 0
    return facts.st_size if stat.S_ISREG(facts.st_mode) else 0


def refuse(path: str | os.PathLike[str], start: bytes, stream: ByteStream) -> CaptureError:
    """Return the error for a file that begins with `start` and is not a capture."""
    name = safe_text(str(path))
    if stream.fault:
        return unreadable(path, stream.fault)
    if not start:
        return CaptureError(
            f"{name} is empty", hint="was the recording stopped before it wrote anything?"
        )
    for magic, what in _OTHER_FORMATS:
        if start.startswith(magic):
            return CaptureError(f"{name} {what}", hint=_HINT)
    return CaptureError(f"{name} is not a capture: it has no section header", hint=_HINT)


def unreadable(path: str | os.PathLike[str], why: str) -> CaptureError:
    """Return the error for a file that looks like a capture, but has nothing readable."""
    return CaptureError(
        f"{safe_text(str(path))} cannot be read: {why}",
        hint="copy or record it again; a file from a newer Falco needs a newer falcokit",
    )
