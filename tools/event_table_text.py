# SPDX-License-Identifier: Apache-2.0
"""Write falcokit/runtime/event/table_text.py from the shipped table of falcokit.capture.

    python -m tools.event_table_text      done by `make update-api`

A packaged plugin carries the text; what it has no use for (flags, categories) stays behind.
"""

from __future__ import annotations

import textwrap
from pathlib import Path

from falcokit.capture.events.event_table import EventType, Param, event_table

__all__ = ["MODULE", "module_text"]

MODULE = Path(__file__).parents[1] / "falcokit" / "runtime" / "event" / "table_text.py"

_HEAD = '''\
# SPDX-License-Identifier: Apache-2.0
"""The event table as text, for `event_types`; written by tools/event_table_text.py.

For each code, from 0, up to a semicolon: the direction, "!" where lengths have 32 bits, the name,
and each parameter with its type. Licensed as the table is:
falcokit/capture/events/LICENSE.event-table.
"""

__all__ = ["TEXT"]

TEXT = """\\
'''


def _param(param: Param) -> str:
    kind = param.type.removeprefix("PT_")
    if param.dynamic:
        choices = event_table().dynamic_tables[param.dynamic]
        kind += "/" + "/".join(choice.type.removeprefix("PT_") for choice in choices)
    return f"{param.name}:{kind}"


def _words(event: EventType) -> str:
    large = "!" if event.large_payload else ""
    words = [f"{event.dir}{large}{event.name}", *map(_param, event.params)]
    return " ".join(words)


def module_text() -> str:
    """Return the whole module."""
    text = "; ".join(map(_words, event_table().events))
    lines = textwrap.wrap(text, 99, break_long_words=False, break_on_hyphens=False)
    return _HEAD + "\n".join(lines) + '\n"""\n'


if __name__ == "__main__":
    MODULE.write_text(module_text())
