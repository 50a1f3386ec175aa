# SPDX-License-Identifier: Apache-2.0
"""Checks of the options' values that several commands share."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from falcokit.errors import ConfigError

__all__ = ["read_init_config", "recording_path"]


def read_init_config(value: str | None, *, schema: Any = None) -> str | None:
    """Check an init config before anything is started.

    A plugin with an init schema takes JSON. Without a schema any text is accepted, unless
    it starts like JSON: then it must be valid JSON.
    """
    if value is None:
        return None
    text, origin = value, "--init-config"
    if value.startswith("@"):
        origin = value[1:]
        try:
            text = Path(origin).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as e:
            reason = e.strerror if isinstance(e, OSError) else "not UTF-8"
            raise ConfigError(f"the init config {origin} cannot be read: {reason}") from e
    if "\0" in text:
        raise ConfigError(f"the init config in {origin} contains a NUL character")
    if schema is not None or text.lstrip().startswith(("{", "[")):
        try:
            json.loads(text)
        except ValueError as e:
            raise ConfigError(
                f"{origin} is not valid JSON: {e}",
                hint="""for instance --init-config '{"interval_ms": 100}'""",
            ) from e
    return text


def recording_path(value: Path | None) -> Path | None:
    """Check that a capture can be written there, before anything is started."""
    if value is None:
        return None
    if value.is_dir():
        raise ConfigError(f"--record {value}: this is a folder", hint="name a file in it")
    if not value.parent.is_dir():
        raise ConfigError(
            f"--record {value}: there is no folder {value.parent}",
            hint="make the folder first",
        )
    if not os.access(value if value.exists() else value.parent, os.W_OK):
        raise ConfigError(f"--record {value}: no permission to write there")
    return value.absolute()
