# SPDX-License-Identifier: Apache-2.0
"""What is known of a plugin class, as one Struct: from reading the class to library and output.

`describe` makes it in a child process and sends it as JSON; `plugin_data` writes it into the
library, `package` the artifact, and the command line shows it. `to_json` is the form that users
see.
"""

# No annotations from __future__: msgspec would evaluate each of them, in every build.
from collections.abc import Callable
from typing import Any, Final, Literal, TypeAlias

import msgspec

__all__ = [
    "Answer",
    "AsyncEventMetadata",
    "Capability",
    "Defaults",
    "Described",
    "ExtractMetadata",
    "Failure",
    "FalcoField",
    "FieldArgument",
    "FieldMetadata",
    "FieldType",
    "ParseMetadata",
    "PluginMetadata",
    "Request",
    "SourceMetadata",
    "to_json",
]

#: Falco's word for each capability, in the order of its API.
Capability: TypeAlias = Literal["source", "extract", "parse", "async", "listen"]
FieldType: TypeAlias = Literal[
    "uint64", "string", "reltime", "abstime", "bool", "ipaddr", "ipnet"
]  # fmt: skip
Property: TypeAlias = Literal["hidden", "info", "conversation"]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


def _prefixed(word: str) -> Callable[[str], str]:
    """Name the members in JSON: `event_types` of two capabilities stand side by side there."""
    return lambda name: f"{word}_{name}" if name.startswith(("event", "types")) else name


class FieldArgument(_Part, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """The argument of a field, as `plugin_get_fields` writes it."""

    is_required: bool = False
    is_index: bool = False
    is_key: bool = False


class FalcoField(_Part, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A field as `plugin_get_fields` describes it to the framework."""

    name: str
    type: FieldType
    is_list: bool
    arg: FieldArgument | None
    display: str | None = None
    desc: str
    add_output: bool = False
    properties: tuple[Property, ...] = ()


class FieldMetadata(_Part, frozen=True, kw_only=True):
    """A field: what the framework reads, and what the glue needs to find its value."""

    json: FalcoField
    attribute: str
    """Of the class: the method, or the declared field."""
    program: str | None
    """A declared field in the bytes that C runs, as hex digits; None for a method."""
    argument: Literal[0, 1, 2, 3]
    """Bits of fk_boot_field.argument."""
    required: bool
    has_offsets: bool


class AsyncEventMetadata(_Part, frozen=True, kw_only=True, rename=_prefixed("async")):
    """The async events that a plugin emits."""

    events: tuple[str, ...] = ()
    event_sources: tuple[str, ...] = ()
    has_dump_state: bool = False


class ExtractMetadata(_Part, frozen=True, kw_only=True, rename=_prefixed("extract")):
    """The fields, and the events that they are extracted from."""

    fields: tuple[FieldMetadata, ...] = ()
    event_types: tuple[int, ...] = ()
    event_sources: tuple[str, ...] = ()
    has_offsets: bool = False


class SourceMetadata(_Part, frozen=True, kw_only=True):
    """The event source. Without a `plugin_id` it gives events of Falco's own source."""

    plugin_id: int
    event_source: str
    has_list_open_params: bool
    has_event_to_string: bool


class ParseMetadata(_Part, frozen=True, kw_only=True, rename=_prefixed("parse")):
    """The events that are parsed: the author's, and the plugin's own async events."""

    types_at_init: bool = False
    """The event types are a property or method, known only after init."""
    event_types: tuple[int, ...] = ()
    event_sources: tuple[str, ...] = ()


class PluginMetadata(_Part, frozen=True, kw_only=True):
    """A plugin class, and the Python in which it was imported."""

    name: str
    version: str
    description: str
    contact: str
    init_schema: dict[str, Any] | None
    has_config: bool
    has_metrics: bool
    capabilities: tuple[Capability, ...]
    async_event: AsyncEventMetadata
    extract: ExtractMetadata
    source: SourceMetadata | None
    parse: ParseMetadata
    warnings: tuple[str, ...]
    has_nested_tables: bool
    imports_tables: bool
    required_api_version: str
    required_event_schema_version: str
    file: str | None
    line: int | None
    executable: str
    stdlib: str
    paths: tuple[str, ...]

    @property
    def api_minor(self) -> int:
        """The minor version of the plugin API that is required; the major one is 3."""
        return int(self.required_api_version.split(".")[1])


_PARTS: Final = frozenset({"async_event", "extract", "source", "parse"})


def to_json(metadata: PluginMetadata) -> dict[str, Any]:
    """Return what `build --json` shows: the members of all parts side by side."""
    shown: dict[str, Any] = {}
    for key, value in msgspec.to_builtins(metadata).items():
        shown |= (value or {}) if key in _PARTS else {key: value}
    return shown


class Defaults(_Part, frozen=True, kw_only=True):
    """What pyproject.toml says, for a class that does not say it."""

    name: str | None = None
    version: str | None = None
    description: str | None = None
    contact: str | None = None


class Request(_Part, frozen=True, kw_only=True):
    """What the child is asked: to describe the class `target`, "module:Class"."""

    target: str
    source_dir: str
    defaults: Defaults


class Failure(_Part, frozen=True, kw_only=True, tag="failure"):
    """Why a class cannot be described."""

    message: str
    hint: str | None
    file: str | None
    line: int | None


class Described(_Part, frozen=True, kw_only=True, tag="described"):
    """The class can be described."""

    metadata: PluginMetadata


Answer: TypeAlias = Described | Failure
