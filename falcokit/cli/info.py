# SPDX-License-Identifier: Apache-2.0
"""`falcokit info`: what Falco sees of a plugin, and the same as Markdown, kept in a README."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from falcokit.cli import console
from falcokit.cli.format import capability_names
from falcokit.cli.inspect.report import Report, Table, columns
from falcokit.errors import ConfigError, FalcokitError, NotAPluginError
from falcokit.project.settings import load_project

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from falcokit.build.about import LibraryAbout
    from falcokit.cli.options import InfoOptions

__all__ = ["BEGIN", "END", "config_rows", "info", "markdown", "with_section"]

BEGIN: Final = "<!-- falcokit info -->"
END: Final = "<!-- /falcokit info -->"
_WRITTEN: Final = "<!-- Written by `falcokit info --markdown`: what is edited here is lost. -->"
_MARKS_HINT: Final = f"write these two lines into it, where the section is to be:\n{BEGIN}\n{END}"
_FENCES: Final = ("```", "~~~")
#: Of a schema: what stands behind the type, and how.
_BOUNDS: Final = (
    ("minimum", ">= {}"),
    ("exclusiveMinimum", "> {}"),
    ("maximum", "<= {}"),
    ("exclusiveMaximum", "< {}"),
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("minItems", "at least {} items"),
    ("maxItems", "at most {} items"),
    ("pattern", "matches {}"),
)
_MAX_DEPTH: Final = 8


def info(options: InfoOptions) -> None:
    """Describe the plugin, and show it or keep it in a file."""
    if options.check and options.markdown in {None, "-"}:
        raise ConfigError("--check compares the section of a file: give --markdown, too")
    about, folder = _about(options)
    if options.markdown is None:
        if options.as_json:
            console.json_line(msgspec.to_builtins(about))
        else:
            from falcokit.cli.inspect.output import show_report  # noqa: PLC0415

            show_report(_report(about))
    elif options.markdown == "-":
        console.data(markdown(about))
    else:
        _keep(folder / options.markdown, about, options)


def _about(options: InfoOptions) -> tuple[LibraryAbout, Path]:
    """Return what is described, and the folder that relative names are in."""
    library = options.library
    if library is None:
        project = load_project(options.project)
        from falcokit.build.about import library_about  # noqa: PLC0415
        from falcokit.build.build_project import describe_project  # noqa: PLC0415

        return library_about(describe_project(project)), project.root
    if not library.is_file():
        raise ConfigError(f"{library}: no such file", hint="`falcokit build` makes build/*.so")
    from falcokit.package.artifact.library_facts import library_facts  # noqa: PLC0415

    about = library_facts(library).about
    if about is None:
        raise NotAPluginError(
            f"{library.name} does not say what it is to who does not load it",
            hint=f"falcokit inspect --load {library} loads it, which runs its code",
        )
    return about, Path()


# ---- on the screen ------------------------------------------------------------------------------


def _report(about: LibraryAbout) -> Report:
    shown = console.printable
    facts = [("Description", about.description), ("Contact", about.contact), *_facts(about)]
    tables = (
        ("Fields", ("field", "type", "argument", "description"), _field_rows(about)),
        ("Init config", ("key", "type", "default", "meaning"), config_rows(about.init_schema)),
    )
    return Report(
        title=shown(f"{about.plugin} {about.version}"),
        facts=tuple((label, shown(text)) for label, text in facts),
        tables=tuple(
            Table(
                title=title, columns=columns(*names), rows=tuple(tuple(map(shown, r)) for r in rows)
            )
            for title, names, rows in tables
            if rows
        ),
    )


def _facts(about: LibraryAbout) -> Iterator[tuple[str, str]]:
    """Yield what has one line: label and text."""
    has = about.capabilities
    yield "Capabilities", capability_names(has) or "none"
    yield "Plugin API", f"{about.required_api} or newer"
    if about.event_source:
        number = f"plugin ID {about.plugin_id}" if about.plugin_id else "Falco's own events"
        yield "Event source", f"{about.event_source} ({number})"
    if about.async_events:
        where = ", ".join(about.async_event_sources) or "any source"
        yield "Async events", f"{', '.join(about.async_events)} ({where})"
    if "extract" in has:
        yield "Fields for", ", ".join(about.extract_event_sources) or "any source"
    if "parse" in has:
        yield "Parses", ", ".join(about.parse_event_sources) or "any source"


def _field_rows(about: LibraryAbout) -> list[tuple[str, str, str, str]]:
    return [
        (
            str(field.get("name", "")),
            f"list of {field.get('type')}" if field.get("isList") else str(field.get("type", "")),
            _argument_text(field.get("arg")),
            str(field.get("desc", "")),
        )
        for field in about.fields
        if isinstance(field, dict)
    ]


def _argument_text(argument: Any) -> str:
    if not isinstance(argument, dict):
        return ""
    kinds = [word for key, word in (("isIndex", "index"), ("isKey", "key")) if argument.get(key)]
    text = " or ".join(kinds)
    return text if argument.get("isRequired") or not text else f"{text}, optional"


def config_rows(schema: Any, prefix: str = "", depth: int = 0) -> list[tuple[str, str, str, str]]:
    """Return a row for each key of a JSON schema: key, type, default and meaning.

    The schema may be a stranger's: what is not understood is left out.
    """
    if isinstance(schema, str):
        try:
            schema = json.loads(schema)
        except (ValueError, RecursionError):
            return []
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict) or depth > _MAX_DEPTH:
        return []
    required = schema.get("required") or ()
    rows = []
    for key, value in properties.items():
        if not isinstance(value, dict):
            continue
        default = "required" if key in required else _json(value.get("default"), "default" in value)
        meaning = str(value.get("description") or value.get("title") or "")
        rows.append((f"{prefix}{key}", _type_text(value), default, meaning))
        rows += config_rows(value, f"{prefix}{key}.", depth + 1)
        items = value.get("items")
        rows += config_rows(items, f"{prefix}{key}[].", depth + 1) if items else []
    return rows


def _type_text(schema: Mapping[str, Any]) -> str:
    bounds = [text.format(schema[key]) for key, text in _BOUNDS if key in schema]
    return ", ".join([_kind(schema), *bounds])


def _kind(schema: Any) -> str:
    if not isinstance(schema, dict):
        return "any"
    if isinstance(values := schema.get("enum"), list):
        return " or ".join(json.dumps(value) for value in values)
    if isinstance(choices := schema.get("anyOf") or schema.get("oneOf"), list):
        return " or ".join(dict.fromkeys(map(_kind, choices)))
    kind = schema.get("type", "any")
    if isinstance(kind, list):
        return " or ".join(map(str, kind))
    if kind == "array" and isinstance(schema.get("items"), dict):
        return f"list of {_kind(schema['items'])}"
    return str(kind)


def _json(value: Any, there: bool) -> str:
    return json.dumps(value, ensure_ascii=False) if there else ""


# ---- as Markdown --------------------------------------------------------------------------------


def markdown(about: LibraryAbout) -> str:
    """Return what Falco sees as Markdown.

    The version is not in it, so that a section does not grow old with each release.
    """
    lines = [_WRITTEN, "", *_table(("", ""), _facts(about))]
    rows: Iterable[tuple[str, ...]] = _field_rows(about)
    if rows:
        named = [(_code(name), *rest) for name, *rest in rows]
        lines += ["", *_table(("field", "type", "argument", "description"), named)]
    if rows := config_rows(about.init_schema):
        named = [(_code(key), kind, _code(default), what) for key, kind, default, what in rows]
        lines += ["", *_table(("init config", "type", "default", "meaning"), named)]
    return "\n".join(lines)


def _table(titles: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Yield the lines of a table; a column without anything in it is left out."""
    rows = list(rows)
    shown = [at for at in range(len(titles)) if any(row[at] for row in rows)]
    for row in (titles, ("---",) * len(titles), *rows):
        cells = [_cell(row[at]) for at in shown]
        yield "".join(f"| {cell} " if cell else "| " for cell in cells) + "|"


