# SPDX-License-Identifier: Apache-2.0
"""The C of falcokit, a folder for each of Falco's capabilities: ARCHITECTURE.md draws them.

`plugin_api.h` is Falco's interface; `src/` has the glue library, the entry library and the runner.
"""

from pathlib import Path
from typing import Final

__all__ = ["PLUGIN_API", "ROOMS", "SOURCES"]

PLUGIN_API: Final = Path(__file__).with_name("plugin_api.h")
SOURCES: Final = Path(__file__).parent / "src"

#: The folders of SOURCES that make the glue library, the lower before what is built on them.
ROOMS: Final = (
    *("abi", "memory", "json", "event", "payload", "python", "tables"),
    *("async_event", "source", "extract", "parse", "listen", "base"),
)
