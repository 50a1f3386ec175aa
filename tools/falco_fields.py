# SPDX-License-Identifier: Apache-2.0
"""Write falcokit/rules/falco_fields.json: the fields that Falco itself has.

    python -m tools.falco_fields [SYSDIG]      done by `make update-api`

SYSDIG is a sysdig to ask (`-lv` lists the fields of its libsinsp); without it, it is what
tests/hosts/get-host.sh fetched. Names, types and limits are taken, no descriptions. What Falco has
and lists nowhere, and how it prints what is no plain number, stands here.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["FIELDS", "document", "main"]

FIELDS: Final = Path(__file__).parents[1] / "falcokit" / "rules" / "falco_fields.json"

_SYSDIG: Final = Path("~/.cache/falcokit-host/sysdig").expanduser()
#: The class whose fields every source has.
_GENERIC: Final = "evt (All event types)"
_FIELD: Final = re.compile(r"([a-z][a-zA-Z0-9_.]*) +\(Type: (\w+)\)(?: \(([A-Z_,]+)\))? ")
#: Type names of the listing that stand for others.
_TYPES: Final = {"LIST": "CHARBUF"}
#: Falco has these and lists them nowhere: deprecated, or for sysdig's tables.
_UNLISTED: Final = {
    **{f"evt.latency{end}": "RELTIME" for end in ("", ".s", ".ns")},
    "evt.latency.quantized": "UINT64",
    "evt.latency.human": "CHARBUF",
    "evt.outputtime": "CHARBUF",
    "evt.dir": "CHARBUF",
    "evt.wait_latency": "RELTIME",
    "evt.count.procinfo": "UINT32",
    "evt.count.threadinfo": "UINT32",
    **{
        f"evt.buflen.{end}": "UINT64"
        for end in ("in", "out", "file", "file.in", "file.out", "net", "net.in", "net.out")
    },
    "thread.nametid": "CHARBUF",
    "thread.vmsize.b": "UINT64",
    "thread.vmrss.b": "UINT64",
    "util.cnt": "UINT64",
}  # fmt: skip
#: Fields of nanoseconds that are printed with nine digits at least, and one in hexadecimal.
_NINE_DIGITS: Final = (
    "evt.rawtime.ns", "evt.reltime", "evt.reltime.ns", "evt.latency.ns", "evt.deltatime.ns",
)  # fmt: skip
_HEXADECIMAL: Final = ("fd.dev",)
#: Whose argument is behind a dot, and which of these can be without one.
_DOTTED: Final = ("evt.arg", "evt.rawarg", "evt.type.is", "evt.abspath", "thread.cgroup")
_BARE: Final = ("evt.abspath",)
#: Whose argument in brackets is any text; others with an argument take a number.
_KEYED: Final = ("proc.env", "proc.aenv")


def _classes(listing: str) -> Iterator[tuple[str, str]]:
    for part in listing.split("\n-------------------------------\n"):
        found = re.search(r"^Field Class: +(.*?) *$", part, re.MULTILINE)
        if found:
            yield found[1], part


def _entry(name: str, kind: str, flags: Sequence[str]) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": name, "type": _TYPES.get(kind, kind)}
    if "EPF_IS_LIST" in flags:
        entry["is_list"] = True
    if name in _DOTTED:
        entry["dotted"] = True
    if name == "evt.arg" or (name not in _DOTTED and {"ARG_REQUIRED", "ARG_ALLOWED"} & set(flags)):
        entry["bracket"] = "key" if name in _KEYED else "index"
    if "ARG_REQUIRED" in flags and name not in _BARE:
        entry["required"] = True
    if "EPF_NO_RHS" in flags:
        entry["right"] = False
    if "EPF_NO_TRANSFORMER" in flags:
        entry["transformable"] = False
    if "FILTER_ONLY" in flags:
        entry["filter_only"] = True
    if name in _NINE_DIGITS:
        entry["print"] = "nine digits"
    elif name in _HEXADECIMAL:
        entry["print"] = "hexadecimal"
    return entry


def document(listing: str, version: str) -> dict[str, Any]:
    """Return what falco_fields.json is for a listing of `sysdig -lv`."""
    generic: list[dict[str, Any]] = []
    syscall: list[dict[str, Any]] = []
    for name, part in _classes("\n" + listing):
        found = generic if name == _GENERIC else syscall
        for line in part.splitlines():
            field = _FIELD.match(line + " ")
            if field:
                found.append(_entry(field[1], field[2], (field[3] or "").split(",")))
    known = {entry["name"] for entry in (*generic, *syscall)}
    for name, kind in _UNLISTED.items():
        if name not in known:
            syscall.append({**_entry(name, kind, ()), "unlisted": True})
    source = {"written_by": "tools/falco_fields.py", "listed_by": version}
    return {"source": source, "generic": generic, "syscall": syscall}


def main(arguments: Sequence[str]) -> None:
    """Ask sysdig and write the file."""
    sysdig = arguments[0] if arguments else str(_SYSDIG)
    ask = [[sysdig, "-lv"], [sysdig, "--version"]]
    listing, version = (
        subprocess.run(a, check=True, capture_output=True, text=True).stdout for a in ask
    )
    new = document(listing, version.strip())
    parts = [f' "source": {json.dumps(new["source"])}']
    for part in ("generic", "syscall"):
        rows = ",\n  ".join(map(json.dumps, new[part]))
        parts.append(f' "{part}": [\n  {rows}\n ]')
    FIELDS.write_text("{\n" + ",\n".join(parts) + "\n}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