def _cell(text: str) -> str:
    return console.printable(" ".join(text.split())).replace("|", "\\|").replace("<", "&lt;")


def _code(text: str) -> str:
    return f"`{text}`" if text and text != "required" and "`" not in text else text


def _keep(file: Path, about: LibraryAbout, options: InfoOptions) -> None:
    """Bring the section of a file up to date, or with --check only look whether it is."""
    try:
        text = file.read_bytes().decode()
        fresh = with_section(text, markdown(about), str(file))
        changed = fresh != text
        if options.check and changed:
            raise FalcokitError(
                f"{file} is not up to date with the plugin", hint="run falcokit info --markdown"
            )
        if changed:
            file.write_bytes(fresh.encode())
    except UnicodeDecodeError as e:
        raise ConfigError(f"{file} is not UTF-8") from e
    except OSError as e:
        raise ConfigError(
            f"{file}: {e.strerror}", hint="--markdown FILE names another, --markdown - is stdout"
        ) from e
    if options.as_json:
        console.json_line({"file": str(file), "changed": changed})
        return
    console.message(f"{file}: {'brought up to date' if changed else 'up to date'}")


def with_section(text: str, section: str, name: str) -> str:
    """Return `text` with `section` between its marks; what is in fenced blocks is no mark.

    Raises:
        ConfigError: the marks are not there once each, in their order; `name` is the file's.

    """
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = text.split(newline)
    begins, ends, fence = [], [], ""
    for at, line in enumerate(line.strip() for line in lines):
        if fence:
            fence = "" if line.startswith(fence) else fence
        elif line.startswith(_FENCES):
            fence = line[:3]
        elif line == BEGIN:
            begins.append(at)
        elif line == END:
            ends.append(at)
    if not begins and not ends:
        raise ConfigError(f"{name} has no marks for the section", hint=_MARKS_HINT)
    if len(begins) != 1 or len(ends) != 1 or begins > ends:
        raise ConfigError(
            f"{name}: the marks of the section must be there once each, the first one first",
            hint=_MARKS_HINT,
        )
    kept = [*lines[: begins[0] + 1], *section.split("\n"), *lines[ends[0] :]]
    return newline.join(kept)
