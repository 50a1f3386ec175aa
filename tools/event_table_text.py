# SPDX-License-Identifier: Apache-2.0
"""Write the event table as text for falcokit.runtime, from the shipped table of falcokit.capture.

    python -m tools.event_table_text      done by `make update-api`

A packaged plugin carries the texts; what it has no use for (categories, formats) stays behind.
"""

from __future__ import annotations

import textwrap
from pathlib import Path

from falcokit.capture.events.event_table import EventType, Param, event_table

__all__ = ["MODULE", "NAMES_MODULE", "module_text", "names_module_text", "write_modules"]

_FOLDER = Path(__file__).parents[1] / "falcokit" / "runtime" / "event"
MODULE = _FOLDER / "table_text.py"
NAMES_MODULE = _FOLDER / "names_text.py"

_OLD_VERSION = 0x200

_HEAD = '''\
# SPDX-License-Identifier: Apache-2.0
"""The event table as text, for `event_types`; written by tools/event_table_text.py.

For each code, from 0, up to a semicolon: the direction, "!" where lengths have 32 bits, "~" where
drivers no longer write it, the name, and each parameter with its type and the table of its flags.
Licensed as the table is: falcokit/capture/events/LICENSE.event-table.
"""

__all__ = ["TEXT"]

TEXT = """\\
'''

_NAMES_HEAD = '''\
# SPDX-License-Identifier: Apache-2.0
"""Names of numbers in parameters, for `constants`; written by tools/event_table_text.py.

For each table, up to a semicolon: its name, then names and numbers in the order of the table.
Licensed as the table is: falcokit/capture/events/LICENSE.event-table.
"""

__all__ = ["TEXT"]

TEXT = """\\
'''


def _param(param: Param) -> str:
    kind = param.type.removeprefix("PT_")
    if param.dynamic:
        choices = event_table().dynamic_tables[param.dynamic]
        kind += "/" + "/".join(choice.type.removeprefix("PT_") for choice in choices)
    return f"{param.name}:{kind}@{param.flags}" if param.flags else f"{param.name}:{kind}"


def _words(event: EventType) -> str:
    marks = ("!" if event.large_payload else "") + ("~" if event.flags & _OLD_VERSION else "")
    words = [f"{event.dir}{marks}{event.name}", *map(_param, event.params)]
    return " ".join(words)


def _wrapped(text: str) -> str:
    lines = textwrap.wrap(text, 99, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines) + '\n"""\n'


def module_text() -> str:
    """Return the whole module of the event types."""
    return _HEAD + _wrapped("; ".join(map(_words, event_table().events)))


def names_module_text() -> str:
    """Return the whole module of the names."""
    table = event_table()
    names = {name: dict(flags) for name, flags in table.flags_tables.items()}
    for name, by_number in (
        ("errno", table.errno),
        ("signals", table.signals),
        ("syscalls", table.ppm_sc),
    ):
        names[name] = {text: number for number, text in by_number.items()}
    entries = (
        " ".join([name, *(f"{text}={number}" for text, number in numbers.items())])
        for name, numbers in names.items()
    )
    return _NAMES_HEAD + _wrapped("; ".join(entries))


def write_modules() -> None:
    """Write both modules."""
    MODULE.write_text(module_text())
    NAMES_MODULE.write_text(names_module_text())


if __name__ == "__main__":
    write_modules()
