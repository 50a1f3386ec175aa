# SPDX-License-Identifier: Apache-2.0
"""`falcokit inspect LIB.so`, or an artifact: what Falco would see in it.

The library is not loaded, and none of its code runs, unless --load is given.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from falcokit.capture.format.text import safe_text
from falcokit.cli.format import capability_names, count_of, size_text
from falcokit.cli.inspect.report import Report, Table, columns
from falcokit.package.link.glibc import fits, format_version

if TYPE_CHECKING:
    from falcokit.build.about import LibraryAbout
    from falcokit.package.artifact.library_facts import LibraryFacts

__all__ = ["library_object", "library_report"]


def library_report(facts: LibraryFacts) -> Report:
    """Return the facts as a report."""
    about = facts.about
    rows = [("Metadata", _origin(facts))]
    if about is not None:
        rows += [
            ("Plugin", f"{about.plugin} {about.version}"),
            ("Description", about.description),
            ("Contact", about.contact),
            ("Plugin API", f"{about.required_api} or newer"),
        ]
    rows.append(("Capabilities", capability_names(facts.capabilities) or "none"))
    if about is not None:
        rows += _capability_rows(about)
    rows += [
        ("File", size_text(facts.size)),
        ("Exports", f"{len(facts.exports)} symbols, {_foreign(facts.exports)}"),
        ("Needs", ", ".join(facts.needed)),
        ("glibc", _floor_text(facts)),
    ]
    if facts.carried is not None:
        carried = facts.carried
        rows.append(("Packaged", f"with CPython {carried.python}, key {carried.key}"))
        held = ", ".join(f"{name} {version}" for name, version in carried.distributions.items())
        rows.append(("Packages", held or "none"))
    return Report(
        title=safe_text(facts.path.name),
        facts=tuple((label, safe_text(str(text))) for label, text in rows),
        tables=tuple(table for table in (_fields(facts), _items(facts)) if table is not None),
    )


def _capability_rows(about: LibraryAbout) -> list[tuple[str, str]]:
    rows = []
    if about.event_source:
        rows.append(("Source", f"{about.event_source}, plugin ID {about.plugin_id}"))
    if about.async_events:
        sources = ", ".join(about.async_event_sources) or "any source"
        rows.append(("Async events", f"{', '.join(about.async_events)} ({sources})"))
    for capability, label, names in (
        ("extract", "Fields for", about.extract_event_sources),
        ("parse", "Parses", about.parse_event_sources),
    ):
        if capability in about.capabilities:
            rows.append((label, ", ".join(names) or "any source"))
    if about.init_schema:
        rows.append(("Init config", _config_text(about.init_schema)))
    return rows


def _origin(facts: LibraryFacts) -> str:
    if facts.is_loaded:
        return "what its own functions answer: it was loaded"
    if facts.about is not None:
        return "as the file describes itself; it was not loaded (--load runs its code)"
    return "only what can be read without loading it; --load asks it, and runs its code"


def _config_text(schema: Any) -> str:
    text = schema if isinstance(schema, str) else json.dumps(schema)
    try:
        properties = json.loads(text).get("properties", {})
    except (ValueError, AttributeError):
        return "a schema that is not JSON"
    return ", ".join(properties) or "a schema without properties"


def _foreign(exports: tuple[str, ...]) -> str:
    others = [name for name in exports if not name.startswith("plugin_")]
    if not others:
        return "all of them plugin_*"
    return f"{count_of(len(others), 'foreign one')}: {', '.join(others[:3])}"


def _floor_text(facts: LibraryFacts) -> str:
    floor = facts.floor
    because = f" ({floor.file})" if floor.file and len(floor.files) > 1 else ""
    names = [f"{name} {glibc}" for name, glibc, ok in fits(floor.version) if not ok]
    unfit = f"; too new for {', '.join(names)}" if names else ""
    return f"{format_version(floor.version)} or newer{because}{unfit}"


def _fields(facts: LibraryFacts) -> Table | None:
    fields = facts.about.fields if facts.about else ()
    if not fields:
        return None
    rows = tuple(
        tuple(safe_text(text) for text in _field_row(field))
        for field in fields
        if isinstance(field, dict)
    )
    has_arguments = any(row[2] for row in rows)
    names = ("field", "type", *(("argument",) if has_arguments else ()), "description")
    shown = rows if has_arguments else tuple((row[0], row[1], row[3]) for row in rows)
    return Table(title="Fields", columns=columns(*names), rows=shown)


def _field_row(field: dict[str, Any]) -> tuple[str, str, str, str]:
    """Return name, type, argument and description; the library may be a stranger's."""
    name, kind, desc = (str(field.get(key, "")) for key in ("name", "type", "desc"))
    given = field.get("arg")
    arg = given if isinstance(given, dict) else {}
    kinds = [word for word, key in (("index", "isIndex"), ("key", "isKey")) if arg.get(key)]
    how = " or ".join(kinds) + ("" if arg.get("isRequired") or not kinds else ", optional")
    return name, f"list of {kind}" if field.get("isList") else kind, how, desc


def _items(facts: LibraryFacts) -> Table | None:
    if facts.carried is None:
        return None
    items = sorted(facts.carried.items, key=lambda item: -item.bytes)
    rows = tuple((safe_text(i.name), f"{i.bytes:,}", safe_text(i.module or "")) for i in items)
    return Table(title="Payload", columns=columns("file", ">bytes", "module"), rows=rows)


def library_object(facts: LibraryFacts) -> dict[str, Any]:
    """Return the facts as one document."""
    carried, about = facts.carried, facts.about
    return {
        "version": 1,
        "kind": "library",
        "file": str(facts.path),
        "bytes": facts.size,
        "loaded": facts.is_loaded,
        "metadata": msgspec.to_builtins(about) if about else {"capabilities": facts.capabilities},
        "exports": list(facts.exports),
        "needed": list(facts.needed),
        "glibc": {"floor": format_version(facts.floor.version), "file": facts.floor.file},
        "payload": carried
        and {
            "key": carried.key,
            "python": carried.python,
            "distributions": carried.distributions,
            "items": [
                {"name": i.name, "bytes": i.bytes, "module": i.module} for i in carried.items
            ],
        },
    }
